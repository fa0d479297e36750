"""Curves: the points of scikit-learn, no more than are needed to draw them."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from mind_keras.data.samples import Samples
from mind_keras.evaluation import score
from mind_keras.evaluation.curves import MOST_POINTS, TOLERANCE, curves
from mind_keras.spec import Modality, Spec, Task

LABELS = ("edema", "fracture", "nodule")


def draw(kind, n=3000, unknown=0.2):
    rng = np.random.default_rng(0)
    labels = LABELS[:1] if kind == "binary" else LABELS
    spec = Spec(Task("findings", kind, labels), (Modality("ehr", (1,)),))
    p = rng.random((n, len(labels)))
    y = (rng.random(p.shape) < p).astype(float)
    if kind == "multiclass":
        p = rng.dirichlet((1, 1, 1), n)
        y = (p.cumsum(1) < rng.random((n, 1))).sum(1)
    if kind == "multilabel":
        y[rng.random(y.shape) < unknown] = np.nan
    samples = Samples(spec, y, {"ehr": np.zeros((n, 1))})
    return samples, p.round(3) if kind != "multiclass" else p


def pick(found, kind, label=None, head="ehr"):
    (curve,) = (
        c for c in found if (c["kind"], c["label"], c["head"]) == (kind, label, head)
    )
    return curve


def target(samples, k):
    y = samples.y
    return (y == k).astype(float) if y.ndim == 1 else y[:, k]


def far(curve, x, y):
    """The largest distance of points from a drawn line."""
    start = np.stack([curve["x"][:-1], curve["y"][:-1]], 1)[:, None]
    step = np.stack([np.diff(curve["x"]), np.diff(curve["y"])], 1)[:, None]
    off = np.stack([x, y], 1)[None] - start
    length = np.maximum((step**2).sum(-1), 1e-30)
    along = np.clip((off * step).sum(-1) / length, 0, 1)[..., None]
    return np.sqrt(((off - along * step) ** 2).sum(-1)).min(0).max()


@pytest.mark.parametrize("kind", ["binary", "multilabel", "multiclass"])
def test_lines_are_those_of_scikit_learn_but_for_less_than_a_pixel(kind):
    samples, p = draw(kind)
    found = curves({"student": {"ehr": p}}, samples)
    labels = (
        [(None, 0)]
        if kind == "binary"
        else [(name, k) for k, name in enumerate(LABELS)]
    )
    for label, k in labels:
        y, q = target(samples, k), p[:, k]
        known = ~np.isnan(y)
        x, rate, _ = roc_curve(y[known], q[known])
        curve = pick(found, "roc", label)
        assert far(curve, x, rate) <= TOLERANCE + 1e-5
        assert auc(curve["x"], curve["y"]) == pytest.approx(auc(x, rate), abs=2e-3)
        assert curve["n"] == known.sum() and curve["low"] is curve["high"] is None
        precision, recall, _ = precision_recall_curve(y[known], q[known])
        curve = pick(found, "pr", label)
        assert far(curve, recall, precision) <= 0.01
        assert (curve["x"][0], curve["y"][0], curve["x"][-1]) == (0, 1, 1)


def test_points_are_few_and_rise():
    rng = np.random.default_rng(0)
    samples, _ = draw("binary", 20_000)
    found = curves({"student": {"ehr": rng.random((20_000, 1))}}, samples)
    for kind in ("roc", "pr"):
        curve = pick(found, kind)
        assert len(curve["x"]) <= MOST_POINTS and (np.diff(curve["x"]) >= 0).all()
    assert (np.diff(pick(found, "roc")["y"]) >= 0).all()


def test_a_straight_line_needs_its_ends_and_a_corner_stays():
    samples, _ = draw("binary", 400)
    found = curves({"student": {"ehr": samples.y * 0.8 + 0.1}}, samples)
    curve = pick(found, "roc")
    assert (curve["x"], curve["y"]) == ([0, 0, 1], [0, 1, 1])


@pytest.mark.parametrize("kind", ["binary", "multilabel", "multiclass"])
def test_the_mean_distance_of_a_reliability_is_the_error_of_the_table(kind):
    samples, p = draw(kind)
    found = curves({"student": {"ehr": p}}, samples)
    table = score({"ehr": p}, samples, metrics=["ece"], replicates=0)
    table = table[table["pattern"] == "all"].set_index("label")["value"]
    for label in [None] if kind != "multilabel" else LABELS:
        curve = pick(found, "reliability", label)
        n, x, y = (np.array(curve[key]) for key in ("n", "x", "y"))
        expected = table.iloc[0] if label is None else table[label]
        assert (n * np.abs(x - y)).sum() / n.sum() == pytest.approx(expected, abs=1e-4)


def test_bounds_are_wilsons_and_counts_are_of_bins():
    samples, p = draw("binary", 60)
    curve = pick(curves({"student": {"ehr": p}}, samples), "reliability")
    y, q = samples.y[:, 0], p[:, 0]
    which = np.minimum((q * 15).astype(int), 14)
    assert len(curve["x"]) == len(np.unique(which)) <= 15
    for k, cell in enumerate(np.unique(which)):
        inside = which == cell
        test = binomtest(int(y[inside].sum()), int(inside.sum()))
        expected = test.proportion_ci(method="wilson")
        found = curve["low"][k], curve["high"][k]
        assert found == pytest.approx((expected.low, expected.high), abs=1e-5)
        assert curve["n"][k] == inside.sum()
        assert curve["x"][k] == pytest.approx(q[inside].mean(), abs=1e-5)
        assert curve["y"][k] == pytest.approx(y[inside].mean(), abs=1e-5)


def test_without_a_label_all_are_pooled():
    samples, p = draw("multilabel")
    found = curves({"student": {"ehr": p}}, samples)
    known = ~np.isnan(samples.y)
    x, rate, _ = roc_curve(samples.y[known], p[known])
    curve = pick(found, "roc")
    assert far(curve, x, rate) <= TOLERANCE + 1e-5 and curve["n"] == known.sum()
    assert sum(pick(found, "reliability")["n"]) == known.sum()
    samples, p = draw("multiclass")
    found = curves({"student": {"ehr": p}}, samples)
    x, rate, _ = roc_curve(np.eye(3)[samples.y].ravel(), p.ravel())
    assert far(pick(found, "roc"), x, rate) <= TOLERANCE + 1e-5
    # Of classes it is about the most probable one: each sample once.
    assert sum(pick(found, "reliability")["n"]) == len(samples)
    assert min(pick(found, "reliability")["x"]) >= 1 / 3
    assert sum(pick(found, "reliability", "edema")["n"]) == len(samples)


def test_one_outcome_has_no_curve_but_a_reliability():
    samples, p = draw("multilabel", 200)
    y = samples.y.copy()
    y[:, 1] = np.where(np.isnan(y[:, 1]), np.nan, 1)
    y[:, 2] = np.nan
    samples = Samples(samples.spec, y, samples.x)
    found = curves({"student": {"ehr": p}}, samples)
    kinds = {
        label: [c["kind"] for c in found if c["label"] == label] for label in LABELS
    }
    assert kinds == {
        "edema": ["roc", "pr", "reliability"],
        "fracture": ["reliability"],
        "nodule": [],
    }


@pytest.mark.parametrize("kind", ["binary", "multilabel", "multiclass"])
def test_answers_that_are_not_there_do_not_count(kind):
    samples, p = draw(kind, 300)
    half = p.copy()
    half[::2] = np.nan
    found = curves({"student": {"ehr": half, "none": p * np.nan}}, samples)
    assert {curve["head"] for curve in found} == {"ehr"}
    part = samples.take(np.arange(1, 300, 2))
    alone = curves({"student": {"ehr": p[1::2]}}, part)
    assert found == alone


def test_a_line_that_needs_more_points_gets_the_most_there_may_be(monkeypatch):
    samples, p = draw("binary", 300)
    monkeypatch.setattr("mind_keras.evaluation.curves.MOST_POINTS", 20)
    found = curves({"student": {"ehr": p}}, samples)
    assert [len(pick(found, kind)["x"]) for kind in ("roc", "pr")] == [20, 20]


def test_each_model_and_head_has_its_curves_and_json_takes_them():
    samples, p = draw("binary", 100)
    found = curves({"a": {"ehr": p, "best": p}, "b": {"ehr": 1 - p}}, samples)
    keys = [(c["model"], c["head"], c["kind"]) for c in found]
    kinds = ("roc", "pr", "reliability")
    heads = [("a", "best"), ("a", "ehr"), ("b", "ehr")]
    assert keys == [(*head, kind) for head in heads for kind in kinds]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    names = ["model", "head", "label", "kind", "x", "y", "low", "high", "n"]
    assert list(found[0]) == names


def test_logits_are_refused():
    samples, p = draw("binary", 100)
    with pytest.raises(ValueError, match=r"Are these logits\?"):
        curves({"student": {"ehr": 5 * p}}, samples)
