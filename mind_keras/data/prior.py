"""How frequent each label is, and that none is absent.

The frequency is what a product of beliefs counts once too often.
"""

import numpy as np

from mind_keras.spec import Task


def label_prior(
    y: np.ndarray, task: Task, weight: np.ndarray | None = None
) -> np.ndarray:
    """Weighted frequency of each label or class among those that are known.

    Args:
        y: Checked labels: `(n, labels)`, NaN unknown, or `(n,)` classes.
        task: Whose labels they are.
        weight: `(n,)`.

    Returns:
        `(labels,)`, float64.

    Example:
        >>> task = Task("death", kind="binary", labels=("death",))
        >>> label_prior(np.array([[1.0], [0.0], [0.0], [0.0]]), task).tolist()
        [0.25]
    """
    weight = np.ones(len(y)) if weight is None else weight.astype("float64")
    if task.kind == "multiclass":
        counts = np.bincount(y, weight, minlength=task.outputs)
        return counts / counts.sum()
    known = ~np.isnan(y) * weight[:, None]
    return (np.nan_to_num(y) * known).sum(0) / known.sum(0)


def check_classes(y: np.ndarray, task: Task) -> None:
    """Refuse training labels that lack a class, or a yes or a no.

    Args:
        y: Checked labels, as in `label_prior`.
        task: Whose labels they are.
    """
    if task.kind == "multiclass":
        absent = [label for k, label in enumerate(task.labels) if k not in y]
    else:
        both = [{0.0, 1.0} <= set(np.unique(column).tolist()) for column in y.T]
        absent = [lb for lb, ok in zip(task.labels, both, strict=True) if not ok]
    if absent:
        what = "class" if task.kind == "multiclass" else "label, both yes and no"
        raise ValueError(
            f"The training split must have samples of every {what}. Received none "
            f"for {absent}. Drop these labels, or split anew."
        )
