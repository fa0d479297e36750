"""What several checks need, made once from the extraction.

Nothing here judges. Where the extraction is too broken for it, a value is None, and the
check that says what is broken is another one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.mimic.variables import NAMES

STAYS_AT_ONCE, IMAGES_AT_ONCE = 4096, 64
THUMBNAIL = 16


@dataclass(frozen=True, eq=False)
class Charted:
    """Each stay's hourly values in short, `(n, 17)` each.

    Args:
        mean: Mean of the measured hours, NaN without one.
        last: The last measured value, NaN without one.
        count: In how many hours there is one.
    """

    mean: np.ndarray
    last: np.ndarray
    count: np.ndarray


@dataclass(frozen=True, eq=False)
class Pixels:
    """Each picture in short, in the order of `Context.pictured`.

    Args:
        sha256: Hash of the pixels, `(images,)`.
        thumbnail: Means of 16 x 16 fields, grey levels, `(images, 16, 16)`.
        deviation: Standard deviation of the thumbnail; 0: an empty image.
    """

    sha256: np.ndarray
    thumbnail: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True, eq=False)
class Context:
    """What the checks have in common.

    Args:
        extraction: What is audited.
        pretraining: `{teacher: subject ids as text}` of what teachers learnt from
            earlier.
        split_files: The `(test.csv, validation.csv)` that the splits were made by.
    """

    extraction: Extraction
    pretraining: Mapping[str, frozenset[str]] = field(default_factory=dict)
    split_files: tuple[str | Path, str | Path] | None = None

    @cached_property
    def subjects(self) -> pd.Series:
        """The patient of each sample, as text."""
        return as_text(self.extraction.samples["subject_id"])

    @cached_property
    def pictured(self) -> pd.DataFrame:
        """The samples with an image that exists, beside its row of `images.csv`.

        The index is that of the samples, their row numbers; the image's columns are
        `of_image_*`.
        """
        samples = self.extraction.samples
        table = self.extraction.image_table.drop_duplicates("image").set_index("image")
        # A table without rows has no types.
        table = table.assign(time=table["time"].astype("datetime64[s]"))
        images = samples["image"]
        inside = (images >= 0) & (images < len(self.extraction.images))
        found = samples[inside & images.isin(table.index)]
        of_image = table.reindex(found["image"]).add_prefix("of_image_")
        return pd.concat([found, of_image.set_axis(found.index)], axis=1)

    @cached_property
    def labels(self) -> np.ndarray | None:
        """Numbers in the order of the task's labels, `(n, labels)`."""
        labels, task = self.extraction.labels, self.extraction.task
        if labels is None or not {"stay_id", *task.labels} <= set(labels.columns):
            return None
        stays = self.extraction.samples["stay_id"].to_numpy()
        if not np.array_equal(labels["stay_id"].to_numpy(), stays):
            return None
        columns = labels[list(task.labels)]
        return columns.apply(pd.to_numeric, errors="coerce").to_numpy("float64")

    @property
    def why_no_labels(self) -> str:
        """The reason why `labels` is None."""
        if self.extraction.labels is None:
            return "the labels are unknown"
        return "the labels do not fit the samples, see the check `labels`"

    @cached_property
    def charted(self) -> Charted | None:
        """The stays' values in short; None if they are not inside the series."""
        samples, series = self.extraction.samples, self.extraction.series
        first = samples["first_row"].to_numpy("int64")
        hours = samples["hours"].to_numpy("int64")
        inside = (first >= 0) & (hours >= 0) & (first + hours <= len(series))
        if not inside.all() or series.shape[1] != len(NAMES):
            return None
        parts = [
            _chart(series, first[k : k + STAYS_AT_ONCE], hours[k : k + STAYS_AT_ONCE])
            for k in range(0, max(len(first), 1), STAYS_AT_ONCE)
        ]
        return Charted(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    @cached_property
    def pixels(self) -> Pixels:
        """The pictures in short."""
        images, index = self.extraction.images, self.pictured["image"].to_numpy()
        hashes, thumbnails = [], [np.empty((0, THUMBNAIL, THUMBNAIL))]
        for k in range(0, len(index), IMAGES_AT_ONCE):
            part = np.ascontiguousarray(images[index[k : k + IMAGES_AT_ONCE]])
            hashes += [hashlib.sha256(image).hexdigest() for image in part]
            thumbnails.append(_shrink(part))
        thumbnail = np.concatenate(thumbnails)
        return Pixels(np.array(hashes, object), thumbnail, thumbnail.std(axis=(1, 2)))


def as_text(ids: pd.Series) -> pd.Series:
    """Ids as text: patient 7 is patient "7", and 7.0, as of a column with blanks.

    Example:
        >>> as_text(pd.Series([7.0, " 8", 9], dtype=object)).tolist()
        ['7', '8', '9']
    """
    return ids.astype(str).str.strip().str.replace(r"\.0+$", "", regex=True)


def _chart(
    series: np.ndarray, first: np.ndarray, hours: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Mean, last value and count of some stays."""
    shape = (len(first), len(NAMES))
    mean, last, count = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
    some = np.flatnonzero(hours)
    if not len(some):
        return mean, last, count
    begin = np.cumsum(hours[some]) - hours[some]
    rows = np.repeat(first[some] - begin, hours[some]) + np.arange(hours.sum())
    values = np.asarray(series[rows], "float64")
    seen = np.isfinite(values)
    count[some] = np.add.reduceat(seen, begin, dtype=float)
    total = np.add.reduceat(np.where(seen, values, 0.0), begin)
    measured = count[some] > 0
    mean[some] = np.where(measured, total / np.maximum(count[some], 1), np.nan)
    position = np.where(seen, np.arange(len(values))[:, None], 0)
    latest = np.maximum.reduceat(position, begin)
    found = np.take_along_axis(values, latest, axis=0)
    last[some] = np.where(measured, found, np.nan)
    return mean, last, count


def _shrink(images: np.ndarray) -> np.ndarray:
    """Means of 16 x 16 fields; smaller images are repeated first."""
    factor = -(-THUMBNAIL // images.shape[1])
    large = images.repeat(factor, axis=1).repeat(factor, axis=2)
    edges = np.arange(THUMBNAIL) * large.shape[1] // THUMBNAIL
    sizes = np.diff([*edges, large.shape[1]])
    sums = np.add.reduceat(large, edges, axis=1, dtype="int64")
    return np.add.reduceat(sums, edges, axis=2) / (sizes[:, None] * sizes)
