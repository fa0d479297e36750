"""An X-ray of the chest, drawn: what is seen of the latents `shared` and `image`.

`expose` draws, `write_jpeg` stores. All lengths are in halves of the image's height,
from its centre; grey is 0 (air) to 1 (bone), as in MIMIC-CXR.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

QUALITY, ASPECT = 90, 1.2
NOISE, TEXTURE_CELLS = 0.05, 14


class Signs(NamedTuple):
    """What a film shows, each about N(0, 1).

    Args:
        severity: Diffuse opacity.
        focal: A blob at one place.
        heart: Size of the heart.
        effusion: Height of the fluid at the base.
        device: Whether a line is seen.
    """

    severity: float
    focal: float
    heart: float
    effusion: float
    device: bool


def expose(
    signs: Signs, shape: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """A film, `shape`, uint8.

    Args:
        signs: What is to be seen.
        shape: Rows and columns, pixels.
        rng: For pose, place, anatomy and noise.

    Example:
        >>> film = expose(Signs(0, 0, 0, 0, False), (64, 80), np.random.default_rng(0))
        >>> film.shape, film.dtype
        ((64, 80), dtype('uint8'))
    """
    rows, columns = shape
    x, y = _pose(rows, columns, rng)
    size = 1 + rng.normal(0, 0.06)
    lungs, side, place = _lungs(x, y, size, rng)
    # A square of a square: NumPy takes 200 times as long for a fourth power.
    body = 1 - ((x / 0.98) ** 2) ** 2 - ((y / 1.25) ** 2) ** 2
    grey = 0.08 + 0.5 * _soft(body, 8)
    grey += 0.25 * np.exp(-((x / 0.13) ** 2)) - 0.36 * lungs
    ribs = np.sin(y * 22 + 3 * np.abs(x) + rng.uniform(0, 6.28))
    grey += 0.05 * ribs * lungs
    wide = np.float32(0.34 * (1 + 0.14 * signs.heart))
    heart = 1 - ((x - 0.14) / wide) ** 2 - ((y - 0.34) / (0.85 * wide)) ** 2
    grey += 0.3 * _soft(heart, 6) * (0.4 + 0.6 * lungs)
    texture = 1 + 0.5 * _texture(rows, columns, rng)
    grey += 0.055 * signs.severity * lungs * texture
    grey += _blob(x, y, side, place, signs.focal) * lungs
    level = 0.62 - 0.11 * signs.effusion + 0.25 * (np.abs(x) - 0.45) ** 2
    grey += 0.24 * _soft(y - level, 25) * lungs
    # Drawn in any case, so that films with and without it differ in nothing else.
    line = rng.uniform(-0.3, 0.3) + 0.1 * np.sin(3 * y)
    if signs.device:
        grey += 0.25 * np.exp(-(((x - line) / 0.012) ** 2)) * (y < 0.2)
    grey = grey * (1 + rng.normal(0, 0.08)) + rng.normal(0, 0.03)
    grey += NOISE * rng.standard_normal(grey.shape, dtype="float32")
    return np.round(grey.clip(0, 1) * 255).astype("uint8")


def write_jpeg(pixels: np.ndarray, path: Path) -> None:
    """Store a film as MIMIC-CXR-JPG does: 8-bit grey.

    Args:
        pixels: `(rows, columns)`, uint8.
        path: Ends in `.jpg`; its folder is made.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "s1" / "film.jpg"
        >>> write_jpeg(np.zeros((32, 40), "uint8"), path)
        >>> with Image.open(path) as film:
        ...     film.size
        (40, 32)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, "JPEG", quality=QUALITY)


def _pose(
    rows: int, columns: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the body, `(rows, columns)` float32: shifted, turned."""
    dx, dy = rng.normal(0, 0.02, 2)
    turn = rng.normal(0, 0.05)
    across = np.linspace(-columns / rows, columns / rows, columns, dtype="float32")
    down = np.linspace(-1, 1, rows, dtype="float32")[:, None]
    across, down = across[None] - np.float32(dx), down - np.float32(dy)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return cos * across + sin * down, cos * down - sin * across


def _lungs(
    x: np.ndarray, y: np.ndarray, size: float, rng: np.random.Generator
) -> tuple[np.ndarray, int, tuple[float, float]]:
    """Both lung fields (0 to 1), a side and a place in it, in units of the lung."""
    across, down = np.float32(0.34 * size), np.float32(0.72 * size)
    shape = 1 - ((np.abs(x) - 0.46) / across) ** 2 - ((y + 0.05) / down) ** 2
    side = 1 if rng.random() < 0.5 else -1
    place = (0.46 + 0.12 * rng.uniform(-1, 1), 0.4 * rng.uniform(-1, 1))
    return _soft(shape, 7), side, place


def _blob(
    x: np.ndarray, y: np.ndarray, side: int, place: tuple[float, float], focal: float
) -> np.ndarray:
    across, down = (x - side * place[0]) / 0.2, (y - place[1]) / 0.2
    return np.float32(0.12 * focal) * np.exp(-(across**2) - down**2)


def _soft(level: np.ndarray, steep: float) -> np.ndarray:
    """0 where `level` is well below zero, 1 where well above."""
    return 0.5 + 0.5 * np.tanh(np.float32(steep / 2) * level)


def _texture(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise, `(rows, columns)` float32, about N(0, 1)."""
    cells = (TEXTURE_CELLS, round(TEXTURE_CELLS * ASPECT))
    coarse = Image.fromarray(rng.standard_normal(cells, dtype="float32"))
    return np.asarray(coarse.resize((columns, rows), Image.Resampling.BICUBIC))
