"""Log-mel spectrograms: against SciPy's STFT and triangles written by hand."""

import numpy as np
import pytest
from scipy.signal import stft

from mind_keras.data.speech.mel import log_mel, mel, mel_filters

OPTIONS = (
    {"rate": 8000, "frame": 256, "hop": 128, "mels": 32},
    # 25 ms and 10 ms, whose frame is no power of two.
    {"rate": 16000, "frame": 400, "hop": 160, "mels": 40},
)


def triangle(hertz, low, peak, high):
    if low < hertz <= peak:
        return (hertz - low) / (peak - low)
    return (high - hertz) / (high - peak) if peak < hertz < high else 0.0


def by_hand(wave, rate, frame, hop, mels):
    """SciPy's spectra, summed with weights one number at a time."""
    hertz, _, spectra = stft(
        wave, rate, nperseg=frame, noverlap=frame - hop, boundary=None, padded=False
    )
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corner = [700 * (10 ** (top * k / (mels + 1) / 2595) - 1) for k in range(mels + 2)]
    weight = [[triangle(f, *corner[k : k + 3]) for f in hertz] for k in range(mels)]
    return 10 * np.log10(
        np.maximum(np.abs(spectra.T) ** 2 @ np.transpose(weight), 1e-8)
    )


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_log_mel_is_scipys_stft_and_triangles_by_hand(options):
    wave = np.random.default_rng(0).normal(size=2345)
    expected, found = by_hand(wave, **options), log_mel(wave, **options)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_default_is_frames_of_32_ms_every_16_ms_in_32_bands():
    wave = np.random.default_rng(0).normal(size=8000)
    np.testing.assert_array_equal(log_mel(wave), log_mel(wave, **OPTIONS[0]))
    assert log_mel(wave).shape == (61, 32)


def test_a_sine_is_loudest_in_the_band_around_it_and_silence_at_the_floor():
    filters = mel_filters()
    for hertz in (300.0, 1000.0, 2500.0):
        wave = np.sin(2 * np.pi * hertz * np.arange(8000) / 8000)
        loudest = log_mel(wave).mean(axis=0).argmax()
        assert loudest == filters[round(hertz / 8000 * 256)].argmax()
    np.testing.assert_array_equal(log_mel(np.zeros(256)), np.full((1, 32), -80.0))


def test_ten_times_the_amplitude_is_20_decibels_more():
    wave = np.random.default_rng(0).normal(size=1000)
    np.testing.assert_allclose(log_mel(10 * wave) - log_mel(wave), 20, atol=1e-9)


def test_mel_is_1000_at_1000_hertz_and_0_at_0():
    np.testing.assert_allclose(mel(np.array([0.0, 1000.0])), [0, 1000], atol=0.1)


def test_between_the_first_and_the_last_peak_the_bands_of_a_frequency_weigh_1():
    # Of 24 mels all triangles are wide enough to hold several frequencies.
    filters = mel_filters(frame=1024, mels=24)
    first, last = filters[:, 0].argmax(), filters[:, -1].argmax()
    np.testing.assert_allclose(filters[first + 1 : last].sum(axis=1), 1, atol=1e-9)


def test_what_is_no_wave_or_has_too_many_bands_is_refused():
    with pytest.raises(ValueError, match=r"at least 256 samples.*\(255,\).*shorter"):
        log_mel(np.zeros(255))
    with pytest.raises(ValueError, match=r"Received: shape \(2, 8000\)"):
        log_mel(np.zeros((2, 8000)))
    with pytest.raises(ValueError, match=r"128 mels.* hold none. Take fewer mels"):
        mel_filters(mels=128)
