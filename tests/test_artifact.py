"""The run folder: who may write into it, and what others can rely on."""

import json
import platform
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tiny_run
from checks import assert_close

from mind_keras.artifact import FILES, Run, load_run
from mind_keras.claim import claim, environment
from mind_keras.data.sources import load

VERSIONS = {"keras": "3.15.1", "backend": "jax", "seed": 0}
YAML = "name: small\ntraining: {epochs: 3}\n"
TEXTS = [".json", ".csv", ".html", ".md", ".yaml"]


@pytest.fixture
def begun(tmp_path) -> Run:
    """A folder that was claimed, and in which nothing was trained yet."""
    return claim(tmp_path / "run", YAML, VERSIONS)


def test_the_folder_holds_the_agreed_files_and_no_other():
    path = tiny_run.finished().path
    found = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}
    assert found == {
        *("config.yaml", "environment.json", "metrics.json", "summary.json"),
        *("predictions.csv", "history.csv", "report.html", "card.md"),
        *("comparisons.csv", "subgroups.csv", "balance.csv", "curves.json"),
        *("calibration.csv", "calibration.json", "teachers/fusion-0.keras"),
        *("student.keras", "student.serum.keras", "student.vitals.keras"),
        *("preprocessing.json", "spec.json", "reference.npz"),
        *(f"teachers/{name}.keras" for name in ("serum-0", "serum-1", "vitals-0")),
        *(f"controls/{name}.keras" for name in ("no_kd", "single_head")),
        *(f"controls/unimodal-{name}.keras" for name in ("serum", "vitals")),
    }


def test_a_modalitys_file_answers_as_the_students_head():
    done = tiny_run.finished()
    x, _ = done.reference()
    whole = done.model("student").predict(x, verbose=0)
    for name, rows in x.items():
        part = keras.saving.load_model(done.path / f"student.{name}.keras")
        assert [tensor.name for tensor in part.inputs] == [name]
        said = part.predict({name: rows}, verbose=0)
        assert_close(said, {name: whole[name]})


def test_the_reference_is_drawn_by_seed_and_answered_by_the_student():
    done = tiny_run.finished()
    x, logits = done.reference()
    rng = np.random.default_rng(3)
    for name, size in {"serum": 6, "vitals": 4}.items():
        drawn = rng.standard_normal((32, size), "float32")
        np.testing.assert_array_equal(x[name], drawn)
    assert_close(logits, done.model("student").predict(x, verbose=0), atol=1e-5)


def test_the_folder_is_read_without_code_and_its_students_are_plain_keras():
    path = tiny_run.finished().path
    for file in path.rglob("*.keras"):
        with zipfile.ZipFile(file) as archive:
            assert b"mind_keras" not in archive.read("config.json")
            assert not any("pkl" in name for name in archive.namelist())
    with zipfile.ZipFile(path / "reference.npz") as archive:
        assert all(
            b"'O'" not in archive.read(name)[:128] for name in archive.namelist()
        )


def test_what_is_read_back_is_what_the_run_was_made_from():
    done = load_run(tiny_run.finished().path)
    data = load("diabetes", seed=3, **tiny_run.CONFIG.data.options)
    assert done.spec() == data.spec
    assert done.preprocessing() == data.preprocessing
    assert done.read("config.yaml") == tiny_run.CONFIG.to_yaml()


def test_no_text_says_on_which_machine_or_for_whom_it_was_made():
    done = tiny_run.finished()
    for file in (f for f in done.path.iterdir() if f.suffix in TEXTS):
        text = file.read_text("utf-8")
        assert str(done.path) not in text and str(Path.home()) not in text
    assert platform.node() not in done.read_json("environment.json").values()


def test_the_environment_names_every_version_the_seed_and_the_config():
    said = environment("0.1", seed=4, config_digest="ab")
    backend = keras.config.backend()
    assert said["backend"] == backend and said["backend_version"][0].isdigit()
    assert (said["keras"], said["seed"], said["config_digest"]) == (
        keras.__version__,
        4,
        "ab",
    )


