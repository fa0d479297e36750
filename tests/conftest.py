"""What all tests share: one seed and one thread.

Imports no Keras: tests of tables need none.
"""

import sys

import pytest


@pytest.fixture(autouse=True)
def _same_start():
    if "torch" in sys.modules:
        # Two threads on a busy machine of two cores: 82 s for what takes 4 s with one.
        sys.modules["torch"].set_num_threads(1)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)
