"""The twin on disk: MIMIC's layout, the same bytes for a seed, the same stays."""

import csv
import functools
import gzip
import hashlib
import re
from itertools import pairwise

import pandas as pd
import pytest
from PIL import Image
from twin import IMAGE_HEIGHT, twin

from mind_keras.data.twin import generate as module
from mind_keras.data.twin.generate import generate

# Written down from MIMIC's documentation, independently of the package.
COLUMNS = {
    "mimic-iv/hosp/patients": (
        "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod"
    ),
    "mimic-iv/hosp/admissions": (
        "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,"
        "admit_provider_id,admission_location,discharge_location,insurance,language,"
        "marital_status,race,edregtime,edouttime,hospital_expire_flag"
    ),
    "mimic-iv/hosp/diagnoses_icd": "subject_id,hadm_id,seq_num,icd_code,icd_version",
    "mimic-iv/hosp/labevents": (
        "labevent_id,subject_id,hadm_id,specimen_id,itemid,order_provider_id,charttime,"
        "storetime,value,valuenum,valueuom,ref_range_lower,ref_range_upper,flag,"
        "priority,comments"
    ),
    "mimic-iv/icu/icustays": (
        "subject_id,hadm_id,stay_id,first_careunit,last_careunit,intime,outtime,los"
    ),
    "mimic-iv/icu/chartevents": (
        "subject_id,hadm_id,stay_id,caregiver_id,charttime,storetime,itemid,value,"
        "valuenum,valueuom,warning"
    ),
    "mimic-cxr-jpg/mimic-cxr-2.0.0-metadata": (
        "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,"
        "Rows,Columns,StudyDate,StudyTime,ProcedureCodeSequence_CodeMeaning,"
        "ViewCodeSequence_CodeMeaning,PatientOrientationCodeSequence_CodeMeaning"
    ),
    "mimic-cxr-jpg/mimic-cxr-2.0.0-split": "dicom_id,study_id,subject_id,split",
    "mimic-cxr-jpg/mimic-cxr-2.0.0-chexpert": (
        "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,"
        "Enlarged Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,No Finding,"
        "Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices"
    ),
}
TIMES = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
IDS = {"subject_id": "1", "hadm_id": "2", "stay_id": "3", "study_id": "5"}


