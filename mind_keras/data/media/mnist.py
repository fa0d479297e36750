"""MNIST's images as users have them: Keras' `mnist.npz`, or the four idx files."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mind_keras.data.media.idx import read_idx

ARRAYS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}
# As LeCun named them; some mirrors put a dot for the second hyphen.
FILES = {
    "train": ("train-images{}idx3-ubyte", "train-labels{}idx1-ubyte"),
    "test": ("t10k-images{}idx3-ubyte", "t10k-labels{}idx1-ubyte"),
}
NEEDS = "mnist.npz|" + "|".join(
    FILES["train"][0].format(mark) + end for mark in "-." for end in ("", ".gz")
)


def read_mnist(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """`{"train", "test": (images, digits)}`, `(n, 28, 28)` and `(n,)`, both uint8.

    Raises:
        ValueError: If a file is missing or corrupt, or images and digits do not match.
    """
    npz = folder / "mnist.npz"
    parts = {}
    for split in FILES:
        names = ARRAYS[split] if npz.is_file() else FILES[split]
        images, digits = (
            read_member(npz, name) if npz.is_file() else read_idx(_find(folder, name))
            for name in names
        )
        if images.shape[1:] != (28, 28) or digits.shape != images.shape[:1]:
            raise ValueError(
                "MNIST must have images (n, 28, 28) and a digit for each. Received: "
                f"{images.shape} and {digits.shape} for {split!r} in {folder}."
            )
        parts[split] = images, digits
    return parts


def read_member(path: Path, name: str) -> np.ndarray:
    """One array of an .npz file.

    Raises:
        ValueError: If the file is corrupt, lacks the array, or holds pickled objects.
    """
    try:
        # Opened here: NumPy leaves a broken one open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return file[name]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ValueError(
            f"An .npz file must be whole and hold the array {name!r}, of plain "
            f"numbers or text. Received: {path} ({error})."
        ) from None


def _find(folder: Path, name: str) -> Path:
    for mark in "-.":
        for end in ("", ".gz"):
            path = folder / (name.format(mark) + end)
            if path.is_file():
                return path
    raise ValueError(
        f"MNIST must have four idx files. Received: {folder}, without "
        f"{name.format('-')} (or .gz)."
    )
