"""One picture file to an array of bytes."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png")
MODES = {1: "L", 3: "RGB"}
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


def read_picture(path: Path, *, size: int, channels: int = 3) -> np.ndarray:
    """The middle square of a JPEG or PNG, scaled.

    Args:
        path: The file.
        size: Height and width of the result, in pixels.
        channels: 1, grey, or 3, red, green and blue.

    Returns:
        `(size, size, channels)`, uint8.

    Raises:
        ValueError: If the file is no whole JPEG or PNG.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.png"
        >>> Image.new("RGB", (30, 20), (9, 8, 7)).save(path)
        >>> read_picture(path, size=4)[0, 0].tolist()
        [9, 8, 7]
    """
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            pixels = np.asarray(_square(image.convert(MODES[channels]), size))
    except UNREADABLE as error:
        raise ValueError(f"it must be a whole JPEG or PNG ({error})") from None
    return pixels.reshape(size, size, channels)


def _square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = ((length - side) / 2 for length in image.size)
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BILINEAR, box)
