"""Points of curves: ROC, precision and recall, reliability.

A report draws them, no number is read off them: areas and errors are in the table. A
kind of curve is a function in `KINDS`, `(y, p) -> points`.
"""

from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from scipy.stats import norm
from sklearn.metrics import precision_recall_curve, roc_curve

from mind_keras.data.samples import Samples
from mind_keras.evaluation.cells import targets
from mind_keras.evaluation.table import check_probabilities

MOST_POINTS = 200
TOLERANCE = 0.002  # of the axes' length: less than a pixel of a plot of 400
BINS = 15  # as `metrics.ece`
DECIMALS = 5


class Points(NamedTuple):
    """Points of a curve, `(points,)` each; `n` is a number where it is of all points.

    Args:
        x, y: Both from 0 to 1.
        low, high: Bounds of `y`, or None.
        n: How many answers they come from.
    """

    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None
    n: np.ndarray | int


def curves(
    models: Mapping[str, Mapping[str, np.ndarray]], samples: Samples
) -> list[dict]:
    """The curves of all heads, over all samples that each answers.

    Labels that are unknown are left out. Where one outcome is lacking there is no ROC
    and no precision-recall curve.

    Args:
        models: `{model: {head: (n, labels)}}`, NaN where a head cannot answer.
        samples: The samples that were predicted, in the same order.

    Returns:
        A dict per model, head, label and kind, of plain values for JSON: `model, head,
        label, kind, x, y, low, high, n`. `label` is None where all labels (or classes,
        each against the others) are pooled, and for a binary task; the reliability of
        classes without a label is that of the most probable one. `low` and `high` are
        95 % bounds of a reliability, else None; its `n` counts per point.

    Raises:
        ValueError: If probabilities have a wrong shape or are none.

    Example:
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> spec = Spec(Task("death", "binary", ("death",)), (Modality("ehr", (1,)),))
        >>> samples = Samples(spec, [0, 1, 0, 1], {"ehr": np.zeros((4, 1))})
        >>> p = np.array([[0.1], [0.2], [0.3], [0.9]])
        >>> for curve in curves({"student": {"ehr": p}}, samples):
        ...     print(curve["kind"], curve["x"], curve["y"])
        roc [0.0, 0.0, 0.5, 0.5, 1.0] [0.0, 0.5, 0.5, 1.0, 1.0]
        pr [0.0, 0.5, 0.5, 1.0, 1.0] [1.0, 1.0, 0.5, 0.66667, 0.5]
        reliability [0.1, 0.2, 0.3, 0.9] [0.0, 1.0, 0.0, 1.0]
    """
    found = []
    for model, said in models.items():
        for head in sorted(said):
            p = check_probabilities(said[head], head, samples).astype(float)
            for label, kind, y, q in _columns(p, samples):
                if kind == "reliability" or len(np.unique(y)) == 2:
                    points = KINDS[kind](y, q)
                    where = {"model": model, "head": head, "label": label}
                    found.append(where | {"kind": kind} | _plain(points))
    return [curve for curve in found if curve["x"]]


def roc(y: np.ndarray, p: np.ndarray) -> Points:
    """True-positive rate over false-positive rate, thinned; `y` 0/1, `(n,)`.

    Example:
        >>> roc(np.array([0, 1]), np.array([0.2, 0.7])).y.tolist()
        [0.0, 1.0, 1.0]
    """
    false_positive_rate, true_positive_rate, _ = roc_curve(y, p)
    return _thinned(false_positive_rate, true_positive_rate, len(y))


def precision_recall(y: np.ndarray, p: np.ndarray) -> Points:
    """Precision over recall, thinned, from recall 0, where precision is said to be 1.

    Example:
        >>> precision_recall(np.array([0, 1]), np.array([0.2, 0.7])).x.tolist()
        [0.0, 1.0, 1.0]
    """
    precision, recall, _ = precision_recall_curve(y, p)
    return _thinned(recall[::-1], precision[::-1], len(y))


