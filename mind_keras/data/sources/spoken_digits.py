"""Digits that are written and spoken: which one, when either sense is too noisy?

Real handwritten digits (8 x 8 pixels, shipped with scikit-learn: Alpaydin & Kaynak
(1998), https://doi.org/10.24432/C50P49) paired by class with made-up speech. At the
default noise neither sense suffices alone. Speech is synthesised on first use and kept
in a cache folder; another voice is a line in `data.speech.voices`.
"""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from mind_keras.data.cache import cache_folder
from mind_keras.data.prepare import prepare
from mind_keras.data.samples import Samples
from mind_keras.data.speech.corpus import SHAPE, spectrograms
from mind_keras.data.speech.espeak import WORDS
from mind_keras.data.speech.voices import voice_of
from mind_keras.data.split import split_index
from mind_keras.data.splits import SPLITS, Splits
from mind_keras.spec import Modality, Spec, Task

SPEC = Spec(
    Task("digit", kind="multiclass", labels=WORDS),
    (Modality("image", (8, 8, 1)), Modality("speech", (*SHAPE, 1))),
)
GRID = 256  # Steps from white to black to which noisy pixels are rounded.
STREAMS = ("speakers", "pairs", "speech", "image")


def load(
    *,
    seed: int = 0,
    missing: Mapping | None = None,
    pairs: Sequence[int] = (2000, 500, 1000),
    speakers: Sequence[int] = (48, 16, 32),
    voice: str = "formant",
    snr_db: float | None = -5.0,
    sigma: float = 0.8,
    cache: str | Path | None = None,
    progress: Callable[[str, int, float], None] = lambda stage, done, fraction: None,
) -> Splits:
    """Pairs of an image and an utterance of one digit, as `Splits`.

    Speakers (`group`) and images are each in one split only; images are split 60/20/20.
    Within a split all digits, and for each digit all its images and all speakers,
    occur equally often, give or take one. An image that occurs again has other noise
    and another utterance; intervals of a bootstrap over speakers do not know of that.
    `meta` has `image`, the row number in scikit-learn's table, and `speaker`.

    Args:
        seed: Another seed, other speakers, splits, pairs, noise and removal.
        missing: How modalities are removed; see `sources.load`.
        pairs: Number of samples in training, validation and test.
        speakers: Number of speakers in each.
        voice: `"formant"`, a synthesiser that needs nothing, or `"espeak"`, the
            program espeak-ng, which has about a hundred speakers.
        snr_db: Power of speech over that of white noise, dB; None: no noise.
        sigma: Standard deviation of the noise of a pixel, where white is 0 and black
            is 1; 0: no noise.
        cache: Where speech is kept. Default: the environment variable
            `MIND_KERAS_CACHE`, or the user's cache folder.
        progress: Called as `progress(stage, rows done, fraction)`.

    Raises:
        ValueError: If a number is out of range, or the voice unknown or not installed.

    Example:
        >>> import tempfile
        >>> options = {"pairs": (20, 10, 10), "speakers": (2, 1, 1)}
        >>> data = load(**options, cache=tempfile.mkdtemp())
        >>> data.spec.shape("image"), data.spec.shape("speech"), len(data.test)
        ((8, 8, 1), (61, 32, 1), 10)
    """
    _check(pairs, speakers, snr_db, sigma)
    # Of streams of their own: who speaks does not depend on sizes and noise.
    known = voice_of(voice).speakers(sum(speakers), _stream(seed, "speakers"))
    folder = cache_folder(cache)
    digits, parts = load_digits(), []
    images = split_index(np.arange(len(digits.target)), digits.target, seed=seed)
    groups = np.split(np.arange(len(known)), np.cumsum(speakers)[:-1])
    for k, split in enumerate(SPLITS):
        pair_stream = _stream(seed, "pairs", k)
        table = _pairs(pairs[k], images[k], digits.target, groups[k], pair_stream)
        speech = spectrograms(
            [known[number] for number in table["speaker"]],
            table["digit"].to_numpy(),
            voice=voice,
            snr_db=snr_db,
            seed=[seed, STREAMS.index("speech"), k],
            cache=folder / "spoken_digits",
            progress=progress,
        )
        pixels = digits.images[table["image"]] / digits.images.max()
        x = {
            "image": _noisy(pixels, sigma, _stream(seed, "image", k))[..., None],
            "speech": speech[..., None],
        }
        table["speaker"] = [known[number].name for number in table["speaker"]]
        parts.append(_samples(split, table, x))
    return prepare(parts, missing=missing, seed=seed)


def _stream(seed: int, purpose: str, *key: int) -> np.random.Generator:
    return np.random.default_rng([seed, STREAMS.index(purpose), *key])


def _samples(split: str, table: pd.DataFrame, x: Mapping[str, np.ndarray]) -> Samples:
    return Samples(
        SPEC,
        table["digit"],
        x,
        id=[f"{split}-{row}" for row in range(len(table))],
        group=table["speaker"],
        meta=table[["image", "speaker"]],
    )


def _noisy(pixels: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Pixels with noise, in steps that are the same on all machines."""
    return np.rint(GRID * (pixels + rng.normal(0, sigma, pixels.shape))) / GRID


def _pairs(
    size: int,
    images: np.ndarray,
    target: np.ndarray,
    speakers: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Columns `digit, image, speaker`; each as even as the size allows."""
    digit = np.arange(size) % len(WORDS)
    image, speaker = np.empty(size, int), np.empty(size, int)
    for value in range(len(WORDS)):
        rows = np.flatnonzero(digit == value)
        image[rows] = _in_turn(images[target[images] == value], len(rows), rng)
        speaker[rows] = _in_turn(speakers, len(rows), rng)
    table = pd.DataFrame({"digit": digit, "image": image, "speaker": speaker})
    return table.iloc[rng.permutation(size)].reset_index(drop=True)


def _in_turn(values: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Rounds of all values, each round in another order."""
    rounds = -(-size // len(values))
    return np.concatenate([rng.permutation(values) for _ in range(rounds)])[:size]


def _check(
    pairs: Sequence[int],
    speakers: Sequence[int],
    snr_db: float | None,
    sigma: float,
) -> None:
    for name, counts, least in (
        ("pairs", pairs, len(WORDS)),
        ("speakers", speakers, 1),
    ):
        whole = isinstance(counts, Sequence) and not isinstance(counts, str)
        whole = whole and all(_is_number(n, Integral) and n >= least for n in counts)
        if not whole or len(counts) != len(SPLITS):
            raise ValueError(
                f"`{name}` must be whole numbers from {least} up for {SPLITS}, such as "
                f"{[10 * least] * len(SPLITS)}. Received: {counts!r}."
            )
    for name, value, rule, fits in (
        ("snr_db", snr_db, "a number of dB, or None for no noise", _is_snr(snr_db)),
        ("sigma", sigma, "a number from 0 up", _is_number(sigma, Real) and sigma >= 0),
    ):
        if not fits:
            raise ValueError(f"`{name}` must be {rule}. Received: {value!r}.")


def _is_number(value: object, kind: type) -> bool:
    return (
        isinstance(value, kind) and not isinstance(value, bool) and np.isfinite(value)
    )


def _is_snr(value: object) -> bool:
    return value is None or _is_number(value, Real)
