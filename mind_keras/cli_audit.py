"""`mind-keras data audit`: exit 1 where an extraction leaks."""

from pathlib import Path
from typing import Annotated

import typer

from mind_keras.cli_common import Debug, Overwrite, errors, refuse_existing


def audit(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="An extraction.", show_default=False),
    ],
    pretraining: Annotated[
        list[str],
        typer.Option(metavar="NAME=FILE", help="Patients a teacher has learnt from."),
    ] = [],  # noqa: B006 - typer copies it
    split_files: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="TEST.csv VALIDATION.csv that the splits were made by."),
    ] = None,
    accept: Annotated[
        list[str], typer.Option(help="A check whose violation is accepted.")
    ] = [],  # noqa: B006
    output: Annotated[
        Path | None, typer.Option(help="An .html or .md file.", show_default=False)
    ] = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Look for leaks in an extraction; exit 1 where there is one."""
    with errors(debug):
        from mind_keras.data.audit import audit as look
        from mind_keras.data.audit import read_ids, write_audit
        from mind_keras.data.mimic.extraction import read_extraction

        if output is not None:
            refuse_existing(output, overwrite)
        named = dict(read_named(text) for text in pretraining)
        ids = {name: read_ids(Path(path)) for name, path in named.items()}
        given = {"pretraining": ids, "split_files": split_files, "accept": accept}
        found = look(read_extraction(folder), **given)
        typer.echo(found.markdown())
        if output is not None:
            write_audit(found, output)
        if found.violations:
            raise typer.Exit(1)


def read_named(text: str) -> tuple[str, str]:
    """`NAME=FILE` as its two parts."""
    name, found, path = text.partition("=")
    if not (name and found and path):
        raise ValueError(f"`--pretraining` must be NAME=FILE. Received: {text!r}.")
    return name, path
