"""A small extraction without faults, and faults to plant in it one at a time."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd

from mind_keras.data.mimic import partition
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.mimic.variables import NAMES

HOUR = np.timedelta64(3600, "s")
SIZE = 32
PHENOTYPES = ("Shock", "Pneumonia (except TB)", "Diabetes; mellitus", "Stroke")
TASKS = {
    "mortality": {"name": "mortality", "kind": "binary", "labels": ["death"]},
    "phenotyping": {
        "name": "phenotyping",
        "kind": "multilabel",
        "labels": [*PHENOTYPES],
    },
}
# Mean, deviation, share due to severity and to the stay's pressure, hourly fill.
VALUES = {
    "Capillary refill rate": (0.1, 0.4, 0.5, 0, 0.15),
    "Diastolic blood pressure": (60, 11, -0.2, 0.7, 0.55),
    "Fraction inspired oxygen": (0.48, 0.13, 0.4, 0, 0.1),
    "Glasgow coma scale eye opening": (3.7, 0.7, -0.4, 0, 0.2),
    "Glasgow coma scale motor response": (5.8, 0.6, -0.4, 0, 0.2),
    "Glasgow coma scale total": (14, 2, -0.5, 0, 0.2),
    "Glasgow coma scale verbal response": (4.4, 1, -0.4, 0, 0.2),
    "Glucose": (140, 42, 0.1, 0, 0.15),
    "Heart rate": (86, 16, 0.5, 0, 0.65),
    "Height": (170, 10, 0, 0, 0.01),
    "Mean blood pressure": (77, 12, -0.25, 0.7, 0.55),
    "Oxygen saturation": (97, 2.3, -0.3, 0, 0.65),
    "Respiratory rate": (19, 5, 0.4, 0, 0.65),
    "Systolic blood pressure": (118, 18, -0.25, 0.7, 0.55),
    "Temperature": (36.9, 0.6, 0.3, 0, 0.25),
    "Weight": (82, 20, 0, 0, 0.04),
    "pH": (7.38, 0.07, -0.3, 0, 0.06),
}
LIMITS = {
    "Capillary refill rate": (0, 1),
    "Fraction inspired oxygen": (0.21, 1),
    "Glasgow coma scale eye opening": (1, 4),
    "Glasgow coma scale motor response": (1, 6),
    "Glasgow coma scale total": (3, 15),
    "Glasgow coma scale verbal response": (0, 5),
    "Glucose": (33, 2000),
    "Height": (120, 230),
    "Oxygen saturation": (50, 100),
    "Weight": (30, 250),
}


def clean(task="mortality", seed=0, stays=300, hours=48, survivor_hours=None):
    """An extraction in memory of which nothing is wrong, unless options say so."""
    rng = np.random.default_rng(seed)
    severity, pressure = rng.normal(size=(2, stays))
    labels = _labels(task, severity, rng)
    samples = _samples(task, stays, rng)
    limit = samples["outtime"]
    if hours is not None:
        window = np.full(stays, hours)
        if survivor_hours:
            window[labels["death"] == 0] = survivor_hours
        limit = np.minimum(limit, samples["intime"] + window * HOUR)
    samples["prediction_time"] = limit
    length = np.ceil((limit - samples["intime"]) / HOUR).astype("int64")
    samples["hours"], samples["first_row"] = length, length.cumsum() - length
    series = _series(samples, severity, pressure, rng)
    images, table = _images(samples, severity, rng)
    return Extraction(
        _manifest(task, hours, stays), samples, labels, series, images, table
    )


def _manifest(task, hours, stays):
    steps = [("all stays", 0, stays + 50), ("age", 20, stays + 30), ("los", 30, stays)]
    return {
        "format": 1,
        "task": TASKS[task],
        "hours": hours,
        "variables": [*NAMES],
        "image_size": SIZE,
        "options": {"files": {}},
        "inputs": {},
        "versions": {},
        "exclusions": [
            dict(zip(("step", "removed", "left"), s, strict=True)) for s in steps
        ],
        "counts": {},
    }


def _labels(task, severity, rng):
    frame = pd.DataFrame({"stay_id": 30_000_000 + np.arange(len(severity))})
    for k, name in enumerate(TASKS[task]["labels"]):
        chance = 1 / (1 + np.exp(1.6 + 0.1 * k - severity))
        frame[name] = (rng.random(len(severity)) < chance).astype(int)
    if task == "phenotyping":
        frame["Stroke"] = (
            frame["Stroke"].astype(float).mask(rng.random(len(frame)) < 0.1)
        )
    return frame


def _samples(task, stays, rng):
    # The last sixth are second stays of patients who have a first.
    person = np.arange(stays)
    second = stays - stays // 6
    person[second:] = rng.choice(second, stays - second, replace=False)
    shortest = 49 if task == "mortality" else 4
    begin = np.datetime64("2150-01-01", "s") + rng.integers(0, 10**9, stays)
    length = ((shortest + rng.exponential(60, stays)) * 3600).astype("int64")
    frame = pd.DataFrame({"stay_id": 30_000_000 + np.arange(stays)})
    frame["subject_id"] = 10_000_000 + person
    frame["split"] = partition.assign(frame["subject_id"]).to_numpy()
    frame["intime"] = begin.astype("datetime64[s]")
    frame["outtime"] = frame["intime"] + length.astype("timedelta64[s]")
    later = (3600 * (1 + rng.exponential(60, stays))).astype("int64")
    frame["label_time"] = frame["outtime"] + later.astype("timedelta64[s]")
    frame["has_ehr"] = rng.random(stays) < 0.95
    has_image = (rng.random(stays) < 0.6) | ~frame["has_ehr"]
    frame["image"] = np.where(has_image, has_image.cumsum() - 1, -1)
    frame["age_years"] = rng.normal(64, 16, stays).round(0)
    frame["gender"] = rng.choice(["F", "M"], stays)
    frame["care_unit"] = "MICU"
    return frame


def _series(samples, severity, pressure, rng):
    owner = np.repeat(np.arange(len(samples)), samples["hours"])
    series = np.full((len(owner), len(NAMES)), np.nan, "float32")
    for k, name in enumerate(NAMES):
        mean, deviation, by_severity, by_pressure, fill = VALUES[name]
        of_stay = by_severity * severity + by_pressure * pressure
        of_stay = of_stay + 0.4 * rng.normal(size=len(samples))
        value = mean + deviation * (of_stay[owner] + 0.6 * rng.normal(size=len(owner)))
        value = np.clip(value, *LIMITS.get(name, (0, 300)))
        if LIMITS.get(name, (0, 300))[1] <= 15 and name not in (
            "pH",
            "Fraction inspired oxygen",
        ):
            value = value.round()
        measured = (rng.random(len(owner)) < fill) & samples["has_ehr"].to_numpy()[
            owner
        ]
        series[measured, k] = value[measured]
    return series


def _images(samples, severity, rng):
    has = np.flatnonzero(samples["image"] >= 0)
    level = 110 + 10 * severity[has] + rng.normal(0, 10, len(has))
    images = level[:, None, None] + rng.normal(0, 25, (len(has), SIZE, SIZE))
    images = images.clip(0, 255).astype("uint8")
    of = samples.iloc[has]
    passed = rng.random(len(has)) * (of["prediction_time"] - of["intime"])
    table = pd.DataFrame({"image": np.arange(len(has))})
    table["dicom_id"] = [f"{k:08x}" for k in table["image"]]
    table["study_id"] = 50_000_000 + table["image"]
    table["subject_id"] = of["subject_id"].to_numpy()
    table["time"] = (of["intime"] + passed).astype("datetime64[s]").to_numpy()
    table["view"] = "AP"
    table["sha256"] = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    return images, table


def changed(extraction, **columns):
    """The same with other columns of its samples."""
    return replace(extraction, samples=extraction.samples.assign(**columns))


def at(series, index, value):
    """A column with another value at some positions."""
    series = series.copy()
    series.iloc[index] = value
    return series


def of_split(extraction, split):
    """The positions of the samples of a split that have an image."""
    samples = extraction.samples
    return np.flatnonzero((samples["split"] == split) & (samples["image"] >= 0))
