"""An extraction as samples: hours become columns, images get the model's size."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from mind_keras.data.files import Unlabelled
from mind_keras.data.mimic import columns
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.missing import remove_from_parts
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.samples import Samples
from mind_keras.data.splits import SPLITS, Splits
from mind_keras.spec import Modality, Spec

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
    y = extraction.labels[list(spec.task.labels)].to_numpy("float32")
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
    """
    index = np.flatnonzero(_usable(extraction, spec))
    layout = preprocessing.series[EHR]["layout"] if EHR in spec.names else ""
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
    largest = extraction.manifest["image_size"]
    if CXR in modalities and not 8 <= image_size <= largest:
        raise ValueError(
            f"`image_size` must be from 8 to {largest}, the size of the extraction. "
            f"Received: {image_size}. Extract with a larger --image-size."
        )
    names = columns.names(layout)
    known = {
        EHR: Modality(EHR, (hours, len(names)), features=names),
        CXR: Modality(CXR, (image_size, image_size, 1)),
    }
    return Spec(extraction.task, tuple(known[name] for name in sorted(modalities)))


def window(extraction: Extraction, hours: int | None) -> int:
    """The length of each series, in hours."""
    asked = extraction.manifest["hours"]
    if hours is None and asked is None:
        raise ValueError(
            "Series need one length, and the extraction is of whole stays. Received: "
            "hours=None. Give `hours=`, such as 48."
        )
    if hours is not None and asked is not None and hours > asked:
        raise ValueError(
            f"`hours` must be at most {asked}, the window of the extraction. Received: "
            f"{hours}. Extract with a longer --hours."
        )
    return asked if hours is None else hours


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Grey images at another size, `(n, size, size, 1)` uint8, averaged not picked."""
    made = np.empty((len(images), size, size, 1), "uint8")
    for row, image in enumerate(images):
        small = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
        made[row, :, :, 0] = np.asarray(small)
    return made


def _usable(extraction: Extraction, spec: Spec) -> np.ndarray:
    """Stays that have at least one of the modalities."""
    return np.any([_has(extraction)[name] for name in spec.names], axis=0)


def _has(extraction: Extraction) -> dict[str, np.ndarray]:
    table = extraction.samples
    return {EHR: table["has_ehr"].to_numpy(bool), CXR: table["image"].to_numpy() >= 0}


def _rows(extraction: Extraction, spec: Spec, layout: str, index: np.ndarray) -> tuple:
    """The rows of some stays that exist, and whose they are; not yet standardised."""
    x, rows = {}, {}
    for name in spec.names:
        rows[name] = np.flatnonzero(_has(extraction)[name][index])
        stays = index[rows[name]]
        if name == EHR:
            grid = extraction.grid(stays, spec.shape(EHR)[0])
            x[name] = columns.expand(grid, layout)
        else:
            image = extraction.samples["image"].to_numpy()[stays]
            x[name] = resize(extraction.images[image], spec.shape(CXR)[0])
    return x, rows
