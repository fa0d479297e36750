"""The data commands: what they make is what their functions make, errors in a line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_icu
from data.adapters import published
from twin import twin
from typer.testing import CliRunner

from mind_keras.cli_data import app
from mind_keras.data.adapters.medfuse import from_medfuse
from mind_keras.data.mimic.extraction import read_extraction
from mind_keras.data.twin.generate import generate

ROOTS = ["--mimic-iv", twin() / "mimic-iv", "--mimic-cxr", twin() / "mimic-cxr-jpg"]
LIKE_TINY = ["--image-size", 32, "--fractions", *tiny_icu.FRACTIONS]
NINE = "98   Essential hypertension\n     4019\n108  Heart failure\n     4280 42821\n"
TEN = "'ICD-10-CM CODE','CCS CATEGORY'\n'I480','106'\n'I4891','106'\n"


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Run a command in an empty folder; text in and out."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def told(done, message, code=2):
    """One line of complaint, and no traceback."""
    assert done.exit_code == code, done.output
    assert done.stderr.startswith("error: ") and message in done.stderr, done.stderr
    assert "Traceback" not in done.output


def test_generate_writes_the_twin_of_a_seed(call, tmp_path):
    done = call("generate", "icu", "here", "--stays", 20, "--seed", 5,
                "--image-height", 32)  # fmt: skip
    assert done.exit_code == 0, done.output
    counts = generate(tmp_path / "there", stays=20, seed=5, image_height=32)
    assert tiny_icu.files(tmp_path / "here") == tiny_icu.files(tmp_path / "there")
    for name, count in counts.items():
        assert f"{count:,} {name}" in done.stdout
    assert "stays: 20 (" in done.stderr
    told(call("generate", "icu", "here", "--stays", 20), "here")
    assert call("generate", "ward", "new").exit_code == 2
    assert call("generate", "icu", "new", "--stays", 0).exit_code == 2


def test_extract_makes_what_the_function_makes_and_tells_the_steps(call, tmp_path):
    words = ["extract", *ROOTS, *LIKE_TINY, "--output", "x"]
    done = call(*words, "--engine", "pandas", "--workers", 1)
    assert done.exit_code == 0, done.output
    assert tiny_icu.files(tmp_path / "x") == tiny_icu.files(tiny_icu.folder())
    made = tiny_icu.extraction()
    for step in made.manifest["exclusions"]:
        assert f"{step['left']:,} left, {step['removed']:,}: {step['step']}" in (
            done.stdout
        )
    assert f"{len(made.samples)} samples, {len(made.images)} images: x" in done.stdout
    assert f"image files: {len(made.images)} ok" in done.stdout
    assert f"({made.manifest['counts']['events']['chartevents']['rows']:,} rows" in (
        done.stdout
    )
    assert "chartevents: " in done.stderr and "images: " in done.stderr
    told(call(*words), "a finished extraction. replace it by --overwrite")
    told(call(*words, "--resume"), "a finished extraction")
    assert call(*words, "--overwrite").exit_code == 0


def test_every_option_of_extract_arrives_in_the_manifest(call, tmp_path):
    samples = tiny_icu.extraction("phenotyping").samples
    split = samples.set_index("subject_id")["split"].to_dict()
    for name in ("test", "validation"):
        lines = [f"{patient},{int(part == name)}" for patient, part in split.items()]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    words = ["--task", "phenotyping", "--hours", "all", "--reference", "medfuse"]
    words += ["--labs", "--intubated", "fifteen", "--lookback-hours", 6, "--views"]
    words += ["AP, PA", "--split-files", "test.csv", "validation.csv", "--unlabelled"]
    done = call("extract", *ROOTS, *words, "--image-size", 16, "--output", "x")
    assert done.exit_code == 0, done.output
    options = read_extraction(tmp_path / "x").manifest["options"]
    expected = {
        **{"task": "phenotyping", "hours": None, "reference": "medfuse", "labs": True},
        **{"intubated": "fifteen", "lookback_hours": 6.0, "views": ["AP", "PA"]},
        **{"labelled": False, "image_size": 16, "images": True},
    }
    assert expected.items() <= options.items()
    assert len(options["files"]["split_files"]) == 2
    assert not (tmp_path / "x" / "labels.csv").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--hours", "two"], "whole number of hours, or 'all'. Received: 'two'"),
        (["--hours", "0"], "`hours` must be at least 1"),
        (["--codes", "a.csv", "--mapping", "b.yaml"], "Received both"),
        (["--fractions", 1, 1, 1], "ractions"),
        (["--codes", "a.csv"], "a.csv"),
        (["--mimic-iv", "nowhere"], "must hold the table 'patients'"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bad_input_is_told_in_a_line(call, tmp_path, words, message):
    told(call("extract", *ROOTS, "--output", "x", *words), message)
    assert not (tmp_path / "x").exists()


def test_with_debug_an_error_shows_where_it_came_from(call):
    done = call("extract", *ROOTS, "--output", "x", "--hours", "0", "--debug")
    assert isinstance(done.exception, ValueError)


def test_an_audit_that_passes_ends_with_0_and_its_page(call, tmp_path):
    done = call("audit", tiny_icu.folder(), "--output", "audit.html")
    assert done.exit_code == 0, done.output
    assert "No violation" in done.stdout
    assert "<html" in (tmp_path / "audit.html").read_text()
    told(call("audit", tiny_icu.folder(), "--output", "audit.html"), "must not exist")
    done = call("audit", tiny_icu.folder(), "--output", "audit.html", "--overwrite")
    assert done.exit_code == 0


def test_an_audit_that_finds_a_leak_ends_with_1_and_names_it(call, tmp_path):
    path = tiny_icu.copy(tmp_path, "phenotyping")
    table = pd.read_csv(path / "samples.csv")
    twice = table["subject_id"].duplicated(keep=False) & (table["split"] == "train")
    table.loc[table.index[twice][0], "split"] = "test"
    table.to_csv(path / "samples.csv", index=False)
    done = call("audit", path, "--output", "audit.md")
    assert done.exit_code == 1
    assert "2 violations: patients, split_rule" in done.stdout
    assert "2 violations: patients, split_rule" in (tmp_path / "audit.md").read_text()
    accepted = ["--accept", "patients", "--accept", "split_rule"]
    assert call("audit", path, *accepted).exit_code == 0
    assert call("audit", path, *accepted[:2]).exit_code == 1


def test_what_a_teacher_has_learnt_from_is_audited(call, tmp_path):
    samples = tiny_icu.extraction().samples
    for name in ("train", "test"):
        ids = samples.loc[samples["split"] == name, "subject_id"]
        (tmp_path / f"{name}.txt").write_text("\n".join(map(str, ids)))
    given = ["audit", tiny_icu.folder(), "--pretraining"]
    assert call(*given, "big=train.txt").exit_code == 0
    done = call(*given, "big=train.txt", "--pretraining", "other=test.txt")
    assert done.exit_code == 1 and "1 violations: pretraining" in done.stdout
    assert "in other" in done.stdout
    told(call(*given, "test.txt"), "must be NAME=FILE. Received: 'test.txt'")
    told(call(*given, "big=none.txt"), "none.txt")


def test_the_lists_that_made_the_splits_are_audited(call, tmp_path):
    samples = tiny_icu.extraction().samples
    split = samples.set_index("subject_id")["split"].to_dict()
    for name in ("test", "validation"):
        lines = [f"{patient},{int(part == name)}" for patient, part in split.items()]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    words = ["audit", tiny_icu.folder(), "--split-files"]
    assert call(*words, "test.csv", "validation.csv").exit_code == 0
    done = call(*words, "validation.csv", "test.csv")
    assert done.exit_code == 1 and "1 violations: split_rule" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["audit", "nowhere"], "must be a folder with manifest.json"),
        (["audit", tiny_icu.folder(), "--accept", "all"], "names of checks"),
        (["audit", tiny_icu.folder(), "--output", "audit.pdf"], "audit.pdf"),
        (["import", "medfuse", "nowhere", "--output", "x"], "must be a folder"),
        (["import", "long", "a.csv", "b.csv", "--output", "x"], "b.csv"),
        (["codes", "--icd9", "a", "--icd10", "b", "--output", "c.csv"], "a"),
    ],
    ids=lambda value: "-".join(map(str, value))[:18] if isinstance(value, list) else "",
)
def test_what_is_not_there_is_told_in_a_line(call, words, message):
    told(call(*words), message)


@pytest.mark.parametrize("task", ["mortality", "phenotyping"])
def test_import_medfuse_makes_what_the_function_makes(call, tmp_path, task):
    published.write(tmp_path / "theirs", task)
    words = ["import", "medfuse", "theirs", "--task", task, "--clean", "--hours", 24]
    done = call(*words, "--image-size", 16, "--output", "x")
    assert done.exit_code == 0, done.output
    options = {"task": task, "hours": 24, "clean": True, "image_size": 16}
    made = from_medfuse(tmp_path / "theirs", tmp_path / "y", **options)
    assert tiny_icu.files(tmp_path / "x") == tiny_icu.files(tmp_path / "y")
    assert f"{len(made.samples)} samples, 0 images: x" in done.stdout
    assert "image files" not in done.stdout


def test_import_long_takes_tables_and_images_of_any_hospital(call, tmp_path):
    from PIL import Image

    begin = "2150-01-01 08:00:00,2150-01-04 08:00:00"
    stays = [f"{k},{k},{begin},{k % 2},{['train', 'test'][k % 2]}" for k in range(6)]
    events = [f"{k},2150-01-01 09:30:00,HR,{60 + k}" for k in range(6)]
    events.append("0,2150-01-01 09:30:00,Mood,3")
    tables = {
        "stays": ["stay_id,subject_id,intime,outtime,death,split", *stays],
        "events": ["stay_id,time,variable,value", *events],
        "images": ["subject_id,time,path", "2,2150-01-02 08:00:00,a.png"],
    }
    for name, lines in tables.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "films").mkdir()
    Image.fromarray(np.full((20, 20), 90, "uint8")).save(tmp_path / "films" / "a.png")
    words = ["import", "long", "events.csv", "stays.csv", "--output", "x"]
    told(call(*words), "Mood")
    words += ["--ignore-unknown", "--images", "images.csv", "--image-root", "films"]
    done = call(*words, "--hours", 12, "--image-size", 16)
    assert done.exit_code == 0, done.output
    made = read_extraction(tmp_path / "x")
    assert made.samples["stay_id"].tolist() == [*range(6)]
    # Films of the second day come after a window of 12 hours.
    assert (made.manifest["hours"], len(made.images)) == (12, 0)
    done = call(*words[:4], "--output", "y", *words[6:], "--image-size", 16)
    assert done.exit_code == 0, done.output
    made = read_extraction(tmp_path / "y")
    assert (made.manifest["hours"], len(made.images)) == (48, 1)
    assert made.images[0].mean() == 90 and made.samples["image"].tolist()[2] == 0


def test_codes_are_built_of_the_public_files(call, tmp_path):
    (tmp_path / "nine").write_text(NINE)
    (tmp_path / "ten").write_text(TEN)
    words = ["codes", "--icd9", "nine", "--icd10", "ten", "--output", "codes.csv"]
    done = call(*words)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "codes.csv", dtype={"code": str})
    rows = set(table.itertuples(index=False, name=None))
    assert rows == {
        *((9, "code", "4019", 98), (9, "code", "4280", 108), (9, "code", "42821", 108)),
        *((9, "prefix", "401", 98), (9, "prefix", "428", 108)),
        *((10, "code", "I480", 106), (10, "code", "I4891", 106)),
        (10, "prefix", "I48", 106),
    }
    assert f"{len(table)} codes and prefixes: codes.csv" in done.stdout
    told(call(*words), "must not exist")
    assert call(*words, "--overwrite").exit_code == 0
    # What was built is what `extract` takes.
    done = call("extract", *ROOTS[:2], "--codes", "codes.csv", "--task", "phenotyping",
                "--output", "x")  # fmt: skip
    assert done.exit_code == 0, done.output
    made = read_extraction(tmp_path / "x")
    positive = set(made.labels.columns[made.labels.sum() > 0]) - {"stay_id"}
    assert 0 < len(positive) <= 3
    assert len(json.loads(Path("x/manifest.json").read_text())["options"]["files"]) == 1
