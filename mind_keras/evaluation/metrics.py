"""How good probabilities are: each metric once, exact, for many replicates at once.

A metric is a pure function of labels `y` `(n,)`, probabilities `p` `(n,)` or
`(n, classes)`, and weights `w` `(replicates, n)`; it returns `(replicates,)`, NaN
where it is undefined. Weights are draw counts of a bootstrap, or a row of ones.
To add a metric: write the function and name it in `METRICS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

# Weights whose sums, of eight bytes each, a processor's caches hold.
BLOCK = 2**17


def auroc(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The chance that a positive gets a higher probability than a negative.

    Ties count one half, so this is the area under the ROC curve [1].

    Args:
        y: 0/1, `(n,)`.
        p: Probabilities or any scores, `(n,)`.
        w: Weights, `(replicates, n)`, not negative.

    Returns:
        From 0 to 1, `(replicates,)`; NaN where a class has no weight.

    Example:
        >>> auroc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]), one(4)).item()
        0.875

    [1] Hanley & McNeil (1982). https://doi.org/10.1148/radiology.143.1.7063747
    """
    positive, negative = rising(p, y == 1), rising(p, y == 0)
    below, not_above = places(p, positive, negative)

    def area(w: np.ndarray) -> np.ndarray:
        # `take`, since an index of columns in brackets costs more; so, too, below.
        mass = _mass_before(w.take(negative, 1))
        twice_below = mass.take(below, 1)
        twice_below += mass.take(not_above, 1)
        wins = w.take(positive, 1)
        won = np.einsum("rn,rn->r", wins, twice_below)
        return _ratio(won, 2.0 * wins.sum(1) * mass[:, -1])

    return _in_blocks(area, w)


