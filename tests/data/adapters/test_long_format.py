"""Tables in long format become ours: cell by cell what plain Python reads in them."""

import gzip
import itertools
import math
import sys
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mind_keras.data.adapters import texts
from mind_keras.data.adapters.long_format import from_long
from mind_keras.data.mimic import partition
from mind_keras.data.mimic.variables import NAMES
from mind_keras.spec import Task

NAN = float("nan")
SHORT = (
    "CRT DBP FiO2 GCS_eye GCS_motor GCS gcs-verbal Glucose HR Height MAP SpO2 RR SBP"
)
SHORT = [*SHORT.split(), "Temp", "Weight", "pH"]
CODES = {0: (0, 1), 3: (1, 4), 4: (1, 6), 5: (3, 15), 6: (0, 5)}
USUAL = {2: 0.4, 7: 140, 9: 170, 11: 95, 14: 37, 15: 80, 16: 7.3}
BEGIN = datetime(2150, 1, 1, 8)
SEPSIS = Task("sepsis", kind="binary", labels=("sepsis",))


def at(hours):
    """A time so many hours after the begin, as text."""
    return str(BEGIN + timedelta(seconds=round(hours * 3600)))


def made_stays(rng, count):
    """Two stays for each third patient, one after the other; some short, some long."""
    rows = []
    for number in range(count):
        second = number % 3 == 1
        start = 400 * second + float(rng.integers(0, 90))
        length = float(np.round(rng.uniform(20, 150), 3))
        rows.append(
            {
                "stay_id": 500 + number * 17 % 1000,
                "subject_id": number - second,
                "intime": at(start),
                "outtime": at(start + length),
                "sepsis": int(rng.integers(2)),
                "death": int(rng.integers(2)),
                "split": ["train", "validation", "test"][(number - second) % 3],
                "start": start,
                "length": length,
            }
        )
    return rows


def made_events(rng, stays, each=60):
    """Values in and around each stay, on the hour and off it, some at one time."""
    rows = []
    for stay in stays:
        for _ in range(each if rng.random() > 0.1 else 0):
            k = int(rng.integers(17))
            low, high = CODES.get(k, (0, 0))
            value = int(rng.integers(low, high + 1))
            if k not in CODES:
                value = round(USUAL.get(k, 90) * float(rng.uniform(0.98, 1.02)), 3)
            hours = stay["start"] + round(
                float(rng.uniform(-5, stay["length"] + 5)), int(rng.integers(0, 2))
            )
            rows.append(
                {
                    "subject_id": stay["subject_id"],
                    "stay_id": stay["stay_id"],
                    "time": at(hours),
                    "variable": [NAMES[k], SHORT[k]][int(rng.integers(2))],
                    "value": value,
                    "k": k,
                    "hours": hours,
                }
            )
    return [rows[k] for k in rng.permutation(len(rows))]


