"""Draws of whole patients, and intervals that keep their promise."""

import numpy as np
import pytest

from mind_keras.evaluation import bootstrap
from mind_keras.evaluation.bootstrap import group_weights, interval, replicate
from mind_keras.evaluation.metrics import METRICS, brier


def test_samples_of_a_patient_are_drawn_together():
    group = np.random.default_rng(0).integers(0, 40, 200)
    weights = group_weights(group, 100, seed=0)
    for patient in np.unique(group):
        own = weights[:, group == patient]
        assert (own == own[:, :1]).all()


def test_as_many_patients_are_drawn_as_there_are():
    group = np.random.default_rng(0).permutation(np.repeat(np.arange(30), 3))
    _, first = np.unique(group, return_index=True)
    assert (group_weights(group, 50, seed=0)[:, first].sum(1) == 30).all()


def test_draws_are_those_of_chance():
    drawn = group_weights(np.arange(50), 4000, seed=0).astype(float)
    # Binomial(50, 1/50): mean 1, variance 0.98, 36.4 % are left out.
    np.testing.assert_allclose(drawn.mean(0), 1, atol=0.08)
    assert drawn.var() == pytest.approx(0.98, abs=0.02)
    assert (drawn == 0).mean() == pytest.approx(0.98**50, abs=0.005)


def test_replicates_differ_and_the_seed_decides():
    group = np.arange(30)
    first = group_weights(group, 20, seed=0)
    assert len(np.unique(first, axis=0)) == 20
    assert (first == group_weights(group, 20, seed=0)).all()
    assert (first != group_weights(group, 20, seed=1)).any()


def test_draws_follow_the_patient_not_the_order_of_samples():
    group = np.array([f"patient {k}" for k in [3, 1, 2, 1, 3, 3, 9]])
    order = np.random.default_rng(0).permutation(len(group))
    weights = group_weights(group, 20, seed=0)
    assert (group_weights(group[order], 20, seed=0) == weights[:, order]).all()


def test_more_replicates_only_add():
    few, many = (group_weights(np.arange(9), k, seed=0) for k in (5, 50))
    assert (many[:5] == few).all()


def test_negative_replicates_are_refused():
    with pytest.raises(ValueError, match=r"`replicates` must not be negative.*-1"):
        group_weights(np.arange(9), -1, seed=0)


@pytest.mark.parametrize("name", METRICS)
def test_chunks_change_nothing(name, monkeypatch):
    generator = np.random.default_rng(0)
    y, p = generator.integers(0, 2, 60), generator.random(60).round(1)
    rows, weights = generator.integers(0, 50, 60), generator.poisson(1, (37, 50))
    monkeypatch.setattr(bootstrap, "CHUNK", 600)
    monkeypatch.setattr(bootstrap, "FEWEST_IN_CHUNK", 2)
    function = METRICS[name].function
    whole = function(y, p, weights[:, rows])
    np.testing.assert_allclose(
        replicate(function, y, p, weights, rows), whole, atol=1e-12
    )


def test_an_interval_is_the_percentiles():
    values = np.random.default_rng(0).normal(size=500)
    low, high, note = interval(values, 0.8, groups=100)
    assert (low, high) == pytest.approx(tuple(np.percentile(values, [10, 90])))
    assert note == ""


def test_an_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(0)
    # Brier of p = 0 is the share of positives: the truth is 0.3.
    covered = []
    for seed in range(300):
        y = (generator.random(150) < 0.3).astype(float)
        weights = group_weights(np.arange(150), 200, seed=seed)
        values = brier(y, np.zeros(150), weights)
        low, high, _ = interval(values, 0.9, groups=150)
        covered.append(low <= 0.3 <= high)
    assert np.mean(covered) == pytest.approx(0.9, abs=0.05)


def test_patients_with_equal_samples_widen_the_interval_by_the_root_of_their_number():
    patient = np.repeat(np.arange(300), 4)
    y = (np.random.default_rng(0).random(300) < 0.4).astype(float)[patient]

    def width(group):
        weights = group_weights(group, 2000, seed=0)
        values = brier(y, np.zeros(len(y)), weights)
        low, high, _ = interval(values, groups=300)
        return high - low

    rows, patients = width(np.arange(1200)), width(patient)
    assert patients / rows == pytest.approx(2, rel=0.1)
    assert patients == pytest.approx(2 * 1.96 * np.sqrt(y.var() / 300), rel=0.1)


def test_few_patients_give_a_note_and_no_interval():
    low, high, note = interval(np.arange(100.0), groups=9)
    assert np.isnan(low) and np.isnan(high)
    assert note == "no interval: 9 groups, fewer than 10"
    assert interval(np.arange(100.0), groups=10).note == ""


def test_few_defined_replicates_give_a_note_and_no_interval():
    values = np.where(np.arange(100) < 79, 0.5, np.nan)
    low, high, note = interval(values, groups=50)
    assert np.isnan(low) and np.isnan(high)
    assert note == "no interval: defined in 79 of 100 replicates"


def test_undefined_replicates_are_left_out_and_counted():
    values = np.where(np.arange(100) < 80, np.linspace(0, 1, 100), np.nan)
    low, high, note = interval(values, 0.5, groups=50)
    expected = tuple(np.quantile(values[:80], [0.25, 0.75]))
    assert (low, high) == pytest.approx(expected)
    assert note == "defined in 80 of 100 replicates"


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_outside_0_and_1_is_refused(level):
    with pytest.raises(ValueError, match=rf"between 0 and 1. Received: {level}\."):
        interval(np.arange(9.0), level, groups=50)


def test_a_perfect_score_of_a_few_patients_is_not_certainty():
    low, high, note = interval(np.ones(100), groups=15)
    assert np.isnan([low, high]).all()
    assert note == "no interval: all replicates are equal"
