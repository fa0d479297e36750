"""What people hand to a scikit-learn estimator as `y`: labels of a task, and back."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from mind_keras.spec import Task

NAME = "target"


@dataclass(frozen=True)
class Targets:
    """Labels as `Samples` take them, the task, and the classes as they were given.

    Args:
        y: As in `Samples`.
        task: What is predicted.
        classes: `(classes,)`; of a multilabel task `[0, 1]` for each label.
    """

    y: np.ndarray
    task: Task
    classes: np.ndarray | list[np.ndarray]


def read_targets(y: object) -> Targets:
    """Labels of any type, `(n,)`, or 0/1 and NaN, `(n, labels)`.

    Raises:
        ValueError: If there is no `y`, it is continuous, or has one class alone.

    Example:
        >>> found = read_targets(["well", "ill", "well"])
        >>> found.task.kind, found.task.labels, found.y.tolist()
        ('binary', ('well',), [1, 0, 1])
        >>> read_targets([[0, 1], [1, np.nan]]).task.labels
        ('0', '1')
    """
    if y is None:
        raise ValueError(
            "This MindClassifier estimator requires y to be passed, but the target y "
            "is None. Give one label for each sample."
        )
    names = list(y.columns) if isinstance(y, pd.DataFrame) else None
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] > 1:
        labels = tuple(map(str, range(array.shape[1]) if names is None else names))
        classes = [np.array([0, 1])] * len(labels)
        return Targets(array, Task(NAME, "multilabel", labels), classes)
    array = column_or_1d(y, warn=True)
    check_classification_targets(array)
    classes, index = np.unique(array, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "`y` must have two classes or more. Received one class: "
            f"{classes.tolist()}."
        )
    names = tuple(map(str, classes))
    if len(classes) == 2:
        return Targets(index, Task(NAME, "binary", names[1:]), classes)
    return Targets(index, Task(NAME, "multiclass", names), classes)


def probabilities_of(said: np.ndarray, task: Task) -> np.ndarray:
    """`(n, classes)` as scikit-learn wants it; of a multilabel task `(n, labels)`."""
    return np.hstack([1 - said, said]) if task.kind == "binary" else said


def decided(
    probabilities: np.ndarray, task: Task, classes: np.ndarray | list[np.ndarray]
) -> np.ndarray:
    """The most probable class of each sample; of each label whether it is above 1/2."""
    if task.kind == "multilabel":
        return (probabilities > 0.5).astype(int)
    return np.asarray(classes)[probabilities.argmax(axis=1)]
