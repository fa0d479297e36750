"""A list of who says what, as spectrograms; kept on disk, since speaking takes long.

Decibels are rounded to `GRID` steps: so they are the same on machines whose sines and
exponentials differ in the last digit.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from mind_keras import __version__
from mind_keras.data.atomic import atomic_path
from mind_keras.data.speech.clips import LENGTH, add_noise, to_clip
from mind_keras.data.speech.mel import FRAME, HOP, MELS, log_mel
from mind_keras.data.speech.voices import voice_of

GRID = 64  # Steps in a dB.
SHAPE = (1 + (LENGTH - FRAME) // HOP, MELS)
Progress = Callable[[str, int, float], None]


def spectrograms(
    speakers: Sequence,
    digits: np.ndarray,
    *,
    voice: str,
    snr_db: float | None,
    seed: Sequence[int],
    cache: Path,
    progress: Progress = lambda stage, done, fraction: None,
) -> np.ndarray:
    """One utterance each, with noise, as log-mel spectrograms in dB.

    Args:
        speakers: Who speaks, `(n,)`; of the voice.
        digits: What is said, 0 to 9, `(n,)`.
        voice: A name of `voices.VOICES`.
        snr_db: As in `clips.add_noise`.
        seed: Of utterances and noise, which have streams of their own: the same words
            are said under another noise.
        cache: The folder where the result is kept.
        progress: Called as `progress(stage, rows done, fraction)`.

    Returns:
        `(n, *SHAPE)`, float32.

    Raises:
        ValueError: If the voice is unknown, or cannot speak.

    Example:
        >>> import tempfile
        >>> someone = voice_of("formant").speakers(1, np.random.default_rng(0))
        >>> options = {"voice": "formant", "snr_db": -5.0, "seed": [0]}
        >>> options["cache"] = Path(tempfile.mkdtemp())
        >>> spectrograms(someone * 2, np.array([3, 8]), **options).shape
        (2, 61, 32)
    """
    said = [[*_plain(s), int(digit)] for s, digit in zip(speakers, digits, strict=True)]
    asked = [said, voice_of(voice).identity(), snr_db, list(seed), __version__]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{voice}-{digest}.npy"
    # Runs that begin side by side would do the work twice.
    with FileLock(cache / f"{path.stem}.lock"):
        if not path.is_file():
            steps = _speak(speakers, digits, voice, snr_db, seed, progress)
            with atomic_path(path) as part:
                np.save(part, steps)
        return np.load(path, allow_pickle=False).astype("float32") / GRID


def _plain(speaker: tuple) -> list:
    """A speaker's numbers as plain values, in full precision."""
    return json.loads(json.dumps(speaker, default=np.ndarray.tolist))


def _speak(
    speakers: Sequence,
    digits: np.ndarray,
    voice: str,
    snr_db: float | None,
    seed: Sequence[int],
    progress: Progress,
) -> np.ndarray:
    """Steps of `1 / GRID` dB, int16, `(n, *SHAPE)`."""
    say, size = voice_of(voice).say, len(digits)
    speech, noise = np.random.default_rng([*seed, 0]), np.random.default_rng([*seed, 1])
    steps = np.empty((size, *SHAPE), "int16")
    for k, (speaker, digit) in enumerate(zip(speakers, digits, strict=True)):
        clip = to_clip(say(speaker, int(digit), speech), speech)
        steps[k] = np.rint(GRID * log_mel(add_noise(clip, snr_db, noise)))
        if k % 50 == 49:
            progress("speech", k + 1, (k + 1) / size)
    return steps
