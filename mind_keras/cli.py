"""The command line: each command reads its arguments and calls one function.

Nothing heavy is imported until a command runs, since the backend must be chosen
before Keras is imported, and so that `--help` comes at once. To add a command: a
function here that imports what it needs.
"""

from pathlib import Path
from typing import Annotated

import typer

from mind_keras import backend as backends
from mind_keras import cli_data, cli_export, cli_sweep
from mind_keras.cli_common import (
    Backend,
    Debug,
    Experiment,
    Overwrite,
    Resume,
    RunFolder,
    Settings,
    errors,
    read_shares,
    refuse_existing,
)

app = typer.Typer(
    help="Distil unimodal teachers into a multimodal student.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_data.app, name="data")
app.command()(cli_export.export)
app.command()(cli_sweep.sweep)


@app.callback()
def _commands() -> None:
    """Distil unimodal teachers into a multimodal student."""


@app.command()
def run(
    config: Experiment,
    set_: Settings = [],  # noqa: B006 - typer copies it
    output: Annotated[
        Path | None, typer.Option(help="The run folder; by default runs/<name>.")
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
        results = report.gather(done)
        report.show(results.summary, results.scores)
        typer.echo(f"run folder: {done.path}")


@app.command()
def missing(
    config: Experiment,
    modality: Annotated[str, typer.Option(help="What is removed.")],
    mechanism: Annotated[str, typer.Option(help="One of mcar, mar, mnar.")] = "mcar",
    on: Annotated[
        str | None, typer.Option(help="The column that decides, for mar and mnar.")
    ] = None,
    rates: Annotated[
        str, typer.Option(help="Shares that lack it, in training and in the test.")
    ] = "0,0.25,0.5,0.75",
    set_: Settings = [],  # noqa: B006 - typer copies it
    output: Annotated[
        Path | None,
        typer.Option(help="The folder; by default runs/<name>-missing-<modality>."),
    ] = None,
    backend: Backend = None,
    resume: Resume = False,
    debug: Debug = False,
) -> None:
    """Train and test where ever more samples lack a modality; write missing.csv."""
    with errors(debug):
        from mind_keras.config import read_config

        settings = read_config(config, set_)
        shares = read_shares(rates)
        output = output or Path("runs") / f"{settings.name}-missing-{modality}"
        backends.use(backend)
        from mind_keras.missing_lab import Removal, missing_lab
        from mind_keras.missing_tables import apart, areas
        from mind_keras.progress import Progress

        removal = Removal(modality, mechanism, on, shares)
        found = missing_lab(
            settings, output, removal, resume=resume, progress=Progress()
        )
        if not (table := areas(found)).empty:
            typer.echo("mean over shares in the test, by rows and share in training:")
            typer.echo(table.round(3).to_string())
        if not (table := apart(found, level=settings.evaluation.level)).empty:
            typer.echo(
                "student less each over seeds, by rows and share (training and test):"
            )
            typer.echo(table.to_string())
        typer.echo(f"folder: {output}")


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
