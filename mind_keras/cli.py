"""The command line: each command reads its arguments and calls one function.

Nothing heavy is imported until a command runs, since the backend must be chosen
before Keras is imported, and so that `--help` comes at once. To add a command: a
function here that imports what it needs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from mind_keras import backend as backends

app = typer.Typer(
    help="Distil unimodal teachers into a multimodal student.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Backend = Annotated[
    str | None,
    typer.Option(help=f"One of {', '.join(backends.BACKENDS)}.", show_default=False),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)
]


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
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Train teachers, student and controls; evaluate; write a run folder."""
    with _errors(debug):
        from mind_keras.config import read_config

        seeds = [] if seed is None else [f"seed={seed}"]
        settings = read_config(config, [*set_, *seeds])
        backends.use(backend)
        from mind_keras import report
        from mind_keras.progress import Progress
        from mind_keras.run import run as run_experiment

        done = run_experiment(
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
        Path, typer.Argument(metavar="DATA", help="Raw values, a .csv or .npz.")
    ],
    output: Annotated[Path, typer.Option(help="The .csv to write.")] = Path(
        "predictions.csv"
    ),
    backend: Backend = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Predict new samples, whatever modalities each of them has."""
    with _errors(debug):
        if output.exists() and not overwrite:
            raise ValueError(
                f"The output must not exist. Received: {output}. Replace it by "
                "--overwrite, or choose another --output."
            )
        backends.use(backend)
        from mind_keras.artifact import load_run
        from mind_keras.new_samples import predict_file

        count = predict_file(load_run(run), data, output)
        typer.echo(f"{count} samples: {output}")


@app.command()
def verify(run: RunFolder, backend: Backend = None, debug: Debug = False) -> None:
    """Load the students on every installed backend by Keras alone, and compare."""
    with _errors(debug):
        backends.use(backend)
        from mind_keras.artifact import load_run
        from mind_keras.verification import verify as compare

        table = compare(load_run(run))
        typer.echo(table.to_string(index=False))
        if not table["equal"].all():
            raise typer.Exit(1)


@app.command()
def report(run: RunFolder, debug: Debug = False) -> None:
    """Write report.html anew from the files of a run."""
    with _errors(debug):
        backends.use()
        from mind_keras import report as reports
        from mind_keras.artifact import REPORT, load_run

        done = load_run(run)
        done.write(REPORT, reports.page(done.summary(), done.metrics(), done.history()))
        typer.echo(str(done.path / REPORT))


@contextmanager
def _errors(debug: bool) -> Iterator[None]:
    """What a user can cure is told in one line, without a traceback."""
    try:
        yield
    except (ValueError, OSError) as error:
        if debug:
            raise
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


def main() -> None:
    """The entry point of `mind-keras`."""
    app()
