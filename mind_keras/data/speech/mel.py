"""Spectrograms on the mel scale, in decibels, by NumPy alone.

Contract: a clip `(n,)` to `(frames, mels)`.
"""

import numpy as np
from scipy.signal import get_window

from mind_keras.data.speech.clips import RATE

FRAME, HOP, MELS = 256, 128, 32  # Samples (32 ms, 16 ms), and bands.
FLOOR = 1e-8  # Power, so that silence has a logarithm.


def mel(hertz: np.ndarray) -> np.ndarray:
    """Pitch in mel of a frequency in Hz: 1000 mel at 1000 Hz [1].

    Example:
        >>> round(float(mel(1000.0)))
        1000

    [1] O'Shaughnessy (1987), Speech communication, p. 150.
    """
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def mel_filters(
    *, rate: int = RATE, frame: int = FRAME, mels: int = MELS
) -> np.ndarray:
    """Triangles of height 1, evenly spaced in mel from 0 Hz to half the rate.

    Returns:
        `(frame // 2 + 1, mels)`: the weight of each frequency in each band.

    Raises:
        ValueError: If a triangle is so narrow that no frequency falls into it.

    Example:
        >>> mel_filters().shape
        (129, 32)
    """
    corners = 700 * (10 ** (np.linspace(0, mel(rate / 2), mels + 2) / 2595) - 1)
    low, peak, high = corners[:-2], corners[1:-1], corners[2:]
    hertz = np.fft.rfftfreq(frame, 1 / rate)[:, None]
    up, down = (hertz - low) / (peak - low), (high - hertz) / (high - peak)
    filters = np.maximum(0, np.minimum(up, down))
    empty = np.flatnonzero(filters.max(axis=0) == 0)
    if len(empty):
        raise ValueError(
            f"Every band must hold a frequency of the frame. Received: {mels} mels of "
            f"frames of {frame} samples at {rate} Hz, of which {len(empty)} hold none. "
            "Take fewer mels, or longer frames."
        )
    return filters


def log_mel(
    wave: np.ndarray,
    *,
    rate: int = RATE,
    frame: int = FRAME,
    hop: int = HOP,
    mels: int = MELS,
) -> np.ndarray:
    """How strong each band is, frame by frame, in dB.

    Frames are taken under a Hann window that is divided by its sum, so that a sine of
    amplitude 1 has the power 1/4 at its frequency; what is left at the end is dropped.

    Args:
        wave: `(n,)`, at least one frame long.
        rate: Samples per second.
        frame, hop: Length of a frame, and from one to the next, in samples.
        mels: Number of bands.

    Returns:
        `(1 + (n - frame) // hop, mels)`, float64, not below -80 dB.

    Raises:
        ValueError: If the wave is shorter than a frame, or as in `mel_filters`.

    Example:
        >>> log_mel(np.zeros(8000)).shape
        (61, 32)
    """
    wave = np.asarray(wave, "float64")
    if wave.ndim != 1 or len(wave) < frame:
        raise ValueError(
            f"A wave must be a row of at least {frame} samples. Received: shape "
            f"{wave.shape}. Take shorter frames, or one channel."
        )
    window = get_window("hann", frame)
    views = np.lib.stride_tricks.sliding_window_view(wave, frame)[::hop]
    spectra = np.fft.rfft(views * (window / window.sum()))
    bands = np.abs(spectra) ** 2 @ mel_filters(rate=rate, frame=frame, mels=mels)
    return 10 * np.log10(np.maximum(bands, FLOOR))
