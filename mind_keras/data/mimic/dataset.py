"""An extraction as samples: hours become columns, images get the model's size."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from PIL import Image

from mind_keras.data.files import Unlabelled
from mind_keras.data.mimic import columns
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.missing import remove_from_parts
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.samples import Samples
from mind_keras.data.splits import SPLITS, Splits
from mind_keras.spec import Modality, Spec, Task

EHR, CXR = "ehr", "cxr"
MODALITIES = (CXR, EHR)
META = ("age_years", "gender", "care_unit")


def to_splits(
    extraction: Extraction,
    *,
    layout: str = "reference76",
    hours: int | None = None,
    image_size: int = 96,
    modalities: Sequence[str] = MODALITIES,
    missing: Mapping | None = None,
    seed: int = 0,
) -> Splits:
    """Training, validation and test samples of an extraction.

    `id` is the stay, `group` the patient; `meta` has age, gender and care unit. A stay
    without a measurement in the window has no `"ehr"`, one without an image no
    `"cxr"`. Statistics are of the training rows alone.

    Args:
        extraction: From `read_extraction`, with labels.
        layout: One of `columns.LAYOUTS`.
        hours: Length of each series; default: the window of the extraction. What a
            stay lacks at its end is carried forward, its masks are 0.
        image_size: Height and width of an image, at most that of the extraction.
        modalities: Which are used.
        missing: How modalities are removed further; see `sources.load`.
        seed: Of this removal.

    Returns:
        Splits; `"ehr"` is `(hours, columns)` float32, standardised, `"cxr"` is
        `(image_size, image_size, 1)` uint8.

    Raises:
        ValueError: If the extraction has no labels, an option is unknown, or a split
            is empty.
    """
    if extraction.labels is None:
        raise ValueError(
            "Training needs labels. Received: an extraction made with --unlabelled, "
            "which is for `mind-keras predict`. Extract again without it."
        )
    spec = make_spec(
        extraction,
        layout=layout,
        hours=window(extraction, hours),
        image_size=image_size,
        modalities=modalities,
    )
    y = _targets(extraction.labels, spec.task)
    split = extraction.samples["split"].to_numpy()
    parts = []
    for name in SPLITS:
        index = np.flatnonzero((split == name) & _usable(extraction, spec))
        x, rows = _rows(extraction, spec, layout, index)
        table = extraction.samples.iloc[index]
        labels = {"id": table["stay_id"], "group": table["subject_id"]}
        parts.append(Samples(spec, y[index], x, rows, **labels, meta=table[[*META]]))
    parts = remove_from_parts(parts, missing, seed=seed)
    preprocessing = Preprocessing()
    if EHR in modalities:
        preprocessing = Preprocessing.fit_series(parts[0], EHR, layout=layout)
        parts = [preprocessing.apply(part) for part in parts]
    return Splits(*parts, preprocessing=preprocessing)


def new_samples(
    extraction: Extraction, spec: Spec, preprocessing: Preprocessing
) -> Unlabelled:
    """All stays of an extraction as a trained model reads them, labels left aside.

    Args:
        extraction: From `read_extraction`, labelled or not.
        spec: Of the run.
        preprocessing: Of the run.

    Raises:
        ValueError: If the window or the images of the extraction are smaller than the
            model's, or no stay can be answered.
    """
    if EHR in spec.names:
        window(extraction, spec.shape(EHR)[0])
    if CXR in spec.names:
        _check_size(extraction, spec.shape(CXR)[0])
    index = np.flatnonzero(_usable(extraction, spec))
    if not len(index):
        raise ValueError(
            f"A stay must have one of {spec.names} to be answered. Received: "
            f"{len(extraction.samples)} stays in {extraction.path}, none with any."
        )
    layout = str(preprocessing.series[EHR]["layout"]) if EHR in spec.names else ""
    x, rows = _rows(extraction, spec, layout, index)
    if EHR in spec.names:
        x[EHR] = preprocessing.standardised(EHR, x[EHR])
    table = extraction.samples.iloc[index]
    return Unlabelled(
        table["stay_id"].to_numpy(), x, rows, table["subject_id"].to_numpy()
    )


def make_spec(
    extraction: Extraction,
    *,
    layout: str,
    hours: int,
    image_size: int,
    modalities: Sequence[str],
) -> Spec:
    """What the samples of an extraction are."""
    unknown = sorted(set(modalities) - set(MODALITIES))
    if unknown or not modalities:
        raise ValueError(
            f"`modalities` must be some of {MODALITIES}. Received: {modalities}."
        )
    if CXR in modalities:
        _check_size(extraction, image_size)
    names = columns.names(layout)
    known = {
        EHR: Modality(EHR, (hours, len(names)), features=names),
        CXR: Modality(CXR, (image_size, image_size, 1)),
    }
    return Spec(extraction.task, tuple(known[name] for name in sorted(modalities)))


def window(extraction: Extraction, hours: int | None) -> int:
    """The length of each series, in hours.

    A window that ends before that of the extraction would need other images: those
    taken later are not known yet. Of whole stays the prediction is made at the end, so
    that a series of the first hours is a choice of what is looked at, and no leak.
    """
    asked = extraction.manifest["hours"]
    if hours is None and asked is None:
        raise ValueError(
            "Series need one length, and the extraction is of whole stays. Received: "
            "hours=None. Give `hours=`, such as 48."
        )
    if None not in (hours, asked) and hours != asked:
        raise ValueError(
            f"`hours` must be {asked}, the window of the extraction: its images go as "
            f"far. Received: {hours}. Extract with --hours {hours}."
        )
    return asked if hours is None else hours


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Grey images at another size, `(n, size, size, 1)` uint8, averaged not picked."""
    made = np.empty((len(images), size, size, 1), "uint8")
    for row, image in enumerate(images):
        small = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
        made[row, :, :, 0] = np.asarray(small)
    return made


