"""The results on a terminal, or as plain text where they are piped."""

from collections.abc import Mapping

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mind_keras.report.headline import about, headline, models_table

WIDTH = 100


def show(
    summary: Mapping, metrics: pd.DataFrame, console: Console | None = None
) -> None:
    """Print one table for each head, then what each model costs.

    Args:
        summary: Of the run.
        metrics: Of the run.
        console: Where to print; by default the standard output, 100 columns where
            that is no terminal.
    """
    console = Console() if console is None else console
    if not console.is_terminal:
        console.width = WIDTH
    for head, table in headline(summary, metrics).items():
        console.print(Text(f"head {head}", style="bold"))
        console.print(_table(table))
    console.print(Text("models", style="bold"))
    console.print(_table(models_table(summary)))
    console.print(Text(about(summary)))
    console.print(Text("latency: median of single answers on this machine; noisy"))


def _table(frame: pd.DataFrame) -> Table:
    narrow = len(frame.columns) > 4
    padding = (0, 0 if narrow else 1, 0, 0)
    shown = Table(box=box.SIMPLE_HEAD, padding=padding, show_edge=False)
    shown.add_column("model", no_wrap=True)
    for name in frame.columns:
        shown.add_column(Text(name.replace("+", "\n+").replace(" (", "\n(")))
    for model, cells in zip(frame.index, frame.to_numpy(), strict=True):
        shown.add_row(model, *(Text(_fold(c) if narrow else c) for c in cells))
    return shown


def _fold(cell: str) -> str:
    """The interval below its value, in as few characters as it takes."""
    return cell.replace(" [", "\n").replace(", ", "-").rstrip("]")
