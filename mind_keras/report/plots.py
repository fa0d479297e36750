"""Lines in a frame, as SVG that stands in the page itself.

Drawn by Matplotlib's objects, without pyplot and without a window, and only imported
when something is drawn. The same values give the same text; nothing in it refers to
anything outside. Titles and keys are HTML around it, so that they wrap on a phone.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mind_keras.report.looks import Look, key
from mind_keras.report.markup import Html, details, join, paragraph, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (3.5, 2.8)
ROOM = {"left": 0.21, "right": 0.97, "bottom": 0.17, "top": 0.97}
GREY = "#999999"
SETTINGS = {
    "svg.fonttype": "none",  # Text stays text.
    "svg.hashsalt": "mind_keras",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
# What SVG in HTML does not need: names of its dialect, and who wrote it.
LEFT_OUT = re.compile(
    r'<metadata>.*?</metadata>|<style.*?</style>| xmlns(:\w+)?="[^"]*"'
    r"| font-family: [^;\"]*;?",
    re.DOTALL,
)
MARKED = 8  # Of a line of more points not each is marked,
APART = 0.2  # but some this far apart, as a share of the diagonal.


@dataclass(frozen=True)
class Line:
    """What one model has in a panel.

    Args:
        name: Of the model; what it looks like.
        x, y: `(points,)`; NaN: a gap.
        low, high: `(points,)`, the interval of y; none by default.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True)
class Panel:
    """One frame.

    Args:
        title: What it shows.
        x, y: The titles of the axes.
        lines: In the order in which they are drawn.
        unit: Whether both axes go from 0 to 1.
        diagonal: Whether there is a grey line from (0, 0) to (1, 1).
        joined: Whether points are joined; those that are not are all marked.
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    unit: bool = False
    diagonal: bool = False
    joined: bool = True


def lines_of(rows: pd.DataFrame, x: str) -> list[Line]:
    """A line for each model: `value` by the column x, with `low` and `high` if there.

    Example:
        >>> rows = pd.DataFrame({"model": ["a", "a"], "epoch": [1, 0], "value": [3, 4]})
        >>> [(line.name, list(line.y)) for line in lines_of(rows, "epoch")]
        [('a', [4, 3])]
    """
    ends = [name for name in ("low", "high") if name in rows.columns]
    ordered = rows.sort_values(x, kind="stable").groupby("model", sort=False)
    return [
        Line(name, part[x], part["value"], *(part[end] for end in ends))
        for name, part in ordered
    ]


def figure(
    name: str,
    panels: Sequence[Panel],
    looks: Mapping[str, Look],
    *,
    caption: str,
    numbers: Html,
) -> Html:
    """Panels side by side, with one key, what to see in them, and the numbers.

    Args:
        name: What the ids in the page start with.
        panels: At least one.
        looks: Of every model in them.
        caption: What the reader should see.
        numbers: The table behind the plots, shown on demand.
    """
    drawn = {line.name for panel in panels for line in panel.lines}
    shown = {model: look for model, look in looks.items() if model in drawn}
    framed = [
        tag(
            "div",
            paragraph(panel.title),
            svg(panel, looks, name=f"{name}-{k}"),
            class_="panel",
        )
        for k, panel in enumerate(panels)
    ]
    inside = [key(shown), tag("div", join(framed), class_="panels")]
    inside += [tag("figcaption", caption), details("Numbers of these plots", numbers)]
    return tag("figure", join(inside), id=f"plots-{name}")


def svg(panel: Panel, looks: Mapping[str, Look], *, name: str) -> Html:
    """A panel as one `<svg>` element.

    Args:
        panel: What to draw.
        looks: Of every model in it.
        name: What its ids start with, so that those of others differ.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    file = io.StringIO()
    with rc_context(SETTINGS):
        whole = Figure(figsize=INCHES)
        whole.subplots_adjust(**ROOM)
        _draw(whole.add_subplot(), panel, looks)
        for words in whole.findobj(Text):
            words.set_parse_math(False)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        whole.savefig(file, format="svg", metadata=nothing)
    text = LEFT_OUT.sub("", file.getvalue()[file.getvalue().index("<svg") :])
    text = text.replace("xlink:href", "href")
    text = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    said = f"{panel.title}: {panel.y} by {panel.x}"
    title = tag("title", said, id=f"{name}-title")
    start = f'<svg class="plot" role="img" aria-labelledby="{name}-title"'
    first, rest = text.removeprefix("<svg").split(">", 1)
    return Html(f"{start}{first}>{title}{rest.strip()}")


def _draw(axes: "Axes", panel: Panel, looks: Mapping[str, Look]) -> None:
    if panel.diagonal:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    for k, line in enumerate(panel.lines):
        look = looks[line.name]
        x, y = np.asarray(line.x, float), np.asarray(line.y, float)
        if len(line.low):
            _spread(axes, line, x, look.colour)
        # Each line is marked at other places, so that they can be told apart in grey.
        start = APART * k / len(panel.lines)
        few = np.isfinite(x + y).sum() <= MARKED or not panel.joined
        axes.plot(
            *(x, y),
            color=look.colour,
            linewidth=look.width,
            linestyle=_style(look) if panel.joined else "none",
            marker=look.marker,
            markersize=4,
            markevery=None if few else (start, APART),
        )
    axes.set_xlabel(panel.x)
    axes.set_ylabel(panel.y)
    if panel.unit:
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


def _style(look: Look) -> str | tuple:
    return (0, look.dashes) if look.dashes else "-"


def _spread(axes: "Axes", line: Line, x: np.ndarray, colour: str) -> None:
    """The intervals, as thin upright lines that stay apart in print."""
    low, high = np.asarray(line.low, float), np.asarray(line.high, float)
    known = ~np.isnan(low + high)
    axes.vlines(x[known], low[known], high[known], color=colour, linewidth=0.7)
