"""A hospital's own tables as text: CSV, plain or compressed, or Parquet.

All formats give the same texts, so that whatever follows sees no difference. To add a
format: its column names, its blocks, and its suffix in `FORMATS`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mind_keras.data.mimic.blocks import read_blocks
from mind_keras.data.mimic.layout import read_header
from mind_keras.data.mimic.parsing import parse_times
from mind_keras.data.mimic.reading import read_texts

if TYPE_CHECKING:
    import pyarrow

BLOCK = 1 << 24
ROWS = 500_000
FRACTION = re.compile(r"\.[0-9]+$")
WHOLE = re.compile(r"([0-9]+)\.0")

Blocks = Iterator[tuple[pd.DataFrame, float]]


def columns_of(path: Path, needed: Sequence[str]) -> list[str]:
    """The column names of a table.

    Raises:
        ValueError: If there is no such file, its type is unknown, or a column that is
            needed is absent.
    """
    if not path.is_file():
        raise ValueError(f"A table must be a file. Received: no file {path}.")
    if path.suffix not in FORMATS:
        raise ValueError(
            f"A table must be a file of type {[*FORMATS]}. Received: {path.name!r}."
        )
    found = FORMATS[path.suffix][0](path)
    absent = [name for name in needed if name not in found]
    if absent:
        raise ValueError(
            f"{path} must have the columns {[*needed]}. Received none named {absent}; "
            f"it has {found}."
        )
    return found


def blocks_of(path: Path, columns: Sequence[str]) -> Blocks:
    """Pieces of a table, and which fraction of it is read; missing cells are empty.

    Raises:
        ValueError: If the file is damaged or cut off.
    """
    return FORMATS[path.suffix][1](path, list(columns))


def table_of(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of a small table, as stripped text."""
    parts = [block for block, _ in blocks_of(path, columns)]
    table = pd.concat([pd.DataFrame(columns=[*columns], dtype=object), *parts])
    table = table.map(str.strip).reset_index(drop=True)
    return table


def times_of(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Times of `YYYY-MM-DD HH:MM:SS`, NaT where missing or bad, and the bad ones.

    A `T` in the middle and fractions of a second at the end are taken too; the latter
    are cut off. A time zone is not: times are the ward's own.

    Example:
        >>> times, bad = times_of(["2150-01-01T08:00:00.250", "", "8 o'clock"])
        >>> times.astype(str).tolist(), bad.tolist()
        (['2150-01-01T08:00:00', 'NaT', 'NaT'], [False, False, True])
    """
    plain = [FRACTION.sub("", text.strip().replace("T", " ")) for text in texts]
    return parse_times(plain)


def ids_of(texts: Sequence[str]) -> list[str]:
    """Ids as text, the same for the number 7, the number 7.0 and the text "7".

    Example:
        >>> ids_of(["7", "7.0", " 007", ""])
        ['7', '7', '007', '']
    """
    stripped = [text.strip() for text in texts]
    return [WHOLE.sub(r"\1", t) if WHOLE.fullmatch(t) else t for t in stripped]


def _csv_blocks(path: Path, columns: list[str]) -> Blocks:
    for block, fraction in read_blocks(path, BLOCK):
        yield pd.DataFrame(read_texts(path, block, columns), dtype=object), fraction


def _parquet_columns(path: Path) -> list[str]:
    return _parquet().read_schema(path).names


def _parquet_blocks(path: Path, columns: list[str]) -> Blocks:
    with _parquet().ParquetFile(path) as file:
        total, done = max(file.metadata.num_rows, 1), 0
        for batch in file.iter_batches(ROWS, columns=columns):
            texts = {name: _as_text(batch.column(name)) for name in columns}
            done += batch.num_rows
            yield pd.DataFrame(texts, dtype=object), done / total


def _as_text(column: "pyarrow.Array") -> list[str]:
    from pyarrow import types

    if types.is_timestamp(column.type) and column.type.tz is None:
        column = column.cast("timestamp[s]", safe=False)
    return ["" if t is None else t for t in column.cast("string").to_pylist()]


def _parquet() -> ModuleType:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            "Parquet is read by pyarrow, which is not installed. Install "
            "`mind_keras[fast]`, or give CSV."
        ) from error
    return parquet


FORMATS: dict[str, tuple[Callable, Callable]] = {
    ".csv": (read_header, _csv_blocks),
    ".gz": (read_header, _csv_blocks),
    ".parquet": (_parquet_columns, _parquet_blocks),
}
