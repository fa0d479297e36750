"""Ways to take the rows of some items out of a table of events, in bounded memory.

An engine goes once through a table and gives, piece by piece, how many rows it has
read and, of those whose item is asked for, the cells as fixed-width bytes: the same
bytes from each engine, in any order. What they mean is decided later, once
(`parsing.py`). To add one: write the function, with its import inside, and name it,
by its package, in `ENGINES` and `FASTEST_FIRST`.
"""

import importlib.util
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.blocks import check_end, read_blocks
from mind_keras.data.mimic.reading import wrong_lines

Widths = Mapping[str, int]
Pieces = Iterator[tuple[int, np.ndarray, float]]
ITEM = "itemid"
# Of a row of events, about.
BYTES = 100


def read_rows(
    path: Path,
    widths: Widths,
    items: Sequence[int],
    *,
    engine: str | None = None,
    chunk_rows: int = 100_000,
) -> Pieces:
    """The rows of some items, from a table with a column `itemid`.

    Args:
        path: A `.csv` or `.csv.gz`.
        widths: `{column: bytes}`: which columns, and after how many bytes a cell is
            cut. Characters outside ASCII become question marks. A line that is too
            short has empty cells.
        items: Numbers that `itemid` may have.
        engine: A name in `ENGINES`, None for the fastest that is installed.
        chunk_rows: Rows of a piece, about.

    Yields:
        How many rows were read since the last piece; those of the items, a structured
        array with a field per column, empty where a cell is; and the fraction of the
        file that is read, 0 to 1 (estimated by polars).

    Raises:
        ValueError: If the engine is unknown or not installed, the file is cut off or
            damaged, or a line has more cells than the header.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "chartevents.csv"
        >>> _ = path.write_text("itemid,value\\n220045,98\\n7,1\\n220045,\\n")
        >>> for rows, cells, fraction in read_rows(path, {"value": 4}, [220045]):
        ...     print(rows, cells["value"].tolist(), fraction)
        3 [b'98', b''] 1.0
    """
    read = ENGINES[check_engine(engine)]
    # As columns with gaps are saved by others.
    texts = [f"{item}{end}" for item in items for end in ("", ".0")]
    return read(path, widths, texts, chunk_rows)


def check_engine(engine: str | None) -> str:
    """The name of an engine that is installed.

    Raises:
        ValueError: If it is unknown or not installed.

    Example:
        >>> check_engine("pandas")
        'pandas'
    """
    if engine is None:
        return next(name for name in FASTEST_FIRST if _installed(name))
    if engine not in ENGINES:
        raise ValueError(f"Unknown engine {engine!r}. Known: {[*ENGINES]}.")
    if not _installed(engine):
        raise ValueError(
            f"The engine {engine!r} must be installed. Received: no package of that "
            'name. Install it with `pip install "mind_keras[fast]"`, or use '
            "`engine='pandas'`."
        )
    return engine


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _record(widths: Widths) -> np.dtype:
    return np.dtype([(name, f"S{width}") for name, width in widths.items()])


def _read_pandas(
    path: Path, widths: Widths, texts: Sequence[str], chunk_rows: int
) -> Pieces:
    # Fixed-width bytes are read twice as fast as Python's strings.
    kinds = {name: f"S{width}" for name, width in widths.items()} | {ITEM: object}
    for block, fraction in _ascii_blocks(path, chunk_rows):
        _check_commas(block, path)
        try:
            frame = pd.read_csv(
                io.BytesIO(block), usecols=[*kinds], dtype=kinds, na_filter=False
            )
        except pd.errors.ParserError as error:
            raise wrong_lines(path, error) from error
        kept = frame[ITEM].isin(texts).to_numpy()
        cells = np.empty(int(kept.sum()), _record(widths))
        for name in widths:
            cells[name] = frame[name].to_numpy()[kept]
        yield len(frame), cells, fraction


def _ascii_blocks(path: Path, chunk_rows: int) -> Iterator[tuple[bytes, float]]:
    for block, fraction in read_blocks(path, chunk_rows * BYTES):
        if not block.isascii():
            block = block.decode("utf-8", "replace").encode("ascii", "replace")
        yield block, fraction


