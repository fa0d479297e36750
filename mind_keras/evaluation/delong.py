"""The difference of two areas under the ROC curve, without resampling.

DeLong's variance [1], in sorted order [2], and, where patients have several samples,
Obuchowski's [3]: with one sample each the two are the same number, so there is one
formula here.

[1] DeLong, DeLong & Clarke-Pearson (1988). https://doi.org/10.2307/2531595
[2] Sun & Xu (2014). https://doi.org/10.1109/LSP.2014.2337313
[3] Obuchowski (1997). https://doi.org/10.2307/2533958
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from mind_keras.evaluation.bootstrap import FEWEST_GROUPS, distinct
from mind_keras.evaluation.metrics import places, rising
from mind_keras.evaluation.significance import check_level

DELONG, OBUCHOWSKI = "delong", "obuchowski"
FEWEST_OF_A_CLASS = 2  # patients; a variance of one is none
NO_ERROR = 1e-12  # a standard error below is rounding


class AreaDifference(NamedTuple):
    """AUROC of one model minus that of another; NaN where undefined, and why."""

    value: float
    error: float
    low: float
    high: float
    p: float
    method: str
    note: str


def delong(
    y: np.ndarray,
    p: np.ndarray,
    reference: np.ndarray,
    group: np.ndarray,
    *,
    level: float = 0.95,
) -> AreaDifference:
    """AUROC of `p` minus AUROC of `reference`, its standard error, interval and p.

    The interval and the two-sided p-value are those of a normal distribution. There
    are none, but a note, with fewer than `FEWEST_GROUPS` patients, fewer than two
    with a sample of each class, and where the standard error is 0.

    Args:
        y: 0/1, `(n,)`.
        p, reference: Probabilities or any scores of the same samples, `(n,)`.
        group: The patient of each sample, `(n,)`.
        level: Of confidence, between 0 and 1.

    Returns:
        `method` is `"delong"` where every patient has one sample, else
        `"obuchowski"`.

    Raises:
        ValueError: If `level` does not lie between 0 and 1.

    Example:
        >>> y = np.array([1, 1, 0, 0, 0] * 4)
        >>> p = np.array([0.9, 0.6, 0.4, 0.7, 0.1] * 4)
        >>> found = delong(y, p, p[::-1], np.arange(20))
        >>> round(found.value, 4), round(found.error, 4), found.method
        (0.5, 0.2255, 'delong')
    """
    check_level(level)
    code, patients = pd.factorize(np.asarray(group))
    method = DELONG if len(patients) == len(y) else OBUCHOWSKI
    p, reference = np.asarray(p), np.asarray(reference)
    positive = np.asarray(y) == 1
    if positive.all() or not positive.any():
        note = f"undefined: none is {'negative' if positive.any() else 'positive'}"
        return AreaDifference(*[np.nan] * 5, method, note)
    gain = _placements(positive, p) - _placements(positive, reference)
    value = float(gain[positive].mean())
    error = _standard_error(gain - value, positive, code)
    why = _why_no_interval(error, len(patients))
    if why:
        return AreaDifference(value, *[np.nan] * 4, method, why)
    half = float(norm.isf((1 - level) / 2)) * error
    chance = float(2 * norm.sf(abs(value) / error))
    return AreaDifference(value, error, value - half, value + half, chance, method, "")


def _placements(positive: np.ndarray, p: np.ndarray) -> np.ndarray:
    """How well each sample is placed: the share of the other class it beats, `(n,)`.

    A positive beats the negatives below it, a negative the positives above it; a tie
    is half a win. The mean is the AUROC, over the positives as over the negatives.
    """
    placed = np.empty(len(p))
    hits, misses = rising(p, positive), rising(p, ~positive)
    for some, others in ((hits, misses), (misses, hits)):
        below, not_above = places(p, some, others)
        placed[some] = (below + not_above) / (2 * len(others))
    if np.isnan(p).any():
        placed[:] = np.nan  # it has no place
    return np.where(positive, placed, 1 - placed)


def _standard_error(
    centred: np.ndarray, positive: np.ndarray, code: np.ndarray
) -> float:
    """Of the mean of placements less their mean; NaN with too few patients."""
    patients = code.max() + 1
    sums, factors = [], []
    for chosen in (positive, ~positive):
        own = np.bincount(code[chosen], centred[chosen], patients) / chosen.sum()
        having = len(distinct(code[chosen]))
        if having < FEWEST_OF_A_CLASS:
            return np.nan
        sums.append(own)
        factors.append(having / (having - 1))
    squares = [factor * own @ own for factor, own in zip(factors, sums, strict=True)]
    shared = 2 * patients / (patients - 1) * sums[0] @ sums[1]
    return float(np.sqrt(sum(squares) + shared))


def _why_no_interval(error: float, patients: int) -> str:
    if patients < FEWEST_GROUPS:
        return f"no interval: {patients} groups, fewer than {FEWEST_GROUPS}"
    if np.isnan(error):
        return f"no interval: a class has fewer than {FEWEST_OF_A_CLASS} groups"
    return "no interval: the standard error is 0" if error < NO_ERROR else ""
