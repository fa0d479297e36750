"""Ask an exported file, in a process that knows no Keras model, and compare.

The rows and the answers go through files. Whatever goes wrong there is an answer too:
`UnansweredError`, with the other process's last words.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mind_keras.process import failure

TOLERANCE = 1e-5
RUNTIMES = Path(__file__).with_name("runtimes.py")


class UnansweredError(ValueError):
    """The runtime could not load the file, or not answer."""


def ask(file: Path, format: str, x: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What an exported file says, of the first row alone and of the rest together.

    Args:
        file: The file, or the folder of a SavedModel.
        format: A name of `FORMATS`.
        x: `{modality: rows}`.

    Returns:
        `{head: (rows, labels)}`, as the file names its heads.

    Raises:
        UnansweredError: If it has no answer.
    """
    with tempfile.TemporaryDirectory() as scratch:
        rows, answers = Path(scratch) / "rows.npz", Path(scratch) / "answers.npz"
        np.savez(rows, **x)
        # -P: the script's neighbours must not pass for other packages' modules.
        words = ["-P", RUNTIMES, format, file, rows, answers]
        if last_words := failure(words, "tensorflow"):
            raise UnansweredError(last_words)
        with np.load(answers, allow_pickle=False) as said:
            return dict(said)


def difference(said: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference of two answers.

    Relative to the largest answer where that is above 1, since a logit of 100 has no
    more digits than one of 1.

    Returns:
        Never negative; infinite where the shapes differ or an answer is not a number.

    Example:
        >>> expected = np.array([[0.0], [1.0]])
        >>> difference(np.array([[0.25], [1.0]]), expected)
        0.25
        >>> difference(expected * 100 + 10, expected * 100)
        0.1
    """
    if said.shape != expected.shape:
        return float("inf")
    gap = np.abs(said.astype("float64") - expected)
    if not np.isfinite(gap).all():
        return float("inf")
    return float(gap.max() / max(1.0, np.abs(expected).max()))
