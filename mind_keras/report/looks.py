"""The look of a model's line: colour, dashes and marker, the same in every plot.

Colours are those of Okabe and Ito (2008), which colour-blind people tell apart, less
the yellow, which is too light on white; dashes and markers do the same in print. 31
models look different without colour.

https://jfly.uni-koeln.de/color/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mind_keras.report.markup import Html, join, tag

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
COLOURS = (BLACK, VERMILLION, BLUE, GREEN, ORANGE, PURPLE, SKY)
DASHES = ((), (5, 2), (1.5, 1.5), (7, 2, 1.5, 2), (3, 1, 1, 1, 1, 1))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MOST = 7  # Lines in a plot; more cannot be told apart.
ASKED = ("student", "no_kd", "teachers")
# The markers as paths around (0, 0), for keys and bars.
SHAPES = {
    "o": "M3 0A3 3 0 1 1 -3 0A3 3 0 1 1 3 0Z",
    "s": "M-2.7 -2.7H2.7V2.7H-2.7Z",
    "^": "M0 -3.4L3.3 2.6H-3.3Z",
    "D": "M0 -3.7L3.7 0L0 3.7L-3.7 0Z",
    "v": "M0 3.4L3.3 -2.6H-3.3Z",
    "P": "M-1.2 -3.4H1.2V-1.2H3.4V1.2H1.2V3.4H-1.2V1.2H-3.4V-1.2H-1.2Z",
    "X": "M-3.2 -1.6L-1.6 -3.2L0 -1.6L1.6 -3.2L3.2 -1.6L1.6 0L3.2 1.6L1.6 3.2L0 1.6"
    "L-1.6 3.2L-3.2 1.6L-1.6 0Z",
}


@dataclass(frozen=True)
class Look:
    """How one model is drawn.

    Args:
        colour: As `#rrggbb`.
        dashes: Lengths of ink and gap in line widths; none: a solid line.
        marker: One of `MARKERS`.
        width: Of the line, points.
    """

    colour: str
    dashes: tuple[float, ...]
    marker: str
    width: float

    def shape(self, x: float, y: float) -> Html:
        """The marker as an SVG path."""
        where = f"translate({x:.1f} {y:.1f})"
        return tag("path", d=SHAPES[self.marker], fill=self.colour, transform=where)


def looks(models: Sequence[str]) -> dict[str, Look]:
    """A look for each name: those that are drawn together differ in colour too.

    The student's is black, solid and thick.

    Example:
        >>> found = looks(["student", "no_kd"])
        >>> found["student"].colour, found["no_kd"].dashes
        ('#000000', (5, 2))
    """
    found = {}
    for k, name in enumerate(by_interest(dict.fromkeys(models))):
        # Of the next round of colours, dashes and markers are shifted.
        turn, colour = divmod(k, len(COLOURS))
        found[name] = Look(
            COLOURS[colour],
            DASHES[(colour + 3 * turn) % len(DASHES)],
            MARKERS[(colour + turn) % len(MARKERS)],
            1.4 if k else 2.0,
        )
    return found


def chosen(models: Iterable[str]) -> list[str]:
    """Those that are drawn where not all can be told apart, at most `MOST`.

    Whom everybody asks for comes first, single teachers last.

    Example:
        >>> chosen(["late_fusion", "teacher:ehr:0", "student"])
        ['student', 'late_fusion', 'teacher:ehr:0']
    """
    return by_interest(models)[:MOST]


def by_interest(models: Iterable[str]) -> list[str]:
    """All of them in the order of `chosen`."""
    first = {name: k for k, name in enumerate(ASKED)}
    return sorted(models, key=lambda m: (is_single_teacher(m), first.get(m, MOST)))


def is_single_teacher(model: str) -> bool:
    """Whether a model is one of the ensemble, as `teacher:ehr:0`."""
    return model.startswith("teacher:")


def key(named: dict[str, Look]) -> Html:
    """What each look stands for, as a list that wraps."""
    return tag("ul", join(map(_line_of, named, named.values())), class_="key")


def _line_of(name: str, look: Look) -> Html:
    dashes = " ".join(f"{look.width * length:g}" for length in look.dashes)
    line = tag(
        "path",
        d="M0 6H36",
        stroke=look.colour,
        stroke_width=f"{look.width}",
        stroke_dasharray=dashes or "none",
    )
    size = {"width": "36", "height": "12", "viewBox": "0 0 36 12"}
    return tag(
        "li", tag("svg", line, look.shape(18, 6), **size, aria_hidden="true"), name
    )
