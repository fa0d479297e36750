"""Subgroups: who is in them, the same numbers as of them alone, and the gap."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mind_keras.data.samples import Samples
from mind_keras.evaluation import group_weights, score
from mind_keras.evaluation.bands import check_columns, subgroups_of
from mind_keras.evaluation.subgroups import COLUMNS, subgroups
from mind_keras.spec import Modality, Spec, Task

LABELS = ("edema", "fracture", "nodule")


def draw(kind="binary", n=240, meta=None, seed=0):
    rng = np.random.default_rng(seed)
    labels = LABELS[:1] if kind == "binary" else LABELS
    spec = Spec(Task("findings", kind, labels), (Modality("ehr", (1,)),))
    y = (rng.random((n, len(labels))) < 0.4).astype(float)
    p = np.clip(0.3 * y + 0.7 * rng.random(y.shape), 0, 1)
    if kind == "multiclass":
        y, p = rng.integers(0, 3, n), rng.dirichlet((1, 1, 1), n)
    if kind == "multilabel":
        y[rng.random(y.shape) < 0.1] = np.nan
    if meta is None:
        age = rng.uniform(18, 95, n)
        age[:12] = np.nan
        meta = {"sex": rng.choice(["F", "M"], n, p=[0.3, 0.7]), "age": age}
    x, group = {"ehr": np.zeros((n, 1))}, np.arange(n) // 2
    return Samples(spec, y, x, group=group, meta=pd.DataFrame(meta)), p


def pick(table, **where):
    for column, value in where.items():
        same = table[column].isna() if value is None else table[column] == value
        table = table[same]
    assert len(table) == 1
    return table.iloc[0]


def test_bands_begin_at_their_edge_and_hold_everybody_once():
    age = pd.Series([17, 45, 44.9, np.nan, 65, 80, 79.9, 90])
    found = subgroups_of(age, [45, 65, 80])
    assert {name: index.tolist() for name, index in found.items()} == {
        "under 45": [0, 2],
        "45 to 65": [1],
        "65 to 80": [4, 6],
        "80 and over": [5, 7],
        "unknown": [3],
    }


def test_numbers_are_cut_at_their_quartiles_and_a_few_values_are_not_cut():
    values = pd.Series([*np.random.default_rng(0).normal(size=400), np.nan])
    found = subgroups_of(values)
    assert [len(index) for index in found.values()] == [100] * 4 + [1]
    assert list(subgroups_of(pd.Series([2.0, 1, 2, 1, np.nan]))) == [
        "1",
        "2",
        "unknown",
    ]
    assert list(subgroups_of(pd.Series([10, 9] * 4))) == ["9", "10"]
    # Half of all are 0: two edges are one, and nobody is below it.
    many = pd.Series([0] * 50 + list(range(1, 51)))
    assert sum(map(len, subgroups_of(many).values())) == 100


@pytest.mark.parametrize(
    "values",
    [
        ["F", "M", None, "F"],
        pd.Categorical(["F", "M", None, "F"], ["M", "F"]),
        pd.array(["F", "M", None, "F"], "string"),
        ["F", "M", "unknown", "F"],
    ],
)
def test_values_of_text_are_subgroups_and_a_missing_one_is_unknown(values):
    found = subgroups_of(pd.Series(values))
    found = {name: index.tolist() for name, index in found.items()}
    assert found == {"F": [0, 3], "M": [1], "unknown": [2]}


def test_truth_values_and_nullable_numbers_are_understood():
    assert list(subgroups_of(pd.Series([True, False]))) == ["False", "True"]
    values = pd.Series(pd.array([1, None, 50, 60], "Int64"))
    found = subgroups_of(values, [40])
    assert {k: len(i) for k, i in found.items()} == {
        "under 40": 1,
        "40 and over": 2,
        "unknown": 1,
    }


@pytest.mark.parametrize("kind", ["binary", "multilabel", "multiclass"])
def test_a_subgroup_is_the_table_of_its_samples_alone(kind):
    samples, p = draw(kind)
    p[::7] = np.nan
    said = {"student": {"ehr": p}}
    table = subgroups(said, samples, {"sex": None, "age": [45, 65]}, replicates=0)
    assert tuple(table.columns) == COLUMNS
    edges = {"sex": None, "age": [45, 65]}
    for column, subgroup in [("sex", "F"), ("age", "65 and over")]:
        index = subgroups_of(samples.meta[column], edges[column])[subgroup]
        part = score({"ehr": p[index]}, samples.take(index), replicates=0)
        part = part[part["pattern"] == "all"].reset_index(drop=True)
        here = (table["column"] == column) & (table["subgroup"] == subgroup)
        columns = ["metric", "label", "value", "n"]
        found = table[here].reset_index(drop=True)
        pd.testing.assert_frame_equal(found[columns], part[columns])


def test_positives_are_counted_where_labels_are_known():
    samples, p = draw("multilabel")
    said = {"student": {"ehr": p}}
    table = subgroups(said, samples, {"sex": None}, metrics=["brier"], replicates=0)
    index = subgroups_of(samples.meta["sex"])["F"]
    y = samples.y[index]
    assert pick(table, subgroup="F", label="edema")["positives"] == np.nansum(y[:, 0])
    assert pick(table, subgroup="F", label=None)["positives"] == np.nansum(y)
    samples, p = draw("multiclass")
    said = {"student": {"ehr": p}}
    metrics = ["accuracy", "auroc"]
    table = subgroups(said, samples, {"sex": None}, metrics=metrics, replicates=0)
    row = pick(table, subgroup="F", metric="accuracy")
    assert pd.isna(row["positives"])
    y = samples.y[subgroups_of(samples.meta["sex"])["F"]]
    row = pick(table, subgroup="F", metric="auroc", label="fracture")
    assert row["positives"] == (y == 1).sum()


def by_hand(samples, p, weights, index):
    """AUROC in each replicate, by scikit-learn."""
    y, q = samples.y[index, 0], p[index, 0]
    return np.array([roc_auc_score(y, q, sample_weight=w[index]) for w in weights])


def test_intervals_draw_patients_and_the_gap_is_paired():
    samples, p = draw()
    said = {"student": {"ehr": p}}
    table = subgroups(
        said,
        samples,
        {"sex": None},
        metrics=["auroc"],
        replicates=60,
        level=0.9,
        seed=5,
    )
    drawn = group_weights(samples.group, 60, seed=5)
    members = subgroups_of(samples.meta["sex"])
    values = {name: by_hand(samples, p, drawn, i) for name, i in members.items()}
    for name, value in values.items():
        row = pick(table, subgroup=name)
        low, high = np.quantile(value, [0.05, 0.95])
        assert (row["low"], row["high"]) == pytest.approx((low, high))
    alone = {k: pick(table, subgroup=k)["value"] for k in ("F", "M")}
    top, bottom = sorted(alone, key=alone.get, reverse=True)
    row = pick(table, subgroup="gap")
    assert (
        row["value"] == pytest.approx(alone[top] - alone[bottom]) and row["value"] > 0
    )
    assert row["note"] == f"{top} minus {bottom}" and row["n"] == len(samples)
    low, high = np.quantile(values[top] - values[bottom], [0.05, 0.95])
    assert (row["low"], row["high"]) == pytest.approx((low, high))


def test_the_unknown_and_the_few_have_no_part_in_the_gap():
    n = 240
    unit = np.array(["A", "B", "C", None], object)[np.arange(n) // 2 % 4]
    unit[:4] = "rare"
    samples, p = draw(n=n, meta={"unit": unit})
    p[pd.isna(unit)] = 1 - samples.y[pd.isna(unit)]  # Worst of all.
    p[:4] = samples.y[:4]  # Best of all, of 2 patients.
    said = {"student": {"ehr": p}}
    table = subgroups(said, samples, {"unit": None}, metrics=["brier"], replicates=30)
    rare = pick(table, subgroup="rare")
    assert np.isnan(rare[["value", "low", "high"]].to_numpy(float)).all()
    assert rare["note"] == "no number: 2 patients, fewer than 10" and rare["n"] == 4
    known = [pick(table, subgroup=name)["value"] for name in "ABC"]
    gap = pick(table, subgroup="gap")
    assert gap["value"] == pytest.approx(max(known) - min(known))
    assert pick(table, subgroup="unknown")["value"] > max(known)


def test_a_subgroup_of_one_outcome_has_a_note_and_no_number():
    samples, p = draw()
    y = np.where(samples.meta["sex"] == "F", 0.0, samples.y[:, 0])
    samples = Samples(
        samples.spec, y, samples.x, group=samples.group, meta=samples.meta
    )
    said = {"student": {"ehr": p}}
    table = subgroups(said, samples, {"sex": None}, metrics=["auroc"], replicates=20)
    row = pick(table, subgroup="F")
    assert np.isnan(row["value"]) and "none of" in row["note"]
    assert row["positives"] == 0
    gap = pick(table, subgroup="gap")
    assert np.isnan(gap["value"]) and gap["n"] == 0
    assert gap["note"] == "no gap: too few subgroups with a number"


def test_a_gap_of_labels_is_over_those_that_all_subgroups_have():
    samples, p = draw("multilabel")
    y = samples.y.copy()
    y[(samples.meta["sex"] == "F").to_numpy(), 1] = 0
    samples = Samples(
        samples.spec, y, samples.x, group=samples.group, meta=samples.meta
    )
    said = {"student": {"ehr": p}}
    table = subgroups(said, samples, {"sex": None}, metrics=["auroc"], replicates=20)

    def mean(sex):
        values = [pick(table, subgroup=sex, label=k)["value"] for k in LABELS[::2]]
        return np.mean(values)

    gap = pick(table, subgroup="gap")
    assert gap["value"] == pytest.approx(abs(mean("F") - mean("M")))
    assert gap["note"].endswith(
        "minus F; mean of 2 labels that all subgroups have"
    ) or (gap["note"].endswith("minus M; mean of 2 labels that all subgroups have"))
    assert gap["label"] is None
    y[(samples.meta["sex"] == "M").to_numpy()] *= [np.nan, 1, np.nan]
    samples = Samples(
        samples.spec, y, samples.x, group=samples.group, meta=samples.meta
    )
    table = subgroups(said, samples, {"sex": None}, metrics=["auroc"], replicates=20)
    note = pick(table, subgroup="gap")["note"]
    assert note == "no gap: too few labels that all subgroups have"


def test_rows_are_told_by_model_head_column_and_metric():
    samples, p = draw()
    said = {"a": {"ehr": p, "best": p}, "b": {"ehr": 1 - p}}
    metrics = ["auroc", "brier"]
    table = subgroups(
        said, samples, {"age": [50], "sex": None}, metrics=metrics, replicates=0
    )
    keys = table[["model", "head", "column", "metric"]].drop_duplicates()
    assert len(keys) == 3 * 2 * 2
    where = {"model": "b", "column": "sex", "subgroup": "M", "metric": "auroc"}
    other = pick(table, **where | {"model": "a"}, head="ehr")["value"]
    assert pick(table, **where)["value"] == pytest.approx(1 - other)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"gender": None}, r"Received: \['gender'\]. Known: \['sex', 'age'\]"),
        ({"sex": [1]}, r"Only numbers are cut in bands.*'sex'"),
        ({"age": [65, 45]}, r"must be finite numbers that rise.*\[65, 45\] for 'age'"),
        ({"age": [45, 45]}, r"numbers that rise"),
        ({"age": []}, r"at least one"),
        ({"age": [np.nan]}, r"must be finite"),
    ],
)
def test_columns_that_make_no_subgroups_are_refused(columns, message):
    samples, p = draw()
    for check in (
        lambda: check_columns(columns, samples),
        lambda: subgroups({"student": {"ehr": p}}, samples, columns),
    ):
        with pytest.raises(ValueError, match=message):
            check()


def test_names_are_no_subgroups_and_without_columns_nothing_is_known():
    samples, _ = draw(meta={"name": [f"patient {k}" for k in range(240)]})
    with pytest.raises(ValueError, match=r"at most 30.*240 in 'name'"):
        check_columns({"name": None}, samples)
    bare = Samples(samples.spec, samples.y, samples.x)
    with pytest.raises(ValueError, match=r"Received: \['sex'\]. Known: \[\]"):
        check_columns({"sex": None}, bare)
    check_columns({}, bare)


def test_no_columns_make_an_empty_table():
    samples, p = draw()
    table = subgroups({"student": {"ehr": p}}, samples, {})
    assert tuple(table.columns) == COLUMNS and not len(table)
