"""The portability certificate: every file of a run against what the run said."""

import json
import shutil

import numpy as np
import pytest
import tiny_run
from scipy.special import expit

from mind_keras import backend, verification
from mind_keras.exporting.asking import UnansweredError


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A copy of a run whose backends are not asked; its exports are stand-ins."""
    monkeypatch.setattr(backend, "installed", list)
    monkeypatch.setattr(verification, "missing", lambda modules: [])
    return tiny_run.copy(tmp_path)


def plant(run, name, made, modalities, **changes):
    """An export's sidecar, and the file it is of."""
    inputs = [{"modality": m, "dtype": "float32"} for m in modalities]
    folder = run.path / "exports"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("made")
    values = {"format": made, "inputs": inputs, "outputs": []} | changes
    (folder / f"{name}.json").write_text(json.dumps(values))


def test_each_export_is_compared_by_head_and_pattern(run, monkeypatch):
    plant(run, "student.onnx", "onnx", ["serum", "vitals"])
    plant(run, "student.serum.tflite", "litert", ["serum"])
    _, logits = run.reference()
    asked = {}

    def ask(file, format, x):
        asked[file.name] = (format, sorted(x), {len(rows) for rows in x.values()})
        if format == "litert":
            return {"serum": logits["serum"] + 0.001}
        return {head: z.astype("float32") for head, z in logits.items()}

    monkeypatch.setattr(verification, "ask", ask)
    table = verification.verify(run).set_index(["file", "head"])
    assert asked == {
        "student.onnx": ("onnx", ["serum", "vitals"], {32}),
        "student.serum.tflite": ("litert", ["serum"], {32}),
    }
    assert table["equal"].to_dict() == {
        ("exports/student.onnx", "fusion"): True,
        ("exports/student.onnx", "serum"): True,
        ("exports/student.onnx", "vitals"): True,
        ("exports/student.serum.tflite", "serum"): False,
    }
    one = table.loc[("exports/student.serum.tflite", "serum")]
    assert (one["backend"], one["pattern"]) == ("ai_edge_litert", "serum")
    z = logits["serum"].astype("float64")
    far = np.abs(expit((logits["serum"] + 0.001).astype("float64")) - expit(z)).max()
    assert one["difference"] == pytest.approx(far)
    assert set(table.loc["exports/student.onnx", "pattern"]) == {"serum+vitals"}
    kept = run.read_json("verification.json")
    assert kept["tolerance"] == 1e-5
    assert [row["equal"] for row in kept["rows"]] == table["equal"].tolist()


def unanswered(file, format, x):
    raise UnansweredError("it died")


@pytest.mark.parametrize(
    ("changes", "ask", "note"),
    [
        ({}, unanswered, "it died"),
        ({}, lambda file, format, x: {"other": 1}, "answers no head of the run"),
        ({"format": "onnxx"}, None, "Unknown format 'onnxx'"),
        ({"inputs": [{"modality": "mri", "dtype": "uint8"}]}, None, "'mri'"),
        ({"inputs": 3}, None, "not iterable"),
    ],
)
def test_what_cannot_be_compared_is_not_equal_and_says_why(
    run, monkeypatch, changes, ask, note
):
    plant(run, "student.onnx", "onnx", ["serum"], **changes)
    monkeypatch.setattr(verification, "ask", ask)
    (row,) = verification.verify(run).to_dict("records")
    assert not row["equal"] and note in row["note"]
    assert run.read_json("verification.json")["rows"][0]["difference"] is None


def test_a_damaged_sidecar_and_a_missing_runtime_are_told(run, monkeypatch):
    plant(run, "a.onnx", "onnx", ["serum"])
    plant(run, "b.onnx", "onnx", ["serum"])
    (run.path / "exports" / "a.onnx.json").write_text("{")
    monkeypatch.setattr(verification, "missing", list)
    monkeypatch.setattr(verification, "ask", None)
    table = verification.verify(run)
    assert not table["equal"].any()
    assert "sidecar must be JSON" in table["note"][0]
    assert table["note"][1] == "onnxruntime is not installed"


def test_a_run_without_exports_has_its_backends_alone(run, monkeypatch):
    monkeypatch.setattr(backend, "installed", lambda: ["jax"])
    _, logits = run.reference()
    said = {f"student.keras/logits/{head}": z for head, z in logits.items()}
    said |= {"student.serum.keras/error": np.array("OSError: gone\nline 2")}
    monkeypatch.setattr(verification, "_ask_backend", lambda folder, files, name: said)
    table = verification.verify(run).set_index(["file", "head"])
    assert table["equal"].to_dict() == {
        ("student.keras", "fusion"): True,
        ("student.keras", "serum"): True,
        ("student.keras", "vitals"): True,
        ("student.serum.keras", ""): False,
        ("student.vitals.keras", ""): False,
    }
    assert table.loc[("student.serum.keras", ""), "note"] == "OSError: gone"
    patterns = dict(zip(table.index.get_level_values(0), table["pattern"], strict=True))
    assert patterns == {
        "student.keras": "serum+vitals",
        "student.serum.keras": "serum",
        "student.vitals.keras": "vitals",
    }


def test_a_folder_without_exports_may_hold_the_folder(run):
    (run.path / "exports").mkdir()
    assert verification.verify(run).empty
    shutil.rmtree(run.path / "exports")
    assert verification.verify(run).empty
