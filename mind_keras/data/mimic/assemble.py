"""Stays, labels, hours and image files to an extraction folder: the last step of all.

Stays that must not be in it are left out here, and counted.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.extraction import (
    IMAGE_COLUMNS,
    IMAGES,
    MANIFEST,
    SAMPLE_COLUMNS,
    TIMES,
    Extraction,
    read_extraction,
    write_extraction,
)
from mind_keras.data.mimic.hourly import Hourly
from mind_keras.data.mimic.images import Cached, cache_images
from mind_keras.spec import Task

Progress = Callable[[str, int, float], None]
LIBRARIES = ("mind_keras", "numpy", "pandas", "pillow")
# In a folder that is being made; without it nothing there is ours to write over.
UNFINISHED = ".unfinished"
# Of the image that goes with a stay; `path` is relative to the root of images.
PAIR_COLUMNS = ("path", "dicom_id", "study_id", "time", "view")


def silent(stage: str, done: int, fraction: float) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What an extraction is made of, all in the order of the stays.

    Args:
        task: What is predicted.
        hours: The window, None for whole stays.
        stays: `stay_id`, `subject_id`, `split`; of the other `SAMPLE_COLUMNS` what is
            known; and `PAIR_COLUMNS`, missing where a stay has no image.
        labels: A column per label, 0 or 1; None if they are not known.
        hourly: The hours of each stay.
        exclusions: Steps made before, `{"step", "removed", "left"}` each.
        counts: Whatever else was counted.
    """

    task: Task
    hours: int | None
    stays: pd.DataFrame
    labels: pd.DataFrame | None
    hourly: Hourly
    exclusions: Sequence[dict]
    counts: Mapping


def check_output(output: Path) -> None:
    """Make the folder; it must be new, empty, or left by an interrupted extraction.

    Raises:
        ValueError: If anything else is in it.
    """
    output.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name for path in output.iterdir())
    if names and UNFINISHED not in names:
        what = "a finished extraction" if MANIFEST in names else f"with {names[:3]}"
        raise ValueError(
            "The output must be a new or empty folder. Received: "
            f"{output}, {what}. Choose another one."
        )
    (output / UNFINISHED).touch()


def assemble(
    output: Path,
    parts: Parts,
    *,
    image_root: Path | None,
    image_size: int,
    options: Mapping,
    inputs: Mapping[str, Path],
    workers: int | None = None,
    progress: Progress = silent,
) -> Extraction:
    """Decode the images, leave out stays with nothing, write the folder.

    Args:
        output: See `check_output`.
        parts: What it is made of.
        image_root: Where the images are; None: there are none.
        image_size: Height and width of the kept images, in pixels.
        options: For the manifest.
        inputs: Tables by the names by which the manifest keeps their hashes.
        workers: Threads that decode images; None: one per core.
        progress: Called as `progress(stage, rows done, fraction)`.

    Raises:
        ValueError: If a label is not 0 or 1; only those of a multilabel task may be
            unknown (NaN).
    """
    check_labels(parts.labels, parts.task)
    decode = partial(cache_images, size=image_size, workers=workers, progress=progress)
    stays, table, files = _with_images(output, parts.stays, image_root, decode)
    stays["has_ehr"] = parts.hourly.measured
    kept = (stays["has_ehr"] | (stays["image"] >= 0)).to_numpy()
    hourly = parts.hourly.take(kept)
    stays = stays[kept].assign(hours=hourly.hours, first_row=hourly.first_row)
    last = step("neither a measurement nor an image", kept)
    manifest = {
        "task": asdict(parts.task),
        "hours": parts.hours,
        "image_size": image_size,
        "options": dict(options),
        "inputs": {name: _sha256(path) for name, path in inputs.items()},
        "versions": {name: version(name) for name in LIBRARIES},
        "exclusions": [*parts.exclusions, last],
        "counts": {**parts.counts, "image_files": files},
    }
    write_extraction(
        output,
        manifest=manifest,
        samples=stays,
        labels=_kept_labels(parts, kept),
        series=hourly.series,
        images=None if len(table) else np.empty((0, image_size, image_size), "uint8"),
        image_table=table,
    )
    for name in (f"{IMAGES}.journal", UNFINISHED):
        (output / name).unlink(missing_ok=True)
    return read_extraction(output)


def check_labels(labels: pd.DataFrame | None, task: Task) -> None:
    """Each label of a task must be 0 or 1; see `assemble`.

    Raises:
        ValueError: If one is anything else.
    """
    if labels is None:
        return
    labels = labels[list(task.labels)]
    known = labels.isin([0, 1]) | (labels.isna() & (task.kind == "multilabel"))
    strange = labels.to_numpy()[~known.to_numpy()]
    if len(strange):
        raise ValueError(
            f"Labels of the {task.kind} task {task.name!r} must be 0 or 1. Received: "
            f"{len(strange)} others, such as {strange[0]}. Only labels of a multilabel "
            "task may be unknown: leave such stays out."
        )


def step(text: str, kept: np.ndarray) -> dict:
    """A row of the table of exclusions.

    Example:
        >>> step("too short", np.array([True, False, True]))
        {'step': 'too short', 'removed': 1, 'left': 2}
    """
    return {"step": text, "removed": int((~kept).sum()), "left": int(kept.sum())}


def _kept_labels(parts: Parts, kept: np.ndarray) -> pd.DataFrame | None:
    if parts.labels is None:
        return None
    labels = parts.labels.loc[kept, list(parts.task.labels)]
    labels.insert(0, "stay_id", parts.stays["stay_id"].to_numpy()[kept])
    return labels


def _with_images(
    output: Path,
    stays: pd.DataFrame,
    root: Path | None,
    decode: Callable[[Path, list[str], Path], Cached],
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """All `SAMPLE_COLUMNS`, a row per good image, and what became of the files."""
    stays = stays.reset_index(drop=True)
    unknown = [name for name in SAMPLE_COLUMNS if name not in stays]
    stays = stays.assign(**{name: None for name in unknown})
    stays = stays.assign(**{n: stays[n].astype("datetime64[s]") for n in TIMES})
    stays["image"] = -1
    if root is None:
        return stays, pd.DataFrame(columns=IMAGE_COLUMNS), {}
    paired = stays[stays["path"].notna()].drop_duplicates("path")
    cached = decode(root, paired["path"].tolist(), output / IMAGES)
    if len(paired) and cached.counts["missing"] == len(paired):
        raise ValueError(
            f"Images must be under {root}. Received none of {len(paired)}, such as "
            f"{paired['path'].iloc[0]}. Is this the folder that holds them?"
        )
    paired = paired.assign(image=cached.rows, sha256=cached.sha256)
    row_of = paired.set_index("path")["image"]
    stays["image"] = stays["path"].map(row_of).fillna(-1).astype("int64")
    table = paired.loc[paired["image"] >= 0, list(IMAGE_COLUMNS)]
    return stays, table, cached.counts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
