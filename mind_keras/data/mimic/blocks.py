"""A large table in pieces of whole lines, each with the header, in bounded memory.

Compressed or not, whole or cut off: that is settled here, so that all ways of reading
give the same errors. A table that ends early is never taken as whole.
"""

import csv
import functools
import gzip
import importlib.util
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PIECE = 1 << 18
# A line longer than this is a quotation that was never closed.
LONGEST = 1 << 26


@functools.cache
def _gunzip() -> tuple[Callable[..., BinaryIO], tuple[type[Exception], ...]]:
    """What reads gzip, and its errors: isal, several times as fast, if installed."""
    if importlib.util.find_spec("isal") is None:
        return gzip.GzipFile, (EOFError, gzip.BadGzipFile, zlib.error)
    from isal import igzip, isal_zlib

    return igzip.IGzipFile, (EOFError, gzip.BadGzipFile, isal_zlib.error)


def read_blocks(path: Path, size: int) -> Iterator[tuple[bytes, float]]:
    """Pieces of a `.csv` or `.csv.gz`, and which fraction of the file is read.

    Lines are cut where no quotation is open: a quoted cell may hold line breaks.

    Args:
        path: Of the table.
        size: Bytes of a piece, about, after decompression; at least a line.

    Raises:
        ValueError: If the file is cut off or damaged; the error says how far it is
            good.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_bytes(b"id,text\\n1,a\\n2,b\\n3,c\\n")
        >>> [block for block, _ in read_blocks(path, 8)]
        [b'id,text\\n1,a\\n2,b\\n', b'id,text\\n3,c\\n']
    """
    total = max(1, path.stat().st_size)
    rest = b""
    with path.open("rb") as raw, _opened(raw, path) as file:
        try:
            header = file.readline().removeprefix(b"\xef\xbb\xbf")
            while pieces := _read(file, size):
                text = b"".join((header, rest, *pieces))
                end = _last_line(text, len(header))
                if end > len(header):
                    yield text[:end], raw.tell() / total
                rest = text[end:]
                if len(rest) > LONGEST:
                    raise _open_quotation(path, rest)
        except _gunzip()[1] as error:
            raise ValueError(
                f"{path} must be a whole gzip file. Received one that is cut off or "
                f"damaged after {_whole_lines(path) - 1} whole rows, at byte "
                f"{raw.tell()} of {total} ({error}). Download it again and compare its "
                "hash."
            ) from error
    if rest:
        _check_last(path, header, rest)
        yield header + rest + b"\n", 1.0


def check_end(path: Path) -> None:
    """Refuse a `.csv` whose last line is cut off; `read_blocks` does so by itself.

    Raises:
        ValueError: If the last line has no line break, and too few cells.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_bytes(b"id,text\\n1,a\\n2,b")
        >>> check_end(path)
    """
    if path.suffix == ".gz":
        return
    with path.open("rb") as file:
        header = file.readline()
        file.seek(max(len(header), path.stat().st_size - PIECE))
        last = file.read().rpartition(b"\n")[2]
    if last:
        _check_last(path, header, last)


@contextmanager
def _opened(raw: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    if path.suffix == ".gz":
        with _gunzip()[0](fileobj=raw) as file:
            yield file
    else:
        yield raw


def _read(file: BinaryIO, size: int) -> list[bytes]:
    """As many bytes as asked for, fewer at the end."""
    pieces = []
    while size > 0 and (piece := file.read1(min(PIECE, size))):
        pieces.append(piece)
        size -= len(piece)
    return pieces


def _last_line(text: bytes, start: int) -> int:
    """Where the last whole line from `start` on ends; `start` if there is none."""
    end = max(start, text.rfind(b"\n") + 1)
    quotes = text.count(b'"', start, end) if b'"' in text else 0
    while quotes % 2:
        shorter = max(start, text.rfind(b"\n", 0, end - 1) + 1)
        quotes -= text.count(b'"', shorter, end)
        end = shorter
    return end


def _whole_lines(path: Path) -> int:
    """Lines before the place where a file breaks off, or its end.

    By `gzip`, which gives each byte that is good; isal keeps back the last of them.
    """
    lines, opener = 0, gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        try:
            while piece := file.read1(PIECE):
                lines += piece.count(b"\n")
        except (EOFError, gzip.BadGzipFile, zlib.error):
            pass
    return max(lines, 1)


def _check_last(path: Path, header: bytes, last: bytes) -> None:
    """A last line without a line break must still have all its cells."""
    names, cells = (
        next(csv.reader(io.StringIO(line.decode("utf-8", "replace"))), [])
        for line in (header, last)
    )
    if last.count(b'"') % 2:
        raise _open_quotation(path, last)
    if len(cells) < len(names):
        raise ValueError(
            f"{path} must end with a whole line. Received one that is cut off after "
            f"{_whole_lines(path) - 1} rows: {_shown(last)}. Unpack or download it "
            "again."
        )


def _open_quotation(path: Path, rest: bytes) -> ValueError:
    return ValueError(
        f"{path} must close each quotation mark. Received one that stays open after "
        f"{_shown(rest)}. Is the file cut off?"
    )


def _shown(line: bytes) -> str:
    return repr(line[:80].decode("utf-8", "replace"))