def test_a_folder_in_use_is_refused(begun, tmp_path):
    with pytest.raises(
        ValueError, match=r"must be empty.*an unfinished run.*--resume.*--overwrite"
    ):
        claim(begun.path, YAML, VERSIONS)
    begun.finish({})
    with pytest.raises(ValueError, match=r"must be empty.*a finished run\. Start anew"):
        claim(begun.path, YAML, VERSIONS)
    with pytest.raises(ValueError, match=r"must be a folder.*config\.yaml"):
        claim(begun.path / "config.yaml", YAML, VERSIONS)
    (tmp_path / "empty").mkdir()
    assert claim(tmp_path / "empty", YAML, VERSIONS).read("config.yaml") == YAML


def test_overwriting_deletes_what_a_run_wrote_and_nothing_else(tmp_path):
    run = tiny_run.copy(tmp_path)
    (run.path / "notes.txt").write_text("mine")
    for name in FILES:  # also those of other kinds of run
        (run.path / name).touch()
    claim(run.path, YAML, VERSIONS, overwrite=True)
    left = {file.name for file in run.path.iterdir()}
    assert left == {"config.yaml", "environment.json", "notes.txt"}
    assert not run.finished and run.read("config.yaml") == YAML


@pytest.mark.parametrize("how", ["resume", "overwrite"])
def test_what_was_half_written_is_swept_up(begun, how):
    (begun.path / "teachers").mkdir()
    left = [
        begun.path / "teachers/.serum-0.part1.keras",
        begun.path / ".spec.part1.json",
    ]
    for file in left:
        file.write_bytes(b"PK")
    claim(begun.path, YAML, VERSIONS, **{how: True})
    assert not any(file.exists() for file in left)


def test_a_folder_of_something_else_is_never_overwritten(tmp_path):
    (tmp_path / "student.keras").write_text("precious")
    with pytest.raises(ValueError, match=r"Only the folder of a run is overwritten"):
        claim(tmp_path, YAML, VERSIONS, overwrite=True)
    assert (tmp_path / "student.keras").read_text() == "precious"


@pytest.mark.parametrize(
    ("yaml", "versions", "message"),
    [
        (
            "name: small\ntraining: {epochs: 4, patience: 2}\n",
            VERSIONS,
            r"`training.epochs` was 3 and is 4; `training.patience` was None and is 2",
        ),
        (YAML, VERSIONS | {"keras": "3.16.0"}, r"`keras` was '3.15.1' and is '3.16.0'"),
    ],
    ids=["config", "versions"],
)
def test_a_run_is_resumed_only_by_its_equal(begun, yaml, versions, message):
    with pytest.raises(ValueError, match=message):
        claim(begun.path, yaml, versions, resume=True)
    assert claim(begun.path, YAML, VERSIONS, resume=True) == begun


def test_to_resume_and_to_overwrite_are_not_asked_for_together(begun):
    with pytest.raises(ValueError, match="Received: both"):
        claim(begun.path, YAML, VERSIONS, resume=True, overwrite=True)


def test_a_damaged_model_is_named(tmp_path):
    run = tiny_run.copy(tmp_path)
    file = run.file_of("student")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"student\.keras, and .*Is it damaged"):
        run.model("student")
    with pytest.raises(ValueError, match=r"There must be a `\.keras` file.*serum-7"):
        run.model("teacher:serum:7")


def test_a_lost_or_damaged_file_is_named(tmp_path):
    run = tiny_run.copy(tmp_path)
    (run.path / "metrics.json").unlink()
    with pytest.raises(ValueError, match=r"must hold metrics\.json"):
        run.metrics()
    (run.path / "spec.json").write_text('{"task": ')
    with pytest.raises(ValueError, match=r"spec\.json must be JSON.*damaged"):
        run.spec()


def test_what_is_no_finished_run_is_not_loaded(begun, tmp_path):
    with pytest.raises(ValueError, match=r"must be a run folder.*has none"):
        load_run(tmp_path)
    with pytest.raises(ValueError, match="is no folder"):
        load_run(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"must be finished.*--resume --output"):
        load_run(begun.path)


def test_json_has_no_word_for_nan(begun):
    with pytest.raises(ValueError, match="not JSON compliant"):
        begun.write_json("metrics.json", [float("nan")])
    assert not (begun.path / "metrics.json").exists()
    assert json.loads(begun.read("environment.json")) == VERSIONS
