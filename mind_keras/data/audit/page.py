"""Tables as Markdown, and as one HTML page: offline, without scripts, all escaped."""

from collections.abc import Iterator, Mapping
from html import escape

import pandas as pd

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em;
       padding: 0 1em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 0 0 1.5em; }
th, td { padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: left;
         vertical-align: top; font-variant-numeric: tabular-nums; }
.violation { font-weight: 600; color: #a00; }
.accepted, .not.checked { color: #865000; }
@media print { body { font-size: 10px; margin: 0; max-width: none; }
               tr { break-inside: avoid; } h2 { break-after: avoid; } }
"""
TITLE = "Audit of the extraction"


def markdown(headline: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """A report as Markdown.

    Args:
        headline: What it comes to.
        tables: By title.

    Example:
        >>> print(markdown("Fine.", {"A": pd.DataFrame({"n": [1]})}).split("## ")[1])
        A
        <BLANKLINE>
        | n |
        |---|
        | 1 |
        <BLANKLINE>
    """
    parts = [f"# {TITLE}\n\n{_cell(headline)}.\n"]
    for title, table in tables.items():
        lines = ["|" + "---|" * table.shape[1]]
        lines += [_line(row) for row in _rows(table)]
        parts.append("\n".join([f"## {title}\n", _line(table.columns), *lines]) + "\n")
    return "\n".join(parts)


def html(headline: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """A report as a whole HTML document; a cell of the column `status` is marked.

    Args:
        headline: What it comes to.
        tables: By title.

    Example:
        >>> "<td>&lt;7</td>" in html("Fine", {"A": pd.DataFrame({"n": ["<7"]})})
        True
    """
    parts = [f"<h1>{TITLE}</h1>\n<p>{escape(headline)}.</p>"]
    for title, table in tables.items():
        head = "".join(f"<th>{escape(str(name))}</th>" for name in table.columns)
        body = "\n".join(
            f"<tr>{''.join(_marked(table.columns, row))}</tr>" for row in _rows(table)
        )
        parts.append(
            f"<h2>{escape(title)}</h2>\n<table>\n<thead><tr>{head}</tr></thead>\n"
            f"<tbody>\n{body}\n</tbody>\n</table>"
        )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{TITLE}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _rows(table: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for row in table.itertuples(index=False):
        yield tuple("" if pd.isna(value) else str(value) for value in row)


def _line(cells: tuple[str, ...] | pd.Index) -> str:
    return "| " + " | ".join(_cell(str(cell)) for cell in cells) + " |"


def _cell(text: str) -> str:
    """Text that stays one cell, and no markup."""
    text = escape(text.replace("\n", " "), quote=False)
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _marked(columns: pd.Index, row: tuple[str, ...]) -> Iterator[str]:
    for name, text in zip(columns, row, strict=True):
        mark = f' class="{escape(text)}"' if name == "status" else ""
        yield f"<td{mark}>{escape(text)}</td>"
