"""p-values, Holm and margins, worked by hand."""

import numpy as np
import pandas as pd
import pytest

from mind_keras.evaluation.bootstrap import interval
from mind_keras.evaluation.significance import (
    bootstrap_p,
    check_level,
    holm,
    holm_over_labels,
    non_inferior,
)

nan = np.nan


def test_p_is_twice_the_share_beyond_0_the_data_counted_in():
    values = np.array([-0.1] * 3 + [0.2] * 96)
    assert bootstrap_p(values) == pytest.approx(2 * (1 + 3) / 100)
    assert bootstrap_p(-values) == bootstrap_p(values)


def test_p_is_never_0_and_never_above_1():
    assert bootstrap_p(np.full(999, 0.3)) == pytest.approx(2 / 1000)
    assert bootstrap_p(np.array([-1.0, 1.0])) == 1
    assert bootstrap_p(np.zeros(50)) == 1


def test_replicates_that_are_0_speak_for_no_difference():
    assert bootstrap_p(np.array([0.0] * 10 + [1.0] * 89)) == pytest.approx(0.22)
    assert bootstrap_p(np.array([0.0] * 10 + [-1.0] * 89)) == pytest.approx(0.22)


def test_undefined_replicates_are_none():
    assert bootstrap_p(np.array([nan, 0.1, 0.2, nan, 0.3])) == pytest.approx(2 / 4)
    assert np.isnan(bootstrap_p(np.array([nan, nan])))
    assert np.isnan(bootstrap_p(np.array([])))


def test_p_is_below_5_percent_where_the_95_percent_interval_leaves_out_0():
    generator = np.random.default_rng(0)
    means = np.linspace(-3, 3, 121)
    outside, small = [], []
    for mean in means:
        values = generator.normal(mean, 1, 1000)
        low, high, _ = interval(values, 0.95, groups=100)
        outside.append(low > 0 or high < 0)
        small.append(bootstrap_p(values) < 0.05)
    # A replicate may stand between the two at the very border.
    assert np.sum(np.not_equal(outside, small)) <= 2
    assert 20 < np.sum(outside) < 100


def test_holm_by_hand():
    # 4 * 0.01, 3 * 0.015, max(2 * 0.02, 0.045), 1 * 0.9
    found = holm(np.array([0.02, 0.9, 0.01, 0.015]))
    np.testing.assert_allclose(found, [0.045, 0.9, 0.04, 0.045])


def test_holm_stays_below_1_and_leaves_one_test_as_it_is():
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1, 1])
    assert holm(np.array([0.03])).tolist() == [0.03]
    assert holm(np.array([])).tolist() == []


def test_what_was_not_tested_is_not_in_the_family():
    found = holm(np.array([nan, 0.01, nan, 0.03]))
    np.testing.assert_allclose(found, [nan, 0.02, nan, 0.03])


def test_holm_keeps_the_chance_of_any_false_alarm():
    generator = np.random.default_rng(0)
    alarms = [(holm(generator.random(10)) < 0.1).any() for _ in range(2000)]
    assert np.mean(alarms) == pytest.approx(0.1, abs=0.02)


def test_each_headline_has_a_family_of_labels_and_none_holds_the_headline():
    table = pd.DataFrame(
        {
            "model": ["a"] * 3 + ["b"] * 3,
            "label": pd.Series([None, "x", "y"] * 2, dtype=object),
            "p": [0.01, 0.02, 0.03, 0.001, 0.5, 0.1],
        }
    ).set_axis([5, 4, 3, 2, 1, 0])
    found = holm_over_labels(table, ["model"])
    assert found.index.tolist() == table.index.tolist()
    np.testing.assert_allclose(found, [0.01, 0.04, 0.04, 0.001, 0.5, 0.2])


@pytest.mark.parametrize(
    ("low", "high", "higher", "verdict"),
    [
        (-0.009, 0.002, True, True),
        (-0.011, 0.050, True, False),
        (-0.010, 0.050, True, False),
        (0.020, 0.030, True, True),
        (-0.050, 0.009, False, True),
        (-0.050, 0.011, False, False),
        (-0.050, 0.010, False, False),
        (nan, nan, True, None),
    ],
)
def test_a_loss_beyond_the_margin_must_be_excluded(low, high, higher, verdict):
    assert non_inferior(low, high, 0.01, higher_is_better=higher) is verdict


def test_without_a_margin_there_is_no_verdict():
    assert non_inferior(0.1, 0.2, nan, higher_is_better=True) is None


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_outside_0_and_1_is_refused(level):
    with pytest.raises(ValueError, match=rf"between 0 and 1. Received: {level}\. W"):
        check_level(level)
