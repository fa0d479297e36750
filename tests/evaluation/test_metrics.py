"""Metrics equal scikit-learn's, replicate by replicate, and hand-worked numbers."""

import numpy as np
import pytest
from sklearn import metrics as peer

from mind_keras.evaluation import metrics
from mind_keras.evaluation.metrics import (
    METRICS,
    accuracy,
    auprc,
    auroc,
    brier,
    ece,
    log_loss,
    one,
)


def peer_ece(y, p, sample_weight):
    """The definition in words, bin by bin: scikit-learn has no ECE."""
    if p.ndim == 2:
        y, p = p.argmax(1) == y, p.max(1)
    total = 0.0
    for k in range(15):
        inside = (p >= k / 15) & ((p < (k + 1) / 15) | (k == 14))
        mass = sample_weight[inside].sum()
        if mass:
            rate = np.average(y[inside], weights=sample_weight[inside])
            mean = np.average(p[inside], weights=sample_weight[inside])
            total += mass * abs(mean - rate)
    return total / sample_weight.sum()


def peer_accuracy(y, p, sample_weight):
    decision = p.argmax(1) if p.ndim == 2 else p > 0.5
    return peer.accuracy_score(y, decision, sample_weight=sample_weight)


def peer_log_loss(y, p, sample_weight):
    labels = range(p.shape[1] if p.ndim == 2 else 2)
    return peer.log_loss(y, p, sample_weight=sample_weight, labels=labels)


def peer_brier(y, p, sample_weight):
    if p.ndim == 1:
        return peer.brier_score_loss(y, p, sample_weight=sample_weight)
    happened = np.eye(p.shape[1])[y]
    return np.average(((p - happened) ** 2).sum(1), weights=sample_weight)


PEERS = {
    "auroc": peer.roc_auc_score,
    "auprc": peer.average_precision_score,
    "auroc_micro": peer.roc_auc_score,
    "auprc_micro": peer.average_precision_score,
    "accuracy": peer_accuracy,
    "log_loss": peer_log_loss,
    "brier": peer_brier,
    "ece": peer_ece,
}


def column(seed, n=200):
    """Labels, probabilities full of ties and exact 0, 0.5 and 1, draw counts."""
    generator = np.random.default_rng(seed)
    y = (generator.random(n) < 0.3).astype(float)
    p = np.clip(generator.normal(0.3 + 0.3 * y, 0.3), 0, 1).round(1)
    return y, p, generator.poisson(1, (20, n)).astype(np.uint8)


def classes(seed, n=200):
    generator = np.random.default_rng(seed)
    p = generator.dirichlet((1, 1, 1, 1), n)
    return generator.integers(0, 4, n), p, generator.poisson(1, (20, n))


def each(reference, y, p, w):
    return np.array([reference(y, p, sample_weight=row) for row in w])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", METRICS)
def test_every_replicate_equals_the_reference(name, seed):
    y, p, w = column(seed)
    found = METRICS[name].function(y, p, w)
    np.testing.assert_allclose(found, each(PEERS[name], y, p, w), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["accuracy", "log_loss", "brier", "ece"])
def test_with_classes_every_replicate_equals_the_reference(name):
    y, p, w = classes(0)
    found = METRICS[name].function(y, p, w)
    np.testing.assert_allclose(found, each(PEERS[name], y, p, w), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["auroc", "auprc"])
