"""One metric of one head on some samples: the numbers of one corner of the table.

A `Cell` holds a number in every replicate, so a table takes its value and interval
from it, and a comparison of two models the difference of two cells. What a metric
gets (labels one by one, pooled, all classes) is said in `METRICS`.
"""

from typing import NamedTuple

import numpy as np

from mind_keras.data.samples import Samples
from mind_keras.evaluation.bootstrap import distinct, replicate
from mind_keras.evaluation.metrics import CLASSES, LABELS, POOLED, Metric


class Cell(NamedTuple):
    """A number in each replicate, of which samples, and what to know about it.

    Args:
        label: A label or class; None for the headline number.
        values: The number, `(replicates,)`, NaN where undefined.
        used: The samples it comes from, `(m,)`, no one twice.
        note: Why it is undefined, or what was left out; else empty.
    """

    label: str | None
    values: np.ndarray
    used: np.ndarray
    note: str


def cells(
    metric: Metric,
    p: np.ndarray,
    samples: Samples,
    weights: np.ndarray,
    index: np.ndarray,
) -> list[Cell]:
    """A metric on the samples at `index`: the headline first, then each label.

    Args:
        metric: One that fits the task.
        p: Probabilities of all samples, `(n, labels)`.
        samples: The labels, and the task.
        weights: Of all samples, `(replicates, n)`.
        index: Which samples, `(m,)`; those with unknown labels are left out here.

    Example:
        >>> from mind_keras.evaluation.metrics import METRICS, one
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> task = Task("findings", "multilabel", ("edema", "fracture"))
        >>> y = np.array([[0, 1], [1, np.nan]])
        >>> spec = Spec(task, (Modality("cxr", (1,)),))
        >>> samples = Samples(spec, y, {"cxr": np.zeros((2, 1))})
        >>> p = np.array([[0.1, 0.8], [0.7, 0.5]])
        >>> for cell in cells(METRICS["brier"], p, samples, one(2), np.arange(2)):
        ...     print(cell.label, cell.values.round(3), len(cell.used))
        None [0.045] 2
        edema [0.05] 2
        fracture [0.04] 1
    """
    task = samples.spec.task
    build = {LABELS: _by_label, POOLED: _pooled, CLASSES: _by_class}
    found = build[metric.needs[task.kind]](metric, p, samples, weights, index)
    return [found[-1]._replace(label=None)] if task.kind == "binary" else found


def _by_label(
    metric: Metric,
    p: np.ndarray,
    samples: Samples,
    weights: np.ndarray,
    index: np.ndarray,
) -> list[Cell]:
    found = []
    columns = zip(samples.spec.task.labels, targets(samples).T, p.T, strict=True)
    for label, y, q in columns:
        used = index[~np.isnan(y[index])]
        values = replicate(metric.function, y[used], q[used], weights, used)
        found.append(Cell(label, values, used, _why_undefined(values, y[used])))
    return [_mean_of(found, index), *found]


def _mean_of(found: list[Cell], index: np.ndarray) -> Cell:
    """The mean over the labels that are defined; none in a replicate lacking one."""
    defined = [cell for cell in found if not np.isnan(cell.values[0])]
    lacking = [cell.label for cell in found if np.isnan(cell.values[0])]
    if not defined:
        none = np.full(len(found[0].values), np.nan)
        return Cell(None, none, index, "undefined for every label")
    used = distinct(np.concatenate([cell.used for cell in defined]))
    values = np.mean([cell.values for cell in defined], axis=0)
    note = f"mean of {len(defined)} labels, undefined for: {', '.join(lacking)}"
    return Cell(None, values, used, note if lacking else "")


def _pooled(
    metric: Metric,
    p: np.ndarray,
    samples: Samples,
    weights: np.ndarray,
    index: np.ndarray,
) -> list[Cell]:
    at, label = np.nonzero(~np.isnan(samples.y[index]))
    rows = index[at]
    y, q = samples.y[rows, label], p[rows, label]
    # Sorting what is sorted already is cheap, and a metric sorts for every chunk.
    order = np.argsort(q, kind="stable")
    values = replicate(metric.function, y[order], q[order], weights, rows[order])
    return [Cell(None, values, distinct(rows), _why_undefined(values, y))]


def _by_class(
    metric: Metric,
    p: np.ndarray,
    samples: Samples,
    weights: np.ndarray,
    index: np.ndarray,
) -> list[Cell]:
    y = samples.y[index]
    values = replicate(metric.function, y, p[index], weights, index)
    return [Cell(None, values, index, _why_undefined(values, y))]


def targets(samples: Samples) -> np.ndarray:
    """0/1 for each label, or each class against the others, `(n, labels)`."""
    task = samples.spec.task
    if task.kind == "multiclass":
        return (samples.y[:, None] == np.arange(task.outputs)).astype(float)
    return samples.y


def _why_undefined(values: np.ndarray, y: np.ndarray) -> str:
    if not np.isnan(values[0]):
        return ""
    if not len(y):
        return "undefined: no sample with a known label"
    return f"undefined: none of {len(y)} is {'negative' if y.all() else 'positive'}"
