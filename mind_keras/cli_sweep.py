"""`mind-keras sweep`: settings of one experiment, compared on validation samples."""

from pathlib import Path
from typing import Annotated

import typer

from mind_keras import backend as backends
from mind_keras.cli_common import Backend, Debug, Experiment, Resume, Settings, errors

SHOWN = 10


def sweep(
    config: Experiment,
    set_: Settings = [],  # noqa: B006 - typer copies it
    output: Annotated[
        Path | None, typer.Option(help="The folder; by default runs/<name>-sweep.")
    ] = None,
    backend: Backend = None,
    resume: Resume = False,
    debug: Debug = False,
) -> None:
    """Try the settings of `sweep:`; write sweep.csv and best.yaml. Tests nothing."""
    with errors(debug):
        from mind_keras.config import read_config

        settings = read_config(config, set_)
        output = output or Path("runs") / f"{settings.name}-sweep"
        backends.use(backend)
        from mind_keras.progress import Progress
        from mind_keras.sweep import BEST_CONFIG, sweep

        table = sweep(settings, output, resume=resume, progress=Progress())
        best = table.sort_values("value", ascending=False, kind="stable")
        typer.echo(best.drop(columns="note").head(SHOWN).to_string(index=False))
        if (output / BEST_CONFIG).is_file():
            typer.echo(f"the best of them: mind-keras run {output / BEST_CONFIG}")
        typer.echo(f"folder: {output}")