def _check_commas(block: bytes, path: Path) -> None:
    """pandas, asked for some columns, drops surplus cells without a word."""
    plain = re.sub(rb'"[^"]*"', b"", block) if b'"' in block else block
    commas = plain.count(b",", 0, plain.index(b"\n"))
    surplus = plain.count(b",") - commas * plain.count(b"\n")
    if surplus > 0:
        raise wrong_lines(path, f"{surplus} cells too many in a piece of it")


def _read_pyarrow(
    path: Path, widths: Widths, texts: Sequence[str], chunk_rows: int
) -> Pieces:
    import pyarrow as pa
    from pyarrow import compute

    items = pa.array(texts)
    for block, fraction in _ascii_blocks(path, chunk_rows):
        table = _arrow_table(block, list(dict.fromkeys([ITEM, *widths])), path)
        kept = table.filter(compute.is_in(table[ITEM], value_set=items))
        cells = (
            compute.utf8_rpad(compute.utf8_slice_codeunits(kept[name], 0, n), n, "\0")
            for name, n in widths.items()
        )
        lines = compute.binary_join_element_wise(*cells, "").combine_chunks()
        text = lines.buffers()[2] or b""
        yield len(table), np.frombuffer(text, _record(widths), len(lines)), fraction


def _arrow_table(block: bytes, names: Sequence[str], path: Path) -> "pa.Table":  # noqa: F821
    import pyarrow as pa
    from pyarrow import csv

    short = []

    def pad(row: csv.InvalidRow) -> str:
        missing = row.expected_columns - row.actual_columns
        short.append(row.text + "," * missing + "\n")
        return "skip" if missing > 0 else "error"

    def read(block: bytes) -> pa.Table:
        return csv.read_csv(
            pa.py_buffer(block),
            csv.ReadOptions(use_threads=False, block_size=len(block) + 1),
            csv.ParseOptions(newlines_in_values=b'"' in block, invalid_row_handler=pad),
            csv.ConvertOptions(
                include_columns=names, column_types=dict.fromkeys(names, pa.string())
            ),
        )

    try:
        table = read(block)
        if short:
            lines = block[: block.index(b"\n") + 1] + "".join(short).encode()
            table = pa.concat_tables([table, read(lines)])
    except pa.ArrowInvalid as error:
        raise wrong_lines(path, error) from error
    return table


def _read_polars(
    path: Path, widths: Widths, texts: Sequence[str], chunk_rows: int
) -> Pieces:
    import polars as pl

    check_end(path)
    total = _estimate_rows(path)
    names = list(dict.fromkeys([ITEM, *widths]))
    cells = pl.concat_str(
        pl.col(name).fill_null("").str.slice(0, width).str.pad_end(width, "\0")
        for name, width in widths.items()
    )
    table = pl.scan_csv(path, infer_schema=False, encoding="utf8-lossy", glob=False)
    done = 0
    try:
        pieces = table.select(names).collect_batches(
            chunk_size=chunk_rows, maintain_order=False, engine="streaming"
        )
        for piece in pieces:
            kept = piece.filter(pl.col(ITEM).is_in(texts)).select(cells).to_series()
            lines = kept.str.join("").item().encode("ascii", "replace")
            blank = piece[ITEM].null_count()
            if blank:
                # Other engines do not count lines without any cell.
                blank = piece.select(pl.all_horizontal(pl.all().is_null()).sum()).item()
            done += len(piece) - blank
            fraction = min(1.0, done / total)
            yield len(piece) - blank, np.frombuffer(lines, _record(widths)), fraction
    except (pl.exceptions.PolarsError, OSError) as error:
        # Says how far the file is good, if it is cut off.
        for _ in read_blocks(path, 100_000 * BYTES):
            pass
        raise wrong_lines(path, error) from error


def _estimate_rows(path: Path) -> float:
    """Rows of a table, from the first few megabytes."""
    for block, fraction in read_blocks(path, 1 << 22):
        return max(1, block.count(b"\n") - 1) / fraction
    return 1.0


ENGINES: dict[str, Callable[[Path, Widths, Sequence[str], int], Pieces]] = {
    "pandas": _read_pandas,
    "pyarrow": _read_pyarrow,
    "polars": _read_polars,
}
# By `benchmarks.extraction`, CPU and memory.
FASTEST_FIRST = ("pyarrow", "polars", "pandas")
