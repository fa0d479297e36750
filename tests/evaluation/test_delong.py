"""DeLong and Obuchowski against their definitions, and against the bootstrap."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from mind_keras.evaluation.bootstrap import group_weights
from mind_keras.evaluation.delong import delong
from mind_keras.evaluation.metrics import auroc


def scores(n=150, *, patients=None, seed=0, ties=2):
    """Labels, two related scores with ties, patients; a patient's samples are alike."""
    generator = np.random.default_rng(seed)
    group = np.arange(n) if patients is None else generator.integers(0, patients, n)
    trait = generator.normal(size=n if patients is None else patients)[group]
    y = (generator.random(n) < 1 / (1 + np.exp(-trait))).astype(float)
    shared = 0.7 * y + trait + generator.normal(size=n)
    p, q = (shared + generator.normal(size=n) for _ in range(2))
    return y, p.round(ties), q.round(ties), group


def by_definition(y, p, q, group):
    """Value and standard error from every pair and every patient, in plain loops."""
    positive, negative = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    m, n = len(positive), len(negative)

    def wins(s):
        return np.array(
            [[(s[i] > s[j]) + (s[i] == s[j]) / 2 for j in negative] for i in positive]
        )

    gain = wins(p) - wins(q)
    value = gain.mean()
    of_positive = dict(zip(positive, gain.mean(1), strict=True))
    of_negative = dict(zip(negative, gain.mean(0), strict=True))
    s10 = s01 = s11 = 0
    names = sorted(set(group))
    i10 = i01 = 0
    for name in names:
        a = [of_positive[i] for i in positive if group[i] == name]
        b = [of_negative[j] for j in negative if group[j] == name]
        i10, i01 = i10 + bool(a), i01 + bool(b)
        a, b = sum(a) - len(a) * value, sum(b) - len(b) * value
        s10, s01, s11 = s10 + a * a, s01 + b * b, s11 + a * b
    s10 *= i10 / ((i10 - 1) * m)
    s01 *= i01 / ((i01 - 1) * n)
    s11 *= len(names) / (len(names) - 1)
    return value, np.sqrt(s10 / m + s01 / n + 2 * s11 / (m * n))


@pytest.mark.parametrize("patients", [None, 40])
@pytest.mark.parametrize("ties", [0, 6])
def test_value_and_error_are_those_of_the_definition(patients, ties):
    y, p, q, group = scores(90, patients=patients, ties=ties)
    found = delong(y, p, q, group)
    value, error = by_definition(y, p, q, group)
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.value == pytest.approx(roc_auc_score(y, p) - roc_auc_score(y, q))
    assert found.error == pytest.approx(error, rel=1e-10)
    assert found.method == ("delong" if patients is None else "obuchowski")


def test_an_example_by_hand():
    y = np.array([1, 1, 0, 0, 0] * 4)
    p = np.array([0.9, 0.6, 0.4, 0.7, 0.1] * 4)
    q = np.array([0.1, 0.7, 0.4, 0.6, 0.9] * 4)
    # p: positives beat 3/3 and 2/3 of the negatives, q: 0 and 2/3. Negatives are
    # beaten by 1, 1/2, 1 of the positives under p, by 1/2, 1/2, 0 under q.
    # Gains: 1, 0 of positives, variance 2/7 of 8; 1/2, 1/2, 1 less 1/2 ... of 12.
    gains = np.array([1, 0.5, 1]) - np.array([0.5, 0.5, 0])
    assert gains.tolist() == [0.5, 0, 1]
    error = np.sqrt(2 / 7 / 8 + 2 / 11 / 12)
    found = delong(y, p, q, np.arange(20), level=0.9)
    assert found.value == pytest.approx(5 / 6 - 1 / 3)
    assert found.error == pytest.approx(error)
    assert found.low == pytest.approx(0.5 - 1.6449 * error, abs=1e-4)
    assert found.high == pytest.approx(0.5 + 1.6449 * error, abs=1e-4)
    assert found.p == pytest.approx(2 * norm.cdf(-0.5 / error))


