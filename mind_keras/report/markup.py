"""HTML from text: whatever is not `Html` is escaped, here and nowhere else.

Each function returns `Html`, a piece that is well-formed in itself. To add a piece: a
function that joins `text(...)` and other pieces.
"""

import re
from collections.abc import Iterable
from html import escape

import pandas as pd

from mind_keras.report import words

MOST_ROWS = 500  # A page of more is slow to open; the file has all.
NARROW = 13  # Characters; longer names may be broken on a phone.
LONG = 40  # Characters; more are broken into lines.
INTERVAL = re.compile(r"(.+?) (\[[^\[\]]*\])")


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Markup as it is, anything else escaped.

    Example:
        >>> text("a<b>"), text(Html("<b>"))
        ('a&lt;b&gt;', '<b>')
    """
    return value if isinstance(value, Html) else Html(escape(words.cell(value)))


def join(parts: Iterable[object], between: str = "\n") -> Html:
    """Pieces one after another."""
    return Html(between.join(text(part) for part in parts))


def tag(name: str, *inside: object, **attributes: str) -> Html:
    """An element; `class_` and `for_` lose their underscore, `_` becomes `-`.

    Example:
        >>> tag("p", "1 < 2", class_="note")
        '<p class="note">1 &lt; 2</p>'
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{said}>{join(inside, '')}</{name}>")


def paragraph(*inside: object, class_: str = "") -> Html:
    """A paragraph."""
    return tag("p", *inside, **({"class_": class_} if class_ else {}))


def details(title: str, *inside: object) -> Html:
    """What is shown on demand."""
    return tag("details", tag("summary", title), "\n", join(inside))


def points(lines: Iterable[object]) -> Html:
    """A list."""
    return tag("ul", join((tag("li", line) for line in lines), ""))


def table(
    frame: pd.DataFrame, *, index: str | None = None, caption: object = ""
) -> Html:
    """A table that scrolls by itself where the window is narrow.

    Args:
        frame: Text, numbers or markup; an interval after a number is set apart.
        index: The title of the column of row names; None: the index is not shown.
        caption: What the table is.

    Example:
        >>> frame = pd.DataFrame({"AUROC": ["0.81 [0.7, 0.9]"]}, index=["a<b"])
        >>> shown = table(frame, index="model")
        >>> '<th scope="row">a&lt;b</th>' in shown
        True
        >>> '0.81 <span class="ci">[0.7, 0.9]</span>' in shown
        True
    """
    names = [*([] if index is None else [index]), *frame.columns]
    head = join((tag("th", _broken(name), scope="col") for name in names), "")
    rows = []
    for name, cells in zip(frame.index, frame.astype(object).to_numpy(), strict=True):
        first = [] if index is None else [tag("th", _broken(name), scope="row")]
        rows.append(tag("tr", *first, *map(_cell, cells)))
    inside = join([tag("thead", tag("tr", head)), tag("tbody", join(rows))])
    shown = tag("div", tag("table", inside), class_="scroll", tabindex="0")
    # Not a <caption>, which would be no wider than a narrow table.
    return join([paragraph(caption, class_="note"), shown]) if caption else shown


def _cell(value: object) -> Html:
    if isinstance(value, Html):
        return tag("td", value)
    found = INTERVAL.fullmatch(words.cell(value))
    if found is not None:
        return tag("td", found[1], " ", tag("span", found[2], class_="ci"))
    long = len(words.cell(value)) > LONG
    return tag("td", value, **({"class_": "long"} if long else {}))


def on_demand(frame: pd.DataFrame, file: str, what: str = "more rows") -> Html:
    """A table that is long, shown on demand; of very many rows only the first."""
    if frame.empty:
        return Html("")
    title = f"{words.count(len(frame))} {what} of {file}"
    if len(frame) > MOST_ROWS:
        title += f", the first {words.count(MOST_ROWS)} of them"
    return details(title, table(filled(frame.head(MOST_ROWS))))


def filled(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns in which anything is said."""
    return frame.loc[:, [(frame[name].map(words.cell) != "").any() for name in frame]]


def _broken(name: object) -> Html:
    """A title may be broken after a `+`, as `cxr+ehr`; a long one after a `_` too."""
    said = text(name).replace("+", "+<wbr>")
    long = len(words.cell(name)) > NARROW
    return Html(re.sub("[_:](?=.)", r"\g<0><wbr>", said) if long else said)
