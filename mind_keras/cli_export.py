"""`mind-keras export`: the student of a run, or its part for some modalities."""

from pathlib import Path
from typing import Annotated

import typer

from mind_keras import backend as backends
from mind_keras.cli_common import Backend, Debug, Overwrite, RunFolder, errors


def export(
    run: RunFolder,
    format: Annotated[
        str,
        typer.Option(help="One of litert, onnx, openvino, tf_saved_model."),
    ] = "onnx",
    modalities: Annotated[
        str | None,
        typer.Option(help="As ehr or cxr,ehr: the part that needs these alone."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file; by default RUN/exports/student.<modalities>.<suffix>, "
            "which `mind-keras verify RUN` compares too."
        ),
    ] = None,
    backend: Backend = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write the student in a format that needs no Keras, checked by its own runtime."""
    with errors(debug):
        backends.use(backend)
        from mind_keras.artifact import load_run
        from mind_keras.exporting import export as write
        from mind_keras.exporting.formats import EXPORTS, find_format
        from mind_keras.exporting.sidecar import read_sidecar, sidecar_of
        from mind_keras.submodels import submodel

        made, found = find_format(format), load_run(run)
        student, name = found.model("student"), "student"
        if modalities is not None:
            names = sorted(part.strip() for part in modalities.split(","))
            student, name = submodel(student, names), f"student.{'+'.join(names)}"
        file = output or found.path / EXPORTS / f"{name}{made.suffix or '.saved_model'}"
        about = {"spec": found.spec(), "preprocessing": found.preprocessing()}
        write(student, file, format=format, overwrite=overwrite, **about)
        told = read_sidecar(sidecar_of(file))["checked"]
        for head, far in told["difference"].items():
            typer.echo(f"{head}: differs by {far:.1e} in {told['runtime']}")
        typer.echo(str(file))
