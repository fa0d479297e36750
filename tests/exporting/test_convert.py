"""What a model is turned into before Keras exports it: names, steps, rows."""

import json
import logging
import warnings
from subprocess import CompletedProcess

import keras
import numpy as np
import pytest
from scipy.special import erfc
from tiny import array, spec, student

import mind_keras as mk
from mind_keras import process
from mind_keras.exporting import elsewhere
from mind_keras.exporting.convert import MAKE, convert, draw, plain, unrolled
from mind_keras.exporting.onnx_repairs import repair


def recurrent():
    """Two modalities; an encoder that is called twice, with an LSTM in a model in a
    model."""
    inner = keras.Input((4, 3))
    loop = keras.layers.Bidirectional(keras.layers.LSTM(3))(inner)
    loop = keras.Model(inner, keras.layers.Dense(2)(loop))
    inputs = [keras.Input((4, 3), name=name) for name in ("old", "ehr")]
    codes = [loop(rows) for rows in inputs]
    both = keras.layers.Dense(2)(keras.layers.Subtract()(codes))
    return keras.Model(inputs, {"old": codes[0], "fusion": both})


def test_modalities_and_heads_are_dicts_in_sorted_order():
    model = recurrent()
    made = plain(model)
    assert [tensor.name for tensor in made.inputs] == ["ehr", "old"]
    assert list(made.output) == ["fusion", "old"]
    x = draw(made, 3)
    for head, logits in model([x["old"], x["ehr"]]).items():
        np.testing.assert_array_equal(array(made(x)[head]), array(logits))


def test_a_model_of_one_unnamed_output_has_the_head_of_its_modality():
    teacher = mk.build_teacher(spec(), "lab", encoder="mlp", units=4)
    made = plain(teacher)
    assert (list(made.input), list(made.output)) == (["lab"], ["lab"])


def test_a_fixed_batch_becomes_free():
    rows = keras.Input(batch_shape=(2, 3), name="lab")
    assert plain(keras.Model({"lab": rows}, {"lab": rows})).inputs[0].shape == (None, 3)


def test_every_loop_is_written_out_with_the_same_weights():
    model = recurrent()
    model.set_weights([w + 0.1 for w in model.get_weights()])
    made = unrolled(plain(model))
    config = json.dumps(keras.saving.serialize_keras_object(made))
    assert '"unroll": true' in config and '"unroll": false' not in config
    assert '"unroll": true' not in json.dumps(
        keras.saving.serialize_keras_object(model)
    )
    x = draw(made, 3)
    for head, logits in plain(model)(x).items():
        np.testing.assert_allclose(array(made(x)[head]), array(logits), atol=1e-6)


def test_rows_are_drawn_as_the_inputs_take_them():
    given = {
        "cxr": keras.Input((40, 40, 1), name="cxr", dtype="uint8"),
        "ids": keras.Input((900,), name="ids", dtype="int32"),
        "lab": keras.Input((900,), name="lab"),
    }
    drawn = draw(keras.Model(given, dict(given)), 4)
    assert {m: str(rows.dtype) for m, rows in drawn.items()} == {
        "cxr": "uint8",
        "ids": "int32",
        "lab": "float32",
    }
    assert (drawn["cxr"].min(), drawn["cxr"].max()) == (0, 255)
    assert set(np.unique(drawn["ids"])) == {0, 1}
    assert abs(drawn["lab"].std() - 1) < 0.1
    assert all(len(rows) == 4 for rows in drawn.values())
    again = draw(keras.Model(given, dict(given)), 4)
    assert all((again[m] == drawn[m]).all() for m in drawn)


def test_an_output_takes_the_name_of_its_head_beside_an_input_of_the_same_name(
    tmp_path,
):
    onnx = pytest.importorskip("onnx")
    make, real = onnx.helper, onnx.TensorProto.FLOAT
    # "5" is an output and is read on: the second output is computed from it.
    nodes = [make.make_node("Neg", ["lab"], ["5"]), make.make_node("Exp", ["5"], ["7"])]
    tensors = [
        make.make_tensor_value_info(n, real, ["b", 2]) for n in ("lab", "5", "7")
    ]
    graph = make.make_graph(nodes, "g", tensors[:1], tensors[1:])
    onnx.save(make.make_model(graph), tmp_path / "a.onnx")
    repair(tmp_path / "a.onnx", ["fusion", "lab"])
    found = onnx.load(tmp_path / "a.onnx").graph
    assert [t.name for t in found.input] == ["lab"]
    assert [t.name for t in found.output] == ["fusion_logits", "lab_logits"]
    made_by = {node.output[0]: node for node in found.node}
    assert [made_by[t.name].input[0] for t in found.output] == ["5", "7"]


def test_another_backend_is_asked_in_a_process_and_its_last_words_are_told(
    monkeypatch, tmp_path
):
    seen = {}

    def run(words, env, **options):
        seen.update(words=words[1:], backend=env["KERAS_BACKEND"])
        return CompletedProcess(
            words, seen["code"], stderr="Traceback\nOSError: full\n"
        )

    monkeypatch.setattr(process.subprocess, "run", run)
    seen["code"] = 0
    elsewhere.convert_elsewhere(tmp_path / "m.keras", "onnx", tmp_path / "o", "torch")
    assert seen["backend"] == "torch"
    assert seen["words"] == [
        *("-m", "mind_keras.exporting"),
        *(str(tmp_path / "m.keras"), "onnx", str(tmp_path / "o")),
    ]
    seen["code"] = 1
    with pytest.raises(ValueError, match=r"Keras on jax can load.*OSError: full Has"):
        elsewhere.convert_elsewhere(tmp_path / "m.keras", "onnx", tmp_path / "o", "jax")


def test_what_onnx_lacks_is_written_out(tmp_path):
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    make, real = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        make.make_node("Erfc", ["lab"], ["a"]),
        make.make_node("Neg", ["a"], ["b"]),
    ]
    tensors = [make.make_tensor_value_info(n, real, ["n", 3]) for n in ("lab", "b")]
    graph = make.make_graph(nodes, "g", tensors[:1], tensors[1:])
    opset = [make.make_opsetid("", 15)]
    model = make.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.save(model, tmp_path / "a.onnx")
    repair(tmp_path / "a.onnx", ["lab"])
    x = np.array([[-2.0, 0.0, 1.5]], "float32")
    (said,) = runtime.InferenceSession(tmp_path / "a.onnx").run(None, {"lab": x})
    np.testing.assert_allclose(said, -erfc(x), atol=1e-6)


def test_a_students_own_graph_is_left_as_it_is():
    model = student(spec())
    before = json.dumps(model.get_config())
    plain(model)
    unrolled(plain(model))
    assert json.dumps(model.get_config()) == before


def test_an_exporter_may_chatter_without_being_heard(monkeypatch, caplog, recwarn):
    def noisy(model, path):
        # As TensorFlow does in a notebook: a level that it sets when it is imported.
        chatter = logging.getLogger("exporter")
        chatter.setLevel(logging.INFO)
        chatter.warning("assets written")
        warnings.warn("deprecated", stacklevel=1)

    monkeypatch.setitem(MAKE, "noisy", noisy)
    convert(plain(student(spec())), "noisy", None)
    assert not caplog.records and not recwarn.list
    logging.getLogger("exporter").warning("afterwards")
    assert [record.message for record in caplog.records] == ["afterwards"]
