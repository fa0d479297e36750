"""A small twin that tests share: generated once in a process, read by all."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import numpy as np

from mind_keras.data.twin.generate import generate

IMAGE_HEIGHT = 64


@functools.cache
def twin(stays: int = 120, seed: int = 0) -> Path:
    """The folder of a twin, with `mimic-iv` and `mimic-cxr-jpg`. Do not write to it."""
    folder = Path(tempfile.mkdtemp(prefix="twin"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    generate(folder / "twin", stays=stays, seed=seed, image_height=IMAGE_HEIGHT)
    return folder / "twin"


def assert_share(truth, expected: float, slack: float = 0.0) -> None:
    """Within 4 standard errors of a binomial, and what else is known to move it."""
    noise = 4 * np.sqrt(expected * (1 - expected) / len(truth))
    assert abs(np.mean(truth) - expected) <= noise + slack, np.mean(truth)
