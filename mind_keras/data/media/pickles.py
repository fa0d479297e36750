"""LUMA's pickled images to .npz files: the one place where a pickle is opened.

A pickle is a program: to open one is to run what its author, or whoever changed the
file on its way, wrote into it. So this happens on the user's word alone, and what a
pickle may ask for is a list, `ALLOWED`: the parts of tables and arrays. The list makes
an attack harder, not impossible. To read what another pandas wrote: add its names.
"""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.atomic import atomic_path

PATTERN = "image_data*.pickle"
# How NumPy 1 and 2 and pandas 2 and 3 put arrays and tables together.
ALLOWED = {
    "builtins": {"bytearray", "slice"},
    "numpy": {"dtype", "ndarray"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy._core.numeric": {"_frombuffer"},
    "pandas": {"DataFrame", "Index", "RangeIndex", "StringDtype"},
    "pandas._libs.internals": {"_unpickle_block"},
    "pandas.arrays": {"ArrowStringArray", "StringArray"},
    "pandas.core.frame": {"DataFrame"},
    "pandas.core.indexes.base": {"Index", "_new_Index"},
    "pandas.core.indexes.range": {"RangeIndex"},
    "pandas.core.internals.managers": {"BlockManager"},
    "pyarrow.lib": {"_restore_array", "py_buffer", "type_for_alias"},
}


class _Tables(pickle.Unpickler):
    """An unpickler that knows tables and arrays alone."""

    def find_class(self, module: str, name: str) -> object:
        if name not in ALLOWED.get(module, ()):
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def convert_luma(
    folder: str | Path, output: str | Path, *, trust_pickle: bool, overwrite: bool
) -> dict[str, int]:
    """Every `image_data*.pickle` of a folder as an .npz file of `image` and `label`.

    Args:
        folder: Where LUMA's tool wrote its pickles.
        output: Where the .npz files go; the same folder will do.
        trust_pickle: Must be True: the user knows where the files come from, and that
            opening them can run anything that is in them.
        overwrite: Whether .npz files that exist are replaced.

    Returns:
        `{name of the file: number of images}`.

    Raises:
        ValueError: If `trust_pickle` is not True, there is no such file, one exists
            already, or one is no table of images of one size.
    """
    folder, output = Path(folder), Path(output)
    paths = sorted(folder.glob(PATTERN))
    if not paths:
        raise ValueError(
            f"A folder of LUMA must hold {PATTERN}. Received: {folder}, without. "
            "LUMA's own compile_dataset.py makes them."
        )
    if trust_pickle is not True:
        raise ValueError(
            "To open a pickle runs the code that is in it: whoever made or changed the "
            "file can do with this computer what you can. Received: "
            f"{[path.name for path in paths]} and no consent. If you made these files "
            "yourself, or trust who did, say --trust-pickle."
        )
    targets = {path: output / f"{path.stem}.npz" for path in paths}
    existing = [target for target in targets.values() if target.exists()]
    if existing and not overwrite:
        raise ValueError(
            f"The output must not exist. Received: {', '.join(map(str, existing))}. "
            "Replace it by --overwrite, or choose another --output."
        )
    output.mkdir(parents=True, exist_ok=True)
    counts = {}
    for path, target in targets.items():
        image, label = _images(path)
        with atomic_path(target) as part:
            np.savez(part, image=image, label=label)
        counts[target.name] = len(label)
    return counts


def _images(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The images `(n, height, width, 3)`, uint8, and labels, text, of a pickle."""
    try:
        with path.open("rb") as file:
            table = _Tables(file).load()
    except Exception as error:  # A broken pickle may raise anything.
        raise ValueError(
            f"A pickle must hold a pandas table and nothing else. Received: {path}: "
            f"{type(error).__name__}, {error}. Do not open it by other means unless "
            "you know what it is."
        ) from None
    if not isinstance(table, pd.DataFrame) or not {"image", "label"} <= set(table):
        raise ValueError(
            "A pickle must hold a table with the columns image and label. Received: "
            f"{path} with {type(table).__name__}."
        )
    kinds = {(*np.shape(one), str(np.asarray(one).dtype)) for one in table["image"]}
    if len(kinds) != 1 or next(iter(kinds))[2:] != (3, "uint8"):
        raise ValueError(
            "Images must be arrays of one shape (height, width, 3), of bytes. "
            f"Received: {path} with {sorted(map(str, kinds))[:3]}."
        )
    return np.stack(table["image"].tolist()), table["label"].astype(str).to_numpy("U")
