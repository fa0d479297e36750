"""`mind-keras export`: which model it takes, where it goes, and how it complains."""

import json
from pathlib import Path

import keras
import pytest
import tiny_run
from typer.testing import CliRunner

from mind_keras import exporting
from mind_keras.cli import app


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Run the command with a stand-in for the export; `seen` is what it was given."""
    monkeypatch.setenv("KERAS_BACKEND", keras.config.backend())
    seen = {}

    def export(model, path, **options):
        seen.update(options, inputs=sorted(model.input), path=path)
        path.parent.mkdir(exist_ok=True)
        checked = {"runtime": "onnxruntime", "difference": {"serum": 2.04e-7}}
        values = {"format": "onnx", "inputs": [], "outputs": [], "checked": checked}
        Path(f"{path}.json").write_text(json.dumps(values))
        return path

    monkeypatch.setattr(exporting, "export", export)
    run = tiny_run.copy(tmp_path)

    def call(*words):
        words = ["export", run.path, *words]
        return CliRunner().invoke(app, [str(word) for word in words])

    return call, run, seen


@pytest.mark.parametrize(
    ("words", "name", "inputs"),
    [
        ([], "student.onnx", ["serum", "vitals"]),
        (["--format", "litert"], "student.tflite", ["serum", "vitals"]),
        (["--format", "openvino"], "student.xml", ["serum", "vitals"]),
        (["--format", "tf_saved_model"], "student.saved_model", ["serum", "vitals"]),
        (["--modalities", "serum"], "student.serum.onnx", ["serum"]),
        (
            ["--modalities", "vitals, serum"],
            "student.serum+vitals.onnx",
            ["serum", "vitals"],
        ),
    ],
)
def test_it_goes_where_verify_looks_unless_told(call, words, name, inputs):
    ask, run, seen = call
    done = ask(*words)
    assert done.exit_code == 0, done.output
    assert seen["path"] == run.path / "exports" / name
    assert seen["inputs"] == inputs
    assert seen["spec"] == run.spec()
    assert seen["preprocessing"] == run.preprocessing()
    assert seen["overwrite"] is False
    assert "serum: differs by 2.0e-07 in onnxruntime" in done.stdout
    assert str(seen["path"]) in done.stdout.replace("\n", "")


def test_output_and_overwrite_are_handed_on(call, tmp_path):
    ask, _, seen = call
    assert ask("--output", tmp_path / "mine.onnx", "--overwrite").exit_code == 0
    assert (seen["path"], seen["overwrite"]) == (tmp_path / "mine.onnx", True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "pickle"], "Unknown format 'pickle'"),
        (["--modalities", "mri"], "Unknown modality ['mri']"),
        (["--backend", "mxnet"], "Received: 'mxnet'"),
    ],
)
def test_a_mistake_is_told_in_a_line(call, words, message):
    done = call[0](*words)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert call[2] == {}