@pytest.mark.parametrize("patients", [None, 80])
def test_the_error_is_about_that_of_the_bootstrap(patients):
    y, p, q, group = scores(400, patients=patients)
    weights = group_weights(group, 2000, seed=0)
    spread = np.std(auroc(y, p, weights) - auroc(y, q, weights))
    assert delong(y, p, q, group).error == pytest.approx(spread, rel=0.08)


def test_samples_that_a_patient_repeats_add_nothing():
    y, p, q, group = scores(60)
    once = delong(y, p, q, group)
    thrice = delong(*(np.repeat(a, 3) for a in (y, p, q, group)))
    assert thrice.error == pytest.approx(once.error)
    assert thrice.method == "obuchowski"


def test_only_ranks_count_and_swapping_the_models_changes_the_sign():
    y, p, q, group = scores(patients=60)
    found = delong(y, p, q, group)
    assert delong(y, np.exp(p), q / 9, group) == pytest.approx(found, abs=1e-12)
    back = delong(y, q, p, group)
    assert (back.value, back.low, back.high, back.p) == pytest.approx(
        (-found.value, -found.high, -found.low, found.p)
    )


def test_patients_may_have_any_names_and_order():
    y, p, q, group = scores(patients=60)
    order = np.random.default_rng(0).permutation(len(y))
    named = np.array([f"patient {k}" for k in group])
    found = delong(*(a[order] for a in (y, p, q, named)))
    assert found == pytest.approx(delong(y, p, q, group), abs=1e-12)


def test_models_that_rank_alike_have_no_interval():
    y, p, _, group = scores()
    found = delong(y, p, p * 2, group)
    assert found.value == 0
    assert np.isnan([found.error, found.low, found.high, found.p]).all()
    assert found.note == "no interval: the standard error is 0"


def test_a_gain_that_is_the_same_for_all_has_no_interval():
    y = np.arange(30) % 2
    found = delong(y, y / 3, -y / 7, np.arange(30))
    assert found.value == 1 and np.isnan(found.low)
    assert found.note == "no interval: the standard error is 0"


def test_few_patients_have_no_interval():
    y, p, q, _ = scores(40)
    found = delong(y, p, q, np.arange(40) % 9)
    assert found.value == pytest.approx(roc_auc_score(y, p) - roc_auc_score(y, q))
    assert np.isnan([found.low, found.p]).all()
    assert found.note == "no interval: 9 groups, fewer than 10"
    assert delong(y, p, q, np.arange(40) % 10).note == ""


def test_one_patient_of_a_class_has_no_interval():
    _, p, q, group = scores(40)
    y = (np.arange(40) < 3).astype(float)
    group = np.where(y == 1, 0, group)
    found = delong(y, p, q, group)
    assert np.isnan([found.error, found.low, found.p]).all()
    assert found.note == "no interval: a class has fewer than 2 groups"


@pytest.mark.parametrize(("y", "what"), [(0, "positive"), (1, "negative")])
def test_one_class_is_undefined(y, what):
    found = delong(np.full(20, y), np.arange(20.0), np.ones(20), np.arange(20))
    assert np.isnan([found.value, found.low, found.p]).all()
    assert found.note == f"undefined: none is {what}"


def test_a_level_outside_0_and_1_is_refused():
    y, p, q, group = scores()
    with pytest.raises(ValueError, match=r"between 0 and 1. Received: 95"):
        delong(y, p, q, group, level=95)


def test_where_a_score_is_unknown_so_is_all():
    y, p = np.array([0, 1] * 10), np.linspace(0, 1, 20)
    p[3] = np.nan
    found = delong(y, p, p[::-1], np.arange(20))
    assert np.isnan([found.value, found.error, found.p]).all()
