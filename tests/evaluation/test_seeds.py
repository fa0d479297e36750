"""Means and paired differences over seeds, against scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mind_keras.evaluation import over_seeds
from mind_keras.evaluation.seeds import COLUMNS

nan = np.nan
SEEDS = 5


def long(values, label=None, **columns):
    """`{model: numbers by seed}` as rows of metrics.json, seeds in disorder."""
    rows = [
        {"model": model, "seed": seed, "value": value}
        for model, numbers in values.items()
        for seed, value in reversed(list(enumerate(numbers)))
    ]
    where = {"head": "best", "pattern": "all", "metric": "auroc"} | columns
    table = pd.DataFrame(rows).assign(**where)
    return table.assign(label=pd.Series([label] * len(rows), dtype=object))


def numbers_of(seed=0, seeds=SEEDS):
    generator = np.random.default_rng(seed)
    return {
        "student": 0.8 + 0.02 * generator.normal(size=seeds),
        "no_kd": 0.79 + 0.02 * generator.normal(size=seeds),
        "late_fusion": 0.7 + 0.02 * generator.normal(size=seeds),
    }


def row(table, model, reference=None, **where):
    same = (
        table["reference"].isna()
        if reference is None
        else (table["reference"] == reference)
    )
    table = table[same & (table["model"] == model)]
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_a_models_own_numbers_are_mean_spread_and_t_interval():
    values = numbers_of()
    found = row(over_seeds(long(values)), "student")
    own = values["student"]
    assert found["mean"] == pytest.approx(own.mean())
    assert found.sd == pytest.approx(np.std(own, ddof=1))
    expected = stats.ttest_1samp(own, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert (found.seeds, found.note) == (SEEDS, "")
    assert np.isnan([found.p, found.p_adjusted]).all()


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_a_difference_is_the_paired_t_test(level):
    values = numbers_of()
    table = over_seeds(long(values), "no_kd", level=level)
    found = row(table, "student", "no_kd")
    test = stats.ttest_rel(values["student"], values["no_kd"])
    gains = values["student"] - values["no_kd"]
    assert found["mean"] == pytest.approx(gains.mean())
    assert found.sd == pytest.approx(np.std(gains, ddof=1))
    assert (found.low, found.high) == pytest.approx(
        tuple(test.confidence_interval(level))
    )
    assert found.p == pytest.approx(test.pvalue)
    assert found.p_adjusted == found.p


@pytest.mark.parametrize("seeds", [3, 6])
def test_sign_flips_are_those_of_scipy(seeds):
    values = numbers_of(seeds=seeds)
    found = row(over_seeds(long(values), "no_kd", test="sign_flip"), "student", "no_kd")
    gains = values["student"] - values["no_kd"]
    expected = stats.permutation_test(
        (gains,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert found.p == pytest.approx(expected.pvalue)


def test_a_gain_in_every_seed_has_the_smallest_p_of_sign_flips():
    values = {"a": [0.1, 0.2, 0.3, 0.15], "b": [0.0, 0.05, 0.2, 0.1]}
    found = row(over_seeds(long(values), "b", test="sign_flip"), "a", "b")
    assert found.p == pytest.approx(2 / 2**4)


def test_own_rows_come_first_then_differences_each_in_the_order_of_the_table():
    table = over_seeds(long(numbers_of()), "no_kd")
    assert tuple(table.columns) == COLUMNS
    assert table.index.tolist() == list(range(5))
    assert list(zip(table.model, table.reference, strict=True)) == [
        ("student", None),
        ("no_kd", None),
        ("late_fusion", None),
        ("student", "no_kd"),
        ("late_fusion", "no_kd"),
    ]


def test_every_head_pattern_metric_and_label_is_a_number_of_its_own():
    parts = [
        long(numbers_of(0)),
        long(numbers_of(1), head="ehr"),
        long(numbers_of(2), pattern="ehr"),
        long(numbers_of(3), metric="brier"),
        long(numbers_of(4), label="edema"),
    ]
    table = over_seeds(pd.concat(parts), "no_kd")
    for k, part in enumerate(parts):
        same = ["head", "pattern", "metric"]
        where = part.iloc[0][same].to_dict()
        label = part.iloc[0]["label"]
        rows = table[
            table["label"].isna() if label is None else table["label"] == label
        ]
        gains = numbers_of(k)["student"] - numbers_of(k)["no_kd"]
        found = row(rows, "student", "no_kd", **where)
        assert found["mean"] == pytest.approx(gains.mean())


def test_p_is_adjusted_over_the_labels_of_a_headline():
    parts = [long(numbers_of(k), label=name) for k, name in enumerate("xyz")]
    table = over_seeds(pd.concat([long(numbers_of(9)), *parts]), "no_kd")
    table = table[(table.model == "late_fusion") & (table.reference == "no_kd")]
    headline, *labels = table.itertuples()
    assert headline.p_adjusted == headline.p
    first, second, third = sorted(labels, key=lambda r: r.p)
    assert first.p_adjusted == pytest.approx(3 * first.p)
    assert second.p_adjusted == pytest.approx(max(2 * second.p, first.p_adjusted))
    assert third.p_adjusted == pytest.approx(max(third.p, second.p_adjusted))


def test_a_seed_that_one_of_both_lacks_is_left_out_and_counted():
    values = numbers_of()
    values["student"][1] = nan
    rows = long(values)
    rows = rows[~((rows.model == "no_kd") & (rows.seed == 3))]
    table = over_seeds(rows, "no_kd")
    own, other = row(table, "student"), row(table, "no_kd")
    assert (own.seeds, own.note) == (4, "defined in 4 of 5 seeds")
    assert (other.seeds, other.note) == (4, "defined in 4 of 5 seeds")
    assert own["mean"] == pytest.approx(np.nanmean(values["student"]))
    both = [0, 2, 4]
    test = stats.ttest_rel(values["student"][both], values["no_kd"][both])
    found = row(table, "student", "no_kd")
    assert (found.seeds, found.note) == (3, "defined in 3 of 5 seeds")
    assert found.p == pytest.approx(test.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval()))
    flipped = row(over_seeds(rows, "no_kd", test="sign_flip"), "student", "no_kd")
    gains = (values["student"] - values["no_kd"])[both]
    expected = stats.permutation_test(
        (gains,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert flipped.p == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_have_a_mean_and_no_interval(seeds):
    values = numbers_of(seeds=seeds)
    table = over_seeds(long(values), "no_kd")
    for found in (row(table, "student"), row(table, "student", "no_kd")):
        assert np.isfinite(found["mean"])
        assert np.isnan([found.low, found.high, found.p, found.p_adjusted]).all()
        assert found.note == f"no interval: {seeds} seeds, fewer than 3"


@pytest.mark.parametrize("test", ["t", "sign_flip"])
def test_the_same_difference_in_all_seeds_is_not_certainty(test):
    values = {"a": [0.8, 0.7, 0.6, 0.9], "b": [0.7, 0.6, 0.5, 0.8], "c": [0.5] * 4}
    table = over_seeds(long(values), "b", test=test)
    for found in (row(table, "a", "b"), row(table, "c")):
        assert np.isnan([found.low, found.high, found.p]).all()
        assert found.note == "no interval: the same in all seeds"
    assert row(table, "a", "b")["mean"] == pytest.approx(0.1)


def test_what_is_never_defined_says_so():
    found = row(over_seeds(long({"a": [nan] * 4})), "a")
    assert np.isnan([found["mean"], found.sd, found.low]).all()
    assert found.note == "defined in 0 of 4 seeds; no interval: 0 seeds, fewer than 3"


def test_a_number_that_the_reference_lacks_has_no_difference():
    both, alone = long(numbers_of()), long({"student": [0.5] * SEEDS}, head="fusion")
    table = over_seeds(pd.concat([both, alone]), "no_kd")
    assert set(table[table.reference == "no_kd"]["head"]) == {"best"}
    assert set(table[table.reference.isna()]["head"]) == {"best", "fusion"}


def test_a_t_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(0)
    parts = [
        long({"a": generator.normal(1, 1, 4), "b": generator.normal(0, 1, 4)}, head=k)
        for k in range(400)
    ]
    table = over_seeds(pd.concat(parts), "b", level=0.9)
    table = table[table.reference == "b"]
    covered = (table.low <= 1) & (table.high >= 1)
    assert covered.mean() == pytest.approx(0.9, abs=0.04)


def test_errors():
    rows = long(numbers_of())
    with pytest.raises(ValueError, match=r"none of \['seed'\].*`metrics.json`"):
        over_seeds(rows.drop(columns="seed"))
    with pytest.raises(ValueError, match=r"must have its seed. Received: 1 rows"):
        over_seeds(rows.assign(seed=[nan, *rows["seed"].iloc[1:]]))
    with pytest.raises(ValueError, match=r"once per seed.*'seed': 4.*the same seed\?"):
        over_seeds(pd.concat([rows, rows.iloc[:1]]))
    with pytest.raises(ValueError, match=r"'mine'. Known: \['student', 'no_kd'"):
        over_seeds(rows, "mine")
    with pytest.raises(ValueError, match=r"'z'. Known: \['sign_flip', 't'\]"):
        over_seeds(rows, "no_kd", test="z")
    with pytest.raises(ValueError, match=r"between 0 and 1. Received: 95"):
        over_seeds(rows, level=95)
    many = long({"a": np.arange(17.0), "b": np.ones(17)})
    with pytest.raises(ValueError, match=r"at most 16 seeds. Received: 17.*test='t'"):
        over_seeds(many, "b", test="sign_flip")
