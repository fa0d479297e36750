"""Removal: the rate asked for, by the cause stated, by seed; no sample emptied."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from mind_keras.data.mechanisms import MECHANISMS
from mind_keras.data.missing import _intercept, remove, remove_from_parts
from mind_keras.data.samples import Samples
from mind_keras.spec import Modality, Spec, Task

TASK = Task("death", kind="binary", labels=("death",))
SPEC = Spec(TASK, (Modality("a", (1,), ("severity",)), Modality("b", (2,))))
SIZE = 4000
ON = {"mcar": None, "mar": "age", "mnar": None}


def cohort(seed=0, size=SIZE, has_b=1.0):
    """Age drives the label; `b` is there for a share of the samples."""
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 15, size)
    y = rng.random(size) < 1 / (1 + np.exp(-(age - 60) / 10))
    present = rng.random(size) < has_b
    return Samples.from_arrays(
        SPEC,
        {"a": age[:, None] / 10, "b": rng.normal(size=(present.sum(), 2))},
        y,
        present={"b": present},
        id=np.arange(size) + seed * size,
        meta=pd.DataFrame({"age": age, "ward": "x", "site": 1}),
    )


WHOLE = cohort()


def lost(before, after, name="b"):
    return (before.has(name) & ~after.has(name))[before.has(name)]


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("has_b", [1.0, 0.6])
def test_the_realised_rate_is_the_one_asked_for(mechanism, rate, has_b):
    before = cohort(has_b=has_b)
    after = remove(before, mechanism, {"b": rate}, on=ON[mechanism])
    # Four standard errors of a share.
    error = 4 * np.sqrt(rate * (1 - rate) / before.has("b").sum())
    assert abs(lost(before, after).mean() - rate) < error
    assert after.has("a").all()


def test_the_rate_is_that_of_those_who_have_the_modality():
    # The old alone have `b`: an intercept fitted on everybody would take too many.
    old = np.flatnonzero(WHOLE.meta["age"] > 60)
    x, rows = WHOLE.x | {"b": WHOLE.x["b"][old]}, WHOLE.rows | {"b": old}
    before = replace(WHOLE, x=x, rows=rows)
    after = remove(before, "mar", {"b": 0.3}, on="age")
    assert abs(lost(before, after).mean() - 0.3) < 0.04


def test_rows_that_stay_are_unchanged_and_there_are_fewer():
    after = remove(WHOLE, "mcar", {"b": 0.4, "a": 0.2})
    for name in SPEC.names:
        kept = np.flatnonzero(after.has(name))
        assert len(after.x[name]) == len(kept) < SIZE
        np.testing.assert_array_equal(
            after.x[name][after.rows_of(name, kept)], WHOLE.x[name][kept]
        )
    np.testing.assert_array_equal(after.y, WHOLE.y)


def test_a_sample_that_would_lose_all_gets_one_back_by_equal_chance():
    after = remove(WHOLE, "mcar", {"a": 0.5, "b": 0.4})
    counts = {p: len(i) / SIZE for p, i in after.patterns.items()}
    # Both lost: 0.2, of which half get `a`, half get `b` back.
    expected = {"a": 0.5 * 0.4 + 0.1, "b": 0.5 * 0.6 + 0.1, "a+b": 0.5 * 0.6}
    for pattern, share in expected.items():
        assert abs(counts[pattern] - share) < 0.03


def coefficients(after):
    """Log-odds of losing `b`, by standardised age and label."""
    age = WHOLE.meta["age"].to_numpy()
    table = np.column_stack([(age - age.mean()) / age.std(), WHOLE.y[:, 0]])
    return LogisticRegression(C=1e6).fit(table, lost(WHOLE, after)).coef_[0]


def test_mcar_depends_on_nothing():
    by_age, by_label = coefficients(remove(WHOLE, "mcar", {"b": 0.4}))
    assert abs(by_age) < 0.15 and abs(by_label) < 0.3


@pytest.mark.parametrize("strength", [-1.0, 0.5, 2.0])
def test_mar_depends_on_the_column_by_strength_and_given_it_not_on_the_label(strength):
    for on in ("age", "a.severity"):
        after = remove(WHOLE, "mar", {"b": 0.4}, on=on, strength=strength)
        by_age, by_label = coefficients(after)
        assert abs(by_age - strength) < 0.25
        assert abs(by_label) < 0.35


def test_mnar_depends_on_the_label_given_all_that_is_seen():
    after = remove(WHOLE, "mnar", {"b": 0.4}, strength=1.0)
    by_age, by_label = coefficients(after)
    # One standard deviation of a 0/1 label is sqrt(p (1 - p)).
    expected = 1.0 / WHOLE.y.std()
    assert abs(by_age) < 0.2 and abs(by_label - expected) < 0.4


def test_mnar_counts_positive_labels_or_takes_a_column():
    task = Task("findings", kind="multilabel", labels=("one", "two"))
    y = np.array([[0, np.nan], [1, 1], [1, 0]])
    spec = Spec(task, SPEC.modalities)
    samples = Samples(spec, y, {"a": np.zeros((3, 1))}, meta={"score": [3, 1, 2]})
    assert MECHANISMS["mnar"](samples, None, {}).tolist() == [0, 2, 1]
    assert MECHANISMS["mnar"](samples, "score", {}).tolist() == [3, 1, 2]


def test_the_seed_alone_decides_the_removal():
    first, same, other = (remove(WHOLE, "mcar", {"b": 0.5}, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.rows["b"], same.rows["b"])
    # Two independent draws at 50 % agree on half of the samples.
    assert abs((first.has("b") == other.has("b")).mean() - 0.5) < 0.05


def test_modalities_are_lost_independently():
    after = remove(cohort(), "mcar", {"a": 0.3, "b": 0.3})
    a, b = lost(WHOLE, after, "a").mean(), lost(WHOLE, after, "b").mean()
    # Each less half of the share that lost both, 0.09 / 2.
    assert abs(a - 0.255) < 0.03 and abs(b - 0.255) < 0.03


def test_parts_are_treated_by_what_was_fitted_on_training():
    train, older = cohort(0), cohort(1)
    older = older.take(np.flatnonzero(older.meta["age"] > 60))
    missing = {"mechanism": "mar", "rate": {"b": 0.3}, "on": "age", "strength": 1.0}
    first, second, _ = remove_from_parts([train, older, cohort(2)], missing, seed=0)
    young = train.meta["age"].to_numpy() <= 60
    expected = lost(train, first)[~young].mean()
    assert expected > 0.38
    assert abs(lost(older, second).mean() - expected) < 0.05


def test_parts_get_different_draws_and_the_seed_of_missing_comes_first():
    missing = {"mechanism": "mcar", "rate": {"b": 0.5}}
    one, two = remove_from_parts([WHOLE, WHOLE], missing, seed=0)
    assert abs((one.has("b") == two.has("b")).mean() - 0.5) < 0.05
    again = remove_from_parts([WHOLE, WHOLE], missing | {"seed": 0}, seed=9)[0]
    np.testing.assert_array_equal(one.rows["b"], again.rows["b"])


def test_no_mechanism_leaves_the_parts_as_they_are():
    assert remove_from_parts([WHOLE], None, seed=0) == [WHOLE]


def test_the_intercept_is_that_of_a_normal_score():
    # With a probit-like approximation sigmoid(x) ~ Phi(x / 1.702), the mean over
    # z ~ N(0, 1) of sigmoid(b + z) is Phi(b / sqrt(1.702^2 + 1)).
    scores = norm.ppf((np.arange(2000) + 0.5) / 2000)
    expected = norm.ppf(0.2) * np.sqrt(1.702**2 + 1)
    assert abs(_intercept(scores, 0.2) - expected) < 0.05


BAD = {
    "mechanism": (("never", {"b": 0.5}), {}, r"Unknown mechanism 'never'.*\['mcar', "),
    "modality": (("mcar", {"z": 0.5}), {}, r"Unknown modality 'z'. Known: \('a', 'b'"),
    "rate": (("mcar", {"b": 1.0}), {}, r"less than 1. Received: 1.0 for 'b'.*only"),
    "unhashable": ((["mcar"], {"b": 0.5}), {}, r"Unknown mechanism \['mcar'\]. Kn"),
    "word": (("mcar", {"b": "high"}), {}, r"less than 1. Received: 'high' for 'b'"),
    "truth": (("mcar", {"b": True}), {}, r"less than 1. Received: True for 'b'"),
    "none": (("mcar", {"b": None}), {}, r"less than 1. Received: None for 'b'"),
    "strength": (
        ("mnar", {"b": 0.5}),
        {"strength": "high"},
        r"`strength` must be a number. Received: 'high'",
    ),
    "number": (("mcar", 0.5), {}, r"a dict of shares.*\{'a': 0.3\}. Received: 0.5"),
    "mcar on": (("mcar", {"b": 0.5}), {"on": "age"}, r"depends on no column.*'age'"),
    "mar alone": (("mar", {"b": 0.5}), {}, r"`on` must be.*None. Known: \['a.severity"),
    "removed": (
        ("mar", {"a": 0.5}),
        {"on": "a.severity"},
        r"for 'mar', keep.*'a.severity'. Known: \['age', 'b.0'",
    ),
    "text": (("mar", {"b": 0.5}), {"on": "ward"}, r"'ward' must be a number.*4000"),
    "constant": (("mar", {"b": 0.5}), {"on": "site"}, r"vary.*1.0 for all.*Use 'mcar'"),
}


@pytest.mark.parametrize(("arguments", "options", "message"), BAD.values(), ids=BAD)
def test_bad_removals_are_refused_with_the_known_names(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        remove(WHOLE, *arguments, **options)


def test_an_absent_modality_cannot_be_removed():
    without = Samples(SPEC, [0, 1], {"a": np.zeros((2, 1))})
    with pytest.raises(ValueError, match="No sample has the modality 'b'"):
        remove(without, "mcar", {"b": 0.5})


@pytest.mark.parametrize("missing", ["mcar", ["mcar"], 0.3, False])
def test_a_removal_that_is_no_mapping_is_refused_with_an_example(missing):
    with pytest.raises(ValueError, match=r"`missing` must be.*'rate'.*Received: ") as e:
        remove_from_parts([WHOLE], missing, seed=0)
    assert repr(missing) in str(e.value)


@pytest.mark.parametrize("seed", ["high", -1, 0.5])
def test_a_seed_of_a_removal_is_a_whole_number(seed):
    missing = {"mechanism": "mcar", "rate": {"b": 0.5}, "seed": seed}
    with pytest.raises(ValueError, match=rf"whole number from 0 up.*{seed}"):
        remove_from_parts([WHOLE], missing, seed=0)


def test_options_of_a_removal_are_checked_by_name():
    odd = {"mechanism": "mcar", "rate": {}, None: 1, "also": 2}
    with pytest.raises(ValueError, match=r"unknown \[None, 'also'\]"):
        remove_from_parts([WHOLE], odd, seed=0)
    with pytest.raises(ValueError, match=r"unknown \['rates'\], without \['rate'\]"):
        remove_from_parts([WHOLE], {"mechanism": "mcar", "rates": {}}, seed=0)
