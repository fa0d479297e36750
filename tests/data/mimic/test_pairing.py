"""Pairing: the latest image of the window, as a slow reading finds it; safe paths."""

import csv
import gzip
import random
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hospital import at, write_table
from twin import twin

from mind_keras.data.mimic.chexpert import FINDINGS, chexpert_labels
from mind_keras.data.mimic.cohort import build_cohort
from mind_keras.data.mimic.pairing import COLUMNS, pair_images, read_images, study_time

STAYS = {"stay_id": [1], "subject_id": [10_000_017]}


def name(k: int) -> str:
    return "-".join([f"{k:08x}"] * 5)


def image(k: int, hours: float = 1.0, **changes) -> dict:
    """Metadata of an image so many hours after the start."""
    moment = datetime.fromisoformat(at(hours))
    row = {
        **{"dicom_id": name(k), "subject_id": 10_000_017, "study_id": 50_000_000 + k},
        **{"ViewPosition": "AP", "Rows": 3056, "StudyDate": f"{moment:%Y%m%d}"},
        "StudyTime": float(f"{moment:%H%M%S}.250"),
    }
    return row | changes


def write_images(root: Path, rows: list[dict]) -> Path:
    write_table(root / "mimic-cxr-2.0.0-metadata.csv", rows)
    return root


def windows(*limits: tuple[float, float], subject: int = 10_000_017) -> pd.DataFrame:
    times = [[at(hours) for hours in side] for side in zip(*limits, strict=True)]
    intime, end = (pd.to_datetime(side).astype("datetime64[s]") for side in times)
    stays = pd.DataFrame({"stay_id": range(1, len(limits) + 1), "subject_id": subject})
    return stays.assign(intime=intime, prediction_time=end)


def slow_pairs(root: Path, stays: pd.DataFrame, lookback, views, which) -> dict:
    (path,) = root.glob("*-metadata.csv*")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
        rows = list(csv.DictReader(file))
    pairs = {}
    for stay in stays.itertuples():
        found = []
        for row in rows:
            clock = str(int(float(row["StudyTime"]))).zfill(6)
            time = datetime.strptime(row["StudyDate"] + clock, "%Y%m%d%H%M%S")
            begin = stay.intime - timedelta(hours=lookback)
            mine = int(row["subject_id"]) == stay.subject_id
            if mine and row["ViewPosition"] in views:
                if begin <= time <= stay.prediction_time:
                    study = int(row["study_id"])
                    found.append((time, study, row["dicom_id"], row["subject_id"]))
        if found:
            time, study, dicom, subject = (max if which == "last" else min)(found)
            path = f"files/p{subject[:2]}/p{subject}/s{study}/{dicom}.jpg"
            pairs[stay.stay_id] = (pd.Timestamp(time), study, dicom, path)
    return pairs


@pytest.mark.parametrize("case", [(0, ("AP",)), (24, ("AP", "PA")), (0, ("LATERAL",))])
@pytest.mark.parametrize("which", ["last", "first"])
@pytest.mark.parametrize("hours", [48, None])
def test_pairs_equal_a_slow_reading_of_the_twin(case, which, hours):
    lookback, views = case
    stays = build_cohort(twin() / "mimic-iv", task="phenotyping", hours=hours).stays
    root = twin() / "mimic-cxr-jpg"
    options = {"lookback_hours": lookback, "views": views, "which": which}
    table = pair_images(root, stays, **options).table
    wanted = slow_pairs(root, stays, lookback, views, which)
    assert [*table["stay_id"]] == [stay for stay in stays["stay_id"] if stay in wanted]
    for row in table.itertuples():
        assert wanted[row.stay_id] == (row.time, row.study_id, row.dicom_id, row.path)
    assert set(table["view"]) <= set(views)
    assert not table.empty


def test_nearly_all_paths_of_the_twin_are_files():
    root = twin() / "mimic-cxr-jpg"
    images = read_images(root)
    there = [(root / path).is_file() for path in images["path"]]
    assert 0.9 < np.mean(there) < 1


def test_both_ends_of_the_window_belong_to_it(tmp_path):
    second = 1 / 3600
    for hours, paired in [(-second, 0), (0, 1), (48, 1), (48 + second, 0)]:
        root = write_images(tmp_path, [image(1, hours)])
        assert len(pair_images(root, windows((0, 48))).table) == paired
    root = write_images(tmp_path, [image(1, -6)])
    for lookback, paired in [(5.99, 0), (6, 1)]:
        pairs = pair_images(root, windows((0, 48)), lookback_hours=lookback)
        assert len(pairs.table) == paired


def test_images_of_one_second_are_ordered_by_study_and_name(tmp_path):
    rows = [image(3), image(9), image(5, study_id=50_000_003), image(4, 0.5)]
    rows += [image(k, study_id=50_000_010) for k in (1, 2)]
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        root = write_images(tmp_path, rows)
        for which, k in [("last", 2), ("first", 4)]:
            table = pair_images(root, windows((0, 48)), which=which).table
            assert [*table["dicom_id"]] == [name(k)]


def test_an_image_goes_with_every_stay_whose_window_it_is_in(tmp_path):
    root = write_images(tmp_path, [image(1, 30), image(2, 100)])
    table = pair_images(root, windows((20, 60), (0, 48), (200, 248))).table
    assert [*table["stay_id"]] == [1, 2]
    assert set(table["dicom_id"]) == {name(1)}


