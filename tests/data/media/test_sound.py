"""Wav files: every kind of number, and spectrograms equal to scipy's."""

import numpy as np
import pytest
from data.media.folders import cut, wav
from scipy.io import wavfile
from scipy.signal import stft

from mind_keras.data.media.sound import Spectrogram, read_wav, resampled


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.wav"


def mel_by_hand(power, rate, mels):
    """Triangles of mel, one band and one frequency at a time."""
    hertz = np.linspace(0, rate / 2, len(power))
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corners = [700 * (10 ** (top * k / (mels + 1) / 2595) - 1) for k in range(mels + 2)]
    bands = np.zeros((mels, power.shape[1]))
    for band in range(mels):
        low, peak, high = corners[band : band + 3]
        for k, f in enumerate(hertz):
            if low < f <= peak:
                bands[band] += power[k] * (f - low) / (peak - low)
            elif peak < f < high:
                bands[band] += power[k] * (high - f) / (high - peak)
    return bands


@pytest.mark.parametrize(
    "sound", [Spectrogram(), Spectrogram(16000, 0.5, 512, 256, 40)]
)
def test_a_spectrogram_is_that_of_scipy_and_of_triangles_by_hand(path, sound):
    wav(path, 2, rate=sound.rate, seconds=1.2)
    wave = wavfile.read(path)[1][: sound.length] / 32768
    options = {"nperseg": sound.frame, "noverlap": sound.frame - sound.hop}
    _, _, spectra = stft(wave, sound.rate, boundary=None, padded=False, **options)
    power = mel_by_hand(np.abs(spectra) ** 2, sound.rate, sound.mels)
    expected = 10 * np.log10(np.maximum(power, 1e-8)).T
    found = sound.read(path)
    assert found.shape == sound.shape and found.dtype == np.float32
    # float32 of values up to 80 dB.
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-5)


def test_what_is_longer_loses_its_end_and_what_is_shorter_is_followed_by_silence(path):
    sound = Spectrogram(seconds=0.5)
    wav(path, 1, seconds=0.5)
    whole = sound.read(path)
    rate, wave = wavfile.read(path)
    wavfile.write(path, rate, np.concatenate([wave, wave[::-1]]))
    np.testing.assert_array_equal(sound.read(path), whole)
    wavfile.write(path, rate, wave[:2000])
    short = sound.read(path)
    assert (short[-1] == -80).all() and (short[0] == whole[0]).all()


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("int16", [-32768, 0, 16384], [-1, 0, 0.5]),
        ("uint8", [0, 128, 192], [-1, 0, 0.5]),
        ("int32", [-(2**31), 0, 2**30], [-1, 0, 0.5]),
        ("float32", [-1, 0, 0.5], [-1, 0, 0.5]),
        ("float64", [-1, 0, 0.5], [-1, 0, 0.5]),
    ],
)
def test_numbers_of_any_kind_are_from_minus_1_to_1(path, kind, values, expected):
    wavfile.write(path, 11025, np.array(values, kind))
    wave, rate = read_wav(path)
    assert wave.tolist() == expected and rate == 11025


def test_channels_are_averaged(path):
    wavfile.write(path, 8000, np.array([[0.5, -0.5], [1.0, 0.5]], "float32"))
    assert read_wav(path)[0].tolist() == [0, 0.75]


@pytest.mark.parametrize(
    ("rate", "wanted"), [(48000, 8000), (22050, 8000), (8000, 16000)]
)
def test_a_tone_keeps_its_pitch_at_another_rate(rate, wanted):
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    found = resampled(tone, rate, wanted)
    assert len(found) == wanted
    assert np.abs(np.fft.rfft(found)).argmax() == 1000


@pytest.mark.parametrize("keep", [0, 3, 20, 44, 60])
def test_a_wav_file_that_is_cut_off_is_refused(path, keep):
    wav(path, 0)
    cut(path, keep)
    with pytest.raises(ValueError, match="it must "):
        read_wav(path)


def test_what_is_no_sound_is_refused(path, tmp_path):
    with pytest.raises(ValueError, match="whole wav file"):
        read_wav(tmp_path / "none.wav")
    path.write_text("<html>404</html>" * 10)
    with pytest.raises(ValueError, match="whole wav file"):
        read_wav(path)
    wavfile.write(path, 8000, np.array([], "int16"))
    with pytest.raises(ValueError, match="the sound that it announces"):
        read_wav(path)
    wavfile.write(path, 8000, np.array([0, np.nan], "float32"))
    with pytest.raises(ValueError, match="samples must be finite"):
        read_wav(path)


def test_a_note_in_the_file_does_no_harm(path):
    wav(path, 0, seconds=0.1)
    whole, data = read_wav(path)[0], path.read_bytes()
    note = b"note" + (4).to_bytes(4, "little") + b"abcd"
    size = (int.from_bytes(data[4:8], "little") + len(note)).to_bytes(4, "little")
    path.write_bytes(data[:4] + size + data[8:36] + note + data[36:])
    np.testing.assert_array_equal(read_wav(path)[0], whole)