def auprc(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Average precision: the mean, over positives, of the precision at their rank.

    This is the step-wise area under the precision-recall curve, without
    interpolation; chance level is the share of positives. Arguments and result as
    in `auroc`.

    Example:
        >>> y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
        >>> round(auprc(y, p, one(4)).item(), 4)
        0.8333
    """
    positive, negative = rising(-p, y == 1), rising(-p, y == 0)
    at = -p[positive]
    true = np.searchsorted(at, at, "right")
    false = np.searchsorted(-p[negative], at, "right")

    def area(w: np.ndarray) -> np.ndarray:
        found = w.take(positive, 1)
        mass, false_mass = _mass_before(found), _mass_before(w.take(negative, 1))
        hits = mass.take(true, 1)
        flagged = hits + false_mass.take(false, 1)
        none = np.zeros(hits.shape)
        precision = np.divide(hits, flagged, out=none, where=flagged > 0)
        mean = _ratio(np.einsum("rn,rn->r", found, precision), mass[:, -1])
        return np.where(false_mass[:, -1] > 0, mean, np.nan)

    return _in_blocks(area, w)


def accuracy(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The share of correct decisions: `p > 0.5`, or the most probable class.

    Example:
        >>> accuracy(np.array([0, 1, 1]), np.array([0.2, 0.5, 0.9]), one(3)).round(3)
        array([0.667])
    """
    return _mean((_decision(p) == y).astype(float), w)


def log_loss(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The mean of minus the logarithm of the probability of what happened, nats.

    Probabilities are clipped to `[eps, 1 - eps]`, `eps` the machine precision of
    `p`'s dtype (1.2e-7 for float32, 2.2e-16 for float64), as scikit-learn does.

    Example:
        >>> log_loss(np.array([0, 1]), np.array([0.5, 0.5]), one(2)).round(4)
        array([0.6931])
    """
    eps = np.finfo(p.dtype).eps
    q = np.clip(p, eps, 1 - eps).astype(float)
    if p.ndim == 2:
        return _mean(-np.log(q[np.arange(len(y)), y]), w)
    return _mean(-np.log(np.where(y == 1, q, 1 - q)), w)


def brier(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The mean squared error of the probabilities.

    From 0 to 1 for one label. For classes it is summed over them, as Brier did,
    and goes from 0 to 2: scikit-learn's with `scale_by_half=False`.

    Example:
        >>> brier(np.array([0, 1]), np.array([0.1, 0.8]), one(2)).round(4)
        array([0.025])
    """
    happened = _one_hot(y, p.shape[1]) if p.ndim == 2 else y
    error = np.square(p.astype(float) - happened)
    return _mean(error.sum(1) if p.ndim == 2 else error, w)


def ece(y: np.ndarray, p: np.ndarray, w: np.ndarray, *, bins: int = 15) -> np.ndarray:
    """Expected calibration error: how far probabilities are from frequencies.

    `[0, 1]` is cut into bins of equal width (closed below, the last one closed on
    both sides). In each, |mean probability - observed rate|; these are averaged by
    the bins' mass. With classes, the probability is that of the most probable
    class and the rate how often it is right [1]. Chance inflates the error, and a
    bootstrap does so once more: compare models of equal `n` only, and expect
    intervals that lie high.

    Example:
        >>> y, p = np.array([0, 1, 1, 1]), np.array([0.5, 0.5, 0.9, 0.9])
        >>> ece(y, p, one(4)).round(4)
        array([0.05])

    [1] Guo et al. (2017), section 2. https://arxiv.org/abs/1706.04599
    """
    if p.ndim == 2:
        y, p = _decision(p) == y, p.max(1)
    p = p.astype(float)
    inside = _one_hot(np.minimum((p * bins).astype(int), bins - 1), bins)
    surplus = w @ (inside * (p - y)[:, None])
    return _ratio(np.abs(surplus).sum(1), w.sum(1))


def one(n: int) -> np.ndarray:
    """The weights of the data themselves, `(1, n)`: every sample counts once."""
    return np.ones((1, n), np.uint8)


def rising(scores: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The chosen samples by rising score; equal ones in any order."""
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(scores[rows])]


def places(p: np.ndarray, some: np.ndarray, others: np.ndarray) -> list[np.ndarray]:
    """How many of the others are below each of some samples, and how many not above.

    Args:
        p: Scores of all samples, `(n,)`.
        some, others: Which samples, by `rising` score.
    """
    return [np.searchsorted(p[others], p[some], side) for side in ("left", "right")]


LABELS = "each label, or class against the others, alone; headline: their mean"
POOLED = "all known labels of all samples in one column"
CLASSES = "the probabilities of all classes together"
EACH = {"binary": LABELS, "multilabel": LABELS}


@dataclass(frozen=True)
class Metric:
    """A metric, and how `mind_keras.evaluation.score` uses it.

    Args:
        function: `(y, p, w) -> (replicates,)`.
        needs: What the function gets, for each kind of task that it fits:
            `LABELS`, `POOLED` or `CLASSES`.
        higher_is_better: Whether a larger value is the better one.
    """

    function: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    needs: Mapping[str, str]
    higher_is_better: bool


METRICS = {
    "auroc": Metric(auroc, EACH | {"multiclass": LABELS}, True),
    "auprc": Metric(auprc, EACH | {"multiclass": LABELS}, True),
    "auroc_micro": Metric(auroc, {"multilabel": POOLED}, True),
    "auprc_micro": Metric(auprc, {"multilabel": POOLED}, True),
    "accuracy": Metric(accuracy, EACH | {"multiclass": CLASSES}, True),
    "log_loss": Metric(log_loss, EACH | {"multiclass": CLASSES}, False),
    "brier": Metric(brier, EACH | {"multiclass": CLASSES}, False),
    "ece": Metric(ece, EACH | {"multiclass": CLASSES}, False),
}


def _in_blocks(area: Callable[[np.ndarray], np.ndarray], w: np.ndarray) -> np.ndarray:
    """`area(w)`, some replicates at a time, so that what it makes stays in caches."""
    step = max(1, BLOCK // max(1, w.shape[1]))
    return np.concatenate(
        [area(w[at : at + step]) for at in range(0, len(w) or 1, step)]
    )


def _mass_before(w: np.ndarray) -> np.ndarray:
    """The weight before each sample, and of all, `(replicates, n + 1)`; exact."""
    mass = np.zeros((len(w), w.shape[1] + 1), np.result_type(w, np.int64))
    np.cumsum(w, axis=1, out=mass[:, 1:])
    return mass


def _decision(p: np.ndarray) -> np.ndarray:
    return p.argmax(1) if p.ndim == 2 else p > 0.5


def _one_hot(index: np.ndarray, size: int) -> np.ndarray:
    return (index[:, None] == np.arange(size)).astype(float)


def _mean(rows: np.ndarray, w: np.ndarray) -> np.ndarray:
    return _ratio(w @ rows, w.sum(1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
