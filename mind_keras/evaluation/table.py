"""Probabilities and labels to one table: head x pattern x metric x label.

`score` is the only place where the package turns predictions into numbers; the
run folder's `metrics.json`, the report and the command line read its rows. A new
metric is added in `metrics.py`, never here.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mind_keras.data.samples import Samples
from mind_keras.evaluation.bootstrap import distinct, group_weights, interval
from mind_keras.evaluation.cells import Cell, cells
from mind_keras.evaluation.metrics import METRICS, one
from mind_keras.spec import Task

COLUMNS = ("head", "pattern", "metric", "label", "value", "low", "high", "n", "note")
ALL = "all"
TOLERANCE = 1e-3  # of a row's sum; half precision rounds to about this


def score(
    probabilities: Mapping[str, np.ndarray],
    samples: Samples,
    *,
    metrics: Sequence[str] | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """How good each head is, over all samples it answers and per pattern.

    Every sample counts once: the samples' own weights are for training and are not
    used here. Labels that are unknown (NaN) are left out label by label. Intervals
    come from a bootstrap of `samples.group`; all rows share its draws.

    Args:
        probabilities: `{head: (n, labels)}`, NaN in the rows of samples that the
            head cannot answer. Binary `(n, 1)`; rows of classes sum to 1.
        samples: The samples that were predicted, in the same order.
        metrics: Names from `METRICS`. Default: all that fit the task.
        replicates: Of the bootstrap; 0 leaves the intervals out.
        level: Of confidence, between 0 and 1.
        seed: Of the bootstrap's draws.

    Returns:
        The columns of `COLUMNS`. `pattern` is `"all"` or one of the samples'
        patterns; `label` is None for the headline number (with several labels the
        mean over those where it is defined), else a label or class; `n` counts the
        samples used; `value`, `low` and `high` are NaN where undefined, and `note`
        says why.

    Raises:
        ValueError: If a metric is unknown or does not fit the task, or the
            probabilities have a wrong shape or are none.

    Example:
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> spec = Spec(Task("death", "binary", ("death",)), (Modality("ehr", (1,)),))
        >>> y = np.arange(40) % 2
        >>> samples = Samples(spec, y, {"ehr": np.zeros((40, 1))})
        >>> table = score({"ehr": 0.3 + 0.4 * y[:, None]}, samples, metrics=["brier"])
        >>> table[["head", "pattern", "metric", "value", "n"]].round(2).values.tolist()
        [['ehr', 'all', 'brier', 0.09, 40], ['ehr', 'ehr', 'brier', 0.09, 40]]
    """
    names = fitting_metrics(metrics, samples.spec.task)
    drawn = group_weights(samples.group, replicates, seed=seed)
    # The first row is the data themselves: one pass gives value and replicates.
    weights = np.concatenate([one(len(samples)), drawn])
    group = pd.factorize(samples.group)[0]
    rows = []
    for head in sorted(probabilities):
        p = check_probabilities(probabilities[head], head, samples)
        for pattern, index in answered_by_pattern(p, samples).items():
            for name in names:
                for cell in cells(METRICS[name], p, samples, weights, index):
                    where = (head, pattern, name, cell.label)
                    rows.append((*where, *numbers_of(cell, group, level)))
    table = pd.DataFrame(rows, columns=COLUMNS)
    # pandas would read None as NaN in a column of text.
    return table.assign(label=pd.Series([row[3] for row in rows], dtype=object))


def numbers_of(
    cell: Cell, group: np.ndarray, level: float
) -> tuple[float, float, float, int, str]:
    """`value, low, high, n, note` of a cell; patients are numbers from 0 up."""
    value, replicates = float(cell.values[0]), cell.values[1:]
    low, high, doubt = np.nan, np.nan, ""
    if len(replicates) and not np.isnan(value):
        groups = len(distinct(group[cell.used]))
        low, high, doubt = interval(replicates, level, groups=groups)
    note = "; ".join(part for part in (cell.note, doubt) if part)
    return value, low, high, len(cell.used), note


def answered_by_pattern(p: np.ndarray, samples: Samples) -> dict[str, np.ndarray]:
    """The samples that a head answers: all of them, then pattern by pattern."""
    answered = ~np.isnan(p[:, 0])
    parts = {k: index[answered[index]] for k, index in samples.patterns.items()}
    some = {pattern: index for pattern, index in parts.items() if len(index)}
    return {ALL: np.flatnonzero(answered), **some}


def fitting_metrics(metrics: Sequence[str] | None, task: Task) -> list[str]:
    fitting = [name for name, metric in METRICS.items() if task.kind in metric.needs]
    strange = [name for name in metrics or () if name not in fitting]
    if strange:
        raise ValueError(
            f"`metrics` must fit the {task.kind} task {task.name!r}. Received: "
            f"{strange}. Known: {fitting}."
        )
    return fitting if metrics is None else list(metrics)


def check_probabilities(p: np.ndarray, head: str, samples: Samples) -> np.ndarray:
    """Probabilities of a head, float32 or float64, if they are such."""
    p = np.asarray(p)
    p = p if p.dtype == np.float32 else p.astype(float)
    task = samples.spec.task
    if p.shape != (len(samples), task.outputs):
        raise ValueError(
            f"Probabilities of head {head!r} must have the shape (samples, labels) = "
            f"{(len(samples), task.outputs)}. Received: {p.shape}."
        )
    unknown = np.isnan(p)
    if (unknown.any(1) != unknown.all(1)).any():
        raise ValueError(
            f"Head {head!r} must answer all labels of a sample or none. Received: "
            f"{(unknown.any(1) & ~unknown.all(1)).sum()} rows that are NaN in part."
        )
    known = p[~unknown[:, 0]]
    if ((known < 0) | (known > 1)).any():
        raise ValueError(
            f"Probabilities of head {head!r} must lie between 0 and 1. Received values "
            f"from {known.min():.4g} to {known.max():.4g}. Are these logits?"
        )
    off = np.abs(known.sum(1) - 1).max(initial=0)
    if task.kind == "multiclass" and off > TOLERANCE:
        raise ValueError(
            f"Probabilities of head {head!r} must sum to 1 over the classes. Received "
            f"a row that is off by {off:.4g}. Were they passed through a softmax?"
        )
    return p
