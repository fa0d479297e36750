"""The table: which samples, which labels, which numbers, and notes for the rest."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as peer

from mind_keras.data.samples import Samples
from mind_keras.evaluation import METRICS, group_weights, score
from mind_keras.evaluation.table import COLUMNS
from mind_keras.spec import Modality, Spec, Task

LABELS = ("edema", "fracture", "nodule")


def make_samples(kind, y, **kwargs):
    """Samples with `ehr` for all, `cxr` for every second one."""
    labels = LABELS[:1] if kind == "binary" else LABELS
    names = (Modality("ehr", (1,)), Modality("cxr", (1,)))
    n, some = len(y), np.arange(0, len(y), 2)
    x = {"ehr": np.zeros((n, 1)), "cxr": np.zeros((len(some), 1))}
    spec = Spec(Task("findings", kind, labels), names)
    return Samples(spec, y, x, {"cxr": some}, **kwargs)


def binary(n=120):
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, n)
    return make_samples("binary", y, group=np.arange(n) // 2), generator.random((n, 1))


def multilabel(n=120, unknown=0.2):
    generator = np.random.default_rng(0)
    y = (generator.random((n, 3)) < 0.4).astype(float)
    y[generator.random((n, 3)) < unknown] = np.nan
    return make_samples("multilabel", y), generator.random((n, 3)).round(2)


def multiclass(n=120):
    generator = np.random.default_rng(0)
    p = generator.dirichlet((1, 1, 1), n)
    return make_samples("multiclass", generator.integers(0, 3, n)), p


def pick(table, **where):
    """The one row where these columns have these values."""
    for column, value in where.items():
        same = table[column].isna() if value is None else table[column] == value
        table = table[same]
    assert len(table) == 1
    return table.iloc[0]


def value(table, metric, label=None, pattern="all"):
    return pick(table, metric=metric, label=label, pattern=pattern).value


@pytest.mark.parametrize("make", [binary, multilabel, multiclass])
def test_every_metric_that_fits_the_task_is_there(make):
    samples, p = make()
    table = score({"ehr": p}, samples, replicates=0)
    kind = samples.spec.task.kind
    assert tuple(table.columns) == COLUMNS
    assert set(table.metric) == {k for k, m in METRICS.items() if kind in m.needs}
    assert table.value.notna().all()


def test_a_binary_task_has_headline_numbers_alone():
    samples, p = binary()
    table = score({"ehr": p}, samples, replicates=0)
    assert [label is None for label in table.label] == [True] * len(table)
    y, q = samples.y[:, 0], p[:, 0]
    assert value(table, "auroc") == pytest.approx(peer.roc_auc_score(y, q))


def test_rows_are_head_by_pattern_by_metric():
    samples, p = binary()
    paired = np.where(samples.has("cxr")[:, None], p, np.nan)
    heads = {"fusion": paired, "ehr": p}
    table = score(heads, samples, metrics=["brier", "auroc"], replicates=0)
    found = list(table[["head", "pattern", "metric"]].itertuples(index=False))
    parts = [("ehr", "all"), ("ehr", "cxr+ehr"), ("ehr", "ehr")]
    parts += [("fusion", "all"), ("fusion", "cxr+ehr")]
    assert found == [(*part, name) for part in parts for name in ("brier", "auroc")]


def test_a_pattern_is_the_table_of_its_samples_alone():
    samples, p = multilabel()
    table = score({"ehr": p}, samples, replicates=0)
    for pattern, index in samples.patterns.items():
        part = score({"ehr": p[index]}, samples.take(index), replicates=0)
        columns = ["metric", "label", "value", "n"]
        found = table[table.pattern == pattern][columns].reset_index(drop=True)
        expected = part[part.pattern == "all"][columns].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected)


def test_samples_that_a_head_cannot_answer_do_not_count():
    samples, p = binary()
    has = samples.has("cxr")
    table = score({"cxr": np.where(has[:, None], p, np.nan)}, samples, replicates=0)
    assert (table.n == has.sum()).all()
    expected = np.mean((p - samples.y)[has] ** 2)
    assert value(table, "brier") == pytest.approx(expected)


def test_unknown_labels_are_left_out_label_by_label():
    samples, p = multilabel()
    table = score({"ehr": p}, samples, replicates=0)
    for k, label in enumerate(LABELS):
        known = ~np.isnan(samples.y[:, k])
        expected = peer.roc_auc_score(samples.y[known, k], p[known, k])
        row = pick(table, metric="auroc", label=label, pattern="all")
        assert (row.value, row.n) == (pytest.approx(expected), known.sum())


def test_the_headline_is_the_mean_over_labels():
    samples, p = multilabel()
    table = score({"ehr": p}, samples, replicates=0)
    for name in ("auroc", "auprc", "accuracy", "log_loss", "brier", "ece"):
        mean = np.mean([value(table, name, label) for label in LABELS])
        assert value(table, name) == pytest.approx(mean)


def test_micro_pools_the_known_labels():
    samples, p = multilabel()
    table = score({"ehr": p}, samples, replicates=0)
    known = ~np.isnan(samples.y)
    y, q = samples.y[known], p[known]
    assert value(table, "auroc_micro") == pytest.approx(peer.roc_auc_score(y, q))
    expected = peer.average_precision_score(y, q)
    assert value(table, "auprc_micro") == pytest.approx(expected)
    row = pick(table, metric="auroc_micro", pattern="all")
    assert row.n == known.any(1).sum()


def test_classes_are_ranked_one_against_the_rest():
    samples, p = multiclass()
    table = score({"ehr": p}, samples, replicates=0)
    macro = peer.roc_auc_score(samples.y, p, multi_class="ovr")
    assert value(table, "auroc") == pytest.approx(macro)
    for k, label in enumerate(LABELS):
        expected = peer.average_precision_score(samples.y == k, p[:, k])
        assert value(table, "auprc", label) == pytest.approx(expected)
    assert set(table[table.metric == "accuracy"].label) == {None}
    expected = np.mean(p.argmax(1) == samples.y)
    assert value(table, "accuracy") == pytest.approx(expected)


def test_a_label_without_positives_is_undefined_noted_and_not_in_the_mean():
    samples, p = multilabel(unknown=0)
    y = samples.y.copy()
    y[:, 1] = 0
    table = score({"ehr": p}, make_samples("multilabel", y), metrics=["auroc"])
    row = pick(table, label="fracture", pattern="all")
    assert np.isnan([row.value, row.low, row.high]).all()
    assert row.note == "undefined: none of 120 is positive"
    headline = pick(table, label=None, pattern="all")
    expected = [value(table, "auroc", label) for label in ("edema", "nodule")]
    assert headline.value == pytest.approx(np.mean(expected))
    assert headline.note == "mean of 2 labels, undefined for: fracture"


def test_where_no_label_is_defined_neither_is_the_headline():
    samples = make_samples("multilabel", np.ones((20, 3)))
    table = score({"ehr": np.full((20, 3), 0.5)}, samples)
    row = pick(table, metric="auprc", label=None, pattern="all")
    assert np.isnan(row.value)
    assert row.note == "undefined for every label"
    row = pick(table, metric="auroc_micro", label=None, pattern="all")
    assert np.isnan(row.value)
    assert row.note == "undefined: none of 60 is negative"


def test_a_label_known_for_no_one_is_undefined_for_every_metric():
    y = multilabel()[0].y.copy()
    y[:, 2] = np.nan
    samples = make_samples("multilabel", y)
    table = score({"ehr": np.full(y.shape, 0.5)}, samples, replicates=0)
    rows = table[table.label == "nodule"]
    assert rows.value.isna().all() and (rows.n == 0).all()
    assert set(rows.note) == {"undefined: no sample with a known label"}


def test_a_head_that_answers_no_one_says_so():
    samples, p = binary()
    table = score({"fusion": np.full_like(p, np.nan)}, samples)
    assert set(table.pattern) == {"all"}
    assert table.value.isna().all() and (table.n == 0).all()
    assert set(table.note) == {"undefined: no sample with a known label"}


def test_intervals_are_percentiles_of_the_reference_on_each_replicate():
    samples, p = binary()
    table = score({"ehr": p}, samples, metrics=["auroc"], replicates=200, level=0.8)
    weights = group_weights(samples.group, 200, seed=0)
    index = samples.patterns["cxr+ehr"]
    y, q = samples.y[index, 0], p[index, 0]
    values = [peer.roc_auc_score(y, q, sample_weight=w) for w in weights[:, index]]
    row = pick(table, pattern="cxr+ehr")
    assert [row.low, row.high] == pytest.approx(list(np.percentile(values, [10, 90])))


def test_the_headline_interval_is_of_the_mean_in_each_replicate():
    samples, p = multilabel()
    table = score({"ehr": p}, samples, metrics=["brier"], replicates=200)
    weights = group_weights(samples.group, 200, seed=0)
    error = np.square(p - samples.y)
    known = ~np.isnan(error)
    values = (weights @ np.nan_to_num(error) / (weights @ known)).mean(1)
    row = pick(table, label=None, pattern="all")
    expected = np.percentile(values, [2.5, 97.5])
    assert [row.low, row.high] == pytest.approx(list(expected))


def test_the_micro_interval_draws_a_sample_with_all_its_labels():
    samples, p = multilabel()
    table = score({"ehr": p}, samples, metrics=["auroc_micro"], replicates=100)
    weights = group_weights(samples.group, 100, seed=0)
    known = ~np.isnan(samples.y)
    at = np.nonzero(known)[0]
    y, q = samples.y[known], p[known]
    values = [peer.roc_auc_score(y, q, sample_weight=w) for w in weights[:, at]]
    row = pick(table, pattern="all")
    assert [row.low, row.high] == pytest.approx(
        list(np.percentile(values, [2.5, 97.5]))
    )


def test_few_patients_give_no_interval():
    samples, p = binary(18)
    table = score({"ehr": p}, samples, metrics=["brier"], replicates=50)
    row = pick(table, pattern="all")
    assert np.isfinite(row.value) and np.isnan(row.low) and np.isnan(row.high)
    assert row.note == "no interval: 9 groups, fewer than 10"


def test_a_rare_class_costs_the_interval_not_the_value():
    y = np.arange(60) == 0
    p = np.linspace(0.1, 0.9, 60)[:, None]
    table = score({"ehr": p}, make_samples("binary", y))
    row = pick(table, metric="auroc", pattern="all")
    assert row.value == 0.0 and np.isnan(row.low)
    assert row.note.startswith("no interval: defined in 6")
    assert np.isfinite(pick(table, metric="brier", pattern="all").low)


def test_weights_of_the_samples_are_not_used():
    samples, p = binary()
    weighted = make_samples(
        "binary", samples.y, group=samples.group, weight=np.arange(120)
    )
    tables = [score({"ehr": p}, s, replicates=20) for s in (samples, weighted)]
    pd.testing.assert_frame_equal(*tables)


def test_a_table_is_the_same_per_seed_and_its_values_for_any():
    samples, p = binary()
    first, again, other = (
        score({"ehr": p}, samples, replicates=50, seed=seed) for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first, again)
    assert (first.value == other.value).all()
    assert (first.low != other.low).any()


@pytest.mark.parametrize("name", ["f1", "auroc_micro"])
def test_a_metric_that_is_unknown_or_does_not_fit_is_refused(name):
    samples, p = binary()
    with pytest.raises(ValueError, match=rf"fit the binary.*'{name}'.*Known:.*'auroc'"):
        score({"ehr": p}, samples, metrics=["brier", name])


def test_a_wrong_shape_is_refused():
    samples, p = binary()
    with pytest.raises(ValueError, match=r"'ehr' must have the shape.*\(120,\)"):
        score({"ehr": p[:, 0]}, samples)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.inf])
def test_what_is_no_probability_is_refused(wrong):
    samples, p = binary()
    p[3] = wrong
    with pytest.raises(ValueError, match=r"between 0 and 1.*Are these logits\?"):
        score({"ehr": p}, samples)


def test_classes_that_do_not_sum_to_one_are_refused():
    samples, p = multiclass()
    with pytest.raises(ValueError, match=r"sum to 1.*off by 0.5.*softmax"):
        score({"ehr": p / 2}, samples)


def test_an_answer_to_some_labels_is_refused():
    samples, p = multilabel()
    p[:4, 1] = np.nan
    with pytest.raises(ValueError, match=r"all labels of a sample or none.*4 rows"):
        score({"ehr": p}, samples)
