"""Temperatures: what they must find, what they must keep, and when there are none."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.metrics import log_loss, roc_auc_score

from mind_keras.data.samples import Samples
from mind_keras.evaluation import score
from mind_keras.evaluation.calibration import (
    COLUMNS,
    FEWEST_OF_EACH,
    FEWEST_SAMPLES,
    HIGHEST,
    LOWEST,
    calibration_table,
    fit_temperatures,
)
from mind_keras.evaluation.temperatures import Temperature, Temperatures, soften
from mind_keras.spec import Modality, Spec, Task

LABELS = ("edema", "fracture", "nodule")
KINDS = ("binary", "multilabel", "multiclass")


def task_of(kind):
    return Task("findings", kind, LABELS[:1] if kind == "binary" else LABELS)


def draw(kind, n=2000, seed=0, patterns=("cxr+ehr", "ehr", "cxr")):
    """True logits, and samples whose labels are drawn from them."""
    rng = np.random.default_rng(seed)
    task = task_of(kind)
    z = 1.5 * rng.normal(size=(n, task.outputs)) - 0.5
    if kind == "multiclass":
        y = (softmax(z, axis=1).cumsum(1) < rng.random((n, 1))).sum(1)
    else:
        y = (rng.random(z.shape) < expit(z)).astype(float)
    if kind == "multilabel":
        y[rng.random(y.shape) < 0.2] = np.nan
    return z, make(kind, y, [patterns[k % len(patterns)] for k in range(n)])


def make(kind, y, patterns):
    names = ("cxr", "ehr")
    rows = {
        m: np.flatnonzero([m in pattern.split("+") for pattern in patterns])
        for m in names
    }
    x = {m: np.zeros((len(rows[m]), 1)) for m in names}
    spec = Spec(task_of(kind), tuple(Modality(m, (1,)) for m in names))
    return Samples(spec, y, x, rows)


def squash(z, kind):
    return softmax(z, axis=1) if kind == "multiclass" else expit(z)


def two_heads(p, samples, ehr=None):
    """As `predict`: a head needs its modality, `best` repeats or is a mean."""
    ehr = p if ehr is None else ehr
    said = {"fusion": p.copy(), "ehr": ehr.copy(), "best": ehr.copy()}
    said["fusion"][samples.pattern != "cxr+ehr"] = np.nan
    said["ehr"][samples.pattern == "cxr"] = np.nan
    both, films = samples.pattern == "cxr+ehr", samples.pattern == "cxr"
    said["best"][both] = p[both]
    said["best"][films] = p[films]
    return said


@pytest.mark.parametrize("kind", KINDS)
def test_logits_that_are_three_times_too_large_are_divided_by_three(kind):
    z, samples = draw(kind, 6000)
    fitted = fit_temperatures({"ehr": squash(3 * z, kind)}, samples)
    one = fitted.of("ehr", "all")
    assert one.value == pytest.approx(3, rel=0.06) and one.note == ""
    p = fitted.apply({"ehr": squash(3 * z, kind)}, samples.pattern)["ehr"]
    np.testing.assert_allclose(p, squash(z, kind), atol=0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_no_other_temperature_has_a_lower_log_loss(kind):
    z, samples = draw(kind, 400)
    z = 2 * z + 0.7
    known = ~np.isnan(samples.y)

    def loss(log_temperature):
        scaled = z / np.exp(log_temperature)
        if kind == "multiclass":
            p, y = np.exp(log_softmax(scaled, axis=1)), samples.y
        else:
            p, y = expit(scaled)[known], samples.y[known]
        return log_loss(y, p)

    best = np.exp(minimize(loss, 0.0, method="Nelder-Mead", tol=1e-9).x.item())
    found = fit_temperatures({"ehr": squash(z, kind)}, samples).of("ehr", "all")
    assert found.value == pytest.approx(best, rel=1e-4)
    assert found.n_validation == known.reshape(len(z), -1).any(1).sum()


def test_scaling_divides_logits_and_classes_share_a_softmax():
    z = np.random.default_rng(0).normal(size=(7, 3)) * 4
    by = np.arange(1.0, 8)[:, None]
    np.testing.assert_allclose(soften(expit(z), by, "multilabel"), expit(z / by))
    p = soften(softmax(z, axis=1), by, "multiclass")
    np.testing.assert_allclose(p, softmax(z / by, axis=1))


@pytest.mark.parametrize("kind", KINDS)
def test_certainty_stays_and_nothing_is_undefined(kind):
    p = np.eye(3)[:, : task_of(kind).outputs]
    found = soften(p, np.full((3, 1), 2.5), kind)
    np.testing.assert_array_equal(found, p)


def test_a_temperature_belongs_to_a_head_and_a_pattern():
    z, samples = draw("binary", 6000)
    factor = np.select([samples.pattern == "cxr+ehr", samples.pattern == "ehr"], [4, 2])
    said = two_heads(expit(z * factor[:, None]), samples, expit(0.5 * z))
    fitted = fit_temperatures(said, samples)
    assert fitted.of("fusion", "cxr+ehr").value == pytest.approx(4, rel=0.1)
    assert fitted.of("ehr", "cxr+ehr").value == pytest.approx(0.5, rel=0.1)
    assert fitted.of("fusion", "cxr+ehr").n_validation == 2000
    assert set(fitted.values["fusion"]) == {"all", "cxr+ehr"}
    assert set(fitted.values["ehr"]) == {"all", "cxr+ehr", "ehr"}
    calibrated = fitted.apply(said, samples.pattern)
    for head, p in said.items():
        by = [[fitted.of(head, pattern).value] for pattern in samples.pattern]
        np.testing.assert_allclose(calibrated[head], expit(logit(p) / by))


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_auroc_of_a_head_and_pattern_does_not_change(kind):
    z, samples = draw(kind, 300)
    p = squash(2.5 * z, kind)
    said = {"ehr": p, "best": (p + p.mean(0)) / 2}
    calibrated = fit_temperatures(said, samples).apply(said, samples.pattern)
    metrics = ["auroc", "auprc", *["auroc_micro"] * (kind == "multilabel")]
    before, after = (
        score(q, samples, metrics=metrics, replicates=0) for q in (said, calibrated)
    )
    own = before["pattern"] != "all"
    assert own.sum() and (calibrated["ehr"] != p).any()
    pd.testing.assert_frame_equal(before[own], after[own], rtol=1e-12)


def test_decisions_between_classes_do_not_change():
    z, samples = draw("multiclass", 300)
    said = {"ehr": softmax(3 * z, axis=1)}
    calibrated = fit_temperatures(said, samples).apply(said, samples.pattern)["ehr"]
    assert (calibrated.argmax(1) == said["ehr"].argmax(1)).all()
    np.testing.assert_allclose(calibrated.sum(1), 1)


def test_a_head_that_cannot_answer_still_cannot():
    z, samples = draw("multiclass", 300)
    said = two_heads(softmax(z, axis=1), samples)
    calibrated = fit_temperatures(said, samples).apply(said, samples.pattern)
    for head, p in said.items():
        assert (np.isnan(calibrated[head]) == np.isnan(p)).all()


def test_best_says_what_the_head_says_that_it_repeats():
    z, samples = draw("binary", 300)
    few = np.flatnonzero(samples.pattern == "cxr+ehr")[20:]
    samples = samples.take(np.setdiff1d(np.arange(300), few))
    z = np.delete(z, few, axis=0)
    said = two_heads(expit(3 * z), samples, expit(z))
    fitted = fit_temperatures(said, samples)
    # 20 samples: fusion has no others, best would have those of other patterns.
    assert fitted.of("fusion", "cxr+ehr").value == 1
    assert fitted.of("best", "all").value != 1
    assert fitted.of("best", "cxr+ehr") == fitted.of("fusion", "cxr+ehr")
    assert fitted.of("best", "ehr") == fitted.of("ehr", "ehr")
    assert fitted.of("best", "cxr").n_validation == 100  # Of no other head: its own.
    calibrated = fitted.apply(said, samples.pattern)
    both = samples.pattern == "cxr+ehr"
    np.testing.assert_array_equal(calibrated["best"][both], calibrated["fusion"][both])


def test_few_samples_of_a_pattern_take_the_temperature_of_the_head():
    y = np.tile([0, 0, 1, 0, 1, 0], 30).astype(float)
    few = FEWEST_SAMPLES - 1
    patterns = ["ehr"] * few + ["cxr+ehr"] * (len(y) - few)
    samples = make("binary", y, patterns)
    p = np.where(np.arange(len(y)) % 7 == 0, 1 - y, y)[:, None] * 0.98 + 0.01
    fitted = fit_temperatures({"ehr": p}, samples)
    common = fitted.of("ehr", "all")
    assert common.n_validation == len(y) and common.note == ""
    found = fitted.of("ehr", "ehr")
    assert (found.value, found.n_validation) == (common.value, len(y))
    assert found.note == "T of all patterns: 29 validation samples, under 30"
    assert fitted.of("ehr", "cxr+ehr").n_validation == len(y) - few
    assert fitted.of("ehr", "cxr") == common  # A pattern that was never seen.
    one_more = make("binary", y, ["ehr", *patterns[:-1]])
    assert fit_temperatures({"ehr": p}, one_more).of("ehr", "ehr").n_validation == 30


@pytest.mark.parametrize("kind", KINDS)
def test_few_of_an_outcome_have_no_temperature(kind):
    for rare, fits in ((FEWEST_OF_EACH - 1, False), (FEWEST_OF_EACH, True)):
        z, _ = draw(kind, 90)
        y = np.zeros(z.shape if kind != "multiclass" else len(z), int)
        y[:rare] = 1 if kind != "multilabel" else [1, 0, 0]
        y[-1] = 2 if kind == "multiclass" else 0  # A third class may be rarer.
        p = squash(z, kind)
        one = fit_temperatures({"ehr": p}, make(kind, y, ["ehr"] * 90)).of("ehr", "all")
        assert ("of an outcome" in one.note) != fits
        if not fits:
            assert (one.value, one.note) == (1.0, "T = 1: under 5 of an outcome")


def test_unknown_labels_are_no_samples():
    z, samples = draw("multilabel", 200)
    y = samples.y.copy()
    y[FEWEST_SAMPLES - 1 :] = np.nan
    y[: FEWEST_SAMPLES - 1, 0] = np.arange(FEWEST_SAMPLES - 1) % 2
    one = fit_temperatures({"ehr": expit(z)}, make("multilabel", y, ["ehr"] * 200))
    assert "29 validation samples" in one.of("ehr", "ehr").note
    # Their probabilities do not matter either.
    keep = ~np.isnan(samples.y)
    p = expit(2 * z)
    strange = np.where(keep, p, 0.999)
    fits = [fit_temperatures({"ehr": q}, samples) for q in (p, strange)]
    assert fits[0] == fits[1]


@pytest.mark.parametrize("sign", [1, -1])
def test_without_a_minimum_nothing_is_scaled(sign):
    y = np.arange(80) % 2
    z = sign * np.where(y == 1, 1.0, -1.0)[:, None]  # Told apart, or the wrong way.
    one = fit_temperatures({"ehr": expit(z)}, make("binary", y, ["ehr"] * 80))
    assert one.of("ehr", "ehr").value == 1
    said = f"no best T from {LOWEST} to {HIGHEST}"
    assert one.of("ehr", "all").note == f"T = 1: {said}"


def test_certain_mistakes_are_fitted_as_finite_ones():
    y = np.arange(80) % 2
    p = np.where(np.arange(80) % 40 == 0, 1.0 - y, y)[:, None]  # 0 and 1, 2 wrong.
    one = fit_temperatures({"ehr": p}, make("binary", y, ["ehr"] * 80)).of("ehr", "ehr")
    # A certain answer is taken for the logit of the machine precision, 36.04; that of
    # 39 right answers for each wrong one is log(39).
    assert one.value == pytest.approx(-np.log(2.0**-52) / np.log(39), rel=1e-3)


def test_a_table_tells_what_scaling_does_to_other_samples():
    (z, validation), (other, test) = draw("binary"), draw("binary", seed=1)
    fitted = fit_temperatures(two_heads(expit(3 * z), validation), validation)
    said = two_heads(expit(3 * other), test)
    table = calibration_table({"student": fitted}, {"student": said}, test)
    assert tuple(table.columns) == COLUMNS
    assert set(table["model"]) == {"student"}
    row = table.set_index(["head", "pattern"]).loc[("ehr", "ehr")]
    rows = np.flatnonzero(test.pattern == "ehr")
    y, p = test.y[rows, 0], said["ehr"][rows, 0]
    q = expit(logit(p) / row["temperature"])
    assert row["n"] == len(rows) and row["n_validation"] == 667
    assert row["log_loss"] == pytest.approx(log_loss(y, p))
    assert row["log_loss_calibrated"] == pytest.approx(log_loss(y, q))
    assert row["brier"] == pytest.approx(np.mean((p - y) ** 2))
    assert row["brier_calibrated"] == pytest.approx(np.mean((q - y) ** 2))
    assert row["temperature"] == fitted.of("ehr", "ehr").value
    for metric in ("ece", "log_loss", "brier"):
        assert (table[f"{metric}_calibrated"] < table[metric]).all()
    notes = table.set_index(["head", "pattern"])["note"]
    assert notes[("ehr", "all")] == "each pattern has its own T"
    assert notes[("ehr", "ehr")] == ""
    assert roc_auc_score(y, p) == pytest.approx(roc_auc_score(y, q))


def test_a_table_of_labels_has_headline_rows_alone():
    z, samples = draw("multilabel", 200)
    said = {"a": {"ehr": expit(z)}, "b": {"ehr": expit(2 * z)}}
    fitted = {name: fit_temperatures(p, samples) for name, p in said.items()}
    table = calibration_table(fitted, said, samples)
    rows = [("a", "all"), ("a", "cxr"), ("a", "cxr+ehr"), ("a", "ehr")]
    rows += [("b", pattern) for _, pattern in rows]
    assert list(table[["model", "pattern"]].itertuples(index=False)) == rows
    expected = score(said["b"], samples, metrics=["ece"], replicates=0)
    expected = expected[expected["label"].isna()]["value"]
    np.testing.assert_allclose(table["ece"][4:], expected)


def test_a_file_of_temperatures_gives_them_back_exactly():
    z, samples = draw("binary", 300)
    fitted = fit_temperatures({"ehr": expit(3 * z), "best": expit(z)}, samples)
    text = fitted.to_json()
    assert Temperatures.from_json(text) == fitted
    assert json.loads(text)["version"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"kind": "regression"},
        {"heads": {"ehr": {"ehr": {"value": 1.0, "n_validation": 9, "note": ""}}}},
        {"heads": {"ehr": {"all": {"value": 0.0, "n_validation": 9, "note": ""}}}},
        {"heads": {"ehr": {"all": {"value": "2", "n_validation": 9, "note": ""}}}},
        {"heads": {"ehr": {"all": {"T": 2.0}}}},
        {"heads": ["ehr"]},
    ],
)
def test_a_file_that_is_something_else_is_refused(change):
    given = Temperatures("binary", {"ehr": {"all": Temperature(2.0, 90)}})
    text = json.dumps(json.loads(given.to_json()) | change)
    with pytest.raises(ValueError, match=r"must be JSON of version 1.*Run the exper"):
        Temperatures.from_json(text)
    for broken in ("", "{", "[]", "{}"):
        with pytest.raises(ValueError, match=r"must be JSON of version 1"):
            Temperatures.from_json(broken)


def test_what_was_not_fitted_is_not_applied():
    z, samples = draw("binary", 60)
    fitted = fit_temperatures({"ehr": expit(z)}, samples)
    with pytest.raises(ValueError, match=r"Unknown head 'cxr'. Known: \['ehr'\]"):
        fitted.apply({"cxr": expit(z)}, samples.pattern)
    with pytest.raises(ValueError, match=r"none for \['no_kd'\].*fit_temperatures"):
        calibration_table({"student": fitted}, {"no_kd": {"ehr": expit(z)}}, samples)
    with pytest.raises(ValueError, match=r"Are these logits\?"):
        fit_temperatures({"ehr": z}, samples)
