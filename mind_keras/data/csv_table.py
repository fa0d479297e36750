"""New samples from a `.csv`: one line per sample, one column per feature.

A modality whose cells are all blank in a line is absent there.
"""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.checks import check_ids, check_names
from mind_keras.spec import Modality, Spec

BLANK = ("", "na", "nan")


def table_columns(spec: Spec) -> dict[str, list[str]]:
    """`{modality: columns of a .csv}` for the modalities that are tables.

    Example:
        >>> from mind_keras.data.sources import breast_cancer, diabetes
        >>> table_columns(diabetes.SPEC)["vitals"]
        ['age', 'sex', 'bmi', 'bp']
        >>> table_columns(breast_cancer.SPEC)["worst"][:2]
        ['worst.radius', 'worst.texture']
    """
    tables = [m for m in spec.modalities if len(m.shape) == 1]
    used = Counter(["id", "group", *(f for m in tables for f in m.features)])
    return {m.name: _columns_of(m, used) for m in tables}


def _columns_of(modality: Modality, used: Counter) -> list[str]:
    if not modality.features:
        return [f"{modality.name}.{k}" for k in range(modality.shape[0])]
    return [f if used[f] == 1 else f"{modality.name}.{f}" for f in modality.features]


def read_csv(path: Path, spec: Spec) -> tuple:
    """`(ids, group, x, rows)` of raw values; see `files.read_samples`."""
    columns, cells = table_columns(spec), _read_cells(path)
    known = ["id", "group", *(c for names in columns.values() for c in names)]
    unknown = [c for c in cells.columns if c not in known]
    if unknown or "id" not in cells:
        raise ValueError(
            f"{path.name} must have the column 'id', and others out of {known[1:]}. "
            f"Received: {cells.columns.tolist()}, of which unknown: {unknown}."
        )
    size = len(cells)
    ids = check_ids(cells["id"].replace("", None), size)
    group = ids
    if "group" in cells:
        group = check_names("group", cells["group"].replace("", None), size)
    cells = cells.set_index("id")
    x, rows = {}, {}
    for name, names in columns.items():
        absent = [c for c in names if c not in cells]
        if absent and len(absent) < len(names):
            raise ValueError(
                f"{path.name} must have all columns of modality {name!r}, or none. "
                f"Received none named {absent}."
            )
        if not absent:
            x[name], rows[name] = _read_table(cells[names], path.name)
    return ids, group, x, rows


def _read_cells(path: Path) -> pd.DataFrame:
    """The text in each cell of a `.csv`, stripped."""
    # Read as an index or cut, a surplus cell would shift or lose values in silence.
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            cells = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False)
        except (pd.errors.ParserWarning, ValueError) as error:
            raise ValueError(
                f"{path.name} must be a comma-separated table in UTF-8, with a header "
                f"and as many cells in each row. Received: {error}."
            ) from error
    return cells.fillna("").apply(lambda column: column.str.strip())


def _read_table(text: pd.DataFrame, file: str) -> tuple[np.ndarray, np.ndarray]:
    """A modality's rows and their sample numbers, from cells indexed by id."""
    blank = text.apply(lambda column: column.str.lower().isin(BLANK)).to_numpy()
    values = text.apply(pd.to_numeric, errors="coerce").to_numpy("float64")
    _check_cells(text, ~blank & ~np.isfinite(values), "be finite numbers", file)
    exists = ~blank.all(axis=1)
    rule = "be blank for a whole modality, or not at all"
    _check_cells(text, blank & exists[:, None], rule, file)
    return values[exists], np.flatnonzero(exists)


def _check_cells(text: pd.DataFrame, bad: np.ndarray, rule: str, file: str) -> None:
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"Cells of {file} must {rule}. Received {bad.sum()} that break this, first "
            f"in row {row + 1} (id {text.index[row]!r}), column "
            f"{text.columns[column]!r}: {text.iloc[row, column]!r}."
        )
