"""The same table by subgroups of patients, and how far these are apart.

Subgroups come from `bands`, metrics from `cells`, draws from `bootstrap`: one set of
draws for all, since a patient may be in several subgroups of a column.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mind_keras.data.samples import Samples
from mind_keras.evaluation.bands import UNKNOWN, Columns, check_columns, subgroups_of
from mind_keras.evaluation.bootstrap import FEWEST_GROUPS, distinct, group_weights
from mind_keras.evaluation.cells import Cell, cells, targets
from mind_keras.evaluation.metrics import METRICS, Metric, one
from mind_keras.evaluation.table import check_probabilities, fitting_metrics, numbers_of

COLUMNS = ("model", "column", "subgroup", "head", "metric", "label", "value", "low")
COLUMNS += ("high", "n", "positives", "note")
GAP = "gap"


@dataclass(frozen=True)
class Terms:
    """What is the same for all models and subgroups.

    Args:
        samples: That were predicted.
        weights: Draws of patients, `(1 + replicates, n)`, ones in the first row.
        group: The patient of each sample as a number, `(n,)`.
        level: Of confidence.
    """

    samples: Samples
    weights: np.ndarray
    group: np.ndarray
    level: float

    def enough(self, cell: Cell) -> bool:
        """Whether a number comes from enough patients to be told."""
        return self._patients(cell) >= FEWEST_GROUPS

    def told(self, cell: Cell) -> tuple:
        """`label, value, low, high, n, positives, note` of a cell."""
        count = len(cell.used), self._positives(cell)
        if _defined(cell) and not self.enough(cell):
            patients = f"{self._patients(cell)} patients, fewer than {FEWEST_GROUPS}"
            return cell.label, *[np.nan] * 3, *count, f"no number: {patients}"
        value, low, high, _, note = numbers_of(cell, self.group, self.level)
        return cell.label, value, low, high, *count, note

    def _patients(self, cell: Cell) -> int:
        return len(distinct(self.group[cell.used]))

    def _positives(self, cell: Cell) -> int | None:
        task, y = self.samples.spec.task, targets(self.samples)[cell.used]
        if cell.label is not None:
            return int(np.nansum(y[:, task.labels.index(cell.label)]))
        return None if task.kind == "multiclass" else int(np.nansum(y))


def subgroups(
    models: Mapping[str, Mapping[str, np.ndarray]],
    samples: Samples,
    columns: Columns,
    *,
    metrics: Sequence[str] | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """How good each head is in each subgroup, with patient-clustered intervals.

    Subgroups of fewer than `FEWEST_GROUPS` patients, and metrics that a subgroup of one
    outcome leaves undefined, have a note and no number.

    A row of subgroup `"gap"` follows: the highest number less the lowest one, of the
    subgroups that are known and have a number. Its interval is that of the difference
    of these two subgroups, named in its note; they were chosen because they differ, so
    that a gap of many subgroups is above 0 by chance alone. Of several labels it is the
    mean over those that all these subgroups have.

    Args:
        models: `{model: {head: (n, labels)}}`, NaN where a head cannot answer.
        samples: The samples that were predicted, in the same order, with `meta`.
        columns: `{column of samples.meta: edges of bands, or None}`, see `bands`.
        metrics: Names from `METRICS`. Default: all that fit the task.
        replicates, level, seed: As in `evaluation.score`.

    Returns:
        The columns of `COLUMNS`, per model, column, subgroup, head, metric and label
        (None for the headline number); `positives` counts the positive labels, and is
        missing where classes are taken together.

    Raises:
        ValueError: As in `bands.check_columns` and `evaluation.score`.

    Example:
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> spec = Spec(Task("death", "binary", ("death",)), (Modality("ehr", (1,)),))
        >>> y, sex = np.arange(60) % 2, pd.DataFrame({"sex": ["f", "m", "m"] * 20})
        >>> samples = Samples(spec, y, {"ehr": np.zeros((60, 1))}, meta=sex)
        >>> said = {"student": {"ehr": np.full((60, 1), 0.5)}}
        >>> table = subgroups(said, samples, {"sex": None}, metrics=["brier"])
        >>> table[["subgroup", "value", "n", "positives"]].values.tolist()
        [['f', 0.25, 20, 10], ['m', 0.25, 40, 20], ['gap', 0.0, 60, 30]]
    """
    check_columns(columns, samples)
    names = fitting_metrics(metrics, samples.spec.task)
    drawn = group_weights(samples.group, replicates, seed=seed)
    weights = np.concatenate([one(len(samples)), drawn])
    terms = Terms(samples, weights, pd.factorize(samples.group)[0], level)
    parts = {c: subgroups_of(samples.meta[c], edges) for c, edges in columns.items()}
    rows = []
    for model, said in models.items():
        for head in sorted(said):
            p = check_probabilities(said[head], head, samples)
            for column, members in parts.items():
                for name in names:
                    for subgroup, *told in _rows(p, members, METRICS[name], terms):
                        rows.append((model, column, subgroup, head, name, *told))
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"positives": "Int64"})
    # pandas would read None as NaN in a column of text.
    return table.assign(label=pd.Series([row[5] for row in rows], dtype=object))


def _rows(
    p: np.ndarray, members: Mapping[str, np.ndarray], metric: Metric, terms: Terms
) -> Iterator[tuple]:
    """`subgroup, label, value, low, high, n, positives, note` of a metric of a head."""
    answered = ~np.isnan(p[:, 0])
    found = {
        name: cells(metric, p, terms.samples, terms.weights, index[answered[index]])
        for name, index in members.items()
    }
    for name, some in found.items():
        for cell in some:
            yield name, *terms.told(cell)
    yield GAP, *terms.told(_gap(found, terms))


def _gap(found: Mapping[str, list[Cell]], terms: Terms) -> Cell:
    """The highest headline number less the lowest, of subgroups that have one."""
    compared = {
        name: some
        for name, some in found.items()
        if name != UNKNOWN and terms.enough(some[0]) and _defined(some[0])
    }
    labels, note = _shared_labels(list(compared.values()))
    if len(compared) < 2 or not labels:
        none = np.full(len(terms.weights), np.nan)
        what = "subgroups with a number" if labels else "labels that all subgroups have"
        return Cell(None, none, np.arange(0), f"no gap: too few {what}")
    mean = {
        name: np.mean([some[k].values for k in labels], axis=0)
        for name, some in compared.items()
    }
    highest = max(mean, key=lambda name: mean[name][0])
    lowest = min(reversed(mean), key=lambda name: mean[name][0])
    used = [compared[name][k].used for name in (highest, lowest) for k in labels]
    return Cell(
        None,
        mean[highest] - mean[lowest],
        distinct(np.concatenate(used)),
        f"{highest} minus {lowest}{note}",
    )


def _shared_labels(compared: list[list[Cell]]) -> tuple[list[int], str]:
    """The cells of labels that all have: other means would differ by their labels."""
    count = min(map(len, compared), default=1)
    if count == 1:
        return [0], ""  # One number, of one label or all together.
    every = range(1, count)
    labels = [k for k in every if all(_defined(some[k]) for some in compared)]
    note = f"; mean of {len(labels)} labels that all subgroups have"
    return labels, note if len(labels) < len(every) else ""


def _defined(cell: Cell) -> bool:
    return not np.isnan(cell.values[0])
