"""Raw tables and JPEGs to an extraction folder: the whole story, top to bottom.

    cohort > one pass over the events > pairing > images > samples and manifest

The pass over the events and the images are kept as soon as they are finished, so that
an interrupted extraction goes on where it was (`work.py`).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.assemble import PAIR_COLUMNS, Parts, assemble, step
from mind_keras.data.mimic.cohort import Cohort, build_cohort
from mind_keras.data.mimic.events import EVENT_COLUMNS, extract_series
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.mimic.hourly import Hourly
from mind_keras.data.mimic.layout import find_cxr_table, find_table
from mind_keras.data.mimic.options import Options
from mind_keras.data.mimic.pairing import pair_images
from mind_keras.data.mimic.partition import assign
from mind_keras.data.mimic.tasks import ICUTask
from mind_keras.data.mimic.work import Work

Progress = Callable[[str, int, float], None]


def extract(
    output: str | Path,
    options: Options,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress = lambda stage, done, fraction: None,
) -> Extraction:
    """Extract a task from raw MIMIC-IV and MIMIC-CXR-JPG folders.

    Args:
        output: The folder to make.
        options: What to extract, from where and by which rules.
        resume: Go on with an interrupted extraction of the same options and inputs.
        overwrite: Replace an extraction that is there.
        progress: Called as `progress(stage, rows done, fraction)`.

    Raises:
        ValueError: If a table or column is missing, an input is damaged, or the folder
            is in use.

    Example:
        >>> import tempfile
        >>> from mind_keras.data.twin.generate import generate
        >>> root = Path(tempfile.mkdtemp())
        >>> _ = generate(root / "raw", stays=40, seed=0, image_height=64)
        >>> options = Options(mimic_iv=root / "raw" / "mimic-iv", task="mortality")
        >>> extract(root / "extraction", options).series.shape[1]
        17
    """
    folder = Path(output)
    # What is wrong with the inputs shows before anything is written or overwritten.
    tables = _tables(options)
    cohort = build_cohort(options.mimic_iv, **options.cohort())
    stays, image_counts = _paired(_split(cohort.stays, options), options)
    digest = _digest(options, tables)
    work = Work.claim(folder, digest, resume=resume, overwrite=overwrite)
    events = work.once("events", lambda: _events(cohort, options, progress))
    counts = {"cohort": cohort.counts, "events": json.loads(str(events["counts"]))}
    counts |= {"images": image_counts}
    made = assemble(
        folder,
        _parts(
            cohort, stays, Hourly(events["series"], events["hours"]), counts, options
        ),
        image_root=None if options.mimic_cxr is None else Path(options.mimic_cxr),
        image_size=options.image_size,
        options=options.rules(),
        inputs=tables,
        workers=options.workers,
        progress=progress,
    )
    work.finish()
    return made


def _tables(options: Options) -> dict[str, Path]:
    """The tables that are read, by the names that the manifest gives them."""
    names = ["patients", "admissions", "icustays", "chartevents"]
    names += ["diagnoses_icd"] * (options.task == ICUTask.PHENOTYPING)
    names += ["labevents"] * options.labs
    # The small tables are read at once, so that their columns are checked anyhow.
    columns = {name: EVENT_COLUMNS.get(name, ()) for name in names}
    root = Path(options.mimic_iv)
    tables = {name: find_table(root, name, some) for name, some in columns.items()}
    if options.mimic_cxr is not None:
        root = Path(options.mimic_cxr)
        tables["cxr metadata"] = find_cxr_table(root, "metadata", ())
    return tables


def _digest(options: Options, tables: Mapping[str, Path]) -> str:
    """Of rules, inputs, and the state of the tables: others are read anew."""
    stats = [(str(path), path.stat()) for path in tables.values()]
    state = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return hashlib.sha256(json.dumps([options.digest, state]).encode()).hexdigest()


def _events(
    cohort: Cohort, options: Options, progress: Progress
) -> dict[str, np.ndarray]:
    """One pass over the events, as arrays that can be kept."""
    stays = cohort.stays.assign(end=cohort.stays["prediction_time"])
    found = extract_series(
        Path(options.mimic_iv),
        stays[["stay_id", "subject_id", "intime", "end"]],
        labs=options.labs,
        engine=options.engine,
        chunk_rows=options.chunk_rows,
        most_bad=options.most_bad,
        intubated=options.intubated,
        progress=progress,
    )
    counts = np.array(json.dumps(found.counts))
    return {"series": found.grid, "hours": found.hours, "counts": counts}


def _parts(
    cohort: Cohort, stays: pd.DataFrame, hourly: Hourly, counts: dict, options: Options
) -> Parts:
    """Stays, labels and hours, and the image that goes with each stay."""
    labels, exclusions = cohort.labels, list(cohort.exclusions)
    if options.reference is not None:
        # The published samples are stays with measurements; images come in addition.
        kept = hourly.measured
        exclusions.append(step("no measurement in the window", kept))
        stays, hourly = stays[kept], hourly.take(kept)
        labels = None if labels is None else labels[kept]
    return Parts(
        task=ICUTask(options.task).task,
        hours=options.hours,
        stays=stays,
        labels=labels,
        hourly=hourly,
        exclusions=exclusions,
        counts=counts,
    )


def _split(stays: pd.DataFrame, options: Options) -> pd.DataFrame:
    split = assign(
        stays["subject_id"], fractions=options.fractions, files=options.split_files
    )
    return stays.assign(split=split)


def _paired(stays: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, dict]:
    """The stays with `PAIR_COLUMNS`, and how many images there are of what kind."""
    if options.mimic_cxr is None:
        return stays.assign(**dict.fromkeys(PAIR_COLUMNS)), {}
    paired = pair_images(
        options.mimic_cxr,
        stays,
        lookback_hours=options.lookback_hours,
        views=options.views,
    )
    # Nullable, so that the ids of those who have one stay whole numbers.
    table = paired.table[["stay_id", *PAIR_COLUMNS]].astype({"study_id": "Int64"})
    return stays.merge(table, how="left", on="stay_id"), paired.counts
