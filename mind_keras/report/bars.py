"""Intervals as small drawings within a table: a forest plot whose numbers are text.

A drawing says nothing that its row does not say, so it is hidden from screen readers.
"""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from mind_keras.report.looks import Look
from mind_keras.report.markup import Html, join, tag

WIDTH, MARGIN, STEP = 200.0, 6.0, 10.0
GREY = "#999999"


def scale(values: Iterable[float], *, mark: float) -> tuple[float, float]:
    """The ends of an axis that all values and the mark fit on.

    Example:
        >>> scale([0.62, 0.81, float("nan")], mark=0.5)
        (0.5, 0.9)
        >>> scale([], mark=0.0)
        (0.0, 0.1)
    """
    known = [mark, *(value for value in values if not pd.isna(value))]
    low, high = math.floor(10 * min(known)) / 10, math.ceil(10 * max(known)) / 10
    return (low, high) if high > low else (low, low + 0.1)


def bars(
    intervals: Sequence[tuple[float, float, float]],
    looks: Sequence[Look],
    ends: tuple[float, float],
    *,
    mark: float,
) -> Html:
    """One line for each interval, one below another.

    Args:
        intervals: `(value, low, high)`; NaN where there is none.
        looks: Of each.
        ends: Of the axis.
        mark: Where a grey line is drawn: chance, or no difference.
    """

    def place(value: float) -> float:
        share = (value - ends[0]) / (ends[1] - ends[0])
        return MARGIN + share * (WIDTH - 2 * MARGIN)

    height = STEP * len(intervals)
    parts = [_line(place(mark), place(mark), 0, height, GREY, 1)]
    for row, ((value, low, high), look) in enumerate(
        zip(intervals, looks, strict=True)
    ):
        y = STEP * (row + 0.5)
        if not pd.isna(low):
            parts.append(_line(place(low), place(high), y, y, look.colour, 1.6))
        if not pd.isna(value):
            parts.append(look.shape(place(value), y))
    box = f"0 0 {WIDTH:g} {height:g}"
    return tag("svg", join(parts, ""), class_="bars", viewBox=box, aria_hidden="true")


def _line(
    x1: float, x2: float, y1: float, y2: float, colour: str, width: float
) -> Html:
    d = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
    return tag("path", d=d, stroke=colour, stroke_width=f"{width:g}")