def slow_grid(stay, events, hours):
    """Each hour's last value; of two in one second the larger."""
    window = stay["length"] if hours is None else min(hours, stay["length"])
    rows = max(1, math.ceil(round(window * 3600) / 3600))
    grid = [[NAN] * 17 for _ in range(rows)]
    for event in sorted(events, key=lambda e: (round(e["hours"] * 3600), e["value"])):
        seconds = round(event["hours"] * 3600) - round(stay["start"] * 3600)
        mine = event["subject_id"] == stay["subject_id"]
        if mine and 0 <= seconds <= round(window * 3600):
            grid[max(0, math.ceil(seconds / 3600) - 1)][event["k"]] = event["value"]
    return grid


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A folder of tables, and what they were written from."""
    rng = np.random.default_rng(0)
    stays = made_stays(rng, 40)
    events = made_events(rng, stays)
    folder = tmp_path_factory.mktemp("ward")
    drawn = pd.DataFrame(stays).drop(columns=["start", "length"])
    drawn.to_csv(folder / "stays.csv", index=False)
    frame = pd.DataFrame(events).drop(columns=["k", "hours"])
    frame.to_csv(folder / "events.csv", index=False)
    frame.drop(columns="stay_id").to_csv(folder / "by_patient.csv.gz", index=False)
    return folder, stays, events


def check(found, stays, events, hours):
    by_id = {stay["stay_id"]: stay for stay in stays}
    assert found.samples["stay_id"].is_unique
    for number, sample in enumerate(found.samples.to_dict("records")):
        expected = slow_grid(by_id[sample["stay_id"]], events, hours)
        assert sample["hours"] == len(expected)
        actual = found.grid(np.array([number]), len(expected))[0]
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
    assert len(found.series) == found.samples["hours"].sum()


@pytest.mark.parametrize("name", ["events.csv", "by_patient.csv.gz"])
@pytest.mark.parametrize("hours", [48, None])
def test_hours_are_what_a_plain_reading_says(
    tables, tmp_path, monkeypatch, name, hours
):
    monkeypatch.setattr(texts, "BLOCK", 5000)
    folder, stays, events = tables
    found = from_long(
        folder / name, folder / "stays.csv", tmp_path / "out", task=SEPSIS, hours=hours
    )
    check(found, stays, events, hours)
    counts = found.manifest["counts"]
    reasons = ("other_stay", "outside", "kept")
    assert counts["events"]["read"] == len(events)
    assert counts["events"]["read"] == sum(counts["events"][r] for r in reasons)
    assert found.task == SEPSIS and 30 < len(found.samples) < 40
    table = pd.DataFrame(stays).set_index("stay_id").loc[found.samples["stay_id"]]
    for column in ("subject_id", "split"):
        assert found.samples[column].tolist() == table[column].tolist()
    assert found.labels["sepsis"].tolist() == table["sepsis"].tolist()
    for column in ("intime", "outtime"):
        assert found.samples[column].astype(str).tolist() == table[column].tolist()
    end = found.samples["prediction_time"].astype(str).tolist()
    window = [
        length if hours is None else min(hours, length) for length in table["length"]
    ]
    assert end == [at(s + w) for s, w in zip(table["start"], window, strict=True)]


def test_parquet_gives_what_csv_gives(tables, tmp_path):
    pytest.importorskip("pyarrow")
    folder = tables[0]
    for name in ("events", "stays"):
        frame = pd.read_csv(folder / f"{name}.csv")
        for column in {"time", "intime", "outtime"} & set(frame):
            frame[column] = pd.to_datetime(frame[column]).astype("datetime64[ns]")
            frame[column] += pd.Timedelta(milliseconds=250)
        frame.to_parquet(tmp_path / f"{name}.parquet")
    one = from_long(
        folder / "events.csv", folder / "stays.csv", tmp_path / "a", task=SEPSIS
    )
    files = (tmp_path / "events.parquet", tmp_path / "stays.parquet")
    two = from_long(*files, tmp_path / "b", task=SEPSIS)
    np.testing.assert_array_equal(one.series, two.series)
    pd.testing.assert_frame_equal(one.samples, two.samples)
    pd.testing.assert_frame_equal(one.labels, two.labels)


def test_parquet_without_pyarrow_names_the_extra(tables, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "events.parquet").write_bytes(b"")
    with pytest.raises(ImportError, match=r"mind_keras\[fast\].*give CSV"):
        from_long(
            tmp_path / "events.parquet",
            tables[0] / "stays.csv",
            tmp_path / "out",
            task=SEPSIS,
        )


STAY = {"stay_id": 7, "subject_id": 1, "intime": at(0), "outtime": at(72), "death": 0}
HR = {"subject_id": 1, "time": at(1.5), "variable": "HR", "value": 88}
COUNTER = itertools.count()


def ward(folder, stays=(STAY,), events=(HR,), images=None, **options):
    """An extraction of a few rows."""
    here = folder / f"ward{next(COUNTER)}"
    here.mkdir()
    given = {"stays": stays, "events": events, "images": images}
    for name, rows in given.items():
        if rows is not None:
            pd.DataFrame(rows).to_csv(here / f"{name}.csv", index=False)
    if images is not None:
        options = {"images": here / "images.csv", "image_size": 8} | options
    return from_long(here / "events.csv", here / "stays.csv", here / "out", **options)


def test_a_full_hour_ends_its_bin_and_both_ends_of_the_window_count(tmp_path):
    hours = [0, 1, 1.001, 2, 47.5, 48, 48.01, -0.01]
    events = [HR | {"time": at(h), "value": 60 + k} for k, h in enumerate(hours)]
    found = ward(tmp_path, events=events)
    heart = found.series[:, 8]
    assert np.flatnonzero(~np.isnan(heart)).tolist() == [0, 1, 47]
    assert heart[[0, 1, 47]].tolist() == [61, 63, 65]
    assert found.manifest["counts"]["events"]["outside"] == 2


def test_texts_units_and_mix_ups_are_understood(tmp_path):
    rows = [("GCS verbal", "No Response-ETT", ""), ("crt", "Delayed", "")]
    rows += [("Temp", "98.6", "F"), ("Weight", "100", "lb"), ("FiO2", "40", "")]
    rows += [
        ("SpO2", "0.97", ""),
        ("HR", "999", "bpm"),
        ("pH", "", ""),
        ("RR", "?", ""),
    ]
    events = [HR | {"variable": v, "value": x, "unit": u} for v, x, u in rows]
    found = ward(tmp_path, events=events, most_bad=0.2)
    expected = np.full(17, np.nan)
    expected[[0, 2, 6, 11, 14, 15]] = 1, 0.4, 0, 97, 37, 45.359237
    np.testing.assert_allclose(found.series[1], expected, rtol=1e-6)
    counts = found.manifest["counts"]
    told = [counts["events"][r] for r in ("implausible", "blank", "bad_value", "kept")]
    assert told == [1, 1, 1, 6]
    plain = ward(tmp_path, events=events[5:7], clean=False).series[1]
    np.testing.assert_allclose(plain[[8, 11]], [999, 0.97], rtol=1e-6)


def test_unknown_variables_are_refused_or_counted(tmp_path):
    events = [HR, HR | {"variable": "lactate", "value": "high"}]
    with pytest.raises(
        ValueError, match=r"'hr', 'pulse'.*also: \['lactate'\].*ignore_un"
    ):
        ward(tmp_path, events=events)
    found = ward(tmp_path, events=events, ignore_unknown=True)
    counts = found.manifest["counts"]
    assert (counts["events"]["unknown_variable"], counts["events"]["bad_value"]) == (
        1,
        0,
    )


def test_unreadable_cells_are_counted_up_to_a_limit(tmp_path):
    events = [HR | {"time": at(h)} for h in range(18)]
    events += [HR | {"time": "yesterday"}, HR | {"value": "fast"}]
    found = ward(tmp_path, events=events)
    counts = found.manifest["counts"]
    told = [counts["events"][reason] for reason in ("bad_time", "bad_value", "kept")]
    assert told == [1, 1, 18]
    with pytest.raises(ValueError, match=r"At most 1.0%.*'time'.*1 of 20.*'yesterday'"):
        ward(tmp_path, events=events, most_bad=0.01)
    with pytest.raises(
        ValueError, match=r"'value'.*1 of 19 \(5.3%\), such as \['fast'\]"
    ):
        ward(tmp_path, events=events[:18] + events[19:])


def test_an_event_counts_for_each_stay_of_its_patient_that_spans_it(tmp_path):
    stays = [
        STAY,
        STAY | {"stay_id": 8, "intime": at(1)},
        STAY | {"stay_id": 9, "subject_id": 2},
    ]
    found = ward(
        tmp_path,
        stays,
        [HR, HR | {"subject_id": 2, "value": 70}, HR | {"subject_id": 3}],
    )
    first = [found.grid(np.array([k]), 2)[0][:, 8].tolist() for k in range(3)]
    np.testing.assert_array_equal(first, [[NAN, 88], [88, NAN], [NAN, 70]])
    assert found.manifest["counts"]["events"]["other_stay"] == 1


def test_stays_that_cannot_be_used_are_left_out_and_counted(tmp_path):
    stays = [
        STAY,
        STAY | {"stay_id": 8, "intime": ""},
        STAY | {"stay_id": 9, "outtime": at(-1)},
        STAY | {"stay_id": 10, "outtime": at(47)},
        STAY | {"stay_id": 11, "death": ""},
        STAY | {"stay_id": 12, "label_time": at(48)},
        STAY | {"stay_id": 13, "label_time": at(48.1)},
        STAY | {"stay_id": 14, "subject_id": 2},
    ]
    found = ward(tmp_path, stays)
    assert found.samples["stay_id"].tolist() == [7, 13]
    steps = [tuple(step.values()) for step in found.manifest["exclusions"]]
    assert steps == [
        ("listed", 0, 8),
        ("begin and end known", 1, 7),
        ("ends after it begins", 1, 6),
        ("lasts 48 h", 1, 5),
        ("label known", 1, 4),
        ("label not known before the prediction time", 1, 3),
        ("neither a measurement nor an image", 1, 2),
    ]
    short = {"task": SEPSIS, "hours": 24}
    stays = [STAY | {"sepsis": 1, "outtime": at(2), "prediction_time": at(1.6)}]
    assert ward(tmp_path, stays, **short).samples["hours"].tolist() == [2]


def test_the_prediction_time_is_the_first_of_all_ends(tmp_path):
    ends = [(72, 30), (20, 30), (72, 60), ("", "")]
    stays = [
        STAY
        | {
            "stay_id": k,
            "sepsis": 0,
            "outtime": out and at(out),
            "prediction_time": told and at(told),
        }
        for k, (out, told) in enumerate(ends)
    ]
    found = ward(tmp_path, stays, task=SEPSIS)
    assert found.samples["hours"].tolist() == [30, 20, 48, 48]
    assert found.samples["prediction_time"].astype(str).tolist() == [
        at(h) for h in (30, 20, 48, 48)
    ]
    whole = ward(tmp_path, stays, task=SEPSIS, hours=None)
    assert whole.samples["hours"].tolist() == [30, 20, 60]


def test_outcomes_may_be_unknown_for_all_and_for_some_of_many_labels(tmp_path):
    new = {name: value for name, value in STAY.items() if name != "death"}
    assert ward(tmp_path, [new]).labels is None
    task = Task("findings", kind="multilabel", labels=("a", "b"))
    stays = [new | {"a": 1, "b": ""}, new | {"stay_id": 8, "a": "", "b": ""}]
    found = ward(tmp_path, stays, task=task)
    assert found.labels["stay_id"].tolist() == [7]
    np.testing.assert_array_equal(found.labels[["a", "b"]], [[1, NAN]])
    with pytest.raises(ValueError, match=r"label of task 'findings', or none.*\['b'\]"):
        ward(tmp_path, [new | {"a": 1}], task=task)


def test_classes_are_told_by_name_and_written_a_column_each(tmp_path):
    task = Task("unit", kind="multiclass", labels=("home", "ward", "icu"))
    names = ["ward", "icu", "", "home"]
    stays = [STAY | {"stay_id": k, "unit": name} for k, name in enumerate(names)]
    found = ward(tmp_path, stays, task=task)
    assert found.labels["stay_id"].tolist() == [0, 1, 3]
    np.testing.assert_array_equal(
        found.labels[["home", "ward", "icu"]], [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    )
    with pytest.raises(ValueError, match=r"'unit' in .*one of \('home',.*\['moon'\]"):
        ward(tmp_path, [STAY | {"unit": "moon"}], task=task)


def test_splits_come_from_the_column_from_files_or_from_the_hash(tmp_path):
    stays = [STAY | {"stay_id": 99 - k, "subject_id": k} for k in range(40)]
    events = [HR | {"subject_id": k} for k in range(40)]
    found = ward(tmp_path, stays, events)
    assert found.samples["split"].tolist() == partition.assign(range(40)).tolist()
    files = [tmp_path / "test.csv", tmp_path / "val.csv"]
    for file, member in zip(files, (3, 5), strict=True):
        file.write_text(f"{member},1\n0,0\n")
    split = ward(tmp_path, stays, events, split_files=files).samples["split"]
    assert (split[3], split[5], set(split.drop([3, 5]))) == (
        "test",
        "validation",
        {"train"},
    )
    told = [stay | {"split": "test"} for stay in stays]
    assert set(ward(tmp_path, told, events).samples["split"]) == {"test"}
    with pytest.raises(ValueError, match=r"`split_files` or from the column.*both"):
        ward(tmp_path, told, events, split_files=files)


def test_ids_may_be_text_or_whole_numbers_written_as_others(tmp_path):
    stays = [
        STAY | {"stay_id": "A-1", "subject_id": "007"},
        STAY | {"stay_id": "A-2", "subject_id": "7"},
    ]
    events = [HR | {"subject_id": "007"}, HR | {"stay_id": "A-1"}]
    by_patient = ward(tmp_path, stays, [{"subject_id": "007", **HR, **events[0]}])
    assert by_patient.samples["stay_id"].tolist() == ["A-1"]
    by_stay = [{"stay_id": "7.0", "time": at(1), "variable": "HR", "value": 1}]
    assert ward(tmp_path, events=by_stay).samples["stay_id"].tolist() == [7]


def test_who_and_where_is_kept(tmp_path):
    told = {"age_years": 64, "gender": "F", "care_unit": "MICU"}
    found = ward(tmp_path, [STAY | told]).samples.iloc[0]
    assert {name: found[name] for name in told} == told
    assert pd.isna(ward(tmp_path).samples.iloc[0]["age_years"])


IMAGE = {"subject_id": 1, "time": at(10), "path": "a.png"}


def draw(folder, **greys):
    folder.mkdir(exist_ok=True)
    for name, grey in greys.items():
        Image.new("L", (12, 9), grey).save(folder / f"{name}.png")
    return folder


def test_the_last_image_up_to_the_prediction_time_is_taken(tmp_path):
    root = draw(tmp_path / "scans", a=10, b=20, c=30, d=40)
    images = [
        IMAGE | {"path": "b.png", "time": at(48)},
        IMAGE,
        IMAGE | {"path": "c.png", "time": at(48.01)},
        IMAGE | {"path": "d.png", "time": at(-1)},
        IMAGE | {"subject_id": 2, "time": at(11)},
        IMAGE | {"time": ""},
    ]
    found = ward(tmp_path, images=images, image_root=root)
    assert set(found.images.ravel()) == {20} and found.images.shape == (1, 8, 8)
    (row,) = found.image_table.to_dict("records")
    assert (row["dicom_id"], str(row["time"]), row["image"]) == ("b.png", at(48), 0)
    counts = found.manifest["counts"]
    told = [counts["images"][r] for r in ("read", "other_stay", "outside", "paired")]
    assert told == [6, 1, 2, 1] and counts["images"]["bad_time"] == 1
    early = ward(tmp_path, images=images[3:4], image_root=root, lookback_hours=1)
    assert set(early.images.ravel()) == {40}
    assert early.manifest["options"]["lookback_hours"] == 1
    assert len(ward(tmp_path, images=images[3:4], image_root=root).images) == 0


def test_an_image_of_a_stay_is_not_given_to_another(tmp_path):
    root = draw(tmp_path / "scans", a=10, b=20, c=30)
    stays = [STAY, STAY | {"stay_id": 8}]
    images = [
        IMAGE | {"stay_id": 8, "path": "b.png"},
        IMAGE | {"stay_id": "", "time": at(5)},
    ]
    images += [IMAGE | {"stay_id": 9, "path": "c.png"}]
    found = ward(tmp_path, stays, images=images, image_root=root)
    grey = found.images[:, 0, 0][found.samples["image"]]
    assert grey.tolist() == [10, 20]
    shared = ward(tmp_path, stays, images=[IMAGE], image_root=root)
    assert shared.samples["image"].tolist() == [0, 0] and len(shared.images) == 1


def test_a_broken_image_leaves_the_stay_its_hours(tmp_path):
    root = draw(tmp_path / "scans", a=10)
    (root / "b.png").write_bytes(b"\x89PNG cut")
    stays = [STAY | {"stay_id": k, "subject_id": k} for k in range(1, 4)]
    images = [
        IMAGE,
        IMAGE | {"subject_id": 2, "path": "b.png"},
        IMAGE | {"subject_id": 3, "path": "no.png"},
    ]
    found = ward(tmp_path, stays, [HR, HR | {"subject_id": 2}], images, image_root=root)
    assert found.samples["stay_id"].tolist() == [1, 2]
    assert found.samples["image"].tolist() == [0, -1]
    counts = found.manifest["counts"]
    told = [counts["image_files"][s] for s in ("ok", "corrupt", "missing")]
    assert told == [1, 1, 1]


def test_a_stay_with_an_image_alone_is_kept(tmp_path):
    root = draw(tmp_path / "scans", a=10)
    found = ward(
        tmp_path, events=[HR | {"subject_id": 5}], images=[IMAGE], image_root=root
    )
    sample = found.samples.iloc[0]
    assert (sample["has_ehr"], sample["image"], sample["hours"]) == (False, 0, 48)
    none = ward(
        tmp_path,
        events=[HR][:0] or [HR | {"value": ""}],
        images=[IMAGE],
        image_root=root,
    )
    assert not none.samples["has_ehr"].any()


@pytest.mark.parametrize(
    "path", ["../a.png", "/etc/a.png", "x/../../a.png", "..\\a.png", ""]
)
def test_paths_out_of_the_root_are_refused(tmp_path, path):
    with pytest.raises(
        ValueError, match=r"under .*scans. Received: '.*', 1 such paths"
    ):
        ward(
            tmp_path,
            images=[IMAGE, IMAGE | {"path": path}],
            image_root=draw(tmp_path / "scans"),
        )


def without(row, name):
    return {key: value for key, value in row.items() if key != name}


TWO = [STAY | {"split": "train"}, STAY | {"stay_id": 8, "split": "test"}]
BAD = {
    "stay column": (
        {"stays": [without(STAY, "intime")]},
        r"stays.csv must.*\['intime'\]",
    ),
    "event column": (
        {"events": [without(HR, "time")]},
        r"events.csv must.*\['time'\]; it",
    ),
    "event key": (
        {"events": [without(HR, "subject_id")]},
        r"none named \['subject_id'\]",
    ),
    "image column": (
        {"images": [without(IMAGE, "path")]},
        r"images.csv must.*\['path'\]",
    ),
    "no root": (
        {"images": [IMAGE], "image_root": "nowhere"},
        r"no folder nowhere. Give",
    ),
    "twice": ({"stays": [STAY, STAY]}, r"one row per stay_id.*1 again, such as 7"),
    "blank id": (
        {"stays": [STAY, STAY | {"stay_id": ""}]},
        r"have a stay_id.*row 2, 1 in",
    ),
    "split": (
        {"stays": [STAY | {"split": "val"}]},
        r"\('train', 'validation', 'te.*'val'",
    ),
    "both": ({"stays": TWO}, r"in two splits.*1 who are, such as 1"),
    "label": ({"stays": [STAY | {"death": 2}]}, r"must be 0 or 1.*1 others, such as 2"),
    "label text": (
        {"stays": [STAY | {"death": "no"}]},
        r"0, 1 or blank.*'no' in column",
    ),
    "times": (
        {"stays": [STAY | {"intime": "noon"}]},
        r"5.0%.*'intime'.*1 of 1.*'noon'",
    ),
    "nobody": (
        {"stays": [STAY | {"outtime": at(1)}]},
        r"stays that can be used.*lasts 48",
    ),
    "unit": ({"events": [HR | {"unit": "mV"}]}, r"unit of 'Heart rate'.*'mV'"),
    "task": ({"task": "sepsis"}, r"Unknown task 'sepsis'"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_bad_tables_are_refused_by_name(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        ward(tmp_path, **changes)
    assert not list(tmp_path.glob("*/out/manifest.json"))


def test_missing_odd_and_cut_files_are_refused(tables, tmp_path):
    folder, out = tables[0], tmp_path / "out"
    stays = folder / "stays.csv"
    with pytest.raises(ValueError, match=r"no file .*nothing.csv"):
        from_long(folder / "nothing.csv", stays, out, task=SEPSIS)
    (tmp_path / "events.xlsx").write_text("")
    with pytest.raises(
        ValueError, match=r"\['.csv', '.gz', '.parquet'\].*'events.xlsx'"
    ):
        from_long(tmp_path / "events.xlsx", stays, out, task=SEPSIS)
    cut = tmp_path / "cut.csv.gz"
    whole = gzip.compress((folder / "events.csv").read_bytes())
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut.csv.gz must be a whole gzip file"):
        from_long(cut, stays, out, task=SEPSIS)
    assert not (out / "manifest.json").exists()


def test_the_manifest_tells_hashes_and_rules(tables, tmp_path):
    folder = tables[0]
    seen = []
    found = from_long(
        folder / "events.csv",
        folder / "stays.csv",
        tmp_path / "out",
        task=SEPSIS,
        progress=lambda *what: seen.append(what),
    )
    manifest = found.manifest
    assert sorted(manifest["inputs"]) == ["events", "stays"]
    assert all(len(digest) == 64 for digest in manifest["inputs"].values())
    assert manifest["task"] == {
        "name": "sepsis",
        "kind": "binary",
        "labels": ["sepsis"],
    }
    assert (manifest["hours"], manifest["image_size"]) == (48, 256)
    assert seen[-1] == ("events", len(tables[2]), 1.0)