def test_every_image_is_counted_under_one_reason(tmp_path):
    rows = [
        image(1, subject_id=10_000_099),
        image(2, ViewPosition="PA"),
        image(3, ViewPosition=""),
        image(4, -1),
        image(5, 60),
        image(6, 300),
        image(7, 2),
        image(8, 3, ViewPosition="ap "),
    ]
    rows += [image(k, StudyTime=246000) for k in (10, 11)]
    rows += [image(12, StudyDate=21500230)]
    pairs = pair_images(write_images(tmp_path, rows), windows((0, 48), (100, 148)))
    assert pairs.counts == {
        **{"images": 11, "no_stay": 1, "other_view": 2, "unparsable_time": 3},
        **{"before": 1, "after": 2, "in_window": 2, "paired": 1},
    }
    assert [*pairs.table["dicom_id"]] == [name(8)]
    counts = dict(pairs.counts)
    assert counts.pop("images") == sum(counts.values()) - counts["paired"]


def test_a_stay_without_times_gets_no_image(tmp_path):
    root = write_images(tmp_path, [image(1)])
    for column in ("intime", "prediction_time"):
        stays = windows((0, 48), (0, 48))
        stays.loc[0, column] = pd.NaT
        pairs = pair_images(root, stays)
        assert [*pairs.table["stay_id"]] == [2]
        stays[column] = pd.NaT
        stays[column] = stays[column].astype("datetime64[s]")
        pairs = pair_images(root, stays)
        assert pairs.table.empty and pairs.counts["no_stay"] == 1
        assert tuple(pairs.table) == COLUMNS


def test_study_time_is_read_from_two_numbers():
    times = {
        (21500101, 93005.75): "2150-01-01 09:30:05",
        (21500101, 5.0): "2150-01-01 00:00:05",
        (21500101, 0.0): "2150-01-01 00:00:00",
        (22141231, 235959.999): "2214-12-31 23:59:59",
    }
    bad = [(21500229, 0.0), (2150, 0.0), (21500101, 240000.0), (21500101, 6000.0)]
    bad += [(21500101, 60.0), (21500101, -1.0), (21500101, np.nan), (None, 0.0)]
    dates, clocks = zip(*times, *bad, strict=True)
    found = study_time(pd.Series(dates, dtype="Int64"), pd.Series(clocks))
    assert found.dtype == "datetime64[s]"
    assert [str(t) for t in found[: len(times)]] == [*times.values()]
    assert found[len(times) :].isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"dicom_id": "../../../etc/passwd"},
            "dicom_id .*'../../../etc/passwd' in row 1",
        ),
        ({"dicom_id": name(7).upper() + "/"}, "every dicom_id"),
        ({"dicom_id": "a b"}, "every dicom_id"),
        ({"dicom_id": ""}, "every dicom_id"),
        ({"dicom_id": name(7) + "\n"}, None),
        ({"subject_id": "../17"}, "every subject_id .*'../17'"),
        ({"subject_id": "-17"}, "every subject_id"),
        ({"study_id": "5/.."}, "every study_id .*'5/..'"),
        ({"study_id": "5.0"}, "every study_id"),
        ({"dicom_id": name(1)}, "one row per image. Received 1 dicom_ids again"),
    ],
    ids=str,
)
def test_an_id_that_could_lead_out_of_the_root_is_refused(tmp_path, change, message):
    root = write_images(tmp_path, [image(1), image(2, **change)])
    if message is None:  # Blanks around it do not count.
        assert len(read_images(root)) == 2
        return
    with pytest.raises(ValueError, match=f"(?s){message}"):
        pair_images(root, windows((0, 48)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"which": "best"}, r"`which` must be one of .'last', 'first'.*'best'"),
        ({"views": "AP"}, "`views` must be a sequence.*'AP'"),
        ({"views": ()}, "`views` must be a sequence"),
        ({"lookback_hours": -1}, "`lookback_hours` must be a number from 0 up.*-1"),
        ({"lookback_hours": float("nan")}, "`lookback_hours` must be.*nan"),
    ],
    ids=str,
)
def test_unknown_options_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        pair_images(tmp_path, windows((0, 48)), **options)


def findings(study, *values) -> dict:
    row = dict.fromkeys(("subject_id", "study_id", *FINDINGS), "")
    return row | dict(zip(("study_id", *FINDINGS), (study, *values), strict=False))


def test_findings_are_absent_when_blank_and_as_asked_when_uncertain(tmp_path):
    rows = [findings(50_000_001, "1.0", "0.0", "-1.0"), findings(50_000_002, "-1.0")]
    write_table(tmp_path / "mimic-cxr-2.0.0-chexpert.csv", [*rows, rows[0]])
    for uncertain, value in {"zero": 0.0, "one": 1.0, "ignore": np.nan}.items():
        table = chexpert_labels(tmp_path, [50_000_002, 7, 50_000_001], uncertain)
        wanted = np.zeros((3, 14))
        wanted[0, 0] = wanted[2, 2] = value
        wanted[2, 0], wanted[1] = 1.0, np.nan
        np.testing.assert_array_equal(table[[*FINDINGS]], wanted)
        assert [*table["study_id"]] == [50_000_002, 7, 50_000_001]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([findings(1, "0.5")], r"1 other values, such as \[0.5\]"),
        ([findings(1, "1.0"), findings(1, "0.0")], r"1 studies again, such as \[1\]"),
    ],
    ids=["other value", "twice"],
)
def test_findings_that_are_none_are_refused(tmp_path, rows, message):
    write_table(tmp_path / "mimic-cxr-2.0.0-chexpert.csv", rows)
    with pytest.raises(ValueError, match=message):
        chexpert_labels(tmp_path, [1])
    with pytest.raises(ValueError, match=r"`uncertain` must be one of .*'two'"):
        chexpert_labels(tmp_path, [1], "two")
