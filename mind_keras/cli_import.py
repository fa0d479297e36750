"""`mind-keras data import ...`: what others have extracted, as an extraction folder."""

from pathlib import Path
from typing import Annotated

import typer

from mind_keras.cli_common import (
    Debug,
    Hours,
    ImageSize,
    Lookback,
    OutputFolder,
    TaskName,
    errors,
    read_hours,
    tell,
)

app = typer.Typer(
    help="Existing extractions, and tables of other hospitals.", no_args_is_help=True
)


@app.command()
def medfuse(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="With <task>/train, <task>/test.", show_default=False
        ),
    ],
    output: OutputFolder,
    task: TaskName = "mortality",
    mimic_cxr: Annotated[
        Path | None, typer.Option(help="MIMIC-CXR-JPG: files/.", show_default=False)
    ] = None,
    all_stays: Annotated[
        Path | None, typer.Option(help="all_stays.csv [default: found in DIR].")
    ] = None,
    hours: Hours = "48",
    clean: Annotated[
        bool, typer.Option("--clean", help="Leave out implausible values.")
    ] = False,
    lookback_hours: Lookback = 0.0,
    image_size: ImageSize = 256,
    debug: Debug = False,
) -> None:
    """An extraction by MedFuse or mimic3-benchmarks."""
    with errors(debug):
        from mind_keras.data.adapters.medfuse import from_medfuse
        from mind_keras.meter import meter

        with meter() as progress:
            made = from_medfuse(
                folder,
                output,
                task=task,
                cxr_root=mimic_cxr,
                all_stays=all_stays,
                hours=read_hours(hours),
                clean=clean,
                lookback_hours=lookback_hours,
                image_size=image_size,
                progress=progress,
            )
        tell(made)


@app.command(name="long")
def long_tables(
    events: Annotated[
        Path,
        typer.Argument(
            metavar="EVENTS",
            help="subject_id, time, variable, value; CSV or Parquet.",
            show_default=False,
        ),
    ],
    stays: Annotated[
        Path,
        typer.Argument(
            metavar="STAYS",
            help="stay_id, subject_id, intime, outtime, labels.",
            show_default=False,
        ),
    ],
    output: OutputFolder,
    images: Annotated[
        Path | None,
        typer.Option(help="subject_id, time, path.", show_default=False),
    ] = None,
    image_root: Annotated[
        Path | None, typer.Option(help="Of these paths.", show_default=False)
    ] = None,
    task: TaskName = "mortality",
    hours: Hours = "48",
    ignore_unknown: Annotated[
        bool, typer.Option("--ignore-unknown", help="Leave out unknown variables.")
    ] = False,
    lookback_hours: Lookback = 0.0,
    image_size: ImageSize = 256,
    debug: Debug = False,
) -> None:
    """Plain tables of any hospital, in long format."""
    with errors(debug):
        from mind_keras.data.adapters.long_format import from_long
        from mind_keras.meter import meter

        with meter() as progress:
            made = from_long(
                events,
                stays,
                output,
                images=images,
                image_root=image_root,
                task=task,
                hours=read_hours(hours),
                ignore_unknown=ignore_unknown,
                lookback_hours=lookback_hours,
                image_size=image_size,
                progress=progress,
            )
        tell(made)
