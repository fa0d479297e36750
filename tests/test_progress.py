"""Progress: which stage, model and epoch, and one plain line where nobody watches."""

import io
import sys

import pytest
from rich.console import Console

from mind_keras.progress import Progress


@pytest.fixture
def console():
    return Console(
        file=io.StringIO(), width=100, force_terminal=True, color_system=None
    )


class Terminal(io.StringIO):
    """A standard output that somebody watches."""

    def isatty(self):
        return True


def train(progress, epochs, stopped_after):
    progress.set_params({"epochs": epochs})
    progress.on_train_begin()
    for epoch in range(stopped_after):
        progress.on_epoch_end(epoch)


def task(progress):
    (task,) = progress.bar.tasks
    return task


def test_a_stage_counts_models_and_epochs(console):
    progress = Progress(console, live=True)
    with progress.stage("teachers", models=3):
        train(progress, 10, 10)
        progress.on_train_end()
        train(progress, 10, 4)
        assert task(progress).description == "teachers · model 2 of 3 · epoch 4 of 10"
        assert (task(progress).completed, task(progress).total) == (14, 30)


def test_a_model_that_stops_early_leaves_nothing_to_wait_for(console):
    progress = Progress(console, live=True)
    with progress.stage("student"):
        train(progress, 10, 4)
        progress.on_train_end()
        assert task(progress).completed == task(progress).total == 10


def test_more_models_than_were_announced_are_counted_on(console):
    progress = Progress(console, live=True)
    with progress.stage("control"):
        for _ in range(2):
            train(progress, 5, 5)
            progress.on_train_end()
        assert task(progress).description.startswith("control · model 2 of 2")
        assert task(progress).completed == task(progress).total == 10


def test_where_nobody_watches_a_stage_is_one_plain_line(console, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("CI", "")
    assert Progress(console).live
    monkeypatch.setenv("CI", "true")
    progress = Progress(console)
    with progress.stage("teachers", models=2):
        for _ in range(2):
            train(progress, 3, 3)
            progress.on_train_end()
    with progress.stage("student"):
        train(progress, 3, 3)
    assert console.file.getvalue() == "teachers (2 models)\nstudent\n"


def test_what_is_read_is_one_line_when_it_is_read(console):
    progress = Progress(console, live=False)
    with progress.stage("data"):
        for done, fraction in ((1000, 0.5), (2000, 1.0), (2500, 1.0)):
            progress.reading("chartevents", done, fraction)
        progress.reading("images", 0, 0.0)
        progress.reading("images", 30, 0.9)
    with progress.stage("student"):
        train(progress, 3, 3)
    lines = ["data", "  chartevents: 2,500", "  images: 30", "student"]
    assert console.file.getvalue().splitlines() == lines


def test_where_somebody_watches_reading_moves_the_line_of_its_stage(console):
    progress = Progress(console, live=True)
    with progress.stage("data"):
        progress.reading("chartevents", 1000, 0.25)
        assert task(progress).description == "data · chartevents · 1,000"
        assert (task(progress).completed, task(progress).total) == (0.25, 1)
    assert "  chartevents: 1,000" not in console.file.getvalue()
