"""One wav file to one spectrogram of a stated shape."""

import struct
import warnings
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from mind_keras.data.speech.mel import log_mel

CUT_OFF = "EOF"  # How scipy's warnings say that a file is not whole.


@dataclass(frozen=True)
class Spectrogram:
    """How sound becomes a picture of bands over time.

    Args:
        rate: Samples per second to which files are resampled.
        seconds: Length of a clip: what is longer loses its end, what is shorter is
            followed by silence.
        frame, hop: Length of a frame, and from one to the next, in samples.
        mels: Number of bands.

    Example:
        >>> Spectrogram(rate=8000, seconds=1.0).shape
        (61, 32, 1)
    """

    rate: int = 8000
    seconds: float = 1.0
    frame: int = 256
    hop: int = 128
    mels: int = 32

    def __post_init__(self) -> None:
        if not self.rate > 0 or not self.length >= self.frame:
            raise ValueError(
                "A clip must be at least one frame long. Received: "
                f"seconds={self.seconds} at rate={self.rate}, frame={self.frame}."
            )

    @property
    def length(self) -> int:
        """Samples of a clip."""
        return round(self.seconds * self.rate)

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(frames, mels, 1)`."""
        return 1 + (self.length - self.frame) // self.hop, self.mels, 1

    def read(self, path: Path) -> np.ndarray:
        """The log-mel spectrogram of a wav file, dB, `shape`, float32.

        Raises:
            ValueError: If the file is no whole wav file, or holds no sound.
        """
        wave = resampled(*read_wav(path), self.rate)[: self.length]
        clip = np.pad(wave, (0, self.length - len(wave)))
        about = {"frame": self.frame, "hop": self.hop, "mels": self.mels}
        bands = log_mel(clip, rate=self.rate, **about)
        return bands[..., None].astype("float32")


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """The mean of all channels of a wav file, and its rate.

    Returns:
        Samples from -1 to 1, `(n,)`, float64, and how many there are per second.

    Raises:
        ValueError: If the file is no wav file, cut off, empty, or not finite.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.wav"
        >>> wavfile.write(path, 8000, np.array([0, 16384, -32768], "int16"))
        >>> wave, rate = read_wav(path)
        >>> wave.tolist(), rate
        ([0.0, 0.5, -1.0], 8000)
    """
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            rate, samples = wavfile.read(path)
    except (OSError, ValueError, EOFError, TypeError, struct.error) as error:
        raise ValueError(f"it must be a whole wav file ({error})") from None
    cut = [str(one.message) for one in told if CUT_OFF in str(one.message)]
    if cut or not samples.size or not rate:
        raise ValueError(f"it must hold the sound that it announces ({cut or 'none'})")
    wave = _unit(samples)
    if not np.isfinite(wave).all():
        raise ValueError("its samples must be finite")
    return wave.reshape(len(wave), -1).mean(axis=1), rate


def resampled(wave: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The same sound at another rate.

    Example:
        >>> len(resampled(np.zeros(16000), 16000, 8000))
        8000
    """
    divisor = gcd(rate, wanted)
    if rate == wanted:
        return wave
    return resample_poly(wave, wanted // divisor, rate // divisor)


def _unit(samples: np.ndarray) -> np.ndarray:
    """Samples from -1 to 1, whatever numbers the file has."""
    if samples.dtype.kind == "f":
        return samples.astype("float64")
    half = 2.0 ** (8 * samples.dtype.itemsize - 1)
    middle = half if samples.dtype.kind == "u" else 0.0
    return (samples.astype("float64") - middle) / half
