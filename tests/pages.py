"""Pages of the documents, and the tables in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def tables(text: str) -> list[list[dict[str, str]]]:
    """The tables of a page, a dict for each row."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        # A bar that is escaped belongs to its cell.
        lines = [
            re.split(r"(?<!\\)\|", row.strip()[1:-1]) for row in block.splitlines()
        ]
        lines = [[cell.strip() for cell in line] for line in lines]
        header, _, *rows = lines
        rows = [row + [""] * (len(header) - len(row)) for row in rows]
        found.append([dict(zip(header, row, strict=True)) for row in rows])
    return found


def table_of(page: str, *header: str, number: int = 0) -> list[dict[str, str]]:
    """The table of a page whose columns begin so, or the `number`-th of such."""
    fitting = [t for t in tables(page) if [*t[0]][: len(header)] == [*header]]
    return fitting[number]


def code(cell: str) -> list[str]:
    """What a cell has in backticks."""
    return re.findall("`([^`]+)`", cell)
