"""An array of images that grows in a file, so that an interrupted run can go on.

Beside it a journal says of each path, in order, what became of it: `status sha256`. A
block is written to the array, then to the journal; what the journal does not know of is
cut off. Ordinary writes are used, since a memory map on a full disk ends the process
instead of raising an error.
"""

import errno
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mind_keras.data.mimic.pixels import OK

Done = list[tuple[str, str]]
# No space left, a quota used up, a file larger than is allowed.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class ImageJournal:
    """An array of images and its journal.

    Args:
        output: The `.npy`, `(images, size, size)`, uint8; there when it is whole.
        size: Height and width of an image.
        key: Only a run with the same key goes on with this one.

    Example:
        >>> import tempfile
        >>> journal = ImageJournal(Path(tempfile.mkdtemp()) / "i.npy", 2, "a key")
        >>> with journal.growing(None) as add:
        ...     done = add([("ok", np.full((2, 2), 7, "uint8")), ("missing", None)])
        >>> [status for status, sha256 in done], np.load(journal.output).shape
        (['ok', 'missing'], (1, 2, 2))
        >>> journal.resumed(most=2) == done
        True
    """

    output: Path
    size: int
    key: str

    @property
    def _part(self) -> Path:
        return self.output.with_name(f".{self.output.name}.part")

    @property
    def path(self) -> Path:
        """The journal."""
        return self.output.with_name(f"{self.output.name}.journal")

    @property
    def finished(self) -> bool:
        """Whether the array is whole."""
        return self.output.is_file() and not self._part.is_file()

    def resumed(self, most: int) -> Done | None:
        """What an earlier run with the same key has done; None: there was none.

        Args:
            most: How many paths there are.
        """
        if not self.path.is_file():
            return None
        # What stands behind the last line break was being written.
        key, *lines = self.path.read_text("utf-8").split("\n")[:-1] or [""]
        done = [tuple(line.split(" ")) for line in lines]
        array = self._part if self._part.is_file() or len(done) < most else self.output
        known = key == self.key and array.is_file()
        return done if known and array.stat().st_size >= self._length(done) else None

    @contextmanager
    def growing(self, done: Done | None) -> Iterator[Callable[[Iterable], Done]]:
        """A function that adds `(status, pixels or None)`; then the array is whole.

        Args:
            done: What is done already, of `resumed`; None to start anew.

        Raises:
            OSError: If the disk is full; what was added before is kept.
        """
        if done is None:
            self._part.write_bytes(self._header(0))
            self.path.write_text(self._text([]), "utf-8")
        known = list(done or [])
        try:
            with self._part.open("r+b") as array, self.path.open("r+b") as journal:
                _go_to(array, self._length(known))
                _go_to(journal, len(self._text(known)))

                def add(found: Iterable[tuple[str, np.ndarray | None]]) -> Done:
                    new = [_append(array, *one) for one in found]
                    _store(array)
                    journal.write(_lines(new).encode())
                    _store(journal)
                    known.extend(new)
                    return new

                yield add
                array.seek(0)
                array.write(self._header(_good(known)))
                _store(array)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise OSError(
                error.errno,
                f"{self.output.parent} must have space for the images. Received: "
                f"a full disk, after {len(known)} of them. Free some space and go on "
                "with --resume: they are kept",
            ) from error
        self._part.replace(self.output)

    def _text(self, done: Done) -> str:
        return f"{self.key}\n{_lines(done)}"

    def _header(self, rows: int) -> bytes:
        """Of an `.npy`. NumPy pads it, so that its length does not depend on `rows`."""
        shape = (rows, self.size, self.size)
        about = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(buffer := io.BytesIO(), about)
        return buffer.getvalue()

    def _length(self, done: Done) -> int:
        return len(self._header(0)) + _good(done) * self.size**2


def _good(done: Done) -> int:
    return sum(status == OK for status, _ in done)


def _lines(done: Done) -> str:
    return "".join(f"{status} {sha256}\n" for status, sha256 in done)


def _append(array: BinaryIO, status: str, pixels: np.ndarray | None) -> tuple[str, str]:
    if pixels is None:
        return status, ""
    data = pixels.tobytes()
    array.write(data)
    return status, hashlib.sha256(data).hexdigest()


def _go_to(file: BinaryIO, end: int) -> None:
    """Cut off what stands behind `end`, and go there."""
    file.truncate(end)
    file.seek(end)


def _store(file: BinaryIO) -> None:
    """Put on the disk what was written, so that the journal never runs ahead."""
    file.flush()
    os.fsync(file.fileno())
