"""Many files to one array."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mind_keras.data.media.faults import Faults

Progress = Callable[[str, int, float], None]


def read_all(
    paths: Sequence[Path],
    read: Callable[[Path], np.ndarray],
    shape: tuple[int, ...],
    *,
    faults: Faults,
    dtype: str = "float32",
    progress: Progress = lambda stage, done, fraction: None,
    stage: str = "files",
) -> tuple[np.ndarray, np.ndarray]:
    """All files read, and which could be.

    Args:
        paths: One file for each row.
        read: A file to an array of that shape; raises ValueError for what is wrong.
        shape: Of a row.
        faults: Where what is wrong is noted.
        dtype: Of the result.
        progress: Called as `progress(stage, rows done, fraction)`.
        stage: A word for it.

    Returns:
        `(n, *shape)`, zeros where a file could not be read, and `(n,)` of bool.

    Example:
        >>> faults = Faults("here", "skip")
        >>> rows, fine = read_all([Path("a")], lambda path: np.ones(2), (2,),
        ...                       faults=faults)
        >>> rows.tolist(), fine.tolist()
        ([[1.0, 1.0]], [True])
    """
    rows, fine = np.zeros((len(paths), *shape), dtype), np.zeros(len(paths), bool)
    for k, path in enumerate(paths):
        try:
            rows[k], fine[k] = read(path), True
        except ValueError as error:
            faults.add(path, error)
        if k % 50 == 49:
            progress(stage, k + 1, (k + 1) / len(paths))
    return rows, fine
