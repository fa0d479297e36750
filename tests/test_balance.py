"""Utilisation and gaps: MILES' equations, on the same patients for all heads."""

import numpy as np
import pytest
import tiny
from sklearn.metrics import accuracy_score, roc_auc_score

from mind_keras.balance import balance_table, measure, quantities, utilisation

PATTERNS = {"ehr": 30, "ehr+lab": 40, "lab": 20}
HEADS = ("ehr", "fusion", "lab")


def said(samples, seed=0, heads=HEADS):
    """Made-up probabilities, NaN where a head cannot answer."""
    rng = np.random.default_rng(seed)
    size, outputs = len(samples), samples.spec.task.outputs
    found = {}
    for head in heads:
        p = rng.random((size, outputs))
        if samples.spec.task.kind == "multiclass":
            p /= p.sum(1, keepdims=True)
        needs = samples.spec.names if head == "fusion" else [head]
        p[~np.all([samples.has(m) for m in needs], axis=0)] = np.nan
        found[head] = p
    return found


def macro_auroc(samples, p, index):
    y, p = samples.y[index], p[index]
    known = ~np.isnan(y)
    columns = range(y.shape[1])
    return np.mean(
        [roc_auc_score(y[known[:, k], k], p[known[:, k], k]) for k in columns]
    )


def right_classes(samples, p, index):
    return accuracy_score(samples.y[index], p[index].argmax(1))


@pytest.mark.parametrize(
    "kind, reference",
    [
        ("binary", macro_auroc),
        ("multilabel", macro_auroc),
        ("multiclass", right_classes),
    ],
)
def test_the_table_is_miles_equations_on_the_samples_that_all_answer(kind, reference):
    samples = tiny.samples(kind, PATTERNS, seed=1)
    answers, teachers = said(samples), said(samples, seed=5, heads=("ehr", "lab"))
    silent = np.flatnonzero(samples.pattern == "ehr+lab")[:7]
    teachers["lab"][silent] = np.nan
    index = np.setdiff1d(np.flatnonzero(samples.pattern == "ehr+lab"), silent)
    m = {head: reference(samples, p, index) for head, p in answers.items()}
    t = {head: reference(samples, p, index) for head, p in teachers.items()}
    expected = [
        ("utilisation", "ehr", (m["fusion"] - m["lab"]) / m["fusion"]),
        ("utilisation", "lab", (m["fusion"] - m["ehr"]) / m["fusion"]),
        ("imbalance", "", abs(m["ehr"] - m["lab"]) / m["fusion"]),
        ("head_gap", "", abs(m["ehr"] - m["lab"])),
        ("teacher_gap", "ehr", t["ehr"] - m["ehr"]),
        ("teacher_gap", "lab", t["lab"] - m["lab"]),
    ]
    table = balance_table(
        {"student": answers | {"best": answers["ehr"]}},
        samples,
        split="test",
        teachers=teachers | {"fusion": answers["fusion"]},
    )
    assert list(table) == "model split quantity modality metric value note".split()
    assert set(table["metric"]) == {"accuracy" if kind == "multiclass" else "auroc"}
    assert set(table["split"]) == {"test"} and set(table["note"]) == {""}
    rows = table[["quantity", "modality", "value"]].itertuples(index=False)
    for row, (quantity, modality, value) in zip(rows, expected, strict=True):
        assert (row.quantity, row.modality) == (quantity, modality)
        assert row.value == pytest.approx(value, abs=1e-12)


def test_models_without_a_fusion_head_or_a_second_unimodal_one_are_left_out():
    samples = tiny.samples(patterns=PATTERNS)
    answers = {"a": said(samples, heads=("fusion", "ehr")), "c": said(samples)}
    answers["b"] = said(samples, heads=("lab", "ehr"))
    assert set(balance_table(answers, samples, split="test")["model"]) == {"c"}


def test_without_a_common_sample_values_are_undefined_and_say_why():
    samples = tiny.samples(patterns=PATTERNS)
    answers = said(samples)
    answers["fusion"][:] = np.nan
    table = balance_table({"student": answers}, samples, split="test")
    assert table["value"].isna().all()
    assert set(table["note"]) == {"no sample that all heads answer"}


def test_one_class_alone_is_undefined_and_says_why():
    samples = tiny.samples(patterns=PATTERNS)
    only = samples.take(np.flatnonzero(samples.y[:, 0] == 1))
    table = balance_table({"student": said(only)}, only, split="test")
    assert table["value"].isna().all()
    assert table["note"].str.contains("is negative").all()


def test_a_fusion_at_chance_has_no_utilisation_but_its_heads_a_gap():
    found = quantities({"fusion": 0.5, "a": 0.75, "b": 0.5}, chance=0.5)
    undefined = [("utilisation", "a"), ("utilisation", "b"), ("imbalance", "")]
    assert all(np.isnan(found[key]) for key in undefined)
    assert found["head_gap", ""] == 0.25
    assert np.isnan(utilisation({"fusion": 0.0, "a": 0.0, "b": 0.0})["a"])
    samples = tiny.samples(patterns=PATTERNS)
    answers = said(samples)
    answers["fusion"][~np.isnan(answers["fusion"])] = 0.5
    table = balance_table({"s": answers}, samples, split="test", chance=0.5)
    notes = dict(zip(table["quantity"], table["note"], strict=True))
    assert notes["utilisation"] == "the fusion head is at chance"
    assert notes["head_gap"] == ""


def test_beside_a_useless_modality_a_useful_one_is_used_fully_from_chance_up():
    used = utilisation({"fusion": 0.9, "good": 0.9, "useless": 0.5}, chance=0.5)
    assert used == {"good": pytest.approx(1.0), "useless": pytest.approx(0.0)}


def test_without_a_modality_the_best_head_counts_that_does_not_read_it():
    values = {"fusion": 0.8, "a": 0.5, "b": 0.6, "c": 0.4, "bc": 0.7}
    needs = {"fusion": "abc", "a": "a", "b": "b", "c": "c", "bc": "bc"}
    used = utilisation(values, needs=needs)
    assert used == {
        "a": pytest.approx((0.8 - 0.7) / 0.8),
        "b": pytest.approx((0.8 - 0.5) / 0.8),
        "c": pytest.approx((0.8 - 0.6) / 0.8),
    }
    found = quantities(values, needs=needs)
    assert found["imbalance", ""] == pytest.approx(0.2 / 0.8)
    assert found["head_gap", ""] == pytest.approx(0.2)


def test_a_number_that_is_unknown_makes_unknown_what_needs_it():
    used = utilisation({"fusion": 0.8, "a": 0.5, "b": np.nan})
    assert np.isnan(used["a"]) and used["b"] == pytest.approx(0.375)
    assert np.isnan(quantities({"fusion": 0.8, "a": 0.5, "b": np.nan})["head_gap", ""])


@pytest.mark.parametrize("values", [{"a": 0.5, "b": 0.5}, {"fusion": 0.5, "a": 0.5}])
def test_utilisation_takes_a_fusion_head_and_two_modalities(values):
    with pytest.raises(
        ValueError, match=r"two modalities or more\. Received.*one head"
    ):
        utilisation(values)


def test_heads_are_compared_by_a_metric_that_fits_and_of_which_more_is_better():
    task = tiny.spec("binary").task
    assert measure("accuracy", task) == "accuracy"
    assert measure(None, tiny.spec("multiclass").task) == "accuracy"
    for wrong in ("log_loss", "auroc_micro", "f1"):
        with pytest.raises(ValueError, match=f"'{wrong}'. Known: .*'auroc'"):
            measure(wrong, task)
