"""`mind-keras data ...`: raw tables to extractions, the synthetic twin, the audit."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mind_keras import cli_audit, cli_import
from mind_keras.cli_common import (
    Debug,
    Hours,
    ImageSize,
    Lookback,
    OutputFolder,
    Overwrite,
    Resume,
    TaskName,
    errors,
    read_hours,
    refuse_existing,
    tell,
)

app = typer.Typer(
    help="Raw hospital data to samples, a synthetic twin, and the leakage audit.",
    no_args_is_help=True,
)
app.add_typer(cli_import.app, name="import")
app.command()(cli_audit.audit)


@app.command()
def generate(
    kind: Annotated[
        Literal["icu"], typer.Argument(metavar="KIND", help="`icu`, the only kind.")
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder.", show_default=False)
    ],
    stays: Annotated[int, typer.Option(help="ICU stays.", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.", min=0)] = 0,
    image_height: Annotated[int, typer.Option(help="Of a chest X-ray, pixels.")] = 256,
    debug: Debug = False,
) -> None:
    """Write a synthetic MIMIC-IV and MIMIC-CXR-JPG, dirt included."""
    with errors(debug):
        from mind_keras.data.twin.generate import generate as write
        from mind_keras.meter import meter

        with meter() as progress:
            counts = write(
                folder,
                stays=stays,
                seed=seed,
                image_height=image_height,
                progress=progress,
            )
        listed = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        typer.echo(f"{folder}: {listed}")


@app.command()
def extract(
    mimic_iv: Annotated[
        Path, typer.Option(help="MIMIC-IV: hosp/, icu/.", show_default=False)
    ],
    output: OutputFolder,
    mimic_cxr: Annotated[
        Path | None, typer.Option(help="MIMIC-CXR-JPG: files/.", show_default=False)
    ] = None,
    task: TaskName = "mortality",
    hours: Hours = "48",
    reference: Annotated[
        Literal["medfuse"] | None,
        typer.Option(help="Published cohort rules instead of ours."),
    ] = None,
    labs: Annotated[bool, typer.Option("--labs", help="Read labevents too.")] = False,
    intubated: Annotated[
        Literal["minimum", "fifteen"],
        typer.Option(help="GCS of the intubated: verbal 1, or a total of 15."),
    ] = "minimum",
    lookback_hours: Lookback = 0.0,
    views: Annotated[str, typer.Option(help="Views taken, as AP,PA.")] = "AP",
    split_files: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="TEST.csv VALIDATION.csv of subject_id,0|1."),
    ] = None,
    fractions: Annotated[
        tuple[float, float, float],
        typer.Option(help="Of patients: TRAIN VALIDATION TEST."),
    ] = (0.72, 0.08, 0.2),
    codes: Annotated[
        Path | None, typer.Option(help="Table of `data codes`.", show_default=False)
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="Phenotype definitions in YAML.", show_default=False),
    ] = None,
    image_size: ImageSize = 256,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Outcomes are not known yet.")
    ] = False,
    engine: Annotated[
        Literal["pandas", "pyarrow", "polars"] | None,
        typer.Option(help="What reads the tables [default: fastest installed]."),
    ] = None,
    most_bad: Annotated[
        float, typer.Option(help="Unreadable share of events to stop at.", min=0, max=1)
    ] = 0.05,
    workers: Annotated[
        int | None, typer.Option(help="Threads for images.", min=1)
    ] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Extract a task from raw MIMIC-IV and MIMIC-CXR-JPG folders, in one pass."""
    with errors(debug):
        from mind_keras.data.mimic.extract import extract as run
        from mind_keras.data.mimic.options import Options
        from mind_keras.meter import meter

        options = Options(
            mimic_iv=mimic_iv,
            mimic_cxr=mimic_cxr,
            task=task,
            hours=read_hours(hours),
            reference=reference,
            labs=labs,
            intubated=intubated,
            lookback_hours=lookback_hours,
            views=tuple(view.strip() for view in views.split(",")),
            split_files=split_files,
            fractions=fractions,
            codes=codes,
            mapping=mapping,
            image_size=image_size,
            labelled=not unlabelled,
            engine=engine,
            most_bad=most_bad,
            workers=workers,
        )
        again = {"resume": resume, "overwrite": overwrite}
        with meter() as progress:
            made = run(output, options, **again, progress=progress)
        tell(made)


@app.command()
def convert(
    kind: Annotated[
        Literal["luma"], typer.Argument(metavar="KIND", help="`luma`, the only kind.")
    ],
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="With image_data*.pickle.", show_default=False
        ),
    ],
    output: OutputFolder,
    trust_pickle: Annotated[
        bool,
        typer.Option(
            "--trust-pickle", help="Opening a pickle runs its code; I trust its source."
        ),
    ] = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Turn LUMA's pickled images into .npz files, which hold no code."""
    with errors(debug):
        from mind_keras.data.media.pickles import convert_luma

        options = {"trust_pickle": trust_pickle, "overwrite": overwrite}
        for name, count in convert_luma(folder, output, **options).items():
            typer.echo(f"{count:,} images: {output / name}")


@app.command()
def codes(
    icd9: Annotated[
        Path, typer.Option(help="AHRQ's CCS 2015 for ICD-9-CM.", show_default=False)
    ],
    icd10: Annotated[
        Path, typer.Option(help="AHRQ's CCS for ICD-10-CM.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option(help="The .csv to write.", show_default=False)
    ],
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Build the table of diagnosis codes anew from AHRQ's public files."""
    with errors(debug):
        from mind_keras.data.atomic import atomic_path
        from mind_keras.data.mimic.ccs import build_codes

        refuse_existing(output, overwrite)
        table = build_codes(icd9, icd10)
        with atomic_path(output) as part:
            table.to_csv(part, index=False)
        typer.echo(f"{len(table):,} codes and prefixes: {output}")
