"""Gradient Blending: weights by hand."""

import pytest

from mind_keras.controls.g_blend import LEAST_OVERFITTING, blend, gain


def test_gain_is_the_fall_of_the_validation_loss_and_the_growth_of_the_gap():
    g, o = gain(first=(1.0, 1.1), last=(0.3, 0.6))
    assert g == pytest.approx(0.5)
    assert o == pytest.approx(0.3 - 0.1)


def test_weights_are_gain_by_squared_overfitting_and_sum_to_1():
    weights = blend({"a": (0.3, 0.2), "b": (0.1, 0.4), "fusion": (0.4, 0.1)})
    raw = {"a": 0.3 / 0.04, "b": 0.1 / 0.16, "fusion": 0.4 / 0.01}
    total = sum(raw.values())
    assert weights == pytest.approx({head: w / total for head, w in raw.items()})


def test_less_overfitting_than_can_be_told_from_noise_counts_as_that():
    least = LEAST_OVERFITTING
    weights = blend({"a": (0.1, 0.0), "b": (0.1, -0.5), "c": (0.1, least)})
    assert weights == pytest.approx(dict.fromkeys("abc", 1 / 3))


def test_a_head_that_does_not_generalise_is_not_trained_unless_none_does():
    assert blend({"a": (-0.1, 0.2), "b": (0.2, 0.2)}) == {"a": 0.0, "b": 1.0}
    assert blend({"a": (-0.1, 0.2), "b": (0.0, 0.1)}) == {"a": 0.5, "b": 0.5}
