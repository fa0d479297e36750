"""Image files to one array of small grey squares, each file decoded once.

The array holds the good ones, in the order of the paths, whatever the number of
workers. How it survives an interruption: `image_journal`; what is done to an image:
`pixels`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL

from mind_keras.data.mimic.image_journal import ImageJournal
from mind_keras.data.mimic.pixels import OK, STATUSES, read_square

BLOCK = 256  # Images: what an interruption costs at most.


@dataclass(frozen=True, eq=False)
class Cached:
    """What became of each path, in the order given.

    Args:
        status: One of `pixels.STATUSES`.
        sha256: Of the grey pixels that are kept; `""` unless ok.
        rows: Row in the array; -1 unless ok.
    """

    status: np.ndarray
    sha256: np.ndarray
    rows: np.ndarray

    @property
    def counts(self) -> dict[str, int]:
        """How many paths have each status."""
        return {status: int((self.status == status).sum()) for status in STATUSES}


def cache_images(
    root: str | Path,
    paths: Sequence[str],
    output: str | Path,
    *,
    size: int = 256,
    workers: int | None = None,
    resume: bool = True,
    progress: Callable[[str, int, float], None] = lambda stage, done, fraction: None,
) -> Cached:
    """Decode images, and write the good ones as an array, in the order of `paths`.

    The journal, `<output>.journal`, stays: a later call with the same arguments returns
    at once. Remove it when the array is part of something finished.

    Args:
        root: The folder that the images lie in. Only the files listed are read.
        paths: Relative to root.
        output: The `.npy` to write, `(good images, size, size)`, uint8; it appears
            when it is whole.
        size: Height and width, in pixels. See `read_square`.
        workers: Threads that decode; None: one per core. The result is the same.
        resume: Go on where an interrupted call with the same root, paths and size was;
            what was missing or corrupt is not tried again.
        progress: Called as `progress("images", paths done, fraction)`.

    Raises:
        OSError: If the disk is full; what was done is kept for the next call.
        ValueError: If `size` or `workers` is less than 1.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> root = Path(tempfile.mkdtemp())
        >>> Image.new("L", (30, 20), 77).save(root / "a.jpg")
        >>> cached = cache_images(root, ["b.jpg", "a.jpg"], root / "i.npy", size=8)
        >>> cached.status.tolist(), cached.rows.tolist()
        (['missing', 'ok'], [-1, 0])
        >>> np.load(root / "i.npy").shape
        (1, 8, 8)
    """
    if size < 1 or (workers is not None and workers < 1):
        raise ValueError(
            "`size` and `workers` must be at least 1. Received: "
            f"size={size}, workers={workers}."
        )
    root, paths = Path(root), [str(path) for path in paths]
    cache = ImageJournal(Path(output), size, _key(root, paths, size))
    known = cache.resumed(len(paths)) if resume else None
    done = list(known or [])
    if known is None or len(done) < len(paths) or not cache.finished:
        with (
            cache.growing(known) as add,
            ThreadPoolExecutor(workers or os.cpu_count()) as pool,
        ):
            progress("images", len(done), len(done) / max(len(paths), 1))
            while len(done) < len(paths):
                block = paths[len(done) : len(done) + BLOCK]
                found = pool.map(lambda path: read_square(root, path, size), block)
                done += add(found)
                progress("images", len(done), len(done) / len(paths))
    return _cached(done)


def _key(root: Path, paths: list[str], size: int) -> str:
    """What must be the same for a run to go on with another's work."""
    known = [str(root.resolve()), paths, size, PIL.__version__]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _cached(done: list[tuple[str, str]]) -> Cached:
    status = np.array([status for status, _ in done], dtype=object)
    sha256 = np.array([sha256 for _, sha256 in done], dtype=object)
    good = status == OK
    return Cached(status, sha256, np.where(good, np.cumsum(good) - 1, -1))
