"""The formant synthesiser: pitch, resonances and speed are what they are said to be."""

import numpy as np
import pytest
from scipy.signal import find_peaks, welch

from mind_keras.data.speech import formant
from mind_keras.data.speech.formant import say, speakers
from mind_keras.data.speech.phones import DIGITS, PHONES


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def steady(monkeypatch):
    """A speaker without quirks, who says long vowels: digit k is `vowels[k]`."""
    vowels = ("iy", "aa", "uw")
    long = {name: PHONES[name]._replace(milliseconds=800) for name in vowels}
    monkeypatch.setattr(formant, "PHONES", PHONES | long)
    monkeypatch.setattr(formant, "DIGITS", tuple([name] for name in vowels))
    monkeypatch.setattr(formant, "SLOPPINESS", 0.0)
    accent = {name: np.ones(3) for name in PHONES}
    return formant.Speaker("x", 1.0, 80.0, 1.0, 0.0, accent)


@pytest.mark.parametrize(("digit", "vowel"), [(0, "iy"), (1, "aa"), (2, "uw")])
@pytest.mark.parametrize(("tract", "accent"), [(1.0, 1.0), (1.2, 1.0), (1.0, 0.8)])
def test_a_vowel_peaks_at_its_formants_by_tract_and_accent(
    steady, digit, vowel, tract, accent
):
    someone = steady._replace(tract=tract, jitter=0.2, accent={vowel: accent})
    wave = say(someone, digit, generator())
    hertz, power = welch(wave, formant.RATE, nperseg=512)
    smooth = np.convolve(
        10 * np.log10(power), np.hanning(9) / np.hanning(9).sum(), "same"
    )
    peaks = hertz[find_peaks(smooth)[0]]
    for expected in np.multiply(PHONES[vowel].formants, tract * accent)[:2]:
        assert np.abs(peaks - expected).min() < 80, (peaks, expected)


def test_the_glottis_pulses_at_the_pitch_which_falls(steady):
    for pitch in (80.0, 200.0):
        pulses = formant._pulses(steady._replace(pitch=pitch), 80000, generator())
        assert set(pulses.tolist()) == {0.0, 1.0}
        # Of each utterance it differs, by a few percent.
        assert 0.8 < pulses.sum() / 10 / pitch < 1.2
        assert pulses[:8000].sum() > 1.15 * pulses[-8000:].sum()
    strays = formant._pulses(steady._replace(jitter=0.5), 80000, generator())
    even = formant._pulses(steady, 80000, generator())
    gaps = [np.diff(np.flatnonzero(p)).std() for p in (strays, even)]
    assert gaps[0] > 1.5 * gaps[1]


def test_friction_is_where_the_phone_says_and_a_closure_is_silent(monkeypatch):
    long = {name: PHONES[name]._replace(milliseconds=800) for name in ("s", "k")}
    closed = {"t_closure": PHONES["t_closure"]}
    monkeypatch.setattr(formant, "PHONES", PHONES | long | closed)
    monkeypatch.setattr(formant, "DIGITS", (["s"], ["k"], ["t_closure"]))
    (someone,) = speakers(1, generator())
    for digit, name in ((0, "s"), (1, "k")):
        hertz, power = welch(say(someone, digit, generator()), formant.RATE)
        assert abs(hertz[power.argmax()] - PHONES[name].centre) < 400
    assert not say(someone, 2, generator()).any()


def test_who_speaks_twice_as_fast_takes_half_as_long(steady):
    slow, fast = (
        len(say(steady._replace(rate=rate), 1, generator())) for rate in (0.5, 1.0)
    )
    tail = formant.FFT - formant.HOP
    assert abs((slow - tail) / (fast - tail) - 2) < 0.05


def test_every_digit_is_said_and_heard():
    assert len(DIGITS) == 10
    for speaker in speakers(5, generator()):
        for digit in range(10):
            wave = say(speaker, digit, generator())
            assert np.isfinite(wave).all() and np.abs(wave).max() > 0
            assert 0.1 < len(wave) / formant.RATE < 1.2


def test_the_generator_decides_the_utterance():
    (someone,) = speakers(1, generator())
    first, same, other = (say(someone, 7, generator(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert len(first) != len(other) or not np.allclose(first, other)


def test_speakers_differ_and_high_voices_have_short_tracts():
    many = speakers(300, generator())
    assert len({speaker.name for speaker in many}) == 300
    tract = np.array([speaker.tract for speaker in many])
    pitch = np.array([speaker.pitch for speaker in many])
    assert tract.min() < 0.85 and tract.max() > 1.25
    assert pitch.min() < 90 and pitch.max() > 240
    assert np.corrcoef(tract, np.log(pitch))[0, 1] > 0.7
    accents = np.array([speaker.accent["iy"] for speaker in many])
    assert abs(accents.std() - formant.ACCENT) < 0.02
