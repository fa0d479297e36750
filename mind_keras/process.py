"""Another Python process, on a backend of its own: a process has one for good."""

import os
import subprocess
import sys
from collections.abc import Sequence


def failure(words: Sequence[object], backend: str) -> str | None:
    """Run Python, and wait for it.

    Args:
        words: What comes after `python`.
        backend: The `KERAS_BACKEND` there.

    Returns:
        The last words of a process that failed, None of one that did not.

    Example:
        >>> failure(["-c", "import os; os.environ['KERAS_BACKEND']"], "jax")
        >>> failure(["-c", "raise SystemExit('no more')"], "jax")
        'no more'
    """
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.returncode:
        return None
    return (done.stderr.strip().splitlines() or ["the process died"])[-1]
