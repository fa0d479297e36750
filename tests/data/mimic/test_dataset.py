"""An extraction as samples: patterns, statistics of training rows, and classes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny_icu
from PIL import Image

from mind_keras.data.adapters.long_format import from_long
from mind_keras.data.mimic.columns import continuous, expand, names
from mind_keras.data.mimic.dataset import new_samples, resize, to_splits
from mind_keras.data.mimic.variables import NAMES
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.splits import SPLITS
from mind_keras.spec import Task

HEART = NAMES.index("Heart rate")
TASKS = ("mortality", "phenotyping")
RHYTHM = Task("rhythm", kind="multiclass", labels=("sinus", "flutter", "paced"))


def splits(task="mortality", **options):
    return to_splits(tiny_icu.extraction(task), **{"image_size": 16} | options)


def table_of(made, split):
    """The rows of a split that can be samples, in order."""
    samples = made.samples
    some = samples["has_ehr"] | (samples["image"] >= 0)
    return samples[(samples["split"] == split) & some]


@pytest.mark.parametrize("task", TASKS)
def test_patterns_labels_and_patients_are_those_of_the_extraction(task):
    made, data = tiny_icu.extraction(task), splits(task)
    labels = made.labels.set_index("stay_id")
    assert len(data.train) + len(data.validation) + len(data.test) == len(made.samples)
    for name, part in data.items():
        table = table_of(made, name)
        assert part.id.tolist() == table["stay_id"].tolist()
        assert part.group.tolist() == table["subject_id"].tolist()
        assert part.has("ehr").tolist() == table["has_ehr"].tolist()
        assert part.has("cxr").tolist() == (table["image"] >= 0).tolist()
        np.testing.assert_array_equal(part.y, labels.loc[part.id].to_numpy())
        columns = ["age_years", "gender", "care_unit"]
        expected = table[columns].reset_index(drop=True)
        pd.testing.assert_frame_equal(part.meta.reset_index(drop=True), expected)
    assert data.spec.task.labels == made.task.labels
    assert {name for part in SPLITS for name in getattr(data, part).patterns} == {
        *("cxr", "cxr+ehr", "ehr")
    }


@pytest.mark.parametrize("layout", ["reference76", "compact"])
def test_series_are_standardised_by_the_training_rows_alone(layout):
    data = splits("phenotyping", layout=layout)
    scaled = continuous(layout)
    rows = data.train.x["ehr"].reshape(-1, len(scaled)).astype(float)
    varies = rows.std(0) > 0
    some = scaled & varies
    assert some.sum() > 8
    np.testing.assert_allclose(rows[:, some].mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(rows[:, some].std(0, ddof=1), 1, atol=1e-4)
    assert set(np.unique(rows[:, ~scaled])) <= {0.0, 1.0, 2.0, 3.0, 4.0, 5.0}
    scale = data.preprocessing
    for name in ("validation", "test"):
        part, made = getattr(data, name), tiny_icu.extraction("phenotyping")
        table = table_of(made, name)
        index = table.index[table["has_ehr"]].to_numpy()
        grid = expand(made.grid(index, 48), layout).astype(float)
        expected = (grid - scale.mean["ehr"]) / scale.std["ehr"]
        np.testing.assert_allclose(part.x["ehr"], expected, rtol=1e-4, atol=1e-4)
    assert data.spec.modality("ehr").features == names(layout)


def test_other_splits_do_not_move_the_statistics():
    made = tiny_icu.extraction()
    changed = np.array(made.series)
    for row in made.samples[made.samples["split"] != "train"].itertuples():
        part = slice(row.first_row, row.first_row + row.hours)
        changed[part, HEART] += 40
    other = to_splits(replace(made, series=changed), image_size=16)
    same = splits()
    assert other.preprocessing == same.preprocessing
    np.testing.assert_array_equal(other.train.x["ehr"], same.train.x["ehr"])
    assert not np.array_equal(other.test.x["ehr"], same.test.x["ehr"])
    train = made.samples[made.samples["split"] == "train"].iloc[0]
    changed = np.array(made.series)
    changed[train["first_row"] : train["first_row"] + 48, HEART] += 40
    moved = to_splits(replace(made, series=changed), image_size=16)
    assert moved.preprocessing != same.preprocessing


def test_a_shorter_series_is_the_begin_of_the_longer():
    made = tiny_icu.extraction("phenotyping", hours=None)
    scaled = continuous("reference76")
    short, long = (to_splits(made, hours=h, image_size=16) for h in (6, 48))
    assert short.spec.shape("ehr") == (6, 76)
    table = table_of(made, "test")
    # A stay that is measured later only has no such series.
    index = np.array([k for k in table.index if np.isfinite(made.grid([k], 6)).any()])
    assert short.test.has("ehr").sum() == len(index)
    expected = expand(made.grid(index, 6), "reference76").astype(float)
    mean, std = (short.preprocessing.mean["ehr"], short.preprocessing.std["ehr"])
    found = short.test.x["ehr"] * np.array(std) + mean
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    assert not np.allclose(
        np.array(mean)[scaled], np.array(long.preprocessing.mean["ehr"])[scaled]
    )


def test_a_stay_that_is_measured_later_has_no_series_of_the_first_hours():
    made = tiny_icu.extraction("phenotyping", hours=None)
    row = int(np.flatnonzero(made.samples["hours"] > 20)[0])
    series = np.array(made.series)
    first = made.samples["first_row"][row]
    series[first : first + 6] = np.nan
    series[first + 6, HEART] = 80
    late = replace(made, series=series)
    for hours, measured in ((6, False), (7, True)):
        data = to_splits(late, hours=hours, modalities=["ehr"])
        ids = np.concatenate([part.id for _, part in data.items()])
        assert (made.samples["stay_id"][row] in ids) == measured


def test_after_the_end_of_a_stay_values_are_carried_and_masks_are_0():
    made = tiny_icu.extraction("phenotyping", hours=None)
    data = to_splits(made, hours=72, image_size=16)
    table = table_of(made, "train")
    table = table[table["has_ehr"]].reset_index(drop=True)
    row = int(table.index[table["hours"] < 60][0])
    end, series = table["hours"][row], data.train.x["ehr"][row]
    heart = names("reference76").index("Heart rate")
    assert (series[end:, heart] == series[end - 1, heart]).all()
    assert (series[end:, -17:] == 0).all() and (series[:end, -17:] != 0).any()


def test_images_are_those_that_pil_makes_smaller():
    made, data = tiny_icu.extraction(), splits(image_size=20)
    table = table_of(made, "test")
    kept = table.loc[table["image"] >= 0, "image"]
    assert data.spec.shape("cxr") == (20, 20, 1)
    for row, image in enumerate(kept):
        picture = Image.fromarray(made.images[image])
        expected = np.asarray(picture.resize((20, 20), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(data.test.x["cxr"][row][..., 0], expected)
    whole = splits(image_size=32).test.x["cxr"][..., 0]
    np.testing.assert_array_equal(whole, made.images[kept.to_numpy()])
    assert whole.dtype == "uint8"


def test_a_smaller_image_is_averaged_not_picked():
    checks = (np.indices((1, 32, 32)).sum(0) % 2 * 200).astype("uint8")
    small = resize(checks, 8)
    assert small.shape == (1, 8, 8, 1)
    assert abs(small.astype(float).mean() - 100) < 3 and small.std() < 20


def test_modalities_are_removed_further_by_the_seed():
    missing = {"mechanism": "mcar", "rate": {"cxr": 0.6}}
    full = splits("phenotyping")
    less, same, other = (
        splits("phenotyping", missing=missing, seed=seed) for seed in (1, 1, 2)
    )
    held = [part.has("cxr").sum() for part in (full.train, less.train)]
    assert 0 < held[1] < held[0]
    assert less.train.pattern.tolist() == same.train.pattern.tolist()
    assert less.train.pattern.tolist() != other.train.pattern.tolist()
    # Who has nothing left is no sample; who has an image had one before.
    for name, part in less.items():
        before = getattr(full, name)
        kept = set(before.id[before.has("cxr")])
        assert set(part.id[part.has("cxr")]) <= kept


def test_statistics_are_those_of_what_is_left_after_removal():
    missing = {"mechanism": "mcar", "rate": {"ehr": 0.5}}
    data = splits("phenotyping", missing=missing)
    rows = data.train.x["ehr"].reshape(-1, 76)[:, continuous("reference76")]
    assert len(data.train.x["ehr"]) < len(splits("phenotyping").train.x["ehr"])
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-4)


def test_one_modality_is_used_alone_with_the_stays_that_have_it():
    made = tiny_icu.extraction()
    # So few stays that those with an image are all alive.
    made = replace(made, labels=made.labels.assign(death=made.labels.index % 2))
    some = {"ehr": made.samples["has_ehr"], "cxr": made.samples["image"] >= 0}
    for name, has in some.items():
        data = to_splits(made, modalities=[name], image_size=16)
        assert data.spec.names == (name,)
        ids = [i for _, part in data.items() for i in part.id]
        assert sorted(ids) == sorted(made.samples.loc[has, "stay_id"])
        assert [*data.preprocessing.series] == ["ehr"] * (name == "ehr")


def test_new_stays_are_read_as_the_trained_model_reads_its_own():
    made, data = tiny_icu.extraction(), splits()
    text = data.preprocessing.to_json()
    new = new_samples(
        replace(made, labels=None), data.spec, Preprocessing.from_json(text)
    )
    assert new.id.tolist() == made.samples["stay_id"].tolist()
    assert new.group.tolist() == made.samples["subject_id"].tolist()
    for _, part in data.items():
        at = [new.id.tolist().index(i) for i in part.id]
        for name in ("cxr", "ehr"):
            assert new.has(name)[at].tolist() == part.has(name).tolist()
            held = np.array(at)[part.has(name)]
            found = new.x[name][new.rows_of(name, held)]
            np.testing.assert_array_equal(found, part.x[name])


def test_new_stays_that_are_too_short_or_small_for_the_model_are_refused():
    data = splits(image_size=32)
    short = replace(
        tiny_icu.extraction(), manifest=tiny_icu.extraction().manifest | {"hours": 24}
    )
    with pytest.raises(ValueError, match=r"must be 24.*Received: 48.*--hours 48"):
        new_samples(short, data.spec, data.preprocessing)
    small = replace(short, manifest=short.manifest | {"hours": 48, "image_size": 16})
    with pytest.raises(ValueError, match=r"from 8 to 16.*Received: 32.*--image-size"):
        new_samples(small, data.spec, data.preprocessing)
    empty = short.samples.assign(hours=0, image=-1)
    nothing = replace(tiny_icu.extraction(), samples=empty)
    with pytest.raises(ValueError, match=r"\('cxr', 'ehr'\) to be answered.*none with"):
        new_samples(nothing, data.spec, data.preprocessing)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        # Images of later hours would come with it.
        ({"hours": 24}, r"`hours` must be 48.*images.*Received: 24.*--hours 24"),
        ({"hours": 49}, r"`hours` must be 48.*Received: 49.*--hours 49"),
        ({"image_size": 33}, r"from 8 to 32.*Received: 33.*larger --image-size"),
        ({"image_size": 7}, r"from 8 to 32.*Received: 7"),
        ({"modalities": ["ecg"]}, r"some of \('cxr', 'ehr'\). Received: \['ecg'\]"),
        ({"modalities": []}, r"some of \('cxr', 'ehr'\). Received: \[\]"),
        ({"layout": "wide"}, r"Unknown layout 'wide'. Known: \['reference76'"),
    ],
    ids=str,
)
def test_what_the_extraction_does_not_have_is_told_with_the_cure(options, message):
    with pytest.raises(ValueError, match=message):
        splits(**options)


def test_training_needs_labels_and_one_length():
    made = tiny_icu.extraction()
    with pytest.raises(ValueError, match=r"needs labels.*--unlabelled.*predict"):
        to_splits(replace(made, labels=None))
    whole = tiny_icu.extraction("phenotyping", hours=None)
    with pytest.raises(ValueError, match=r"one length.*whole stays.*Give `hours=`"):
        to_splits(whole)


@pytest.fixture
def rhythm(tmp_path):
    """A hospital's own task of three classes, imported; and the class of each stay."""
    classes = ["sinus", "paced", "flutter", "paced", "sinus", "flutter"] * 3
    lines = ["stay_id,subject_id,intime,outtime,split,rhythm"]
    events = ["stay_id,time,variable,value"]
    for number, name in enumerate(classes):
        split = SPLITS[number // 6]
        begin = "2150-01-01 08:00:00,2150-01-04 08:00:00"
        lines.append(f"{number},{number},{begin},{split},{name}")
        events.append(f"{number},2150-01-01 09:30:00,HR,{60 + number}")
    for name, text in {"stays": lines, "events": events}.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(text) + "\n")
    paths = (tmp_path / "events.csv", tmp_path / "stays.csv", tmp_path / "made")
    return from_long(*paths, task=RHYTHM), classes


def test_of_several_classes_the_label_is_the_number_of_the_one(rhythm):
    made, classes = rhythm
    data = to_splits(made, modalities=["ehr"])
    assert data.spec.task == RHYTHM
    for _, part in data.items():
        assert part.y.dtype == "int32"
        assert [RHYTHM.labels[k] for k in part.y] == [classes[i] for i in part.id]


@pytest.mark.parametrize("values", [(1, 1, 0), (0, 0, 0), (1, 0.5, 0), (0.5, 0.5, 0)])
def test_a_stay_of_two_classes_or_none_is_refused(rhythm, values):
    made, _ = rhythm
    labels = made.labels.astype({name: float for name in RHYTHM.labels})
    labels.loc[4, list(RHYTHM.labels)] = values
    with pytest.raises(ValueError, match=r"one class of task 'rhythm'.*: 1 stays.*4"):
        to_splits(replace(made, labels=labels), modalities=["ehr"])
