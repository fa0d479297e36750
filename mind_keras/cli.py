"""The command line: each command reads its arguments and calls one function.

Nothing heavy is imported until a command runs, since the backend must be chosen
before Keras is imported, and so that `--help` comes at once. To add a command: a
function here that imports what it needs.
"""

from pathlib import Path
from typing import Annotated

import typer

from mind_keras import backend as backends
from mind_keras import cli_data
from mind_keras.cli_common import (
    Backend,
    Debug,
    Overwrite,
    Resume,
    RunFolder,
    errors,
    refuse_existing,
)

app = typer.Typer(
    help="Distil unimodal teachers into a multimodal student.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_data.app, name="data")


@app.callback()
def _commands() -> None:
    """Distil unimodal teachers into a multimodal student."""


@app.command()
def run(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="The experiment, a YAML file.")
    ],
    set_: Annotated[
        list[str],
        typer.Option("--set", metavar="KEY=VALUE", help="As student.fusion=sum."),
    ] = [],  # noqa: B006 - typer copies it
    output: Annotated[
        Path | None, typer.Option(help="The run folder [default: runs/<name>].")
    ] = None,
    backend: Backend = None,
    seed: Annotated[int | None, typer.Option(help="As --set seed=...")] = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    debug: Debug = False,
) -> None:
    """Train teachers, student and controls; evaluate; write a run folder."""
    with errors(debug):
        from mind_keras.config import read_config

        seeds = [] if seed is None else [f"seed={seed}"]
        settings = read_config(config, [*set_, *seeds])
        backends.use(backend)
        from mind_keras import report
        from mind_keras.progress import Progress
        from mind_keras.seeds import experiment

        done = experiment(
            settings,
            output or Path("runs") / settings.name,
            overwrite=overwrite,
            resume=resume,
            progress=Progress(),
        )
        report.show(done.summary(), done.metrics())
        typer.echo(f"run folder: {done.path}")


@app.command()
def predict(
    run: RunFolder,
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="Raw values: .csv, .npz, or a folder."),
    ],
    output: Annotated[Path, typer.Option(help="The .csv to write.")] = Path(
        "predictions.csv"
    ),
    calibrated: Annotated[
        bool,
        typer.Option("--calibrated", help="Apply the temperatures of the run."),
    ] = False,
    backend: Backend = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Predict new samples, whatever modalities each of them has."""
    with errors(debug):
        refuse_existing(output, overwrite)
        backends.use(backend)
        from mind_keras.artifact import load_run
        from mind_keras.meter import meter
        from mind_keras.new_samples import predict_file

        with meter() as progress:
            count = predict_file(
                load_run(run), data, output, calibrated=calibrated, progress=progress
            )
        typer.echo(f"{count} samples: {output}")


@app.command()
def verify(run: RunFolder, backend: Backend = None, debug: Debug = False) -> None:
    """Load the students on every installed backend by Keras alone, and compare."""
    with errors(debug):
        backends.use(backend)
        from mind_keras.artifact import load_run
        from mind_keras.verification import verify as compare

        table = compare(load_run(run))
        typer.echo(table.to_string(index=False))
        if not table["equal"].all():
            raise typer.Exit(1)


@app.command()
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Run folders.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="The .html to write; needed for several runs."),
    ] = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write report.html and card.md of a run anew, or several runs side by side."""
    with errors(debug):
        if output is None and len(runs) > 1:
            raise ValueError(
                f"Several runs need an output. Received: {len(runs)} runs and no "
                "--output. Write --output compare.html."
            )
        if output is not None:
            refuse_existing(output, overwrite)
        backends.use()
        from mind_keras import report as reports
        from mind_keras.artifact import REPORT, load_run

        found = [load_run(run) for run in runs]
        if output is None:
            reports.write(found[0])
        else:
            reports.write_page(found, output)
        typer.echo(str(output or found[0].path / REPORT))


def main() -> None:
    """The entry point of `mind-keras`."""
    app()
