"""Curves of the test samples: ROC, precision and recall, reliability."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.headline import ordered
from mind_keras.report.looks import MOST, chosen, looks
from mind_keras.report.markup import MOST_ROWS, Html, join, table, tag
from mind_keras.report.plots import Line, Panel, figure

KINDS = {
    "roc": ("ROC", "false-positive rate", "true-positive rate"),
    "pr": ("Precision and recall", "recall", "precision"),
    "reliability": ("Reliability", "mean predicted probability", "observed frequency"),
}
FEWEST = 5  # Answers behind a point that is drawn; fewer say next to nothing.
SEEN = {
    "roc": "The further up and left, the better the ranking; on the grey diagonal a "
    "model guesses.",
    "pr": "The further up, the fewer false alarms among those found; guessing gives a "
    "level line at the share of positives.",
    "reliability": "On the grey diagonal, what was predicted happened as often as "
    f"predicted; below it, less often. A point stands for {FEWEST} samples or more; "
    "upright lines are intervals of the frequency.",
}
DRAWN = {"roc": MOST, "pr": MOST, "reliability": 3}  # Intervals need room.
POINTS = 15  # Of each line, in the table below.


def curves(results: Results) -> Html:
    """ROC, precision-recall and reliability, a panel per head."""
    parts = []
    for kind, seen in SEEN.items():
        mine = _drawn([c for c in results.curves if c["kind"] == kind], DRAWN[kind])
        panels = [_panel(kind, head, mine) for head in ordered(_heads(mine))]
        if panels:
            parts += [
                tag("h3", KINDS[kind][0]),
                _figure(kind, panels, mine, results, seen),
            ]
    return join(parts)


def _drawn(curves: Sequence[Mapping], most: int) -> list[Mapping]:
    """Those of all labels, or of the only one; of a head those of the same samples."""
    alone = len({curve["label"] for curve in curves}) == 1
    whole = [curve for curve in curves if alone or curve["label"] is None]
    sizes = {
        head: max(_samples(curve) for curve in whole if curve["head"] == head)
        for head in _heads(whole)
    }
    alike = [curve for curve in whole if _samples(curve) == sizes[curve["head"]]]
    models = chosen(dict.fromkeys(curve["model"] for curve in alike))[:most]
    return [curve for curve in alike if curve["model"] in models]


def _samples(curve: Mapping) -> int:
    """How many answers a curve is of; a reliability counts them by point."""
    n = curve["n"]
    return sum(n) if isinstance(n, list) else n


def _heads(rows: Sequence[Mapping]) -> set[str]:
    return {row["head"] for row in rows}


def _panel(kind: str, head: str, rows: Sequence[Mapping]) -> Panel:
    _, x, y = KINDS[kind]
    mine = {row["model"]: row for row in rows if row["head"] == head}
    lines = [_line(mine[name]) for name in chosen(mine)]
    count = max(_samples(mine[line.name]) for line in lines)
    title = f"Head {head}, {words.count(count)} answers"
    how = {"diagonal": kind != "pr", "joined": kind != "reliability"}
    return Panel(title, x, y, lines, unit=True, **how)


def _line(row: Mapping) -> Line:
    if row["kind"] != "reliability":
        return Line(row["model"], row["x"], row["y"])
    columns = [row[name] for name in ("x", "y", "low", "high", "n")]
    points = [point for point in zip(*columns, strict=True) if point[-1] >= FEWEST]
    x, y, low, high, _ = zip(*points, strict=True) if points else [()] * 5
    return Line(row["model"], x, y, low, high)


def _figure(
    kind: str,
    panels: Sequence[Panel],
    rows: Sequence[Mapping],
    results: Results,
    seen: str,
) -> Html:
    said = (
        f" At most {DRAWN[kind]} models are drawn, in a plot those that answer all of "
        "its samples; curves.json has all."
    )
    numbers = pd.DataFrame(
        [(row["head"], row["model"], *point) for row in rows for point in _told(row)],
        columns=["head", "model", *KINDS[kind][1:], "n"],
    )
    note = "Some of the points of each line; curves.json has all of them."
    shown = table(numbers.head(MOST_ROWS), caption=note)
    looked = looks([*results.models, *(row["model"] for row in rows)])
    return figure(kind, panels, looked, caption=seen + said, numbers=shown)


def _told(row: Mapping) -> list[tuple]:
    """`x, y, n` of points of a curve, y with its interval."""
    count = len(row["x"])
    low, high = (row.get(name) or [None] * count for name in ("low", "high"))
    n = row["n"] if isinstance(row["n"], list) else [row["n"]] * count
    columns = row["x"], row["y"], low, high, n
    return [
        (words.number(x), words.interval(*y), size)
        for x, *y, size in _some(list(zip(*columns, strict=True)))
    ]


def _some(points: list) -> list:
    """At most `POINTS` of them, the ends among them."""
    if len(points) <= POINTS:
        return points
    step = (len(points) - 1) / (POINTS - 1)
    return [points[round(k * step)] for k in range(POINTS)]
