"""A notebook runs what the command line runs, and shows the report that it wrote."""

from html.parser import HTMLParser

import pytest
import tiny_run
from typer.testing import CliRunner

import mind_keras as mk
from mind_keras.artifact import METRICS, REPORT, Run
from mind_keras.cli import app
from mind_keras.config import Config

ONE = {"encoder": "mlp", "units": 4, "layers": 1}
VALUES = {
    "name": "one",
    "data": {"source": "diabetes"},
    "teachers": {"serum": [ONE], "vitals": [ONE]},
    "student": {"encoders": {"serum": ONE, "vitals": ONE}},
    # Of this target there is no joint teacher, which would take the longest.
    "distillation": {"joint_target": "product"},
    "training": {"epochs": 1, "batch_size": 256},
    "teacher_training": {"epochs": 1, "batch_size": 256},
    "evaluation": {"replicates": 10},
}


class Frames(HTMLParser):
    """The attributes of each frame of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "iframe":
            self.found.append(dict(attrs))


def test_values_a_file_and_the_command_line_give_the_same_numbers(tmp_path, capsys):
    made = mk.run_experiment(VALUES, tmp_path / "values")
    told = capsys.readouterr()
    assert "head fusion" in told.out and "teachers (2 models)" in told.out
    config = made.path / "config.yaml"
    again = mk.run_experiment(str(config), tmp_path / "file", quiet=True)
    assert capsys.readouterr().out == ""
    typed = ["run", str(config), "--output", str(tmp_path / "typed")]
    assert CliRunner().invoke(app, typed).exit_code == 0
    texts = {(run / METRICS).read_text() for run in (made.path, again.path)}
    assert texts == {(tmp_path / "typed" / METRICS).read_text()}


def test_a_cell_that_is_run_again_needs_leave(tmp_path):
    settings = Config(**VALUES)
    first = mk.run_experiment(settings, tmp_path / "run", quiet=True)
    when = (first.path / METRICS).stat().st_mtime_ns
    with pytest.raises(ValueError, match="Received"):
        mk.run_experiment(settings, tmp_path / "run", quiet=True)
    mk.run_experiment(settings, tmp_path / "run", resume=True, quiet=True)
    assert (first.path / METRICS).stat().st_mtime_ns == when


def test_what_a_config_may_not_say_is_refused_with_the_key():
    with pytest.raises(ValueError, match=r"config: unknown key `fussion`.*Known"):
        mk.run_experiment(VALUES | {"fussion": "sum"}, "unused")


def test_the_report_is_shown_whole_and_may_run_nothing():
    run = tiny_run.finished()
    for given in (run, run.path, str(run.path)):
        (frame,) = Frames(mk.show_report(given, height=321)._repr_html_()).found
        assert frame["srcdoc"] == (run.path / REPORT).read_text("utf-8")
        assert frame["sandbox"] is None and frame["height"] == "321"


def test_only_a_finished_run_has_a_report_to_show(tmp_path):
    unfinished = tiny_run.copy(tmp_path)
    (unfinished.path / "summary.json").unlink()
    for given in (unfinished.path, Run(unfinished.path)):
        with pytest.raises(ValueError, match="must be finished"):
            mk.show_report(given)
    with pytest.raises(ValueError, match="must be a run folder"):
        mk.show_report(tmp_path)
