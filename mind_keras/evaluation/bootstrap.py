"""How sure a number is: the patient-clustered bootstrap.

Whole groups (patients) are drawn with replacement, so that samples of one patient
come and go together; the draws of a replicate are the weights of a metric. One
set of draws serves every head, pattern and model, which keeps comparisons paired.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

FEWEST_GROUPS = 10
FINITE_SHARE = 0.8
# Weights that fit a processor's cache; but a metric sorts once per chunk, so that
# on long columns a chunk still holds some replicates.
CHUNK, FEWEST_IN_CHUNK = 2**20, 32


class Interval(NamedTuple):
    """Bounds, NaN where there is no interval, and what a reader must know."""

    low: float
    high: float
    note: str


def group_weights(group: np.ndarray, replicates: int, *, seed: int) -> np.ndarray:
    """How often each sample is drawn when as many groups as there are, are drawn.

    The same groups and seed give the same draws, in whatever order the samples
    stand, and more replicates only add to them.

    Args:
        group: The patient (or speaker, site, ...) of each sample, `(n,)`.
        replicates: How many times to draw; 0 for no bootstrap.
        seed: Of the draws.

    Returns:
        Draw counts, `(replicates, n)` uint8.

    Raises:
        ValueError: If `replicates` is negative.

    Example:
        >>> group_weights(np.array(["a", "b", "a"]), 3, seed=1).tolist()
        [[1, 1, 1], [0, 2, 0], [2, 0, 2]]
    """
    if replicates < 0:
        raise ValueError(
            f"`replicates` must not be negative. Received: {replicates}. "
            "Write 0 for a table without intervals."
        )
    code, names = pd.factorize(np.asarray(group), sort=True)
    size, generator = len(names), np.random.default_rng(seed)
    # A count above 255 would need one group drawn that often; the chance of it is
    # below 1e-500, and a byte keeps 1,000 replicates of 100,000 samples in 100 MB.
    weights = np.empty((replicates, len(code)), np.uint8)
    for row in weights:
        drawn = generator.integers(0, size, size)
        row[:] = np.bincount(drawn, minlength=size)[code]
    return weights


def replicate(
    metric: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    y: np.ndarray,
    p: np.ndarray,
    weights: np.ndarray,
    rows: np.ndarray,
) -> np.ndarray:
    """A metric on some rows for every replicate, in chunks that bound the memory.

    Args:
        metric: `(y, p, w) -> (replicates,)`.
        y: Labels of the rows, `(m,)`.
        p: Probabilities of the rows, `(m,)` or `(m, classes)`.
        weights: Of all samples, `(replicates, n)`.
        rows: Which sample each row is, `(m,)`; a sample may come more than once.

    Returns:
        The metric, `(replicates,)`.

    Example:
        >>> from mind_keras.evaluation.metrics import brier
        >>> y, p, rows = np.array([0, 1]), np.array([0.5, 0.5]), np.array([0, 2])
        >>> replicate(brier, y, p, np.ones((3, 4)), rows).tolist()
        [0.25, 0.25, 0.25]
    """
    step = max(FEWEST_IN_CHUNK, CHUNK // max(1, len(rows)))
    starts = range(0, len(weights), step)
    drawn = (weights[at : at + step].take(rows, 1) for at in starts)
    return np.concatenate([metric(y, p, w) for w in drawn])


def distinct(numbers: np.ndarray) -> np.ndarray:
    """The different ones of some small numbers, from 0 up, in order.

    In one pass: `np.unique` looks each up, which out of the caches takes long.

    Example:
        >>> distinct(np.array([3, 0, 3])).tolist()
        [0, 3]
    """
    return np.flatnonzero(np.bincount(numbers))


def interval(values: np.ndarray, level: float = 0.95, *, groups: int) -> Interval:
    """The percentile interval of a number over bootstrap replicates.

    There is none, but a note, with fewer than `FEWEST_GROUPS` groups, where the
    number is undefined (NaN) in more than a fifth of the replicates, and where all
    replicates are equal, which would look like certainty.

    Args:
        values: The number in each replicate, `(replicates,)`; NaN where undefined.
        level: Of confidence, between 0 and 1.
        groups: How many groups the number comes from.

    Raises:
        ValueError: If `level` is not between 0 and 1.

    Example:
        >>> interval(np.arange(101.0), 0.5, groups=50)
        Interval(low=25.0, high=75.0, note='')
        >>> interval(np.arange(101.0), 0.5, groups=3).note
        'no interval: 3 groups, fewer than 10'
    """
    if not 0 < level < 1:
        raise ValueError(
            f"`level` must lie between 0 and 1. Received: {level}. "
            "Write 0.95 for a 95 % interval."
        )
    finite = values[np.isfinite(values)]
    if groups < FEWEST_GROUPS:
        why = f"no interval: {groups} groups, fewer than {FEWEST_GROUPS}"
        return Interval(np.nan, np.nan, why)
    share = f"defined in {len(finite)} of {len(values)} replicates"
    if len(finite) < max(1, FINITE_SHARE * len(values)):
        return Interval(np.nan, np.nan, f"no interval: {share}")
    if len(finite) > 1 and np.ptp(finite) == 0:
        # A perfect score of a few samples: their resampling cannot doubt it.
        return Interval(np.nan, np.nan, "no interval: all replicates are equal")
    tail = (1 - level) / 2
    low, high = np.quantile(finite, [tail, 1 - tail]).tolist()
    return Interval(low, high, "" if len(finite) == len(values) else share)