@functools.cache
def rows(root, name):
    with gzip.open(root / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digests(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """40 stays of the same seed: the last block is cut."""
    root = tmp_path_factory.mktemp("small") / "twin"
    generate(root, stays=40, seed=0, image_height=IMAGE_HEIGHT)
    return root


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(
    small, tmp_path, monkeypatch
):
    monkeypatch.setattr("time.time", lambda: 0.0)
    counts = generate(tmp_path / "b", stays=40, seed=0, image_height=IMAGE_HEIGHT)
    assert digests(tmp_path / "b") == digests(small)
    generate(tmp_path / "c", stays=40, seed=1, image_height=IMAGE_HEIGHT)
    other = digests(tmp_path / "c")
    tables = [f"{name}.csv.gz" for name in COLUMNS]
    assert not {other[name] for name in tables} & {*digests(small).values()}
    assert counts["icustays"] == 40


@pytest.mark.parametrize("name", COLUMNS)
def test_tables_have_the_columns_of_mimic_in_its_order(name):
    with gzip.open(twin() / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        assert file.readline() == COLUMNS[name] + "\n"


def test_archives_carry_neither_a_time_nor_a_name():
    for name in COLUMNS:
        header = (twin() / f"{name}.csv.gz").read_bytes()[:10]
        # RFC 1952: magic, deflate, no flags (no name), time 0.
        assert header[:8] == b"\x1f\x8b\x08" + bytes(5)


@pytest.mark.parametrize("name", COLUMNS)
def test_ids_have_eight_digits_and_times_their_form(name):
    table = rows(twin(), name)
    assert table
    for row in table:
        for column, digit in IDS.items():
            optional = column == "hadm_id" and name.endswith("labevents")
            if column in row and not (optional and row[column] == ""):
                assert re.fullmatch(digit + r"\d{7}", row[column])
        for column, value in row.items():
            if column.endswith("time") and value:
                assert TIMES.fullmatch(value) or column == "StudyTime"


def test_each_stay_of_a_smaller_twin_is_in_a_larger_one_with_all_its_rows(small):
    stays = {row["stay_id"] for row in rows(small, "mimic-iv/icu/icustays")}
    assert len(stays) == 40
    whole = rows(twin(), "mimic-iv/icu/icustays")
    assert stays == {row["stay_id"] for row in whole[:40]} and len(whole) == 120
    for name in ("icu/icustays", "icu/chartevents"):
        # The order, too: a cut takes rows away and moves none.
        large = [r for r in rows(twin(), f"mimic-iv/{name}") if r["stay_id"] in stays]
        assert large == rows(small, f"mimic-iv/{name}")
    for name in COLUMNS:
        large = {tuple(row.values()) for row in rows(twin(), name)}
        assert {tuple(row.values()) for row in rows(small, name)} <= large


def test_each_image_of_a_smaller_twin_is_in_a_larger_one(small):
    films = {k: v for k, v in digests(small).items() if k.endswith(".jpg")}
    assert len(films) > 30
    assert films.items() <= digests(twin()).items()


def test_images_lie_where_mimic_has_them_and_are_as_large_as_the_table_says():
    root, found, sizes = twin() / "mimic-cxr-jpg", 0, set()
    for row in rows(twin(), "mimic-cxr-jpg/mimic-cxr-2.0.0-metadata"):
        dicom, subject = row["dicom_id"], row["subject_id"]
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}", dicom)
        folder = root / "files" / f"p{subject[:2]}" / f"p{subject}"
        path = folder / f"s{row['study_id']}" / f"{dicom}.jpg"
        if path.is_file() and path.stat().st_size > 64:
            found += 1
            with Image.open(path) as film:
                assert (film.format, film.mode) == ("JPEG", "L")
                size = (int(row["Columns"]), int(row["Rows"]))
                assert film.size == size
            sizes.add(size)
            assert 0.95 * IMAGE_HEIGHT < size[1] < 1.05 * IMAGE_HEIGHT < size[0]
    assert found == len([*root.rglob("*.jpg")]) - 1 > 100
    assert len(sizes) > 10


def test_one_image_is_cut_short_one_is_no_jpeg_and_some_are_missing():
    listed = rows(twin(), "mimic-cxr-jpg/mimic-cxr-2.0.0-metadata")
    paths = [*twin().rglob("*.jpg")]
    states = []
    for path in paths:
        try:
            with Image.open(path) as film:
                film.load()
            states.append("whole")
        except OSError as error:
            states.append("cut" if "truncated" in str(error) else "broken")
    # Two are planted, others happen once in a thousand.
    assert 1 <= states.count("cut") <= 3 and states.count("broken") == 1
    assert 1 <= len(listed) - len(paths) <= 0.06 * len(listed)


def test_the_rows_of_a_block_are_shuffled_and_those_of_a_subject_are_near():
    stays = [int(row["stay_id"]) for row in rows(twin(), "mimic-iv/icu/chartevents")]
    where = pd.DataFrame({"stay": stays, "row": range(len(stays))})
    spread = where.groupby("stay")["row"].agg(lambda r: r.max() - r.min())
    times = [row["charttime"] for row in rows(twin(), "mimic-iv/icu/chartevents")]
    assert spread.median() > 10_000 and spread.max() < len(stays) / 2
    assert times != sorted(times)
    assert sum(a == b for a, b in pairwise(stays)) < len(stays) / 5


def test_counts_are_those_of_rows_and_files(small, tmp_path):
    told = []
    counts = generate(
        tmp_path / "twin",
        stays=40,
        seed=0,
        image_height=32,
        progress=lambda *news: told.append(news),
    )
    for name in COLUMNS:
        assert counts[name.rpartition("/")[2]] == len(rows(small, name))
    assert counts["images"] == len([*small.rglob("*.jpg")])
    assert told[-1] == ("stays", 40, 1.0)
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
    assert all(done / 40 == fraction for _, done, fraction in told)


def test_an_empty_folder_is_used_and_one_in_use_is_left_alone(tmp_path):
    (tmp_path / "empty").mkdir()
    generate(tmp_path / "empty", stays=1, seed=0, image_height=32)
    assert (tmp_path / "empty" / "mimic-iv").is_dir()
    before = digests(tmp_path)
    with pytest.raises(ValueError, match=r"new or empty folder.*empty, which.*another"):
        generate(tmp_path / "empty", stays=1, seed=1, image_height=32)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match=r"new or empty folder.*file, which is in use"):
        generate(tmp_path / "file", stays=1, seed=1, image_height=32)
    (tmp_path / "file").unlink()
    assert digests(tmp_path) == before


def test_an_interrupted_generation_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "twin", stays=1, seed=0, image_height=32, progress=stop)
    assert [*tmp_path.iterdir()] == []
    monkeypatch.setattr(module, "write_images", stop)
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "twin", stays=1, seed=0, image_height=32)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stays": 0}, "`stays` must be a whole number from 1 up. Received: 0"),
        ({"stays": 2.5}, "`stays` must be a whole number from 1 up. Received: 2.5"),
        ({"seed": -1}, "`seed` must be a whole number from 0 up. Received: -1"),
        ({"image_height": 8}, "`image_height` must be a whole number from 32 up"),
    ],
)
def test_numbers_out_of_range_are_refused(given, message, tmp_path):
    options = {"stays": 1, "seed": 0, "image_height": 32} | given
    with pytest.raises(ValueError, match=message):
        generate(tmp_path / "twin", **options)
    assert [*tmp_path.iterdir()] == []


def test_the_folder_says_that_it_is_synthetic():
    assert "120 synthetic stays" in (twin() / "SYNTHETIC.txt").read_text("utf-8")
