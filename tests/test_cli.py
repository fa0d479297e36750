"""The command line: it starts at once, does what is asked, and complains in a line."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tiny_run
from sklearn.datasets import load_diabetes
from typer.testing import CliRunner

import mind_keras as mk
from mind_keras import backend, seeds
from mind_keras.cli import app
from mind_keras.data.sources import load

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Run a command in an empty folder; text in and out."""
    monkeypatch.setenv("KERAS_BACKEND", keras.config.backend())
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def raw(tmp_path):
    """The test patients as raw values, cells blank where they lack a modality."""
    data = load("diabetes", seed=3, **tiny_run.CONFIG.data.options)
    table = load_diabetes(scaled=False, as_frame=True).data.loc[data.test.id]
    for modality in data.spec.modalities:
        table.loc[~data.test.has(modality.name), list(modality.features)] = np.nan
    table.rename_axis("id").to_csv(tmp_path / "raw.csv")
    return tmp_path / "raw.csv", data.test


def test_help_imports_nothing_heavy_and_names_every_command():
    heavy = "{'keras', 'numpy', 'pandas', 'pydantic', 'sklearn'}"
    code = (
        "import sys\nfrom mind_keras.cli import app\n"
        "app(['--help'], standalone_mode=False)\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("[]")
    for command in ("run", "missing", "predict", "verify", "report"):
        assert f" {command} " in done.stdout


def test_a_run_says_its_table_and_takes_settings_seed_and_output(call, monkeypatch):
    seen = {}

    def pretend(config, output, **options):
        seen.update(config=config, output=output, **options)
        return tiny_run.finished()

    monkeypatch.setattr(seeds, "experiment", pretend)
    words = ["--set", "training.epochs=3", "--set", "student.fusion=sum", "--seed", 9]
    done = call("run", CONFIGS / "diabetes.yaml", *words, "--resume")
    assert done.exit_code == 0, done.output
    assert (seen["config"].training.epochs, seen["config"].seed) == (3, 9)
    assert seen["config"].student.fusion == {"fusion": "sum"}
    assert seen["output"] == Path("runs/diabetes")
    assert (seen["resume"], seen["overwrite"]) == (True, False)
    call("run", CONFIGS / "diabetes.yaml", "--output", "there", "--overwrite")
    assert (seen["output"], seen["overwrite"]) == (Path("there"), True)
    for word in ("student", "no_kd", "teachers", "AUROC", "test split", "seed 3"):
        assert word in done.stdout


def test_a_second_run_into_a_folder_is_refused_in_one_line(call, tmp_path):
    (tmp_path / "tiny.yaml").write_text(tiny_run.CONFIG.to_yaml())
    done = call("run", "tiny.yaml", "--output", tiny_run.finished().path)
    assert done.exit_code == 2
    (line,) = [text for text in done.stderr.splitlines() if text.startswith("error: ")]
    assert "The output folder must be empty" in line and "--overwrite" in line
    assert "Traceback" not in done.output


def test_predict_takes_raw_values_and_says_what_the_student_says(call, raw):
    path, test = raw
    done = call("predict", tiny_run.finished().path, path, "--output", "out.csv")
    assert done.exit_code == 0, done.output
    table = pd.read_csv("out.csv")
    assert table.columns.tolist() == ["id", "pattern", "head", "label", "probability"]
    expected = mk.predict(tiny_run.finished().model("student"), test)
    for head, p in expected.items():
        found = table[table["head"] == head].set_index("id")["probability"]
        known = ~np.isnan(p[:, 0])
        assert found.index.tolist() == test.id[known].tolist()
        np.testing.assert_allclose(found, p[known, 0], rtol=1e-5)


def test_predict_does_not_replace_a_file_unless_told(call, raw):
    Path("out.csv").write_text("mine")
    words = ["predict", tiny_run.finished().path, raw[0], "--output", "out.csv"]
    done = call(*words)
    assert done.exit_code == 2 and "error: The output must not exist" in done.stderr
    assert Path("out.csv").read_text() == "mine"
    assert call(*words, "--overwrite").exit_code == 0
    assert Path("out.csv").read_text().startswith("id,pattern")


def test_every_installed_backend_answers_alike_without_this_package(call, tmp_path):
    run = tiny_run.copy(tmp_path)
    done = call("verify", run.path)
    assert done.exit_code == 0, done.output
    rows = json.loads((run.path / "verification.json").read_text())["rows"]
    assert {row["backend"] for row in rows} == set(backend.installed())
    assert {(row["file"], row["head"]) for row in rows} == {
        ("student.keras", "fusion"),
        ("student.keras", "serum"),
        ("student.keras", "vitals"),
        ("student.serum.keras", "serum"),
        ("student.vitals.keras", "vitals"),
    }
    assert all(row["difference"] <= 1e-5 for row in rows)


def test_verify_finds_a_changed_student_and_a_damaged_one(call, tmp_path, monkeypatch):
    monkeypatch.setattr(backend, "installed", lambda: [keras.config.backend()])
    run = tiny_run.copy(tmp_path)
    other = run.model("student")
    other.get_layer("serum_head").bias.assign([9.0])
    other.save(run.file_of("student"))
    (run.path / "student.vitals.keras").write_bytes(b"PK")
    done = call("verify", run.path)
    assert done.exit_code == 1
    table = pd.DataFrame(run.read_json("verification.json")["rows"])
    table = table.set_index(["file", "head"])
    assert table["equal"].to_dict() == {
        ("student.keras", "fusion"): True,
        ("student.keras", "serum"): False,
        ("student.keras", "vitals"): True,
        ("student.serum.keras", "serum"): True,
        ("student.vitals.keras", ""): False,
    }
    assert table.loc[("student.vitals.keras", ""), "note"]


def test_the_report_is_written_anew_from_the_files_of_the_run(call, tmp_path):
    run = tiny_run.copy(tmp_path)
    (run.path / "report.html").unlink()
    assert call("report", run.path).exit_code == 0
    assert run.read("report.html") == tiny_run.finished().read("report.html")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "none.yaml"], "No such file"),
        (["run", CONFIGS / "diabetes.yaml", "--set", "seeed=1"], "unknown key `seeed`"),
        (["run", CONFIGS / "diabetes.yaml", "--backend", "mxnet"], "Received: 'mxnet'"),
        (["predict", ".", "a.csv"], "must be a run folder"),
        (["verify", "nowhere"], "is no folder"),
        (["report", "."], "must be a run folder"),
    ],
    ids=lambda value: (
        "-".join(map(str, value))[-30:] if isinstance(value, list) else ""
    ),
)
def test_a_mistake_is_told_without_a_traceback(call, words, message):
    done = call(*words)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert "Traceback" not in done.output
    assert isinstance(call(*words, "--debug").exception, ValueError | OSError)
