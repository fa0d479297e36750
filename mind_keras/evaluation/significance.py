"""What may be concluded from a difference: p-values, Holm's adjustment, margins.

Functions of numbers alone; none knows a model, a metric or a sample. NaN is a
number that is not known: it gives no p-value, and no verdict.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def check_level(level: float) -> None:
    """Refuse a level of confidence that is none.

    Raises:
        ValueError: If it does not lie between 0 and 1.

    Example:
        >>> check_level(95)
        Traceback (most recent call last):
        ValueError: `level` must lie between 0 and 1. Received: 95. Write 0.95 for 95 %.
    """
    if not 0 < level < 1:
        raise ValueError(
            f"`level` must lie between 0 and 1. Received: {level}. Write 0.95 for 95 %."
        )


def bootstrap_p(values: np.ndarray) -> float:
    """The two-sided p-value of "there is no difference" from bootstrap replicates.

    `p = min(1, 2 (1 + b) / (1 + B))`, where `b` is the smaller of the numbers of
    replicates that are <= 0 and >= 0, of `B` defined ones. It is the percentile
    interval turned round: p is below 1 - level where that leaves out 0 (up to one
    replicate). The 1 counts the data as a replicate, so p is never 0 [1].

    Args:
        values: The difference in each replicate, `(replicates,)`; NaN where undefined.

    Returns:
        The p-value; NaN without a defined replicate.

    Example:
        >>> bootstrap_p(np.array([0.2, 0.1, 0.3, -0.1, 0.2, 0.4, 0.1, 0.2, 0.3]))
        0.4

    [1] Davison & Hinkley (1997), Bootstrap Methods and their Application, section 4.2.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return np.nan
    fewer = min(np.sum(known <= 0), np.sum(known >= 0))
    return float(min(1.0, 2 * (1 + fewer) / (1 + len(known))))


def holm(p: np.ndarray) -> np.ndarray:
    """p-values for which the chance of *any* false alarm stays below their bound.

    The smallest of m is multiplied by m, the next by m - 1, ..., none is smaller than
    the one before, none larger than 1. Valid however the tests depend on another [1].

    Args:
        p: p-values of one family, `(m,)`. NaN (not tested) stays NaN and counts not.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
        [0.03, 0.06, 0.06]

    [1] Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    p = np.asarray(p, float)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN is sorted to the end
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def holm_over_labels(table: pd.DataFrame, family: Sequence[str]) -> pd.Series:
    """`holm` over the labels of one headline; a headline stands for itself.

    Args:
        table: With columns `p`, `label` (None in headlines), and those of `family`.
        family: Columns that labels of one family have in common.

    Example:
        >>> table = pd.DataFrame({"p": [0.01, 0.02, 0.03], "model": ["a", "a", "a"]})
        >>> table["label"] = pd.Series([None, "edema", "fracture"], dtype=object)
        >>> holm_over_labels(table, ["model"]).tolist()
        [0.01, 0.04, 0.04]
    """
    columns = [table[name] for name in family]
    groups = table.groupby([*columns, table["label"].isna()], sort=False, dropna=False)
    return groups["p"].transform(lambda p: holm(p.to_numpy()))


def non_inferior(
    low: float, high: float, margin: float, *, higher_is_better: bool
) -> bool | None:
    """Whether a difference is shown to be no worse than a margin.

    The one-sided test at (1 - level) / 2, 2.5 % for a 95 % interval: with a metric
    where higher is better the lower end must lie above `-margin`; where lower is
    better the upper end below `margin` [1]. "Not shown" is not "inferior".

    Args:
        low, high: The two-sided interval of model minus reference; NaN for none.
        margin: The largest loss that is accepted, > 0, in the unit of the metric;
            NaN for none.
        higher_is_better: Of the metric.

    Returns:
        Yes or no; None without interval or margin.

    Example:
        >>> non_inferior(-0.008, 0.02, 0.01, higher_is_better=True)
        True
        >>> non_inferior(-0.008, 0.02, 0.01, higher_is_better=False)
        False

    [1] Piaggio et al. (2012), CONSORT. https://doi.org/10.1001/jama.2012.87802
    """
    if np.isnan([low, high, margin]).any():
        return None
    return bool(low > -margin if higher_is_better else high < margin)
