"""New samples without labels, from a file of raw values, for prediction.

A `.csv` holds tables: column `id`, optional `group`, and a column per feature. A
`.npz` holds arrays of any shape. To add a format: write a reader
`(path, spec) -> (ids, group, x, rows)` and name its suffix in `READERS`.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mind_keras.data.checks import check_ids, check_modality, check_names
from mind_keras.data.csv_table import read_csv
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.presence import Presence
from mind_keras.spec import Spec


@dataclass(frozen=True, eq=False, repr=False)
class Unlabelled(Presence):
    """Samples to predict: the rows that exist, ready for the model.

    Args:
        id: Names of the samples, `(n,)`, all different.
        x: `{modality: (n_m, *shape)}`, every modality of the spec, maybe no rows.
        rows: `{modality: (n_m,)}`, the sample each row belongs to.
        group: Patient of each sample, `(n,)`.

    Example:
        >>> x = {"a": np.zeros((1, 2)), "b": np.zeros((2, 3))}
        >>> rows = {"a": np.array([1]), "b": np.array([0, 1])}
        >>> ids = np.array([7, 8])
        >>> Unlabelled(ids, x, rows, group=ids)
        Unlabelled(2 samples; a+b: 1, b: 1)
    """

    id: np.ndarray
    x: dict[str, np.ndarray]
    rows: dict[str, np.ndarray]
    group: np.ndarray

    def __post_init__(self) -> None:
        self._check_no_empty_sample()


def read_samples(
    path: str | Path, spec: Spec, preprocessing: Preprocessing
) -> Unlabelled:
    """New samples, preprocessed as the training data were.

    Args:
        path: A `.csv` of raw values: columns `id`, optional `group`, and those of
            `csv_table.table_columns`; a modality that is blank in a row, or has no
            columns, is absent there. Or an `.npz` of raw arrays named by modality, with
            `rows_<modality>` where only some samples have it, optional `id`, `group`;
            hourly values of a series are `(n, hours, 17)`, NaN: not measured.
        spec: What the model expects.
        preprocessing: From the run folder.

    Raises:
        ValueError: If the file has unknown or incomplete columns or arrays, partly
            blank rows, or values that are not finite numbers.
    """
    path = Path(path)
    reader = READERS.get(path.suffix)
    if reader is None:
        raise ValueError(
            f"New samples must be a file of type {[*READERS]}. Received: {path.name!r}."
        )
    ids, group, arrays, numbers = reader(path, spec)
    if not len(ids):
        raise ValueError(f"{path.name} must hold at least one sample. Received none.")
    x, rows = {}, {}
    for name in spec.names:
        shape = preprocessing.raw_shape(name, spec.shape(name))
        array = arrays.get(name, np.empty((0, *shape), "float32"))
        array, rows[name] = check_modality(
            preprocessing.expand(name, array),
            numbers.get(name, np.arange(0)),
            spec.modality(name),
            len(ids),
        )
        x[name] = preprocessing.standardised(name, array)
    return Unlabelled(ids, x, rows, group)


def _read_npz(path: Path, spec: Spec) -> tuple:
    arrays = _load_arrays(path)
    rows_of = {name: f"rows_{name}" for name in spec.names}
    known = ["id", "group", *spec.names, *rows_of.values()]
    unknown = sorted(set(arrays) - set(known))
    if unknown:
        raise ValueError(
            f"{path.name} must have arrays out of {known}. Received: unknown {unknown}."
        )
    x = {name: arrays[name] for name in spec.names if name in arrays}
    rows = {name: arrays[key] for name, key in rows_of.items() if key in arrays}
    everybody = [name for name in x if name not in rows]
    counts = [len(x[name]) for name in everybody]
    counts += [int(numbers.max(initial=-1)) + 1 for numbers in rows.values()]
    size = len(arrays["id"]) if "id" in arrays else max(counts, default=0)
    ids = check_ids(arrays.get("id", np.arange(size)), size)
    rows |= dict.fromkeys(everybody, np.arange(size))
    return ids, check_names("group", arrays.get("group", ids), size), x, rows


def _load_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            return {name: np.atleast_1d(file[name]) for name in file.files}
    except (ValueError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(
            f"{path.name} must be an archive of `np.savez` with arrays of numbers and "
            f"text, no objects. Received: {error}."
        ) from error


READERS = {".csv": read_csv, ".npz": _read_npz}
