"""Laws of pooling teachers, against NumPy in float64."""

import numpy as np
import pytest
from keras import ops
from scipy.special import expit, log_softmax, logit, softmax

from mind_keras.pools import (
    POOLS,
    mean_probability,
    normalised,
    prior_logits,
    product,
)


def answers(teachers=3, labels=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=3, size=(6, teachers, labels)).astype("float32")


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_mean_probability_is_the_mean_of_softened_probabilities(temperature):
    said, weights = answers(), [0.5, 0.2, 0.3]
    z = ops.convert_to_numpy(
        mean_probability(ops.array(said), "multilabel", temperature, weights)
    )
    mean = np.average(expit(said / temperature), axis=1, weights=weights)
    np.testing.assert_allclose(expit(z / temperature), mean, atol=1e-6)
    z = ops.convert_to_numpy(
        mean_probability(ops.array(said), "multiclass", temperature, weights)
    )
    mean = np.average(softmax(said / temperature, -1), axis=1, weights=weights)
    np.testing.assert_allclose(softmax(z / temperature, -1), mean, atol=1e-6)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("name", POOLS)
def test_an_ensemble_of_one_is_that_teacher(name, kind):
    said = answers(teachers=1)
    z = ops.convert_to_numpy(POOLS[name](ops.array(said), kind, 2.0, [1.0]))
    one = said[:, 0]
    if kind == "multiclass":
        z, one = log_softmax(z, -1), log_softmax(one, -1)
    np.testing.assert_allclose(z, one, atol=1e-5)


@pytest.mark.parametrize("name", POOLS)
def test_a_teacher_of_weight_zero_is_not_heard(name):
    said = answers(teachers=2)
    z = POOLS[name](ops.array(said), "binary", 2.0, [1.0, 0.0])
    np.testing.assert_allclose(ops.convert_to_numpy(z), said[:, 0], atol=1e-5)


def test_product_is_bayes_rule_for_independent_evidence():
    """Two classes of known prior and two independent binary tests."""
    prior = np.array([0.7, 0.2, 0.1])
    likelihood = np.random.default_rng(0).dirichlet(np.ones(2), size=(2, 3))
    posterior = prior * likelihood[:, :, 0]
    posterior /= posterior.sum(1, keepdims=True)
    both = prior * likelihood[0, :, 0] * likelihood[1, :, 0]
    said = ops.array(np.log(posterior)[None].astype("float32") + 5.0)
    z = product(
        said, "multiclass", ops.array(prior_logits(prior, "multiclass"), "float32")
    )
    np.testing.assert_allclose(
        softmax(ops.convert_to_numpy(z)[0]), both / both.sum(), atol=1e-6
    )


def test_product_is_bayes_rule_for_yes_and_no():
    prior, odds = 0.25, [4.0, 0.5]
    said = [logit(prior) + np.log(o) for o in odds]
    z = product(
        ops.array([[[s] for s in said]], "float32"),
        "binary",
        ops.array(prior_logits(np.array([prior]), "binary"), "float32"),
    )
    assert float(z[0, 0]) == pytest.approx(logit(prior) + np.log(2.0), abs=1e-5)


def test_weights_sum_to_one_or_are_refused():
    assert normalised([1, 3], 2) == [0.25, 0.75]
    with pytest.raises(
        ValueError, match=r"one number for each teacher.*for 3 teachers"
    ):
        normalised([1, 3], 3)
    with pytest.raises(ValueError, match="not all zero"):
        normalised([0, 0], 2)
