"""The door of exports: what is refused, what is kept, and that nothing is lost.

Conversion and runtime are stand-ins here; `test_runtimes.py` has the real ones.
"""

import json

import keras
import numpy as np
import pytest
from tiny import spec, student

import mind_keras as mk
from mind_keras import exporting
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.exporting.asking import UnansweredError, difference


@pytest.fixture
def world(monkeypatch):
    """A student; a file that holds `made`; a runtime that says what the student says,
    plus `off`."""
    model = student(spec("multilabel"))
    world = {"off": 0.0, "made": b"new", "drop": (), "asked": []}

    def convert(given, format, path):
        path.write_bytes(world["made"])

    def ask(file, format, x):
        assert file.read_bytes() == world["made"]
        world["asked"] += [{name: rows.shape for name, rows in x.items()}]
        blank = {m: np.zeros((4, *spec().shape(m)), "float32") for m in model.input}
        said = model.predict(blank | x, verbose=0)
        return {h: z + world["off"] for h, z in said.items() if h not in world["drop"]}

    monkeypatch.setattr(exporting, "convert", convert)
    monkeypatch.setattr(exporting, "ask", ask)
    own = keras.backend.backend()
    monkeypatch.setattr(exporting, "choose_maker", lambda made, running: own)
    return model, world


def test_an_export_that_answers_alike_is_kept_with_its_sidecar(world, tmp_path):
    model, seen = world
    path = mk.export(model, tmp_path / "new" / "a.onnx", format="onnx")
    assert path.read_bytes() == b"new"
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "a.onnx",
        "a.onnx.json",
    ]
    assert seen["asked"] == [{"ehr": (4, 5, 3), "lab": (4, 4)}]  # 1 and 3 rows


