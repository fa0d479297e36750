"""What the commands share: options, and how errors are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mind_keras import backend as backends

if TYPE_CHECKING:
    from mind_keras.data.mimic.extraction import Extraction

Backend = Annotated[
    str | None,
    typer.Option(help=f"One of {', '.join(backends.BACKENDS)}.", show_default=False),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with what was interrupted.")
]
OutputFolder = Annotated[
    Path, typer.Option("--output", help="The folder to make.", show_default=False)
]
Hours = Annotated[
    str, typer.Option(help="Observation window in hours, or 'all': the whole stay.")
]
TaskName = Annotated[
    Literal["mortality", "phenotyping"], typer.Option(help="What is predicted.")
]
ImageSize = Annotated[int, typer.Option(help="Kept images, pixels.", min=8)]
Lookback = Annotated[
    float, typer.Option(help="Images from so long before the stay too.", min=0)
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)
]
Experiment = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The experiment, a YAML file.")
]
Settings = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="As student.fusion=sum.")
]


@contextmanager
def errors(debug: bool) -> Iterator[None]:
    """What a user can cure is told in one line, without a traceback."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        if debug:
            raise
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


def refuse_existing(output: Path, overwrite: bool) -> None:
    """Nothing that a user made is overwritten silently."""
    if output.exists() and not overwrite:
        raise ValueError(
            f"The output must not exist. Received: {output}. Replace it by "
            "--overwrite, or choose another --output."
        )


def tell(made: "Extraction") -> None:
    """Who was left out of an extraction, and what is in it."""
    for step in made.manifest["exclusions"]:
        typer.echo(f"{step['left']:>10,} left, {step['removed']:,}: {step['step']}")
    for kind, count in made.manifest["counts"].items():
        if kind in ("events", "image_files") and count:
            typer.echo(f"{kind.replace('_', ' ')}: {_listed(count)}")
    counts = f"{len(made.samples):,} samples, {len(made.images):,} images"
    typer.echo(f"{counts}: {made.path}")


def _listed(counts: dict) -> str:
    """Counts as text, tables one after another."""
    parts = [
        f"{name} ({_listed(value)})" if isinstance(value, dict) else f"{value:,} {name}"
        for name, value in counts.items()
        if value
    ]
    return ", ".join(parts)


def read_shares(text: str) -> list[float]:
    """Numbers with commas between them."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"`--rates` must be numbers, as 0,0.25,0.5. Received: {text!r}."
        ) from None


def read_hours(text: str) -> int | None:
    """A number of hours, or None for `all`."""
    if text == "all":
        return None
    if text.isdigit():
        return int(text)
    raise ValueError(
        f"`--hours` must be a whole number of hours, or 'all'. Received: {text!r}."
    )
