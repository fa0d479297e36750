"""Curves of the test samples: ROC, precision and recall, reliability."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mind_keras.report.gathered import Results
from mind_keras.report.looks import MOST, chosen, looks
from mind_keras.report.markup import Html, join, table, tag
from mind_keras.report.plots import Line, Panel, figure

KINDS = {
    "roc": ("ROC", "false-positive rate", "true-positive rate"),
    "pr": ("Precision and recall", "recall", "precision"),
    "reliability": ("Reliability", "mean predicted probability", "observed frequency"),
}
SEEN = {
    "roc": "The further up and left, the better the ranking; on the grey diagonal a "
    "model guesses.",
    "pr": "The further up, the fewer false alarms among those found; guessing gives a "
    "level line at the share of positives.",
    "reliability": "On the grey diagonal, what was predicted happened as often as "
    "predicted; below it, less often. Upright lines are intervals of the frequency.",
}
DRAWN = {"roc": MOST, "pr": MOST, "reliability": 3}  # Intervals need room.
POINTS = 11  # Of each line, in the table below.


def curves(results: Results) -> Html:
    """ROC, precision-recall and reliability, a panel per head."""
    parts = []
    for kind, seen in SEEN.items():
        mine = _overall([c for c in results.curves if c["kind"] == kind])
        panels = [_panel(kind, head, mine) for head in _heads(mine)]
        if panels:
            parts += [
                tag("h3", KINDS[kind][0]),
                _figure(kind, panels, mine, results, seen),
            ]
    return join(parts)


def _overall(curves: Sequence[Mapping]) -> list[Mapping]:
    """Those of all labels, or of the only one."""
    alone = len({curve["label"] for curve in curves}) == 1
    return [curve for curve in curves if alone or curve["label"] is None]


def _heads(rows: Sequence[Mapping]) -> list[str]:
    return list(dict.fromkeys(row["head"] for row in rows))


def _panel(kind: str, head: str, rows: Sequence[Mapping]) -> Panel:
    _, x, y = KINDS[kind]
    mine = {row["model"]: row for row in rows if row["head"] == head}
    lines = [_line(mine[name]) for name in chosen(mine)[: DRAWN[kind]]]
    return Panel(f"Head {head}", x, y, lines, unit=True, diagonal=kind != "pr")


def _line(row: Mapping) -> Line:
    ends = [row.get(name) or () for name in ("low", "high")]
    return Line(row["model"], row["x"], row["y"], *ends)


def _figure(
    kind: str,
    panels: Sequence[Panel],
    rows: Sequence[Mapping],
    results: Results,
    seen: str,
) -> Html:
    most = DRAWN[kind]
    more = len({row["model"] for row in rows}) > most
    said = f" At most {most} models are drawn; curves.json has all." if more else ""
    numbers = pd.DataFrame(
        [
            (row["head"], row["model"], *point)
            for row in rows
            for point in _some(list(zip(row["x"], row["y"], strict=True)))
        ],
        columns=["head", "model", *KINDS[kind][1:]],
    )
    note = "Some of the points of each line; curves.json has all of them."
    shown = table(numbers, caption=note)
    looked = looks([*results.models, *(row["model"] for row in rows)])
    return figure(kind, panels, looked, caption=seen + said, numbers=shown)


def _some(points: list) -> list:
    """At most `POINTS` of them, the ends among them."""
    if len(points) <= POINTS:
        return points
    step = (len(points) - 1) / (POINTS - 1)
    return [points[round(k * step)] for k in range(POINTS)]
