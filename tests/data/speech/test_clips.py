"""Clips: their length, their beginning, and the strength of the noise."""

import numpy as np
import pytest

from mind_keras.data.speech.clips import LATEST, LENGTH, add_noise, to_clip


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("snr_db", [-10.0, -5.0, 0.0, 12.5])
def test_the_power_of_noise_is_as_stated_for_each_clip(snr_db):
    clip = to_clip(generator(1).normal(size=3000), generator())
    noise = add_noise(clip, snr_db, generator()) - clip
    found = 10 * np.log10(np.mean(clip**2) / np.mean(noise**2))
    np.testing.assert_allclose(found, snr_db, atol=1e-9)
    # White: each sample is independent of the one before.
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.05
    assert abs(noise[:100].std() / noise[-100:].std() - 1) < 0.4


def test_without_noise_a_clip_is_unchanged():
    clip = generator().normal(size=100)
    np.testing.assert_array_equal(add_noise(clip, None, generator()), clip)


def test_a_clip_is_the_utterance_without_silent_ends_at_mean_power_1():
    word = 1 + generator().uniform(size=2000)
    wave = np.concatenate([np.zeros(500), word, np.full(900, 0.001)])
    clip = to_clip(wave, generator())
    start = np.flatnonzero(clip)[0]
    assert clip.shape == (LENGTH,) and len(np.flatnonzero(clip)) == 2000
    scale = clip[start] / word[0]
    np.testing.assert_allclose(clip[start : start + 2000], word * scale)
    np.testing.assert_allclose(np.mean(clip**2), 1)


def test_utterances_begin_at_random_within_the_first_quarter():
    starts = [
        np.flatnonzero(to_clip(np.ones(100), generator(seed)))[0] for seed in range(200)
    ]
    assert LATEST == LENGTH / 4
    assert 0 <= min(starts) < LATEST / 10 and LATEST * 0.9 < max(starts) < LATEST


def test_a_long_utterance_loses_its_end():
    wave = np.arange(1.0, 20001.0)
    clip = to_clip(wave, generator())
    start = np.flatnonzero(clip)[0]
    # What is below a hundredth of the peak, the first 200, is silence.
    expected = np.arange(201.0, 201 + LENGTH - start)
    np.testing.assert_allclose(clip[start:] / clip[start] * 201, expected)


def test_silence_is_refused():
    with pytest.raises(ValueError, match=r"must be heard. Received 50 samples, all 0"):
        to_clip(np.zeros(50), generator())
