"""One model minus another, head by head: the rows of a comparison.

The samples are those that both answer, the draws of patients the same for both, so
that what makes a patient hard for both cancels. A metric is added in `metrics.py`,
never here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from mind_keras.data.samples import Samples
from mind_keras.evaluation.cells import Cell, cells, targets
from mind_keras.evaluation.delong import delong
from mind_keras.evaluation.metrics import METRICS
from mind_keras.evaluation.significance import bootstrap_p, non_inferior
from mind_keras.evaluation.table import ALL, answered_by_pattern, numbers_of

BOOTSTRAP = "bootstrap"
SAME = "both say the same"


@dataclass
class Answers:
    """What one model says of all samples, and the cells made of it so far.

    A model may meet many others and a pattern may be all samples there are: the same
    cells are asked for again and again.

    Args:
        p: Probabilities, `(n, labels)`, NaN rows where it does not answer.
    """

    p: np.ndarray
    known: dict[tuple[str, bytes], list[Cell]] = field(default_factory=dict)

    def cells(
        self, name: str, samples: Samples, weights: np.ndarray, index: np.ndarray
    ) -> list[Cell]:
        """As `cells.cells`, of the metric `name`."""
        key = (name, index.tobytes())
        if key not in self.known:
            self.known[key] = cells(METRICS[name], self.p, samples, weights, index)
        return self.known[key]


@dataclass(frozen=True)
class Terms:
    """What is the same for all pairs of models.

    Args:
        samples: That were predicted.
        weights: Draws of patients, `(1 + replicates, n)`, ones in the first row.
        metrics: Names, which fit the task.
        margins: Of non-inferiority, by metric.
        level: Of confidence.
    """

    samples: Samples
    weights: np.ndarray
    metrics: Sequence[str]
    margins: Mapping[str, float]
    level: float

    @cached_property
    def group(self) -> np.ndarray:
        """The patient of each sample as a number, `(n,)`."""
        return pd.factorize(self.samples.group)[0]


def difference_rows(mine: Answers, theirs: Answers, terms: Terms) -> Iterator[dict]:
    """A row per pattern, metric, label and method: `mine` minus `theirs`.

    Args:
        mine, theirs: Answers of one head to the same samples.
        terms: Of the comparison.

    Example:
        >>> from mind_keras.evaluation.metrics import one
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> spec = Spec(Task("death", "binary", ("death",)), (Modality("ehr", (1,)),))
        >>> samples = Samples(spec, np.array([0, 1]), {"ehr": np.zeros((2, 1))})
        >>> right, unsure = (Answers(np.array([[1 - p], [p]])) for p in (1.0, 0.5))
        >>> terms = Terms(samples, one(2), ["brier"], {}, 0.95)
        >>> for row in difference_rows(right, unsure, terms):
        ...     print(row["pattern"], row["metric"], row["value"], row["n"])
        all brier -0.25 2
        ehr brier -0.25 2
    """
    samples = terms.samples
    alone = np.isnan(mine.p[:, 0]) != np.isnan(theirs.p[:, 0])
    for pattern, index in answered_by_pattern(mine.p + theirs.p, samples).items():
        where = slice(None) if pattern == ALL else samples.patterns[pattern]
        known = _what_to_know(mine.p[index], theirs.p[index], int(alone[where].sum()))
        for name in terms.metrics:
            asked = (name, samples, terms.weights, index)
            pairs = zip(mine.cells(*asked), theirs.cells(*asked), strict=True)
            for own, other in pairs:
                cell = own._replace(values=own.values - other.values)
                for row in _tested(name, cell, mine.p, theirs.p, terms):
                    note = "; ".join(filter(None, (known, row["note"])))
                    yield {"pattern": pattern, "metric": name, **row, "note": note}


def _what_to_know(mine: np.ndarray, theirs: np.ndarray, alone: int) -> str:
    """Of a pattern: samples that only one answers, and answers that are the same."""
    left_out = f"{alone} samples left out that only one answers" if alone else ""
    same = SAME if len(mine) and np.array_equal(mine, theirs) else ""
    return "; ".join(filter(None, (left_out, same)))


def _tested(
    name: str, cell: Cell, mine: np.ndarray, theirs: np.ndarray, terms: Terms
) -> Iterator[dict]:
    """The difference in a cell by each method that applies, and what it shows."""
    found = [_by_bootstrap(cell, terms)]
    if _has_one_curve(name, cell, terms):
        found.append(_by_delong(cell, mine, theirs, terms))
    margin = terms.margins.get(name, np.nan)
    better = METRICS[name].higher_is_better
    for row in found:
        verdict = non_inferior(row["low"], row["high"], margin, higher_is_better=better)
        yield {**row, "margin": margin, "non_inferior": verdict}


def _by_bootstrap(cell: Cell, terms: Terms) -> dict:
    value, low, high, n, note = numbers_of(cell, terms.group, terms.level)
    # No interval, no p: what cannot be doubted by resampling is not certain.
    p = np.nan if np.isnan(low) else bootstrap_p(cell.values[1:])
    numbers = {"label": cell.label, "value": value, "low": low, "high": high, "p": p}
    return {**numbers, "n": n, "method": BOOTSTRAP, "note": note}


def _has_one_curve(name: str, cell: Cell, terms: Terms) -> bool:
    """A headline of several labels is a mean of areas, not an area."""
    single = cell.label is not None or terms.samples.spec.task.kind == "binary"
    return name == "auroc" and single


def _by_delong(cell: Cell, mine: np.ndarray, theirs: np.ndarray, terms: Terms) -> dict:
    labels, used = terms.samples.spec.task.labels, cell.used
    column = 0 if cell.label is None else labels.index(cell.label)
    found = delong(
        targets(terms.samples)[used, column],
        mine[used, column],
        theirs[used, column],
        terms.group[used],
        level=terms.level,
    )._asdict()
    found["note"] = cell.note or found["note"]
    found.pop("error")
    return {"label": cell.label, "n": len(used), **found}
