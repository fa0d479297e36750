"""How far a long run is: stage, model, epoch and the time that is left.

A `Progress` is told of stages by `run.py` and hears of models and epochs as a Keras
callback. On a terminal it draws a line that moves; elsewhere, or where `CI` is set,
it writes one plain line per stage.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar


class Progress(keras.callbacks.Callback):
    """Shows how far a run is.

    Args:
        console: Where to write; by default the error output, so that results can be
            piped. `Console(quiet=True)` writes nothing.
        live: Whether to draw a moving line; by default on a terminal outside CI.

    Example:
        >>> with Progress(Console(quiet=True)).stage("teachers", models=6) as progress:
        ...     progress.name
        'teachers'
    """

    def __init__(
        self, console: Console | None = None, *, live: bool | None = None
    ) -> None:
        super().__init__()
        self.console = Console(stderr=True) if console is None else console
        on_terminal = self.console.is_terminal and sys.stdout.isatty()
        self.live = on_terminal and not os.environ.get("CI") if live is None else live
        self.name, self.models, self.number = "", 1, 0
        self.read: dict[str, str] = {}
        self.bar, self.task = _bar(self.console, self.live), TaskID(0)

    @contextmanager
    def stage(self, name: str, *, models: int = 1) -> Iterator["Progress"]:
        """One part of the run, in which so many models are trained."""
        self.name, self.models, self.number = name, max(models, 1), 0
        if not self.live:
            many = f" ({models} models)" if models > 1 else ""
            self.console.print(f"{name}{many}", markup=False, highlight=False)
        self.bar = _bar(self.console, self.live)
        with self.bar:
            self.task = self.bar.add_task(name, total=None)
            yield self
            self._tell_read()

    def reading(self, what: str, done: int, fraction: float) -> None:
        """Called while data are read: rows done, and the fraction of all."""
        if what not in self.read:
            self._tell_read()
        self.read[what] = f"  {what}: {done:,}"
        about = f"{self.name} · {what} · {done:,}"
        self.bar.update(self.task, description=about, completed=fraction, total=1)

    def on_train_begin(self, logs=None):
        """A further model of this stage."""
        self.number += 1
        self._show(0, (self.number - 1) * self.params["epochs"])

    def on_epoch_end(self, epoch, logs=None):
        """One epoch further."""
        done = (self.number - 1) * self.params["epochs"] + epoch + 1
        self._show(epoch + 1, done)

    def on_train_end(self, logs=None):
        """Stopped early or not, this model is done."""
        self._show(self.params["epochs"], self.number * self.params["epochs"])

    def _tell_read(self) -> None:
        """What was read last, once it is read."""
        for line in self.read.values():
            if not self.live:
                self.console.print(line, markup=False, highlight=False)
        self.read.clear()

    def _show(self, epoch: int, done: int) -> None:
        models, epochs = max(self.models, self.number), self.params["epochs"]
        which = f" · model {self.number} of {models}" if models > 1 else ""
        self.bar.update(
            self.task,
            description=f"{self.name}{which} · epoch {epoch} of {epochs}",
            completed=done,
            total=models * epochs,
        )


def _bar(console: Console, live: bool) -> Bar:
    columns = [TextColumn("{task.description}", markup=False), BarColumn(20)]
    columns += [TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()]
    return Bar(*columns, console=console, disable=not live)
