"""Probabilities as a long table: one row per sample, head and label."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mind_keras.data.presence import Presence
from mind_keras.spec import Task


def long_table(
    probabilities: Mapping[str, np.ndarray],
    samples: Presence,
    task: Task,
    **columns: np.ndarray,
) -> pd.DataFrame:
    """What heads say of samples; nothing where a head cannot answer.

    Args:
        probabilities: `{head: (n, labels)}`, NaN rows where it cannot.
        samples: The `n` samples, with `id`.
        task: Whose labels they are.
        **columns: Further values, each `(n,)` or `(n, labels)`, by column name.

    Returns:
        Columns `id, pattern, head, label`, the further ones, `probability`.

    Example:
        >>> from mind_keras.data.files import Unlabelled
        >>> task = Task("death", kind="binary", labels=("death",))
        >>> ids = np.array(["p1", "p2"])
        >>> x, rows = {"a": np.zeros((2, 1))}, {"a": np.arange(2)}
        >>> said = {"a": np.array([[0.25], [np.nan]])}
        >>> print(long_table(said, Unlabelled(ids, x, rows, ids), task).to_csv())
        ,id,pattern,head,label,probability
        0,p1,a,a,death,0.25
        <BLANKLINE>
    """
    size = len(samples), task.outputs
    per_sample = {"id": samples.id, "pattern": samples.pattern, **columns}
    frames = []
    for head, p in sorted(probabilities.items()):
        known = ~np.isnan(p)
        values = per_sample | {"head": head, "label": np.array(task.labels)[None]}
        values = {name: _spread(array, size)[known] for name, array in values.items()}
        frames.append(pd.DataFrame(values | {"probability": p[known]}))
    order = ["id", "pattern", "head", "label", *columns, "probability"]
    return pd.concat(frames, ignore_index=True)[order]


def _spread(values: np.ndarray | str, size: tuple[int, int]) -> np.ndarray:
    """Values per sample, per label or for all, as `(n, labels)`."""
    values = np.asarray(values)
    values = values[:, None] if values.ndim == 1 else values
    return np.broadcast_to(values, size)