def reliability(y: np.ndarray, p: np.ndarray) -> Points:
    """How often it happens, over how probable it was called, in the bins of the ECE.

    Bins without an answer have no point. Bounds are Wilson's for independent answers
    [1]; samples of the same patient make them a little narrow.

    Example:
        >>> points = reliability(np.array([0, 1, 1]), np.array([0.51, 0.53, 0.9]))
        >>> points.x.round(2).tolist(), points.y.tolist(), points.n.tolist()
        ([0.52, 0.9], [0.5, 1.0], [2, 1])

    [1] Wilson (1927). https://doi.org/10.1080/01621459.1927.10502953
    """
    which = np.minimum((p * BINS).astype(int), BINS - 1)
    n = np.bincount(which, minlength=BINS)
    some = n > 0
    happened, called = (
        np.bincount(which, values, BINS)[some] / n[some] for values in (y, p)
    )
    low, high = _wilson(happened, n[some])
    return Points(called, happened, low, high, n[some])


KINDS: dict[str, Callable[[np.ndarray, np.ndarray], Points]] = {
    "roc": roc,
    "pr": precision_recall,
    "reliability": reliability,
}


def _columns(p: np.ndarray, samples: Samples) -> Iterator[tuple]:
    """`label, kind, y, p` of each curve, answers and labels known."""
    task, y = samples.spec.task, targets(samples)
    known = ~np.isnan(y) & ~np.isnan(p)
    columns = [(None, y[known], p[known])]
    if task.outputs > 1:
        columns += [
            (label, y[known[:, k], k], p[known[:, k], k])
            for k, label in enumerate(task.labels)
        ]
    for label, target, q in columns:
        for kind in KINDS:
            if task.kind == "multiclass" and (label, kind) == (None, "reliability"):
                rows = known[:, 0]
                right = p[rows].argmax(1) == samples.y[rows]
                yield label, kind, right.astype(float), p[rows].max(1)
            else:
                yield label, kind, target, q


def _wilson(share: np.ndarray, n: np.ndarray, level: float = 0.95) -> tuple:
    square = norm.ppf((1 + level) / 2) ** 2
    middle = (share + square / (2 * n)) / (1 + square / n)
    spread = np.sqrt(square * (share * (1 - share) / n + square / (4 * n**2)))
    half = spread / (1 + square / n)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def _thinned(x: np.ndarray, y: np.ndarray, n: int) -> Points:
    """The points that a drawn line needs: each time the farthest from it is added."""
    kept, gaps = [0, len(x) - 1], [_farthest(x, y, 0, len(x) - 1)]
    while len(kept) < MOST_POINTS and -gaps[0][0] > TOLERANCE:
        _, at, start, end = heappop(gaps)
        heappush(gaps, _farthest(x, y, start, at))
        heappush(gaps, _farthest(x, y, at, end))
        kept.append(at)
    index = np.unique(kept)
    return Points(x[index], y[index], None, None, n)


def _farthest(x: np.ndarray, y: np.ndarray, start: int, end: int) -> tuple:
    """`-distance, point, start, end`: the point farthest from the line between two."""
    dx, dy = x[end] - x[start], y[end] - y[start]
    inside = slice(start, end + 1)
    off_x, off_y = x[inside] - x[start], y[inside] - y[start]
    along = np.clip((off_x * dx + off_y * dy) / (dx**2 + dy**2 or 1.0), 0, 1)
    distance = np.hypot(off_x - along * dx, off_y - along * dy)
    at = int(distance.argmax())
    return -float(distance[at]), start + at, start, end


def _plain(points: Points) -> dict:
    """Values for JSON; a file of 25 labels is a few megabytes without the rest."""
    return {
        name: value if value is None else np.asarray(value).round(DECIMALS).tolist()
        for name, value in points._asdict().items()
    }
