"""Paired differences: the same samples, the same draws, honest conclusions."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn import metrics as peer

from mind_keras.data.samples import Samples
from mind_keras.evaluation import METRICS, compare, differences, group_weights, score
from mind_keras.evaluation.comparison import COLUMNS
from mind_keras.evaluation.delong import delong
from mind_keras.spec import Modality, Spec, Task

LABELS = ("edema", "fracture", "nodule")
KINDS = ("binary", "multilabel", "multiclass")
HELD = ["model", "head", "pattern", "metric", "label"]


def make_samples(kind, y, **kwargs):
    """Samples with `ehr` for all, `cxr` for every second one."""
    labels = LABELS[:1] if kind == "binary" else LABELS
    names = (Modality("ehr", (1,)), Modality("cxr", (1,)))
    some = np.arange(0, len(y), 2)
    x = {"ehr": np.zeros((len(y), 1)), "cxr": np.zeros((len(some), 1))}
    return Samples(
        Spec(Task("findings", kind, labels), names), y, x, {"cxr": some}, **kwargs
    )


def trial(kind="binary", n=120, models=2, seed=0):
    """Samples of n / 2 patients, and what models say of them that know a little."""
    generator = np.random.default_rng(seed)
    size = 1 if kind == "binary" else 3
    if kind == "multiclass":
        y = generator.integers(0, 3, n)
        known = np.eye(3)[y]
    else:
        y = known = (generator.random((n, size)) < 0.4).astype(float)
    shared = known + generator.normal(size=(n, size))
    if kind == "multilabel":
        y = np.where(generator.random(y.shape) < 0.2, np.nan, y)
    squash = (lambda z: softmax(z, -1)) if kind == "multiclass" else expit
    said = {
        f"model {k}": {"ehr": squash(shared + generator.normal(size=(n, size)))}
        for k in range(models)
    }
    return make_samples(kind, y, group=generator.integers(0, n // 2, n)), said


def pick(table, **where):
    """The one row where these columns have these values."""
    for column, value in where.items():
        same = table[column].isna() if value is None else table[column] == value
        table = table[same]
    assert len(table) == 1
    return table.iloc[0]


def boot(table):
    return table[table.method == "bootstrap"]


@pytest.mark.parametrize("name", ["auroc", "auprc", "brier"])
@pytest.mark.parametrize("level", [0.2, 0.6, 0.9])
def test_an_interval_is_that_of_a_plain_loop_over_drawn_patients(name, level):
    samples, said = trial()
    options = {"metrics": [name], "replicates": 60, "level": level, "seed": 3}
    table = boot(compare(said, samples, **options))
    judge = {
        "auroc": peer.roc_auc_score,
        "auprc": peer.average_precision_score,
        "brier": peer.brier_score_loss,
    }[name]
    for pattern, index in {"all": np.arange(120), **samples.patterns}.items():
        gains = []
        for drawn in group_weights(samples.group, 60, seed=3):
            rows = np.repeat(index, drawn[index])
            y = samples.y[rows, 0]
            first, second = (said[m]["ehr"][rows, 0] for m in said)
            gains.append(judge(y, second) - judge(y, first))
        row = pick(table, pattern=pattern)
        tail = (1 - level) / 2
        assert [row.low, row.high] == pytest.approx(
            np.quantile(gains, [tail, 1 - tail])
        )
        beyond = min(np.sum(np.array(gains) <= 0), np.sum(np.array(gains) >= 0))
        assert row.p == pytest.approx(min(1, 2 * (1 + beyond) / 61))


def test_the_headline_interval_is_of_the_mean_over_labels_in_each_replicate():
    samples, said = trial("multilabel")
    table = compare(said, samples, metrics=["brier"], replicates=80)
    weights = group_weights(samples.group, 80, seed=0)
    first, second = (np.square(said[m]["ehr"] - samples.y) for m in said)
    known = ~np.isnan(first)
    gains = (weights @ np.nan_to_num(second - first) / (weights @ known)).mean(1)
    row = pick(table, label=None, pattern="all")
    assert [row.low, row.high] == pytest.approx(np.quantile(gains, [0.025, 0.975]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_is_the_difference_of_two_tables(kind):
    samples, said = trial(kind, models=3)
    table = boot(compare(said, samples, reference="model 1", replicates=20))
    assert tuple(table.columns) == COLUMNS
    assert set(table.metric) == {k for k, m in METRICS.items() if kind in m.needs}
    tables = {model: score(p, samples, replicates=20) for model, p in said.items()}
    for model in ("model 0", "model 2"):
        found = table[table.model == model].reset_index(drop=True)
        own, other = tables[model], tables["model 1"]
        assert (found.reference == "model 1").all()
        columns = ["head", "pattern", "metric", "label", "n"]
        pd.testing.assert_frame_equal(found[columns], own[columns])
        np.testing.assert_allclose(found.value, own.value - other.value, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_swapping_the_models_changes_the_sign(kind):
    samples, said = trial(kind)
    options = {"metrics": ["auroc", "accuracy", "ece"], "replicates": 50}
    there = compare(said, samples, **options)
    back = compare(said, samples, reference="model 1", **options)
    assert set(back.model) == {"model 0"}
    np.testing.assert_allclose(back.value, -there.value, atol=1e-12)
    np.testing.assert_allclose(back.low, -there.high, atol=1e-12)
    np.testing.assert_allclose(back.high, -there.low, atol=1e-12)
    np.testing.assert_allclose(back.p, there.p)


def test_the_same_answers_differ_by_exactly_0_and_that_is_not_certainty():
    samples, said = trial("multilabel", models=1)
    said["copy"] = {"ehr": said["model 0"]["ehr"].copy()}
    table = compare(said, samples, replicates=50, margin=0.01)
    assert (table.value == 0).all()
    assert table[["low", "high", "p", "p_adjusted"]].isna().all(axis=None)
    assert [verdict is None for verdict in table.non_inferior] == [True] * len(table)
    assert table.note.str.startswith("both say the same; no interval").all()


def test_the_same_decisions_have_no_interval_but_their_probabilities_do():
    samples, said = trial(models=1)
    p = said["model 0"]["ehr"]
    said["milder"] = {"ehr": 0.5 + 0.5 * (p - 0.5)}
    table = boot(compare(said, samples, metrics=["accuracy", "brier"], replicates=50))
    same = pick(table, metric="accuracy", pattern="all")
    assert same.value == 0 and np.isnan([same.low, same.p]).all()
    assert same.note == "no interval: all replicates are equal"
    assert pick(table, metric="brier", pattern="all").note == ""


def test_only_samples_that_both_answer_count_and_the_others_are_counted():
    samples, said = trial("multilabel")
    has = samples.has("cxr")
    both = has.copy()
    both[:7] = False
    said["model 0"]["ehr"][~has] = np.nan
    said["model 1"]["ehr"][:7] = np.nan
    table = compare(said, samples, replicates=0)
    part = {m: {"ehr": p["ehr"][both]} for m, p in said.items()}
    expected = compare(part, samples.take(both), replicates=0)
    columns = [*HELD, "value", "n", "method"]
    pd.testing.assert_frame_equal(table[columns], expected[columns])
    # Of 60 samples without cxr three lack both answers; of 60 with it, four lack one.
    whole = pick(boot(table), metric="auroc", label="edema", pattern="all")
    assert whole.note == "61 samples left out that only one answers"
    paired = pick(boot(table), metric="auroc", label="edema", pattern="cxr+ehr")
    assert paired.note == "4 samples left out that only one answers"


def test_where_no_sample_is_answered_by_both_nothing_is_said():
    samples, said = trial()
    said["model 0"]["ehr"][:60] = np.nan
    said["model 1"]["ehr"][60:] = np.nan
    table = compare(said, samples, margin=0.1, replicates=20)
    assert set(table.pattern) == {"all"}
    assert (table.n == 0).all()
    assert table[["value", "low", "high", "p"]].isna().all(axis=None)
    left_out = "120 samples left out that only one answers"
    assert set(table.note) == {f"{left_out}; undefined: no sample with a known label"}


def test_a_pattern_is_the_comparison_of_its_samples_alone():
    samples, said = trial("multiclass")
    table = compare(said, samples, replicates=0)
    for pattern, index in samples.patterns.items():
        part = {m: {"ehr": p["ehr"][index]} for m, p in said.items()}
        expected = compare(part, samples.take(index), replicates=0)
        columns = ["metric", "label", "value", "n", "method", "p"]
        pd.testing.assert_frame_equal(
            table[table.pattern == pattern][columns].reset_index(drop=True),
            expected[expected.pattern == "all"][columns].reset_index(drop=True),
        )


def test_each_model_meets_the_reference_by_the_heads_that_both_have():
    samples, said = trial(models=3)
    said["model 0"] |= {
        "best": said["model 0"]["ehr"] ** 2,
        "own": said["model 0"]["ehr"],
    }
    said["model 2"] |= {"best": said["model 2"]["ehr"], "other": said["model 2"]["ehr"]}
    table = compare(said, samples, metrics=["brier"], replicates=0)
    table = table[table.pattern == "all"]
    found = list(zip(table.model, table.reference, table["head"], strict=True))
    assert found == [
        ("model 1", "model 0", "ehr"),
        ("model 2", "model 0", "best"),
        ("model 2", "model 0", "ehr"),
    ]
    gain = np.mean((said["model 2"]["ehr"] - samples.y) ** 2)
    gain -= np.mean((said["model 0"]["ehr"] ** 2 - samples.y) ** 2)
    assert pick(table, head="best").value == pytest.approx(gain)
    some = compare(said, samples, metrics=["brier"], heads=["ehr"], replicates=0)
    assert set(some["head"]) == {"ehr"}


def crowd(kind="multilabel"):
    """Four models of other heads and dtypes, that do not all answer everybody."""
    samples, said = trial(kind, models=4)
    said["model 1"]["ehr"][:9] = np.nan
    said["model 2"] = {"best": said["model 2"]["ehr"].astype("float32")}
    for model in ("model 0", "model 3"):
        said[model]["best"] = said[model]["ehr"] ** 1.5
    said["model 3"]["best"] /= said["model 3"]["best"].sum(1, keepdims=True)
    said["model 0"]["best"] /= said["model 0"]["best"].sum(1, keepdims=True)
    return samples, said


@pytest.mark.parametrize("kind", ["multilabel", "multiclass"])
@pytest.mark.parametrize("references", [["model 2", "model 1", "model 3"], ["model 3"]])
def test_several_references_give_to_the_bit_the_tables_of_each_pair(kind, references):
    samples, said = crowd(kind)
    others = [model for model in said if model not in references]
    options = {"replicates": 40, "seed": 2, "margin": {"brier": 0.1}}
    found = compare(said, samples, reference=references, **options)
    pairs = [
        compare({a: said[a], b: said[b]}, samples, reference=b, **options)
        for b in references
        for a in others
    ]
    expected = pd.concat(pairs, ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_what_is_worked_out_of_a_model_serves_all_its_pairs(monkeypatch):
    samples, said = trial("multilabel", models=5)
    seen, cells = [], differences.cells

    def counted(metric, p, *args):
        seen.append(p.tobytes())
        return cells(metric, p, *args)

    monkeypatch.setattr(differences, "cells", counted)
    rivals = [model for model in said if model != "model 2"]
    compare(said, samples, reference=rivals, metrics=["brier"], replicates=5)
    # All samples, and each of two patterns.
    assert Counter(seen) == {p["ehr"].tobytes(): 3 for p in said.values()}


def test_p_is_adjusted_over_the_labels_of_one_headline_and_method():
    samples, said = trial("multilabel")
    said = {m: {"ehr": p["ehr"], "best": p["ehr"] ** 2} for m, p in said.items()}
    table = compare(said, samples, metrics=["auroc", "brier"], replicates=100)
    headlines = table.label.isna()
    assert table.p_adjusted[headlines].tolist() == table.p[headlines].tolist()
    families = table[~headlines].groupby(["head", "pattern", "metric", "method"])
    assert len(families) == 2 * 3 * 3
    for _, family in families:
        assert len(family) == 3
        first, second, third = family.sort_values("p")[["p", "p_adjusted"]].values
        assert first[1] == pytest.approx(min(1, 3 * first[0]))
        assert second[1] == pytest.approx(min(1, max(first[1], 2 * second[0])))
        assert third[1] == pytest.approx(max(second[1], third[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_an_area_of_one_label_has_a_row_of_delong(kind):
    samples, said = trial(kind)
    table = compare(said, samples, replicates=20, level=0.8)
    extra = table[table.method != "bootstrap"]
    labels = [None] if kind == "binary" else list(LABELS)
    parts = {"all": np.arange(120), **samples.patterns}
    assert len(extra) == len(labels) * len(parts)
    assert set(extra.metric) == {"auroc"}
    for label in labels:
        k = 0 if label is None else LABELS.index(label)
        y = samples.y == k if kind == "multiclass" else samples.y[:, k]
        for pattern, index in parts.items():
            used = index if kind == "multiclass" else index[~np.isnan(y[index])]
            first, second = (said[m]["ehr"][used, k] for m in said)
            group = samples.group[used]
            expected = delong(y[used], second, first, group, level=0.8)
            row = pick(extra, label=label, pattern=pattern)
            names = ["value", "low", "high", "p"]
            assert row[names].tolist() == pytest.approx(
                [getattr(expected, name) for name in names]
            )
            assert (row.n, row.method) == (len(used), expected.method)


def test_one_sample_per_patient_is_delong_more_is_obuchowski():
    samples, said = trial()
    table = compare(said, samples, metrics=["auroc"], replicates=0)
    assert pick(table, pattern="all", method="obuchowski").note == ""
    alone = make_samples("binary", samples.y)
    table = compare(said, alone, metrics=["auroc"], replicates=0)
    assert pick(table, pattern="all", method="delong").note == ""


def test_intervals_and_p_keep_their_promises():
    generator = np.random.default_rng(0)
    gain = norm.cdf(1.2 / np.sqrt(2)) - norm.cdf(0.6 / np.sqrt(2))
    covered, alarms = [], []
    for seed in range(150):
        patient = np.repeat(np.arange(75), 2)
        y = np.repeat(generator.permutation(np.arange(75) % 2), 2)
        # Two samples of a patient share half of their noise, as do the models.
        shared = generator.normal(size=75)[patient] * np.sqrt(0.5)
        noise = generator.normal(size=(3, 150)) * np.sqrt(0.5)
        scores = np.array([0.6, 1.2, 0.6])[:, None] * y + shared + noise
        said = {str(k): {"ehr": expit(s)[:, None]} for k, s in enumerate(scores)}
        samples = make_samples("binary", y, group=patient)
        options = {"metrics": ["auroc"], "level": 0.9, "replicates": 200, "seed": seed}
        table = compare(said, samples, **options).query("pattern == 'all'")
        better, equal = (table[table.model == model] for model in "12")
        assert list(better.method) == ["bootstrap", "obuchowski"]
        covered.append((better.low <= gain) & (gain <= better.high))
        alarms.append(equal.p <= 0.1)
    np.testing.assert_allclose(np.mean(covered, axis=0), 0.9, atol=0.07)
    np.testing.assert_allclose(np.mean(alarms, axis=0), 0.1, atol=0.07)


def test_pairing_makes_intervals_of_alike_models_narrow():
    samples, said = trial(models=1)
    p = said["model 0"]["ehr"]
    said["alike"] = {"ehr": np.clip(p + 0.01 * (samples.y - 0.5), 0, 1)}
    row = pick(compare(said, samples, metrics=["brier"], replicates=200), pattern="all")
    own = pick(
        score(said["alike"], samples, metrics=["brier"], replicates=200), pattern="all"
    )
    assert row.high - row.low < (own.high - own.low) / 10


@pytest.mark.parametrize(("margin", "verdict"), [(1.0, True), (1e-6, False)])
def test_non_inferior_is_an_interval_within_the_margin(margin, verdict):
    samples, said = trial()
    names = ["auroc", "brier"]
    table = compare(said, samples, metrics=names, replicates=100, margin=margin)
    whole = table[table.pattern == "all"]
    assert (whole.margin == margin).all()
    lower = boot(whole)[boot(whole).metric == "auroc"].low.item() > -margin
    upper = boot(whole)[boot(whole).metric == "brier"].high.item() < margin
    assert (lower, upper) == (verdict, verdict)
    assert whole.non_inferior.tolist() == [verdict] * 3


def test_a_margin_of_one_metric_judges_that_metric_alone():
    samples, said = trial()
    options = {"metrics": ["auroc", "brier"], "replicates": 50}
    table = compare(said, samples, margin={"brier": 0.3}, **options)
    judged = table.metric == "brier"
    assert table.margin[judged].tolist() == [0.3] * 3
    assert table.non_inferior[judged].tolist() == [True] * 3
    assert table.margin[~judged].isna().all()
    assert {type(verdict) for verdict in table.non_inferior[~judged]} == {type(None)}
    without = compare(said, samples, **options)
    assert {type(verdict) for verdict in without.non_inferior} == {type(None)}


@pytest.mark.parametrize("first", ["float32", "float64"])
def test_a_coarser_dtype_is_no_advantage(first):
    samples, said = trial(models=1)
    sure = np.where(samples.y == 1, 1e-12, 1 - 1e-12)  # and wrong
    second = {"float32": "float64", "float64": "float32"}[first]
    said = {"a": {"ehr": sure.astype(first)}, "b": {"ehr": sure.astype(second)}}
    table = compare(said, samples, metrics=["log_loss"], replicates=0)
    np.testing.assert_allclose(table.value, 0, atol=1e-6)


def test_few_patients_give_a_value_a_note_and_no_verdict():
    samples, said = trial()
    few = make_samples("binary", samples.y, group=np.arange(120) % 9)
    table = compare(said, few, margin=0.5, replicates=50)
    assert table.value.notna().all()
    assert table[["low", "high", "p", "p_adjusted"]].isna().all(axis=None)
    assert {type(verdict) for verdict in table.non_inferior} == {type(None)}
    assert set(table.note) == {"no interval: 9 groups, fewer than 10"}


def test_a_label_of_one_class_is_undefined_and_noted_by_each_method():
    samples, said = trial("multilabel")
    y = samples.y.copy()
    y[:, 1] = 0
    table = compare(
        said, make_samples("multilabel", y), metrics=["auroc"], replicates=50
    )
    rows = table[(table.label == "fracture") & (table.pattern == "all")]
    assert len(rows) == 2
    assert rows[["value", "low", "high", "p", "p_adjusted"]].isna().all(axis=None)
    assert set(rows.note) == {"undefined: none of 120 is positive"}
    headline = pick(table, label=None, pattern="all")
    assert headline.note == "mean of 2 labels, undefined for: fracture"


def test_without_replicates_only_delong_has_an_interval():
    samples, said = trial()
    table = compare(said, samples, replicates=0)
    assert boot(table)[["low", "high", "p"]].isna().all(axis=None)
    extra = table[table.method == "obuchowski"]
    assert extra[["low", "high", "p"]].notna().all(axis=None)


def test_the_seed_decides():
    samples, said = trial()
    options = {"metrics": ["brier"], "replicates": 30}
    first, again = (compare(said, samples, seed=4, **options) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert (first.low != compare(said, samples, seed=5, **options).low).any()


def test_other_samples_are_refused():
    samples, said = trial()
    said["model 1"] = {"ehr": said["model 1"]["ehr"][:100]}
    message = (
        r"the same samples.*120 samples.*\{'model 1': \[100\]\}.*predict `samples`"
    )
    with pytest.raises(ValueError, match=message):
        compare(said, samples)


def test_errors():
    samples, said = trial()
    first = said["model 0"]
    with pytest.raises(ValueError, match=r"needs two models. Received: \['model 0'\]"):
        compare({"model 0": first}, samples)
    with pytest.raises(
        ValueError, match=r"'teachers'. Known: \['model 0', 'model 1'\]"
    ):
        compare(said, samples, reference="teachers")
    for none in ([], ["model 0", "teachers"]):
        with pytest.raises(
            ValueError, match=r"one or some of the models. Received: \["
        ):
            compare(said, samples, reference=none)
    with pytest.raises(ValueError, match=r"must be left.*'model 1'\], all of them"):
        compare(said, samples, reference=["model 1", "model 0"])
    with pytest.raises(ValueError, match=r"binary task.*\['auroc_micro'\]. Known"):
        compare(said, samples, metrics=["auroc_micro"])
    with pytest.raises(ValueError, match=r"heads of the models.*\['cxr'\].*\['ehr'\]"):
        compare(said, samples, heads=["cxr"])
    with pytest.raises(ValueError, match=r"'b' with \['cxr'\], 'a' with \['ehr'\]"):
        compare({"a": first, "b": {"cxr": first["ehr"]}}, samples)
    with pytest.raises(ValueError, match=r"'ehr of b'.*between 0 and 1.*logits\?"):
        compare({"a": first, "b": {"ehr": first["ehr"] * 9}}, samples)
    with pytest.raises(ValueError, match=r"`level` must lie between 0 and 1"):
        compare(said, samples, level=95, replicates=0)


def test_a_margin_that_is_none_is_refused():
    samples, said = trial()
    message = r"\['auprc'\]. Compared: \['auroc', 'brier'\]"
    with pytest.raises(ValueError, match=message):
        compare(said, samples, metrics=["auroc", "brier"], margin={"auprc": 0.01})
    for margin in (-0.01, 0, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"positive and finite.*without a sign"):
            compare(said, samples, margin=margin)
    with pytest.raises(ValueError, match=r"judged by an interval.*`replicates=1000`"):
        compare(said, samples, margin=0.01, replicates=0)
