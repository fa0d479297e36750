"""Arrays of .npy files, the layout of the published S-MNIST.

Khacef et al. (2020), Written and spoken digits database for multimodal learning,
https://zenodo.org/records/4452953: `data_wr_*` (784 pixels a row), `data_sp_*` (39
time steps by 13 coefficients) and `labels_*`, for train and test, aligned by row.
"""

import hashlib
from pathlib import Path

import numpy as np

SPLITS = ("train", "test")
WRITTEN, SPOKEN = (28, 28, 1), (39, 13, 1)
NAMES = [f"{kind}_{s}.npy" for s in SPLITS for kind in ("data_wr", "data_sp", "labels")]


def read_pairs(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, speech and digits of `"train"` or `"test"`.

    Returns:
        `(n, 28, 28, 1)`, `(n, 39, 13, 1)`, both float32, and `(n,)`.

    Raises:
        ValueError: If a file is corrupt, or its shape does not fit the others.
    """
    images = _read(folder / f"data_wr_{split}.npy", WRITTEN)
    speech = _read(folder / f"data_sp_{split}.npy", SPOKEN)
    digits = _load(folder / f"labels_{split}.npy").reshape(-1)
    if not len(images) == len(speech) == len(digits):
        raise ValueError(
            "The three files of a split must have one row for each sample. Received: "
            f"{len(images):,} images, {len(speech):,} utterances and {len(digits):,} "
            f"labels for {split!r} in {folder}."
        )
    return images, speech, digits


def fingerprints(rows: np.ndarray) -> np.ndarray:
    """A text for each row, equal where the rows are, `(n,)`.

    Example:
        >>> a, b, c = fingerprints(np.array([[1.0], [2.0], [1.0]]))
        >>> a == c, a == b
        (True, False)
    """
    digest = [hashlib.blake2b(row.tobytes(), digest_size=8) for row in rows]
    return np.array([one.hexdigest() for one in digest])


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    array = _load(path)
    if array.ndim < 2 or np.prod(array.shape[1:]) != np.prod(shape):
        raise ValueError(
            f"Rows must hold {np.prod(shape)} numbers. Received: {path} of shape "
            f"{array.shape}."
        )
    return array.reshape(-1, *shape).astype("float32")


def _load(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(
            f"An .npy file must be whole, and of plain numbers. Received: {path} "
            f"({error})."
        ) from None
    if array.dtype.kind not in "buif":
        raise ValueError(
            f"An .npy file must hold numbers. Received: {path} of {array.dtype}."
        )
    return array