def _check_size(extraction: Extraction, image_size: int) -> None:
    largest = extraction.manifest["image_size"]
    if not 8 <= image_size <= largest:
        raise ValueError(
            f"`image_size` must be from 8 to {largest}, the size of the extraction. "
            f"Received: {image_size}. Extract with a larger --image-size."
        )


def _targets(labels: pd.DataFrame, task: Task) -> np.ndarray:
    """Labels as `Samples` takes them: of several classes the number of the one."""
    y = labels[list(task.labels)].to_numpy("float32")
    if task.kind != "multiclass":
        return y
    one = ((y == 1).sum(axis=1) == 1) & ((y == 0).sum(axis=1) == task.outputs - 1)
    if not one.all():
        raise ValueError(
            f"Each stay must have one class of task {task.name!r}, 1 in its column and "
            f"0 in the others. Received: {(~one).sum()} stays that have not, such as "
            f"{labels['stay_id'][~one].iloc[0]}. Leave them out."
        )
    return y.argmax(axis=1)


def _usable(extraction: Extraction, spec: Spec) -> np.ndarray:
    """Stays that have at least one of the modalities."""
    has = _has(extraction, spec)
    return np.any([has[name] for name in spec.names], axis=0)


def _has(extraction: Extraction, spec: Spec) -> dict[str, np.ndarray]:
    """Which stays have which modality."""
    has = {CXR: extraction.samples["image"].to_numpy() >= 0}
    if EHR in spec.names:
        has[EHR] = _measured(extraction, spec.shape(EHR)[0])
    return has


def _measured(extraction: Extraction, hours: int) -> np.ndarray:
    """Stays with a measurement in their first hours."""
    some = ~np.isnan(extraction.series).all(axis=1)
    before = np.concatenate([[0], np.cumsum(some)])
    first = extraction.samples["first_row"].to_numpy()
    length = np.minimum(extraction.samples["hours"].to_numpy(), hours)
    return before[first + length] > before[first]


def _rows(extraction: Extraction, spec: Spec, layout: str, index: np.ndarray) -> tuple:
    """The rows of some stays that exist, and whose they are; not yet standardised."""
    x, rows, has = {}, {}, _has(extraction, spec)
    for name in spec.names:
        rows[name] = np.flatnonzero(has[name][index])
        stays = index[rows[name]]
        if name == EHR:
            grid = extraction.grid(stays, spec.shape(EHR)[0])
            x[name] = columns.expand(grid, layout)
        else:
            image = extraction.samples["image"].to_numpy()[stays]
            x[name] = resize(extraction.images[image], spec.shape(CXR)[0])
    return x, rows
