"""A formant synthesiser in NumPy: made-up speakers who say digits, 8 kHz.

Pulses of the glottis and noise of the friction pass through the resonances of a vocal
tract [1], which move from phone to phone. Good enough to be confused as speech is, and
no more. A voice of `voices.VOICES`: `speakers`, `say` and `identity`.

[1] Fant (1960), Acoustic theory of speech production; the resonances in cascade as in
Klatt (1980), https://doi.org/10.1121/1.383940
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import get_window

from mind_keras.data.speech.clips import RATE
from mind_keras.data.speech.phones import DIGITS, PHONES

HOP = RATE // 200  # The tract moves every 5 ms.
FFT = 256  # A hop's window and, after it, the time for the tract to ring off.
BANDWIDTHS = (80.0, 100.0, 150.0, 250.0)  # Hz
FOURTH = 3500.0  # Hz: the resonance that all phones share.
TILT = 1500.0  # Hz, above which the pulses of the glottis lose 12 dB per octave.
# Of each formant of each phone (the accent) and of each utterance, standard deviation.
ACCENT, SLOPPINESS = 0.12, 0.06


class Speaker(NamedTuple):
    """Who speaks.

    Args:
        name: Names the speaker in tables.
        tract: Factor of all resonances; a short vocal tract has a high one.
        pitch: Pulses of the glottis per second, Hz.
        rate: Speed; 1 is that of `phones.PHONES`.
        jitter: How far the pitch strays, standard deviation as a share of it.
        accent: Factors of each phone's formants, `{phone: (3,)}`.
    """

    name: str
    tract: float
    pitch: float
    rate: float
    jitter: float
    accent: dict[str, np.ndarray]


def identity() -> str:
    """What the sound depends on: the edition of this file and of `phones`.

    Count it up when either makes another sound, so that nobody hears an old cache.
    """
    return "formant 1"


def speakers(count: int, rng: np.random.Generator) -> list[Speaker]:
    """Speakers of both sexes and all ages: tract and pitch differ, and go together.

    Example:
        >>> [speaker.name for speaker in speakers(2, np.random.default_rng(0))]
        ['speaker-000', 'speaker-001']
    """
    return [_speaker(f"speaker-{k:03}", rng) for k in range(count)]


def _speaker(name: str, rng: np.random.Generator) -> Speaker:
    shortness = rng.uniform()
    return Speaker(
        name,
        tract=0.8 + 0.5 * shortness + rng.normal(0, 0.02),
        pitch=100 * 2.5**shortness * np.exp(rng.normal(0, 0.15)),
        rate=rng.uniform(0.85, 1.3),
        jitter=rng.uniform(0.01, 0.04),
        accent={phone: 1 + rng.normal(0, ACCENT, 3) for phone in PHONES},
    )


def say(speaker: Speaker, digit: int, rng: np.random.Generator) -> np.ndarray:
    """One utterance; no two are the same.

    Args:
        speaker: Of `speakers`.
        digit: 0 to 9.
        rng: For what differs between utterances: speed, pitch, formants, noise.

    Returns:
        Samples at 8 kHz, float64, `(n,)`, about 0.2 to 0.7 s.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> someone = speakers(1, rng)[0]
        >>> 2000 < len(say(someone, 7, rng)) < 6000
        True
    """
    formants, voice, noise, centre, width = _targets(speaker, digit, rng)
    size = len(voice) * HOP
    grid = np.fft.rfftfreq(FFT, 1 / RATE)
    tract = np.prod(_resonance(formants, np.array(BANDWIDTHS), grid), axis=1)
    tract = tract / (1 + (grid / TILT) ** 2)
    rubbing = 1j * grid * width[:, None]
    rubbing = rubbing / (centre[:, None] ** 2 - grid**2 + rubbing)
    friction = rng.normal(0, 0.1, size)
    sound = voice[:, None] * tract * _frames(_pulses(speaker, size, rng))
    sound = sound + noise[:, None] * rubbing * _frames(friction)
    return _overlap_add(np.fft.irfft(sound, FFT))


def _targets(speaker: Speaker, digit: int, rng: np.random.Generator) -> tuple:
    """For every hop the formants `(hops, 4)`, amplitudes, and place of the friction."""
    phones = [PHONES[name] for name in DIGITS[digit]]
    rate = speaker.rate * np.exp(rng.normal(0, 0.08))
    stretch = np.exp(rng.normal(0, 0.12, len(phones)))
    seconds = np.array([p.milliseconds for p in phones]) / 1000 * stretch / rate
    which = np.repeat(np.arange(len(phones)), np.rint(seconds * RATE / HOP).astype(int))
    aim = np.array([p.formants for p in phones])
    aim = aim * [speaker.accent[name] for name in DIGITS[digit]]
    aim = aim * speaker.tract * (1 + rng.normal(0, SLOPPINESS, aim.shape))
    aim = np.column_stack([aim, np.full(len(aim), FOURTH * speaker.tract)])
    rest = np.array([(p.voice, p.noise, p.centre, p.width) for p in phones])[which]
    # The tongue takes longer than the glottis.
    formants = uniform_filter1d(aim[which], 12, axis=0, mode="nearest")
    loudness = uniform_filter1d(rest[:, :2], 3, axis=0, mode="constant")
    return formants, *loudness.T, *rest[:, 2:].T


def _pulses(speaker: Speaker, size: int, rng: np.random.Generator) -> np.ndarray:
    """A one where the glottis closes; the pitch falls and strays."""
    hops = size // HOP
    fall = np.linspace(1.1, 0.85, hops) * np.exp(rng.normal(0, 0.06))
    pitch = speaker.pitch * fall * (1 + rng.normal(0, speaker.jitter, hops))
    phase = rng.uniform() + np.cumsum(np.repeat(pitch, HOP)) / RATE
    return np.diff(np.floor(phase), prepend=np.floor(phase[0]))


def _resonance(centre: np.ndarray, width: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Transfer functions `(hops, formants, frequencies)`, 1 at frequency 0."""
    square = centre[..., None] ** 2
    return square / (square - grid**2 + 1j * grid * width[:, None])


def _frames(wave: np.ndarray) -> np.ndarray:
    """Spectra `(hops, frequencies)` of the wave under windows that sum to 1."""
    blocks = np.pad(wave, (HOP, 0)).reshape(-1, HOP)
    pairs = np.concatenate([blocks[:-1], blocks[1:]], axis=1)
    return np.fft.rfft(pairs * get_window("hann", 2 * HOP), FFT)


def _overlap_add(frames: np.ndarray) -> np.ndarray:
    """The sum of frames that begin a hop after one another."""
    blocks = -(-FFT // HOP)
    frames = np.pad(frames, ((0, 0), (0, blocks * HOP - FFT)))
    total = np.zeros((len(frames) + blocks - 1, HOP))
    for k in range(blocks):
        total[k : k + len(frames)] += frames[:, k * HOP : (k + 1) * HOP]
    return total.reshape(-1)
