"""How well one number alone tells a label."""

import numpy as np


def auroc(values: np.ndarray, labels: np.ndarray, *, least: int = 1) -> np.ndarray:
    """Area under the ROC curve of one feature for each label; ties count half.

    Args:
        values: A feature, `(n,)`; rows where it is not finite are left out.
        labels: 0, 1, or NaN where unknown, `(n, labels)`.
        least: NaN is returned with fewer positive or negative rows than that.

    Returns:
        `(labels,)`; 0.5: tells nothing; 0 and 1: tells all.

    Example:
        >>> auroc(np.array([1, 2, 3, 3]), np.array([[0], [0], [0], [1]])).round(3)
        array([0.833])
    """
    seen = np.isfinite(values)
    levels, level = np.unique(values[seen], return_inverse=True)
    area = np.full(labels.shape[1], np.nan)
    for k, label in enumerate(labels[seen].T):
        positive, negative = (
            np.bincount(level[label == answer], minlength=len(levels))
            for answer in (1, 0)
        )
        pairs = positive.sum() * negative.sum()
        if min(positive.sum(), negative.sum()) >= max(least, 1):
            below = np.cumsum(negative) - negative / 2
            area[k] = (positive * below).sum() / pairs
    return area
