"""An experiment and its report inside a notebook, where there is no command line.

`run_experiment` is `mind-keras run`; `show_report` is `report.html` between two cells.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from mind_keras import report
from mind_keras.artifact import REPORT, Run, load_run
from mind_keras.config import Config, read_config, validated
from mind_keras.progress import Progress
from mind_keras.seeds import experiment


def run_experiment(
    config: Config | Mapping[str, Any] | str | Path,
    output: str | Path | None = None,
    *,
    overwrite: bool = False,
    resume: bool = False,
    quiet: bool = False,
) -> Run:
    """Train teachers, student and controls, evaluate, and write a run folder.

    What `mind-keras run` does. It says one line per stage, and prints the tables of
    results at the end.

    Args:
        config: A YAML file, its values as a mapping, or a `Config`.
        output: The run folder to make. Default: `runs/<name>`.
        overwrite: Write anew where a run is.
        resume: Go on with the same run after an interruption; finished models are
            kept. Running the same cell twice then costs nothing.
        quiet: Print nothing.

    Returns:
        The run folder: `run.metrics()`, `run.model("student")`, `run.path`.

    Raises:
        ValueError: If the config says something unknown, data and models do not fit
            together, or the folder is in use.

    Example:
        >>> import tempfile
        >>> config = {
        ...     "name": "tiny",
        ...     "data": {"source": "diabetes"},
        ...     "teachers": {"serum": ["mlp"], "vitals": ["mlp"]},
        ...     "student": {"encoders": {"serum": "mlp", "vitals": "mlp"}},
        ...     "training": {"epochs": 1},
        ...     "teacher_training": {"epochs": 1},
        ...     "evaluation": {"replicates": 10},
        ... }
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = run_experiment(config, folder, quiet=True)
        ...     sorted(run.metrics()["head"].unique())
        ['best', 'fusion', 'serum', 'vitals']
    """
    settings = _read(config)
    console = Console(quiet=quiet, force_jupyter=False, force_terminal=False)
    done = experiment(
        settings,
        output or Path("runs") / settings.name,
        overwrite=overwrite,
        resume=resume,
        progress=Progress(console, live=False),
    )
    results = report.gather(done)
    report.show(results.summary, results.scores, console)
    return done


def _read(config: Config | Mapping[str, Any] | str | Path) -> Config:
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return validated(dict(config), {(): "config"})
    return read_config(config)


@dataclass(frozen=True)
class Shown:
    """A report that a notebook draws where it is the last value of a cell.

    Args:
        path: The `report.html`.
        height: Pixels.
        page: Its text.
    """

    path: Path
    height: int
    page: str = field(repr=False)

    def _repr_html_(self) -> str:
        # Not by its address: Colab and saved notebooks cannot reach the file. Nothing
        # of a report needs scripts, so none may run.
        return (
            f'<iframe title="report" sandbox srcdoc="{html.escape(self.page)}" '
            f'width="100%" height="{self.height}" style="border:0"></iframe>'
        )


def show_report(run: Run | str | Path, *, height: int = 600) -> Shown:
    """The report of a finished run, drawn inside a notebook.

    Args:
        run: The run, or its folder.
        height: Of the frame, in pixels; the report scrolls within.

    Raises:
        ValueError: If the folder is no finished run.
    """
    run = load_run(run.path if isinstance(run, Run) else run)
    return Shown(run.path / REPORT, height, run.read(REPORT))
