"""How far a long reading of tables or images is: rows, rows a second, time left.

On a terminal a line that moves; elsewhere, or where `CI` is set, one plain line per
stage when it ends.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

STEPS = 1000  # What a bar counts to.


@contextmanager
def meter(
    console: Console | None = None, *, live: bool | None = None
) -> Iterator[Callable[[str, int, float], None]]:
    """A function to call with a stage, what is done of it, and the fraction of it.

    Args:
        console: Where to write; by default the error output.
        live: Whether to draw a moving line; by default on a terminal outside CI.

    Example:
        >>> with meter(Console(quiet=True)) as progress:
        ...     progress("chartevents", 1_000_000, 0.25)
    """
    console = Console(stderr=True) if console is None else console
    on_terminal = console.is_terminal and sys.stdout.isatty()
    live = on_terminal and not os.environ.get("CI") if live is None else live
    columns = [TextColumn("{task.description}", markup=False), BarColumn(20)]
    columns += [TextColumn("{task.fields[done]:,} ({task.fields[rate]:,.0f}/s)")]
    columns += [TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()]
    with Progress(*columns, console=console, disable=not live) as bar:
        stages = _Stages(bar, tells=not live)
        yield stages.progress
        stages.end()


class _Stages:
    """The stages so far: each has a bar, and a line to be told once it is over."""

    def __init__(self, bar: Progress, *, tells: bool) -> None:
        self.bar, self.tells = bar, tells
        self.begun: dict[str, tuple[TaskID, float]] = {}
        self.lines: dict[TaskID, str] = {}
        self.last = time.monotonic()

    def progress(self, stage: str, done: int, fraction: float) -> None:
        """What `meter` gives."""
        if stage not in self.begun:
            self.end()
            task = self.bar.add_task(stage, total=STEPS, done=0, rate=0.0)
            # A stage is heard of when some of it is done: it began before that.
            self.begun[stage] = task, self.last
        task, start = self.begun[stage]
        self.last = time.monotonic()
        rate = done / max(self.last - start, 1e-3)
        self.bar.update(task, completed=fraction * STEPS, done=done, rate=rate)
        self.lines[task] = f"{stage}: {done:,} ({rate:,.0f}/s)"

    def end(self) -> None:
        """What was heard of is over, even if the fraction, an estimate, fell short."""
        for task, line in self.lines.items():
            self.bar.update(task, completed=STEPS)
            if self.tells:
                self.bar.console.print(line, markup=False, highlight=False)
        self.lines.clear()
