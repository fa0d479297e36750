"""Frames joined on an id give the samples that arrays give."""

import numpy as np
import pandas as pd
import pytest

from mind_keras.data.samples import Samples
from mind_keras.spec import Modality, Spec, Task

TASK = Task("death", kind="binary", labels=("death",))
SPEC = Spec(TASK, (Modality("vital", (2,), ("hr", "bp")), Modality("lab", (2,))))
LABELS = pd.DataFrame(
    {
        "stay": [30, 10, 20, 40],
        "death": [0, 1, 0, 1],
        "patient": [3, 1, 1, 4],
        "w": [1.0, 2.0, 1.0, 1.0],
        "sex": ["f", "m", "m", "f"],
    }
)
# Another order of rows and columns, a surplus column and id, a row of gaps alone.
VITAL = pd.DataFrame(
    {
        "bp": [70, 71, 72, 73],
        "note": ["x", "", "y", ""],
        "hr": [80, 81, 82, 83],
        "stay": [10, 99, 40, 30],
    }
)
LAB = pd.DataFrame(
    {"na": [140.0, np.nan, 135.0], "stay": [20, 10, 40], "k": [4.0, np.nan, 5.0]}
)
FRAMES = {"vital": VITAL, "lab": LAB}


def from_frames(frames=FRAMES, labels=LABELS, spec=SPEC, **options):
    return Samples.from_frames(spec, frames, labels, on="stay", **options)


def test_frames_equal_arrays():
    found = from_frames(group="patient", weight="w", meta=("sex",))
    expected = Samples.from_arrays(
        SPEC,
        {
            "vital": np.array([[83, 73], [80, 70], [82, 72]]),
            "lab": np.array([[140, 4], [135, 5]]),
        },
        [0, 1, 0, 1],
        present={
            "vital": np.array([True, True, False, True]),
            "lab": np.array([False, False, True, True]),
        },
        id=[30, 10, 20, 40],
        group=[3, 1, 1, 4],
        weight=[1, 2, 1, 1],
    )
    for name in ("y", "id", "group", "weight"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in SPEC.names:
        np.testing.assert_array_equal(found.x[name], expected.x[name])
        np.testing.assert_array_equal(found.rows[name], expected.rows[name])
    assert found.meta["sex"].tolist() == ["f", "m", "m", "f"]


def test_order_of_a_frames_rows_changes_nothing():
    mixed = {name: frame[::-1] for name, frame in FRAMES.items()}
    a, b = from_frames(), from_frames(mixed)
    for name in SPEC.names:
        np.testing.assert_array_equal(a.x[name], b.x[name])
        np.testing.assert_array_equal(a.rows[name], b.rows[name])


@pytest.mark.parametrize("values", [["mid", "low", "mid", "high"], [1, 0, 1, 2]])
def test_classes_are_names_or_indices(values):
    task = Task("grade", kind="multiclass", labels=("low", "mid", "high"))
    labels = LABELS.assign(grade=values)
    samples = from_frames(labels=labels, spec=Spec(task, SPEC.modalities))
    assert samples.y.tolist() == [1, 0, 1, 2]


def test_unknown_labels_of_a_multilabel_task_stay_unknown():
    task = Task("findings", kind="multilabel", labels=("edema", "effusion"))
    labels = LABELS.assign(
        effusion=[0, 1, np.nan, 1], edema=pd.array([1, None, 0, 0], "Int64")
    )
    samples = from_frames(labels=labels, spec=Spec(task, SPEC.modalities))
    np.testing.assert_array_equal(samples.y, [[1, 0], [np.nan, 1], [0, np.nan], [0, 1]])


IMAGE = Spec(TASK, (Modality("vital", (4, 4, 1)),))
GRADE = Spec(Task("sex", kind="multiclass", labels=("f", "x")), SPEC.modalities)
THREE = Spec(TASK, (Modality("lab", (3,)),))
BAD = {
    "gap": (
        {"frames": {"vital": VITAL, "lab": LAB.fillna({"na": 1})}},
        r"'lab' must have all features.*\{'k': 1\}",
    ),
    "twice": (
        {"frames": {"vital": pd.concat([VITAL, VITAL[:1]])}},
        r"'vital' must have one row per id.*0 missing, 1 repeated, e.g. \[10\]",
    ),
    "labels twice": (
        {"labels": pd.concat([LABELS, LABELS[:1]])},
        r"`labels` must have one row per id.*\[30\]",
    ),
    "no id": (
        {"labels": LABELS.assign(stay=[1, 2, 3, None])},
        r"`labels` must have one row per id.*1 missing",
    ),
    "column": (
        {"frames": {"vital": VITAL.drop(columns="hr")}},
        r"'vital' must have the columns.*none named \['hr'\]",
    ),
    "label column": (
        {"labels": LABELS.drop(columns="death")},
        r"`labels` must have the columns.*\['death'\]; it has \['stay'",
    ),
    "group column": ({"group": "subject"}, r"`labels`.*none named \['subject'\]"),
    "count": ({"spec": THREE, "frames": {"lab": LAB}}, r"3 columns.*2: \['na', 'k'\]"),
    "text": (
        {"frames": {"vital": VITAL.assign(hr=["80", "?", "1", "2"])}},
        r"'vital' must have numbers.*\{'hr'",
    ),
    "ids differ in type": (
        {"frames": {"vital": VITAL.assign(stay=["10", "99", "40", "30"])}},
        r"must share ids with `labels`.*'10'.*one dtype",
    ),
    "name": ({"frames": {"serum": VITAL}}, r"Unknown modality 'serum'. Known: \('lab'"),
    "image": ({"spec": IMAGE}, r"must be a table.*\(4, 4, 1\).*from_arrays"),
    "class": ({"spec": GRADE}, r"'sex'.*class names of \('f', 'x'\).*also: \['m'\]"),
    "nobody": ({"frames": {"lab": LAB}}, r"at least one modality.*2 without.*30"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_bad_frames_are_refused_with_names_and_counts(change, message):
    if change.get("spec") in (IMAGE, THREE):
        change = {"frames": {"vital": VITAL}} | change
    with pytest.raises(ValueError, match=message):
        from_frames(**change)
