"""A small table as a frame: its columns by name and kind, its bad cells counted.

Small means that it fits in memory many times, as all tables do but the events
(`events.py`). To add a kind: write `list of texts -> (array, bad)` and name it in
`KINDS`.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.blocks import read_blocks
from mind_keras.data.mimic.layout import read_header
from mind_keras.data.mimic.parsing import DATE, parse_numbers, parse_times

# Share of cells that may be neither blank nor what their column should hold.
MOST_BAD = 0.05
BLOCK = 1 << 24


@dataclass(frozen=True, eq=False)
class Read:
    """A table that was read, and what in it was not as it should be.

    Args:
        frame: The columns asked for, in their order.
        bad: `{column: cells that are neither blank nor of its kind}`, columns with
            some alone. Such cells are missing in `frame`.
    """

    frame: pd.DataFrame
    bad: dict[str, int]


def read_table(
    path: Path, columns: Mapping[str, str], *, most_bad: float = MOST_BAD
) -> Read:
    """Some columns of a `.csv` or `.csv.gz`.

    Args:
        path: Of the table.
        columns: `{name: kind}`. The kinds: `"int"` (int64, and the nullable Int64 if
            cells are missing), `"float"` (float64, NaN), `"text"` (stripped, empty
            where missing), `"time"` and `"date"` (`datetime64[s]`, NaT; of a time of
            day after a date, the date remains).
        most_bad: Share of bad cells, from 0 to 1, up to which a column is accepted.

    Raises:
        ValueError: If a column is absent, a kind is unknown, the file is cut off or
            damaged, or too many cells of a column are bad.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "icustays.csv"
        >>> _ = path.write_text("stay_id,intime,los\\n7,2150-01-01 08:00:00,2.5\\n")
        >>> read_table(path, {"stay_id": "int", "intime": "time"}).frame
           stay_id              intime
        0        7 2150-01-01 08:00:00
    """
    unknown = sorted(set(columns.values()) - set(KINDS))
    if unknown:
        raise ValueError(f"Unknown kinds of columns {unknown}. Known: {[*KINDS]}.")
    absent = sorted(set(columns) - set(header := read_header(path)))
    if absent:
        raise ValueError(
            f"{path} must have the columns {[*columns]}. Received none named {absent}; "
            f"it has {header}."
        )
    parts: dict[str, list] = {name: [] for name in columns}
    bad: dict[str, list[str]] = {name: [] for name in columns}
    for block, _ in read_blocks(path, BLOCK):
        texts = read_texts(path, block, [*columns])
        for name, kind in columns.items():
            values, wrong = KINDS[kind](texts[name])
            parts[name].append(values)
            bad[name] += [texts[name][row] for row in np.flatnonzero(wrong)]
    arrays = {n: np.concatenate(parts[n] or [KINDS[columns[n]]([])[0]]) for n in parts}
    for name, examples in bad.items():
        check_rate(path, name, len(examples), len(arrays[name]), examples, most_bad)
    frame = pd.DataFrame({n: _whole(arrays[n], columns[n]) for n in columns})
    return Read(frame, {name: len(texts) for name, texts in bad.items() if texts})


def read_texts(
    path: Path, block: bytes, columns: Sequence[str]
) -> dict[str, list[str]]:
    """Columns of a piece of a table, as it was written; blanks are empty.

    Raises:
        ValueError: If a line has more cells than the header; `path` is named.
    """
    try:
        frame = pd.read_csv(
            io.BytesIO(block),
            dtype=object,
            na_filter=False,
            encoding_errors="replace",
        )
    except pd.errors.ParserError as error:
        raise wrong_lines(path, error) from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise wrong_lines(path, "more cells than names in the first lines")
    # A line with fewer cells has blanks there, which pandas does not call empty.
    return {name: frame[name].fillna("").tolist() for name in columns}


def wrong_lines(path: Path, error: object) -> ValueError:
    """The error of a table whose lines do not fit its header."""
    return ValueError(
        f"Lines of {path} must have no more cells than its header has names. "
        f"Received: {error}. Is a cell with a comma not quoted, or the file damaged?"
    )


def check_rate(
    path: Path,
    column: str,
    bad: int,
    rows: int,
    examples: Sequence[str],
    most_bad: float,
) -> None:
    """Refuse a column with too many bad cells.

    Raises:
        ValueError: If more than `most_bad` of the rows are bad.

    Example:
        >>> check_rate(Path("a.csv"), "los", 1, 100, ["x"], 0.05)
    """
    if bad > most_bad * rows:
        some = f", such as {sorted(set(examples[:1000]))[:3]}" if examples else ""
        raise ValueError(
            f"At most {most_bad:.1%} of the cells of {column!r} in {path} may be "
            f"unreadable. Received {bad} of {rows} ({bad / rows:.1%}){some}. Is this "
            "the original table? If it is, raise `most_bad`."
        )


def _integers(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    numbers, bad = parse_numbers(texts)
    # 2 ** 53: from there on a float no longer tells neighbours apart.
    broken = (numbers != np.rint(numbers)) | (np.abs(numbers) > 2**53)
    broken &= ~np.isnan(numbers)
    return np.where(broken, np.nan, numbers), bad | broken


def _dates(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    return parse_times(texts, width=DATE)


def _strip(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    stripped = np.array([text.strip() for text in texts], object)
    return stripped, np.zeros(len(texts), bool)


def _whole(values: np.ndarray, kind: str) -> np.ndarray | pd.Series:
    """Integers came as floats, since only those can be missing."""
    if kind != "int":
        return values
    missing = np.isnan(values)
    return pd.Series(values).astype("Int64" if missing.any() else "int64")


KINDS: dict[str, Callable[[list[str]], tuple[np.ndarray, np.ndarray]]] = {
    "int": _integers,
    "float": parse_numbers,
    "text": _strip,
    "time": parse_times,
    "date": _dates,
}
