"""The meter: a stage is one line with its rows, and rows a second since it began."""

import io
import sys

import pytest
from rich.console import Console

from mind_keras import meter as meter_module
from mind_keras.meter import meter


class Clock:
    """Time that goes on when it is told."""

    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(meter_module, "time", clock)
    return clock


@pytest.fixture
def console():
    return Console(
        file=io.StringIO(), width=100, force_terminal=True, color_system=None
    )


class Terminal(io.StringIO):
    """A standard output that somebody watches."""

    def isatty(self):
        return True


def test_a_stage_is_one_line_with_all_rows_and_the_rate_since_it_began(console, clock):
    with meter(console, live=False) as progress:
        for done, fraction in ((1000, 0.4), (2000, 1.0), (2500, 1.0)):
            clock.now += 5
            progress("chartevents", done, fraction)
        assert console.file.getvalue() == ""
        for done in (0, 30):
            clock.now += 1
            progress("images [kept]", done, done / 40)
    assert console.file.getvalue().splitlines() == [
        "chartevents: 2,500 (167/s)",
        "images [kept]: 30 (15/s)",
    ]


def test_a_stage_that_is_heard_of_once_is_not_thought_to_take_no_time(console, clock):
    with meter(console, live=False) as progress:
        clock.now += 4
        progress("stays", 2000, 1.0)
    assert console.file.getvalue() == "stays: 2,000 (500/s)\n"


def test_what_fails_is_not_told_as_done(console):
    with pytest.raises(OSError), meter(console, live=False) as progress:
        progress("chartevents", 10, 0.2)
        raise OSError
    assert console.file.getvalue() == ""


def test_where_somebody_watches_a_line_moves_and_nothing_is_told_twice(console, clock):
    with meter(console, live=True) as progress:
        for fraction in (0.5, 0.93):
            clock.now += 2
            progress("chartevents", int(4000 * fraction), fraction)
        progress("images", 8, 1.0)
    assert "3,720 (930/s)" in console.file.getvalue()
    # Its estimate fell short; it is over all the same.
    assert all(task.finished for task in progress.__self__.bar.tasks)
    assert "chartevents: " not in console.file.getvalue()


def test_a_line_moves_on_a_terminal_outside_ci_alone(console, monkeypatch):
    def told():
        with meter(console) as progress:
            progress("images", 8, 1.0)
        text = console.file.getvalue()
        console.file.seek(0)
        console.file.truncate()
        return text

    monkeypatch.delenv("CI", raising=False)
    assert "images: 8 (" in told()
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert "images: 8 (" not in told()
    monkeypatch.setenv("CI", "true")
    assert "images: 8 (" in told()
    console._force_terminal = False
    monkeypatch.delenv("CI")
    assert "images: 8 (" in told()


def test_nobody_reads_what_a_quiet_console_does_not_write():
    with meter(Console(quiet=True)) as progress:
        progress("images", 8, 1.0)
