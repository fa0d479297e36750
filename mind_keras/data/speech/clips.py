"""Clips: utterances of one length, with noise of a stated strength.

Contract: samples at `RATE`, float64, `(n,)`; a clip has `LENGTH` of them.
"""

import numpy as np

RATE = 8000  # Samples per second, as in telephony.
LENGTH = RATE  # One second.
LATEST = RATE // 4  # An utterance begins within the first quarter of a second.
SILENCE = 0.01  # Share of the peak below which the ends are cut off.


def to_clip(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The utterance without silent ends, in a clip of one second of mean power 1.

    It begins at a random moment of the first quarter of a second. What is longer than
    the rest of the clip loses its end.

    Args:
        wave: An utterance, `(n,)`.
        rng: For the moment.

    Returns:
        `(LENGTH,)`.

    Raises:
        ValueError: If the utterance is silent.

    Example:
        >>> clip = to_clip(np.ones(3000), np.random.default_rng(0))
        >>> clip.shape, round(float(np.mean(clip**2)), 6)
        ((8000,), 1.0)
    """
    loud = np.flatnonzero(np.abs(wave) > SILENCE * np.abs(wave).max(initial=0.0))
    if not len(loud):
        raise ValueError(
            f"An utterance must be heard. Received {len(wave)} samples, all 0."
        )
    wave = wave[loud[0] : loud[-1] + 1]
    start = int(rng.integers(LATEST))
    clip = np.zeros(LENGTH)
    part = wave[: LENGTH - start]
    clip[start : start + len(part)] = part
    return clip / np.sqrt(np.mean(clip**2))


def add_noise(
    clip: np.ndarray, snr_db: float | None, rng: np.random.Generator
) -> np.ndarray:
    """The clip with white noise.

    Args:
        clip: Speech, `(n,)`.
        snr_db: Power of the speech over that of the noise, both means over the whole
            clip, in dB; exact for each clip. None: no noise.
        rng: For the noise.

    Example:
        >>> clip = np.ones(8000)
        >>> noise = add_noise(clip, -10.0, np.random.default_rng(0)) - clip
        >>> round(float(np.mean(noise**2)), 6)
        10.0
    """
    if snr_db is None:
        return clip
    noise = rng.normal(size=clip.shape)
    power = np.mean(clip**2) / 10 ** (snr_db / 10)
    return clip + noise * np.sqrt(power / np.mean(noise**2))
