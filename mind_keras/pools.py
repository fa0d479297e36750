"""Several teachers as one: their answers pooled into one row of logits.

A pool is returned as logits z such that sigmoid(z / T) (or softmax(z / T)) is the
pooled belief, so that a distance treats an ensemble as it treats one teacher. Mean
of KLs and KL to the mean belief have the same gradient: an ensemble is one target.
To add a pool: write the function, name it in `POOLS`.
"""

import math
from collections.abc import Sequence

import numpy as np
from keras import ops


def mean_probability(logits, kind, temperature, weights):
    """The weighted mean of the teachers' softened probabilities, as logits.

    Args:
        logits: `(batch, teachers, labels)`.
        kind: Kind of the task, as in `Task`.
        temperature: T > 0, at which probabilities are softened.
        weights: One number per teacher, sum 1.

    Returns:
        `(batch, labels)`.

    Example:
        >>> logits = ops.array([[[2.0], [-2.0]]])
        >>> float(mean_probability(logits, "binary", 1.0, [0.5, 0.5])[0, 0])
        0.0
    """
    log_weights = ops.array([[math.log(w) if w > 0 else -1e9] for w in weights])
    softened = ops.cast(logits, "float32") / temperature
    if kind == "multiclass":
        # A softmax does not see the level of its logits, a squared error does: it is
        # kept, so that one teacher is pooled into its own logits.
        level = ops.logsumexp(softened, axis=-1, keepdims=True)
        pooled = ops.logsumexp(softened - level + log_weights, axis=1)
        column = ops.array([[weight] for weight in weights], "float32")
        return temperature * (pooled + ops.sum(level * column, axis=1))
    yes = ops.logsumexp(ops.log_sigmoid(softened) + log_weights, axis=1)
    no = ops.logsumexp(ops.log_sigmoid(-softened) + log_weights, axis=1)
    return temperature * (yes - no)


def mean_logit(logits, kind, temperature, weights):
    """The weighted mean of the teachers' logits: a geometric mean of beliefs.

    Arguments and result as in `mean_probability`.

    Example:
        >>> logits = ops.array([[[3.0], [-1.0]]])
        >>> float(mean_logit(logits, "binary", 1.0, [0.5, 0.5])[0, 0])
        1.0
    """
    column = ops.array([[w] for w in weights])
    return ops.sum(ops.cast(logits, "float32") * column, axis=1)


POOLS = {"probability": mean_probability, "logit": mean_logit}


def product(logits, kind, prior):
    """The log-opinion pool of beliefs from different modalities, as logits.

    If the modalities are independent given the label, their evidence multiplies;
    the prior is in each belief, so it is taken out as often as it is surplus.

    Args:
        logits: `(batch, modalities, labels)`, one belief per modality.
        kind: Kind of the task, as in `Task`.
        prior: Frequency of each label or class as logits (binary, multilabel) or
            log-probabilities (multiclass), `(labels,)`; see `prior_logits`.

    Returns:
        `(batch, labels)`.

    Example:
        >>> logits = ops.array([[[2.0], [1.0]]])
        >>> float(product(logits, "binary", ops.array([-1.0]))[0, 0])
        4.0
    """
    surplus = logits.shape[1] - 1
    if kind != "multiclass":
        return ops.sum(logits, axis=1) - surplus * prior
    level = ops.logsumexp(logits, axis=-1, keepdims=True)
    pooled = ops.sum(logits - level, axis=1) - surplus * prior
    return pooled + ops.mean(level, axis=1)


def prior_logits(prior: np.ndarray, kind: str) -> np.ndarray:
    """Frequencies of labels or classes on the scale that `product` subtracts.

    Example:
        >>> round(float(prior_logits(np.array([0.25]), "binary")[0]), 4)
        -1.0986
    """
    prior = np.clip(np.asarray(prior, "float64"), 1e-7, 1 - 1e-7)
    return np.log(prior) if kind == "multiclass" else np.log(prior / (1 - prior))


def normalised(weights: Sequence[float] | None, teachers: int) -> list[float]:
    """Weights of an ensemble that sum to 1; equal ones where none are given."""
    if weights is None:
        return [1 / teachers] * teachers
    values = [float(weight) for weight in weights]
    if len(values) != teachers or min(values) < 0 or not sum(values) > 0:
        raise ValueError(
            "The weights of an ensemble must be one number for each teacher, none "
            f"negative, and not all zero. Received: {values} for {teachers} "
            "teachers."
        )
    return [value / sum(values) for value in values]
