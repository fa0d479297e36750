"""The extraction: the folder between raw tables and samples.

    manifest.json  what was asked, input hashes, versions, counts per exclusion step
    samples.csv    a row per stay: times, split, where its hours and its image are
    labels.csv     stay_id, then a column per label; absent if labels are unknown
    series.npy     (hours of all stays, 17) float32, NaN where nothing was measured
    images.npy     (images, size, size) uint8, grey
    images.csv     a row per image: whose it is, when it was taken, its hash

Every path into it goes through `write_extraction` and `read_extraction`. The manifest
is written last: a folder without it is unfinished, and refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.atomic import atomic_path
from mind_keras.data.mimic.variables import NAMES
from mind_keras.spec import Task

FORMAT = 1
MANIFEST, SAMPLES, LABELS = "manifest.json", "samples.csv", "labels.csv"
SERIES, IMAGES, IMAGE_TABLE = "series.npy", "images.npy", "images.csv"
WORK = "work"  # What an interrupted extraction goes on with.
IDS = ("stay_id", "subject_id", "study_id")
TIMES = ("intime", "outtime", "prediction_time", "label_time")
# Whose and when; which split; where in `series` and `images`; for subgroups.
SAMPLE_COLUMNS = (
    *("stay_id", "subject_id", "split", *TIMES),
    *("first_row", "hours", "has_ehr", "image"),
    *("age_years", "gender", "care_unit"),
)
IMAGE_COLUMNS = (
    "image",
    "dicom_id",
    "study_id",
    "subject_id",
    "time",
    "view",
    "sha256",
)


@dataclass(frozen=True, eq=False)
class Extraction:
    """What an extraction folder holds.

    Args:
        manifest: `format`, `task` (`{"name", "kind", "labels"}`), `hours` (window,
            None: the whole stay), `variables`, `image_size`, `options`, `inputs`,
            `versions`, `exclusions` (a list of `{"step", "removed", "left"}`) and
            `counts`.
        samples: `SAMPLE_COLUMNS`, a row per stay. `split` is one of `train`,
            `validation`, `test`; times are `datetime64[s]`, NaT where unknown;
            `hours` rows of `series` from `first_row` are the stay's; `image` is a row
            of `images`, -1 without one.
        labels: `stay_id` and a column per label of the task, in the order of samples;
            None if they are unknown.
        series: Hourly values, `(sum of hours, 17)`, float32, NaN: not measured.
        images: Grey images, `(images, size, size)`, uint8.
        image_table: `IMAGE_COLUMNS`, a row per image.
    """

    manifest: Mapping
    samples: pd.DataFrame
    labels: pd.DataFrame | None
    series: np.ndarray
    images: np.ndarray
    image_table: pd.DataFrame
    path: Path | None = field(default=None)

    @property
    def task(self) -> Task:
        """What is predicted."""
        return Task(**self.manifest["task"])

    def grid(self, index: np.ndarray, hours: int) -> np.ndarray:
        """The first hours of some stays, `(n, hours, 17)`, NaN beyond their end."""
        first = self.samples["first_row"].to_numpy()[index]
        length = self.samples["hours"].to_numpy()[index]
        grid = np.full((len(index), hours, len(NAMES)), np.nan, "float32")
        for row, (start, count) in enumerate(zip(first, length, strict=True)):
            kept = min(count, hours)
            grid[row, :kept] = self.series[start : start + kept]
        return grid


def write_extraction(
    folder: Path,
    *,
    manifest: Mapping,
    samples: pd.DataFrame,
    labels: pd.DataFrame | None,
    series: np.ndarray,
    images: np.ndarray | None,
    image_table: pd.DataFrame,
) -> None:
    """Write an extraction, the manifest last.

    Args:
        folder: An existing folder without a manifest.
        images: None if `images.npy` is there already: large ones are written as they
            are decoded.
        manifest, samples, labels, series, image_table: As in `Extraction`.
    """
    tables = {SAMPLES: samples[list(SAMPLE_COLUMNS)], LABELS: labels}
    tables[IMAGE_TABLE] = image_table[list(IMAGE_COLUMNS)]
    for name, table in tables.items():
        if table is not None:
            with atomic_path(folder / name) as part:
                table.to_csv(part, index=False)
    for name, array in {SERIES: series, IMAGES: images}.items():
        if array is not None:
            with atomic_path(folder / name) as part:
                np.save(part, array)
    manifest = {"format": FORMAT, "variables": list(NAMES), **manifest}
    with atomic_path(folder / MANIFEST) as part:
        part.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def read_extraction(folder: str | Path) -> Extraction:
    """Read a finished extraction; large arrays stay on disk until they are used.

    Raises:
        ValueError: If the folder is no finished extraction, or of another format.
    """
    folder = Path(folder)
    if not (folder / MANIFEST).is_file():
        begun = any((folder / name).exists() for name in (WORK, SAMPLES, SERIES))
        what = "is unfinished: go on with --resume" if begun else "has none"
        raise ValueError(
            f"An extraction must be a folder with {MANIFEST}. Received: {folder}, "
            f"which {what}."
        )
    manifest = _json(folder / MANIFEST)
    found = (manifest.get("format"), manifest.get("variables"))
    if found != (FORMAT, list(NAMES)):
        raise ValueError(
            f"{folder} must be an extraction of format {FORMAT}, with the variables "
            f"{list(NAMES)}. Received: format {found[0]}, variables {found[1]}. Was it "
            "made by another release? Extract again."
        )
    labels = folder / LABELS
    return Extraction(
        manifest,
        _read_table(folder / SAMPLES, TIMES),
        _read_table(labels, ()) if labels.exists() else None,
        _array(folder / SERIES),
        _array(folder / IMAGES),
        _read_table(folder / IMAGE_TABLE, ("time",)),
        folder,
    )


def _read_table(path: Path, times: tuple[str, ...]) -> pd.DataFrame:
    """A table whose ids are numbers only where nothing is lost: "007" stays text."""
    ids = {name: str for name in IDS}
    # A patient may be named "NA": only blank is missing.
    table = pd.read_csv(path, dtype=ids, keep_default_na=False, na_values=[""])
    whole = [name for name in IDS if name in table and _are_whole(table[name])]
    table = table.astype(dict.fromkeys(whole, "int64"))
    return table.assign(**{name: table[name].astype("datetime64[s]") for name in times})


def _are_whole(ids: pd.Series) -> bool:
    return bool(ids.str.fullmatch("0|[1-9][0-9]{0,17}").all())


def _array(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, FileNotFoundError) as error:
        raise ValueError(
            f"{path} must be a whole array of an extraction. Received: {error}. Was "
            "the file copied in part? Extract again."
        ) from None


def _json(path: Path) -> dict:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} must be the JSON that an extraction ends with. Received: {error}. "
            "Was the file edited? Extract again."
        ) from None
