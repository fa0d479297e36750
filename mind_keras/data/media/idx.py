"""The idx format of MNIST: a few big-endian numbers, then the bytes of an array.

The format is described at the end of the MNIST page: LeCun, Cortes & Burges,
http://yann.lecun.com/exdb/mnist/.
"""

import gzip
import zlib
from pathlib import Path

import numpy as np

BYTES = 8  # Code of unsigned bytes, the one type that MNIST has.


def read_idx(path: Path) -> np.ndarray:
    """An array of an idx file, gzipped (`.gz`) or not, uint8.

    Raises:
        ValueError: If the file is cut off, or none of unsigned bytes.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels"
        >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
        >>> read_idx(path).tolist()
        [7, 9]
    """
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"A gzipped idx file must be whole. Received: {path} ({error})."
        ) from None
    if len(data) < 4 or data[:3] != bytes([0, 0, BYTES]):
        raise ValueError(
            "An idx file must begin with the bytes 0, 0, 8: unsigned bytes. Received: "
            f"{path}, which begins with {list(data[:4])}. Is it still packed?"
        )
    axes, start = data[3], 4 + 4 * data[3]
    shape = np.frombuffer(data[4:start].ljust(4 * axes, b"\0"), ">u4").astype(int)
    if len(data) - start != np.prod(shape):
        raise ValueError(
            f"An idx file must hold the {'x'.join(map(str, shape))} bytes that it "
            f"announces. Received: {path} with {max(len(data) - start, 0):,}. Is the "
            "download unfinished?"
        )
    return np.frombuffer(data, "uint8", offset=start).reshape(shape)
