"""The extraction as a whole: what raw tables say, and what an interruption leaves."""

import csv
import errno
import gzip
import hashlib
import importlib.util
import io
import json
import shutil
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_icu
from data.mimic import slow_reference
from PIL import Image
from twin import twin

from mind_keras.data.mimic import assemble as assemble_module
from mind_keras.data.mimic import extract as extract_module
from mind_keras.data.mimic import images as images_module
from mind_keras.data.mimic.engines import ENGINES
from mind_keras.data.mimic.extract import extract
from mind_keras.data.mimic.extraction import MANIFEST, read_extraction

INSTALLED = [name for name in ENGINES if importlib.util.find_spec(name)]
TASKS = ("mortality", "phenotyping")
HEART_FAILURE = "Congestive heart failure; nonhypertensive"
WITHOUT_ANYTHING = "neither a measurement nor an image"


def raw(path):
    """A table of the twin in plain Python."""
    with gzip.open(twin() / path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def at(text):
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")


def moment(value):
    return value.to_pydatetime()


def last_film(films, subject, begin, end):
    """The last frontal film of a patient in a window: its row, None without one."""
    found = []
    for film in films:
        if int(film["subject_id"]) == subject and film["ViewPosition"] == "AP":
            second = f"{int(float(film['StudyTime'])):06d}"
            time = datetime.strptime(film["StudyDate"] + second, "%Y%m%d%H%M%S")
            if begin <= time <= end:
                found.append((time, film["study_id"], film["dicom_id"]))
    return max(found, default=None)


def pixels(dicom, study, subject):
    """A film's picture, None if its file is missing or damaged."""
    where = f"mimic-cxr-jpg/files/p{str(subject)[:2]}/p{subject}/s{study}/{dicom}.jpg"
    try:
        with Image.open(twin() / where) as image:
            return np.asarray(image.convert("L"))
    except OSError:
        return None


def middle(picture):
    """Its largest square."""
    side = min(picture.shape)
    top, left = ((length - side) // 2 for length in picture.shape)
    return picture[top : top + side, left : left + side]


def tree(folder, **edits):
    """A copy of the twin's tables with some rows changed: `table=row -> None`."""
    shutil.copytree(twin() / "mimic-iv", folder / "mimic-iv")
    for name, edit in edits.items():
        (path,) = (folder / "mimic-iv").glob(f"*/{name}.csv.gz")
        rows = raw(path.relative_to(folder))
        for row in rows:
            edit(row)
        with gzip.open(path, "wt", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0]], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder / "mimic-iv"


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """The folder of an extraction that stopped when its events were read."""

    def stop(*args, **options):
        raise RuntimeError("the power went out")

    with monkeypatch.context() as broken:
        broken.setattr(extract_module, "assemble", stop)
        with pytest.raises(RuntimeError, match="power"):
            extract(tmp_path / "x", tiny_icu.options())
    return tmp_path / "x"


@pytest.mark.parametrize("task", TASKS)
def test_a_sample_has_a_measurement_or_an_image_and_lies_inside_the_arrays(task):
    made = tiny_icu.extraction(task)
    samples = made.samples
    assert (samples["has_ehr"] | (samples["image"] >= 0)).all()
    assert {bool(value) for value in samples["has_ehr"]} == {True, False}
    measured = ~np.isnan(made.series).all(axis=1)
    for row in samples.itertuples():
        part = slice(row.first_row, row.first_row + row.hours)
        assert measured[part].any() == row.has_ehr
    assert samples["first_row"].tolist() == [0, *samples["hours"].cumsum()[:-1]]
    assert len(made.series) == samples["hours"].sum()
    assert made.labels["stay_id"].tolist() == samples["stay_id"].tolist()
    assert sorted(set(samples["image"]) - {-1}) == [*range(len(made.images))]
    assert made.image_table["image"].tolist() == [*range(len(made.images))]


def test_a_finished_extraction_is_six_files_and_nothing_of_the_work():
    assert sorted(tiny_icu.files(tiny_icu.folder())) == [
        *("images.csv", "images.npy", "labels.csv", "manifest.json", "samples.csv"),
        "series.npy",
    ]


def test_every_sample_is_what_plain_python_reads_in_the_raw_tables():
    made = tiny_icu.extraction()
    people = {row["subject_id"]: row for row in raw("mimic-iv/hosp/patients.csv.gz")}
    visits = {row["hadm_id"]: row for row in raw("mimic-iv/hosp/admissions.csv.gz")}
    stays = {int(row["stay_id"]): row for row in raw("mimic-iv/icu/icustays.csv.gz")}
    died = made.labels["death"].tolist()
    for row, label in zip(made.samples.itertuples(), died, strict=True):
        stay = stays[row.stay_id]
        person, visit = people[stay["subject_id"]], visits[stay["hadm_id"]]
        begin = at(stay["intime"])
        assert row.subject_id == int(stay["subject_id"])
        assert moment(row.intime) == begin
        assert moment(row.outtime) == at(stay["outtime"])
        assert moment(row.prediction_time) == begin + timedelta(hours=48)
        age = int(person["anchor_age"]) + begin.year - int(person["anchor_year"])
        assert (row.age_years, row.gender) == (age, person["gender"])
        assert row.care_unit == stay["first_careunit"]
        assert label == int(visit["hospital_expire_flag"])
    assert sum(died)


@pytest.mark.parametrize("rules", [{}, {"labs": True, "intubated": "fifteen"}], ids=str)
def test_every_hour_is_what_plain_python_reads_in_the_events(rules):
    made = tiny_icu.extraction(**rules)
    stays = [
        {
            **{"stay_id": row.stay_id, "subject_id": row.subject_id},
            **{"intime": moment(row.intime), "end": moment(row.prediction_time)},
        }
        for row in made.samples.itertuples()
    ]
    grids, _ = slow_reference.extract(twin() / "mimic-iv", stays, **rules)
    expected = np.array([hour for grid in grids for hour in grid], float)
    np.testing.assert_array_equal(made.series, expected.astype("float32"))


@pytest.mark.parametrize("task", TASKS)
def test_a_stays_image_is_its_last_film_before_the_prediction(task):
    made = tiny_icu.extraction(task)
    films = raw("mimic-cxr-jpg/mimic-cxr-2.0.0-metadata.csv.gz")
    table = made.image_table.set_index("image")
    without = 0
    for row in made.samples.itertuples():
        window = moment(row.intime), moment(row.prediction_time)
        film = last_film(films, row.subject_id, *window)
        picture = film and pixels(film[2], film[1], row.subject_id)
        if picture is None:
            without += film is not None
            assert row.image == -1
            continue
        found = table.loc[row.image]
        assert found["dicom_id"] == film[2] and found["study_id"] == int(film[1])
        assert (found["subject_id"], found["view"]) == (row.subject_id, "AP")
        assert moment(found["time"]) == film[0]
        kept = made.images[row.image]
        assert found["sha256"] == hashlib.sha256(kept.tobytes()).hexdigest()
        square = Image.fromarray(middle(picture)).resize((32, 32), Image.BILINEAR)
        assert np.abs(np.asarray(square, int) - kept).mean() < 6
    counts = made.manifest["counts"]
    assert without == counts["images"]["paired"] - counts["image_files"]["ok"] > 0


def test_views_and_films_from_before_the_stay_are_taken_if_asked_for():
    usual, samples = tiny_icu.extraction(), tiny_icu.extraction().samples
    made = tiny_icu.extraction(lookback_hours=1e5)
    before = usual.manifest["counts"]["images"]["before"]
    assert before > 0 == made.manifest["counts"]["images"]["before"]
    begin = made.samples.set_index("image")["intime"]
    table = made.image_table.set_index("image")["time"]
    assert (table < begin.loc[table.index]).any()
    assert set(tiny_icu.extraction(views=("PA", "LATERAL")).image_table["view"]) <= {
        *("PA", "LATERAL")
    }
    assert set(usual.image_table["view"]) == {"AP"} and len(samples)


def test_phenotypes_are_those_of_the_diagnoses_of_the_admission():
    made = tiny_icu.extraction("phenotyping")
    stays = {int(row["stay_id"]): row for row in raw("mimic-iv/icu/icustays.csv.gz")}
    failing = {
        row["hadm_id"]
        for row in raw("mimic-iv/hosp/diagnoses_icd.csv.gz")
        if row["icd_code"].startswith({"9": "428", "10": "I50"}[row["icd_version"]])
    }
    expected = [stays[i]["hadm_id"] in failing for i in made.samples["stay_id"]]
    assert made.labels[HEART_FAILURE].tolist() == expected
    assert 0 < sum(expected) < len(expected)


@pytest.mark.parametrize("task", TASKS)
def test_the_exclusions_add_up_from_all_stays_to_the_samples(task):
    made = tiny_icu.extraction(task)
    first, *others = made.manifest["exclusions"]
    stays = raw("mimic-iv/icu/icustays.csv.gz")
    assert first["removed"] + first["left"] == len(stays)
    left = first["left"]
    for step in others:
        left -= step["removed"]
        assert step["left"] == left
    assert left == len(made.samples)
    assert others[-1]["step"] == WITHOUT_ANYTHING


def test_the_manifest_has_the_hash_of_each_table_and_all_versions():
    about = tiny_icu.extraction("phenotyping", labs=True).manifest
    expected = {
        "cxr metadata": "mimic-cxr-jpg/mimic-cxr-2.0.0-metadata.csv.gz",
        **{name: f"mimic-iv/icu/{name}.csv.gz" for name in ("icustays", "chartevents")},
        **{
            name: f"mimic-iv/hosp/{name}.csv.gz"
            for name in ("patients", "admissions", "diagnoses_icd", "labevents")
        },
    }
    hashes = {
        name: hashlib.sha256((twin() / path).read_bytes()).hexdigest()
        for name, path in expected.items()
    }
    assert about["inputs"] == hashes
    libraries = ("mind_keras", "numpy", "pandas", "pillow")
    assert about["versions"] == {name: version(name) for name in libraries}
    assert (about["options"]["labs"], about["image_size"]) == (True, 32)
    assert about["counts"]["events"]["labevents"]["kept"] > 0
    for table in ("diagnoses_icd", "labevents"):
        assert table not in tiny_icu.extraction().manifest["inputs"]


@pytest.mark.parametrize("engine", INSTALLED)
def test_every_engine_chunk_and_repetition_gives_the_same_bytes(tmp_path, engine):
    options = tiny_icu.options(engine=engine, chunk_rows=5000, workers=1)
    extract(tmp_path / "x", options)
    assert tiny_icu.files(tmp_path / "x") == tiny_icu.files(tiny_icu.folder())


def test_the_published_cohort_has_only_stays_with_measurements():
    ours, theirs = tiny_icu.extraction(), tiny_icu.extraction(reference="medfuse")
    unmeasured = set(ours.samples.query("not has_ehr")["stay_id"])
    assert unmeasured and unmeasured.isdisjoint(theirs.samples["stay_id"])
    assert theirs.samples["has_ehr"].all() and (theirs.samples["image"] >= 0).any()
    *_, published, last = theirs.manifest["exclusions"]
    assert published["step"] == "no measurement in the window"
    assert published["removed"] > 0 == last["removed"]
    assert published["left"] == last["left"] == len(theirs.samples)
    # What both have is the same, wherever it lies; the published age is another one.
    drop = ["first_row", "image", "age_years"]
    both = [
        made.samples.set_index("stay_id").drop(columns=drop) for made in (ours, theirs)
    ]
    shared = both[0].index.intersection(both[1].index)
    pd.testing.assert_frame_equal(*(table.loc[shared] for table in both))
    for made in (ours, theirs):
        index = np.flatnonzero(made.samples["stay_id"].isin(shared))
        both.append(made.grid(index, 48))
        both.append(made.labels.iloc[index].reset_index(drop=True))
    np.testing.assert_array_equal(both[2], both[4])
    pd.testing.assert_frame_equal(both[3], both[5])


def test_a_whole_stay_has_all_its_hours():
    made = tiny_icu.extraction("phenotyping", hours=None)
    samples = made.samples
    assert made.manifest["hours"] is None
    length = (samples["outtime"] - samples["intime"]).dt.total_seconds() / 3600
    assert samples["hours"].tolist() == np.ceil(length).tolist()
    assert samples["prediction_time"].equals(samples["outtime"])
    assert (samples["hours"] > 48).any()
    late = samples[samples["hours"] > 60].index
    assert not np.isnan(made.grid(np.array(late), 300)[:, 48:]).all()


def test_a_stay_without_outcome_is_taken_only_if_outcomes_are_not_asked_for(tmp_path):
    known = tiny_icu.extraction().samples
    patient, stay = str(known["subject_id"][0]), known["stay_id"][0]

    def forget(row):
        if row["subject_id"] == patient:
            row |= {"dischtime": "", "deathtime": "", "hospital_expire_flag": ""}

    roots = {"mimic_iv": tree(tmp_path, admissions=forget)}
    made = extract(tmp_path / "labelled", tiny_icu.options(**roots))
    assert stay not in made.samples["stay_id"].tolist()
    new = extract(tmp_path / "new", tiny_icu.options(**roots, labelled=False))
    assert stay in new.samples["stay_id"].tolist()
    assert new.labels is None and not (tmp_path / "new" / "labels.csv").exists()
    assert set(made.samples["stay_id"]) <= set(new.samples["stay_id"])
    index = np.flatnonzero(new.samples["stay_id"].isin(known["stay_id"]))
    before = tiny_icu.extraction()
    np.testing.assert_array_equal(
        new.grid(index, 48), before.grid(np.arange(len(known)), 48)
    )


def test_without_films_there_are_no_images_and_the_hours_are_the_same(tmp_path):
    made, both = extract(tmp_path / "x", tiny_icu.options(mimic_cxr=None)), 0
    assert made.images.shape == (0, 32, 32) and not len(made.image_table)
    assert (made.samples["image"] == -1).all() and made.samples["has_ehr"].all()
    other = tiny_icu.extraction()
    both = np.flatnonzero(other.samples["has_ehr"])
    np.testing.assert_array_equal(
        made.grid(np.arange(len(both)), 48), other.grid(both, 48)
    )


def test_an_interrupted_extraction_goes_on_without_reading_events_again(
    interrupted, monkeypatch
):
    with pytest.raises(ValueError, match=r"a folder with manifest.json.*--resume"):
        read_extraction(interrupted)
    with pytest.raises(ValueError, match=r"an interrupted extraction.*--resume"):
        extract(interrupted, tiny_icu.options())
    whole = tiny_icu.files(tiny_icu.folder())
    monkeypatch.setattr(extract_module, "extract_series", None)
    extract(interrupted, tiny_icu.options(), resume=True)
    assert tiny_icu.files(interrupted) == whole


def test_a_film_that_was_decoded_is_not_decoded_again(tmp_path, monkeypatch):
    read, seen = images_module.read_square, []

    def stop_at_ten(root, path, size):
        if len(seen) == 10:
            raise RuntimeError("the power went out")
        seen.append(path)
        return read(root, path, size)

    def count(root, path, size):
        seen.append(path)
        return read(root, path, size)

    monkeypatch.setattr(images_module, "BLOCK", 4)
    options = tiny_icu.options(workers=1)
    with monkeypatch.context() as broken:
        broken.setattr(images_module, "read_square", stop_at_ten)
        with pytest.raises(RuntimeError, match="power"):
            extract(tmp_path / "x", options)
    assert not (tmp_path / "x" / "images.npy").exists()
    del seen[8:]  # Two of the third block were decoded, but not kept.
    monkeypatch.setattr(images_module, "read_square", count)
    made = extract(tmp_path / "x", options, resume=True)
    assert len(seen) == len(set(seen)) == made.manifest["counts"]["images"]["paired"]
    assert tiny_icu.files(tmp_path / "x") == tiny_icu.files(tiny_icu.folder())


@pytest.mark.parametrize(
    "changes", [{"hours": 24}, {"image_size": 48}, {"labs": True}, {"task": TASKS[1]}]
)
def test_an_extraction_does_not_go_on_with_other_options(interrupted, changes):
    before = tiny_icu.files(interrupted)
    with pytest.raises(ValueError, match=r"same options and inputs.*--overwrite"):
        extract(interrupted, tiny_icu.options(**changes), resume=True)
    assert tiny_icu.files(interrupted) == before
    extract(interrupted, tiny_icu.options(), overwrite=True)
    assert tiny_icu.files(interrupted) == tiny_icu.files(tiny_icu.folder())


def test_an_extraction_does_not_go_on_with_other_tables(tmp_path, monkeypatch):
    roots = {"mimic_iv": tree(tmp_path)}
    with monkeypatch.context() as broken:
        broken.setattr(extract_module, "assemble", None)
        with pytest.raises(TypeError):
            extract(tmp_path / "x", tiny_icu.options(**roots))
    path = roots["mimic_iv"] / "icu" / "chartevents.csv.gz"
    path.write_bytes(path.read_bytes() + gzip.compress(b""))
    with pytest.raises(ValueError, match="same options and inputs"):
        extract(tmp_path / "x", tiny_icu.options(**roots), resume=True)


FAULTY = {
    "mimic-iv/icu/chartevents.csv.gz": "valuenum",
    "mimic-cxr-jpg/mimic-cxr-2.0.0-metadata.csv.gz": "StudyTime",
}


def without(target, column):
    """The twin with a column of a table renamed, as options."""
    name, (*_, table) = next(n for n in FAULTY if str(target).endswith(n)), target.parts
    root = target.parents[len(Path(name).parts) - 1] / f"without_{column}"
    shutil.copytree(twin(), root, symlinks=True)
    lines = gzip.decompress((root / name).read_bytes())
    (root / name).write_bytes(gzip.compress(lines.replace(column.encode(), b"x", 1)))
    assert table == Path(name).name
    return {"mimic_iv": root / "mimic-iv", "mimic_cxr": root / "mimic-cxr-jpg"}


def test_a_finished_extraction_is_replaced_only_if_asked(tmp_path):
    path = tiny_icu.copy(tmp_path)
    before = tiny_icu.files(path)
    for resume in (False, True):
        with pytest.raises(ValueError, match=r"a finished extraction\. replace it by"):
            extract(path, tiny_icu.options(hours=24), resume=resume)
    # What is wrong with the inputs shows before anything is deleted.
    with pytest.raises(ValueError, match="must hold the table 'patients'"):
        extract(path, tiny_icu.options(mimic_iv=tmp_path), overwrite=True)
    for table, column in FAULTY.items():
        raw = without(tmp_path / table, column)
        with pytest.raises(ValueError, match=column):
            extract(path, tiny_icu.options(**raw), overwrite=True)
    lists = tiny_icu.options(split_files=(tmp_path / "a", tmp_path / "b"))
    with pytest.raises(ValueError, match="no such file"):
        extract(path, lists, overwrite=True)
    assert tiny_icu.files(path) == before
    made = extract(path, tiny_icu.options(hours=24), overwrite=True)
    assert (made.manifest["hours"], set(made.samples["hours"])) == (24, {24})


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_anything_else_in_it_is_never_touched(
    tmp_path, finished, overwrite
):
    path = tiny_icu.copy(tmp_path) if finished else tmp_path / "extraction"
    (path / "notes").mkdir(parents=True)
    (path / "notes" / "mine.txt").write_text("years of work")
    before = tiny_icu.files(path)
    with pytest.raises(ValueError, match=r"which holds other files\. Choose another"):
        extract(path, tiny_icu.options(), overwrite=overwrite)
    assert tiny_icu.files(path) == before


@pytest.mark.parametrize("engine", INSTALLED)
def test_of_a_table_that_is_cut_off_is_told_how_far_it_is_good(tmp_path, engine):
    root = tree(tmp_path)
    path = root / "icu" / "chartevents.csv.gz"
    path.write_bytes(path.read_bytes()[:700_000])
    options = tiny_icu.options(mimic_iv=root, engine=engine, chunk_rows=5000)
    with pytest.raises(ValueError, match=r"chartevents\.csv\.gz.*\d") as error:
        extract(tmp_path / "x", options)
    told = [int(n.replace(",", "")) for n in _numbers(str(error.value))]
    with gzip.open(path) as file:
        good = io.BytesIO()
        try:
            while data := file.read1():
                good.write(data)
        except EOFError:
            pass
    lines = good.getvalue().count(b"\n")
    assert any(0.9 * lines <= n <= 1.1 * lines for n in told), (told, lines)
    assert [*tiny_icu.files(tmp_path / "x")] == ["work/request.json"]
    with pytest.raises(ValueError, match=r"must be a folder with manifest\.json"):
        read_extraction(tmp_path / "x")


def _numbers(text):
    words = text.split("chartevents.csv.gz", 1)[1].replace("(", " ").split()
    return [word.strip(".,") for word in words if word[0].isdigit() and "%" not in word]


@pytest.mark.parametrize("where", ["np.savez", "np.save", "to_csv", "write_text"])
def test_on_a_full_disk_nothing_looks_finished_and_resume_completes(
    tmp_path, monkeypatch, where
):
    owner, name = {
        "np.savez": (np, "savez"),
        "np.save": (np, "save"),
        "to_csv": (pd.DataFrame, "to_csv"),
        "write_text": (Path, "write_text"),
    }[where]
    usual = getattr(owner, name)

    def full(target, *args, **options):
        # The request and the journal are small and early; of texts the manifest fails.
        if where == "write_text" and "manifest" not in target.name:
            return usual(target, *args, **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(owner, name, full)
        with pytest.raises(OSError, match="No space left"):
            extract(tmp_path / "x", tiny_icu.options())
    names = [*tiny_icu.files(tmp_path / "x")]
    assert MANIFEST not in names and not [n for n in names if ".part" in n]
    with pytest.raises(ValueError, match=r"must be a folder with manifest\.json"):
        read_extraction(tmp_path / "x")
    extract(tmp_path / "x", tiny_icu.options(), resume=True)
    assert tiny_icu.files(tmp_path / "x") == tiny_icu.files(tiny_icu.folder())


def test_a_stop_while_the_folder_is_written_is_gone_on_with(tmp_path, monkeypatch):
    write = assemble_module.write_extraction

    def stop(*args, **options):
        write(*args, **options)
        raise RuntimeError("the power went out")

    with monkeypatch.context() as broken:
        broken.setattr(assemble_module, "write_extraction", stop)
        with pytest.raises(RuntimeError, match="power"):
            extract(tmp_path / "x", tiny_icu.options())
    assert len(read_extraction(tmp_path / "x").samples)
    extract(tmp_path / "x", tiny_icu.options(), resume=True)
    assert tiny_icu.files(tmp_path / "x") == tiny_icu.files(tiny_icu.folder())


def test_an_extraction_of_another_release_is_refused(tmp_path):
    path = tiny_icu.copy(tmp_path)
    about = json.loads((path / MANIFEST).read_text())
    (path / MANIFEST).write_text(json.dumps(about | {"format": 2}))
    with pytest.raises(ValueError, match=r"of format 1.*Received: format 2.*again"):
        read_extraction(path)


def test_progress_tells_stages_rows_and_fractions(tmp_path):
    calls = []
    options = tiny_icu.options(chunk_rows=20_000, engine="pandas")
    made = extract(tmp_path / "x", options, progress=lambda *call: calls.append(call))
    stages = list(dict.fromkeys(stage for stage, _, _ in calls))
    assert stages == ["chartevents", "images"]
    for stage in stages:
        done = [(rows, fraction) for name, rows, fraction in calls if name == stage]
        assert done == sorted(done) and done[-1][1] == 1.0
    rows = made.manifest["counts"]["events"]["chartevents"]["rows"]
    assert rows == len(raw("mimic-iv/icu/chartevents.csv.gz"))
    assert [r for name, r, _ in calls if name == "chartevents"][-1] == rows


def test_a_folder_without_any_of_the_films_is_the_wrong_folder(tmp_path):
    raw = tmp_path / "cxr"
    shutil.copytree(twin() / "mimic-cxr-jpg", raw, ignore=lambda *_: ["files"])
    with pytest.raises(ValueError, match=r"Images must be under.*Received none of \d+"):
        extract(tmp_path / "x", tiny_icu.options(mimic_cxr=raw))


def test_names_that_look_like_numbers_or_blanks_stay_what_they_are(tmp_path):
    path = tiny_icu.copy(tmp_path)
    table = pd.read_csv(path / "samples.csv", dtype=str)
    table.loc[:2, "stay_id"] = ["007", "7", "NA"]
    table.loc[:1, "gender"] = ["None", ""]
    table.to_csv(path / "samples.csv", index=False)
    found = read_extraction(path).samples
    assert found["stay_id"].tolist()[:3] == ["007", "7", "NA"]
    assert found["gender"].tolist()[0] == "None" and pd.isna(found["gender"][1])
    assert found["subject_id"].dtype == "int64"
    table.loc[2, "stay_id"] = "8"
    table.to_csv(path / "samples.csv", index=False)
    # All digits, and yet two names.
    assert read_extraction(path).samples["stay_id"].tolist()[:2] == ["007", "7"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [("manifest.json", "must be the JSON"), ("series.npy", "must be a whole array")],
)
def test_of_a_damaged_file_is_told_which_and_what_to_do(tmp_path, name, rule):
    path = tiny_icu.copy(tmp_path)
    (path / name).write_bytes((path / name).read_bytes()[:-20])
    with pytest.raises(ValueError, match=rf"{name} {rule}.*Extract again"):
        read_extraction(path)