@pytest.mark.parametrize("block", [1, 1400, 4000])
def test_so_it_is_where_replicates_are_taken_some_at_a_time(name, block, monkeypatch):
    y, p, w = column(0)
    monkeypatch.setattr(metrics, "BLOCK", block)
    found = METRICS[name].function(y, p, w)
    np.testing.assert_allclose(found, each(PEERS[name], y, p, w), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_of_no_replicates_there_is_none(name):
    y, p, w = column(0)
    assert METRICS[name].function(y, p, w[:0]).shape == (0,)


@pytest.mark.parametrize("name", METRICS)
def test_drawing_a_sample_twice_is_having_it_twice(name):
    y, p, w = column(1)
    twice = np.repeat(np.arange(len(y)), w[0])
    function = METRICS[name].function
    expected = function(y[twice], p[twice], one(len(twice)))
    np.testing.assert_allclose(function(y, p, w[:1]), expected, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_samples_does_not_matter(name):
    y, p, w = column(2)
    order = np.random.default_rng(0).permutation(len(y))
    function = METRICS[name].function
    shuffled = function(y[order], p[order], w[:, order])
    np.testing.assert_allclose(function(y, p, w), shuffled, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_weights_need_not_be_whole_numbers(name):
    y, p, _ = column(3)
    w = np.random.default_rng(0).exponential(size=(5, len(y)))
    found = METRICS[name].function(y, p, w)
    np.testing.assert_allclose(found, each(PEERS[name], y, p, w), atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_a_better_model_moves_a_metric_the_way_it_says(name):
    generator = np.random.default_rng(0)
    y = np.arange(200) % 2
    good, bad = 0.1 + 0.8 * y, generator.random(200)
    gain = METRICS[name].function(y, good, one(200)) - METRICS[name].function(
        y, bad, one(200)
    )
    assert (gain > 0) == METRICS[name].higher_is_better


@pytest.mark.parametrize("metric", [auroc, auprc])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_ranking_is_undefined_where_one_class_is_absent(metric, y):
    p = np.array([0.2, 0.9, 0.4])
    assert np.isnan(metric(np.full(3, y), p, one(3))).all()


@pytest.mark.parametrize("metric", [auroc, auprc])
@pytest.mark.parametrize("lost", [0, 1])
def test_a_replicate_that_lost_a_class_is_undefined_and_no_other(metric, lost):
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    w = np.stack([np.where(y == lost, 0, 1), np.ones(4, int)])
    assert np.isnan(metric(y, p, w)).tolist() == [True, False]


@pytest.mark.parametrize("name", METRICS)
def test_without_any_weight_all_is_undefined(name):
    y, p, w = column(0)
    assert np.isnan(METRICS[name].function(y, p, 0 * w)).all()


def test_small_integer_weights_do_not_overflow():
    y, p = np.array([0, 1] * 400), np.array([0.4, 0.6] * 400)
    w = np.full((1, 800), 200, np.uint8)
    for metric in (auroc, auprc, accuracy):
        assert metric(y, p, w).tolist() == [1.0]


def test_half_is_no_yes():
    assert accuracy(np.array([0, 0, 1]), np.full(3, 0.5), one(3)).item() == 2 / 3


def test_log_loss_clips_at_the_precision_of_the_probabilities():
    y = np.array([1])
    for dtype, eps in (("float32", 2.0**-23), ("float64", 2.0**-52)):
        loss = log_loss(y, np.zeros(1, dtype), one(1)).item()
        assert loss == pytest.approx(-np.log(eps), abs=1e-12)
        loss = log_loss(0 * y, np.ones(1, dtype), one(1)).item()
        assert loss == pytest.approx(-np.log(eps), abs=1e-12)


def test_log_loss_of_classes_clips_too():
    p = np.array([[1.0, 0.0, 0.0]])
    expected = 52 * np.log(2)
    assert log_loss(np.array([2]), p, one(1)).item() == pytest.approx(expected)


def test_brier_by_hand():
    y, p = np.array([0, 1, 1]), np.array([0.2, 0.6, 1.0])
    assert brier(y, p, one(3)).item() == pytest.approx((0.04 + 0.16 + 0) / 3)
    p = np.array([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]])
    found = brier(np.array([0, 2]), p, one(2)).item()
    assert found == pytest.approx((0.25 + 0.09 + 0.04 + 0 + 1 + 1) / 2)


def test_ece_by_hand():
    y, p = np.array([0, 0, 1, 1, 1]), np.array([0.1, 0.3, 0.4, 0.7, 1.0])
    # Two bins: |0.8/3 - 1/3| of mass 3/5 and |0.85 - 1| of mass 2/5.
    assert ece(y, p, one(5), bins=2).item() == pytest.approx(0.2 / 5 + 0.3 / 5)


def test_ece_of_classes_is_about_the_most_probable_one():
    p = np.array([[0.6, 0.4, 0.0], [0.1, 0.1, 0.8]])
    # In two bins both are in the upper one: mean 0.7, right once of twice.
    assert ece(np.array([1, 2]), p, one(2), bins=2).item() == pytest.approx(0.2)


def test_a_bin_is_closed_below():
    y, p = np.array([1, 0]), np.array([0.5, 0.4])
    assert ece(y, p, one(2), bins=2).item() == pytest.approx((0.5 + 0.4) / 2)