@pytest.mark.parametrize("off", [0.9e-5, 1.2e-5, -1.2e-5, np.nan])
def test_it_is_kept_only_within_the_tolerance(world, tmp_path, off):
    model, seen = world
    model.set_weights([w * 0.01 for w in model.get_weights()])  # logits below 1
    seen["off"] = off
    if off == 0.9e-5:
        mk.export(model, tmp_path / "a.onnx", format="onnx")
        return
    told = "inf" if np.isnan(off) else "1.2e-05"
    with pytest.raises(ValueError, match=f"within 1e-05.*'ehr': {told}.*onnxruntime"):
        mk.export(model, tmp_path / "a.onnx", format="onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_head_that_is_not_answered_is_refused(world, tmp_path):
    model, seen = world
    seen["drop"] = ("lab",)
    with pytest.raises(ValueError, match="'lab': inf"):
        mk.export(model, tmp_path / "a.onnx", format="onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_run_is_refused(world, tmp_path, monkeypatch):
    def ask(file, format, x):
        raise UnansweredError("no such operation")

    monkeypatch.setattr(exporting, "ask", ask)
    with pytest.raises(ValueError, match=r"must run in onnxruntime.*no such operation"):
        mk.export(world[0], tmp_path / "a.onnx", format="onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_the_exporter_cannot_convert_is_told_in_a_line(
    world, tmp_path, monkeypatch
):
    def convert(model, format, path):
        raise TypeError("no\nway")

    monkeypatch.setattr(exporting, "convert", convert)
    with pytest.raises(ValueError, match=r"convert to onnx.*TypeError: no way"):
        mk.export(world[0], tmp_path / "a.onnx", format="onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken", ["a.onnx", "a.onnx.json"])
def test_nothing_is_replaced_unless_told(world, tmp_path, taken):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(ValueError, match=r"must be free.*overwrite=True"):
        mk.export(world[0], tmp_path / "a.onnx", format="onnx")
    assert (tmp_path / taken).read_text() == "mine"
    assert world[1]["asked"] == []  # before any work


def test_the_weights_of_openvino_are_not_replaced_unless_told(world, tmp_path):
    (tmp_path / "a.bin").write_text("mine")
    with pytest.raises(ValueError, match=r"a\.bin, which is there"):
        mk.export(world[0], tmp_path / "a.xml", format="openvino")


def test_an_export_replaces_an_export_and_nothing_else(world, tmp_path):
    model, seen = world
    path = tmp_path / "a.onnx"
    path.write_text("mine")
    with pytest.raises(ValueError, match="Only an export is replaced"):
        mk.export(model, path, format="onnx", overwrite=True)
    assert path.read_text() == "mine"
    path.unlink()
    mk.export(model, path, format="onnx")
    seen["made"] = b"newer"
    mk.export(model, path, format="onnx", overwrite=True)
    assert path.read_bytes() == b"newer"
    seen["off"] = 1.0
    with pytest.raises(ValueError, match="within"):
        mk.export(model, path, format="onnx", overwrite=True)
    assert path.read_bytes() == b"newer"


def test_a_folder_is_replaced_whole_and_only_if_it_is_an_export(
    world, tmp_path, monkeypatch
):
    model, seen = world

    def convert(model, format, path):
        path.mkdir()
        (path / seen["made"].decode()).write_bytes(b"")

    monkeypatch.setattr(exporting, "convert", convert)
    monkeypatch.setattr(exporting, "ask", lambda f, n, x: model.predict(x, verbose=0))
    path = tmp_path / "home"
    path.mkdir()
    (path / "letter").touch()
    with pytest.raises(ValueError, match="Only an export is replaced"):
        mk.export(model, path, format="tf_saved_model", overwrite=True)
    assert [file.name for file in path.iterdir()] == ["letter"]
    path = tmp_path / "saved"
    mk.export(model, path, format="tf_saved_model")
    seen["made"] = b"newer"
    mk.export(model, path, format="tf_saved_model", overwrite=True)
    assert [file.name for file in path.iterdir()] == ["newer"]


def test_a_path_must_end_as_its_format_does(world, tmp_path):
    with pytest.raises(ValueError, match=r"end in '\.tflite'.*a\.onnx\. Try .*a\.tfl"):
        mk.export(world[0], tmp_path / "a.onnx", format="litert")


def test_the_sidecar_says_which_is_which_and_what_labels_and_rows_are(world, tmp_path):
    model, _ = world
    part = mk.submodel(model, {"ehr"})
    given = Preprocessing({"ehr": [1.0], "lab": [2.0]}, {"ehr": [3.0], "lab": [4.0]})
    mk.export(
        part,
        tmp_path / "a.onnx",
        format="onnx",
        spec=spec("multilabel"),
        preprocessing=given,
    )
    said = json.loads((tmp_path / "a.onnx.json").read_text())
    assert said["inputs"] == [
        {"modality": "ehr", "name": "ehr", "shape": [None, 5, 3], "dtype": "float32"}
    ]
    assert said["outputs"] == [
        {"head": "ehr", "name": "ehr_logits", "shape": [None, 3], "dtype": "float32"}
    ]
    assert said["task"]["labels"] == ["one", "two", "three"]
    assert said["task"]["probabilities"] == "sigmoid"
    assert said["preprocessing"]["mean"] == {"ehr": [1.0]}
    assert said["preprocessing"]["std"] == {"ehr": [3.0]}
    assert said["checked"]["batch_sizes"] == [1, 3]
    assert said["checked"]["tolerance"] == 1e-5
    assert set(said["checked"]["difference"]) == {"ehr"}


def test_without_spec_the_sidecar_makes_none_up(world, tmp_path):
    mk.export(world[0], tmp_path / "a.tflite", format="litert")
    said = json.loads((tmp_path / "a.tflite.json").read_text())
    assert (said["task"], said["preprocessing"]) == (None, None)
    assert [(o["head"], o["name"]) for o in said["outputs"]] == [
        (head, head) for head in ("ehr", "fusion", "lab")
    ]


def test_a_difference_is_relative_only_above_one():
    small, large = np.array([[0.5]]), np.array([[-50.0]])
    assert difference(small + 0.25, small) == 0.25
    assert difference(large + 25, large) == 0.5
    assert difference(np.zeros((2, 1)), np.zeros((1, 2))) == np.inf
