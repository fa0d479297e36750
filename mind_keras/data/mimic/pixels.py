"""One image file to a small grey square; whatever is wrong with it becomes a status.

The one contract: `read_square` never raises for what a file holds, and reads nothing
outside its root. To take another format: name it in `FORMATS`.
"""

import struct
from pathlib import Path

import numpy as np
from PIL import Image

OK, MISSING, CORRUPT, OUTSIDE = STATUSES = ("ok", "missing", "corrupt", "outside")
FORMATS = ("JPEG", "PNG")
# More than 8 bits would be cut off at 255 rather than scaled.
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, struct.error),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


def read_square(root: Path, path: str, size: int) -> tuple[str, np.ndarray | None]:
    """The middle of an image, grey, its short side scaled to `size`.

    A JPEG is decoded at a fraction of its size, but at twice `size` at least: three
    times as fast for a chest X-ray, and about as exact.

    Args:
        root: The folder that all images lie in.
        path: Of the image, relative to root.
        size: Height and width, in pixels.

    Returns:
        `"ok"` and the grey values, `(size, size)`, uint8; or why there are none, and
        None: `"missing"` (no such file), `"corrupt"` (cut off, or no image of 8 bits in
        one of the `FORMATS`) or `"outside"` (it leads out of the root, by `..` or by a
        link).

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> Image.new("L", (300, 200), 77).save(root / "a.jpg")
        >>> status, pixels = read_square(root, "a.jpg", 8)
        >>> status, pixels.shape, int(pixels.mean())
        ('ok', (8, 8), 77)
        >>> read_square(root, "b.jpg", 8), read_square(root, "../c.jpg", 8)
        (('missing', None), ('outside', None))
    """
    try:
        root = root.resolve()
        file = (root / path).resolve()
        if not file.is_relative_to(root):
            return OUTSIDE, None
        if not file.is_file():
            return MISSING, None
    except (OSError, RuntimeError, ValueError):  # Loops of links, names no file has.
        return MISSING, None
    try:
        with Image.open(file, formats=FORMATS) as image:
            return OK, _square(image, size)
    except UNREADABLE:
        return CORRUPT, None


def _square(image: Image.Image, size: int) -> np.ndarray:
    if image.mode not in MODES:
        raise ValueError(f"An image must have 8 bits. Received: {image.mode}.")
    image.draft("L", (2 * size, 2 * size))
    grey = image.convert("L")
    side = min(grey.size)
    left, top = ((length - side) / 2 for length in grey.size)
    box = (left, top, left + side, top + side)
    square = grey.resize((size, size), Image.Resampling.BILINEAR, box)
    return np.asarray(square)
