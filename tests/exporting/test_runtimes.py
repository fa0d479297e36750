"""Real exports, run by their own runtimes. Skipped where one is not installed."""

import keras
import numpy as np
import pytest
from tiny import array, spec

import mind_keras as mk
from mind_keras.exporting.asking import UnansweredError, ask
from mind_keras.exporting.formats import FORMATS, choose_maker

OWN = keras.backend.backend()
NAMES = {"litert": "m.tflite", "onnx": "m.onnx", "openvino": "m.xml"}


@pytest.fixture(scope="module")
def model():
    """A loop, a convolution's kind of statistics, and a fusion that is a loop too."""
    keras.utils.set_random_seed(0)
    encoders = {"ehr": {"encoder": "lstm", "units": 4}, "lab": "mlp"}
    made = mk.build_student(spec("multiclass"), encoders, fusion="medfuse")
    made.set_weights([w + 0.2 for w in made.get_weights()])
    return made


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """`exported(format)`: the file, made once, or a skip that says why."""
    folder, files = tmp_path_factory.mktemp("exports"), {}

    def make(format):
        try:
            maker = choose_maker(FORMATS[format], OWN)
        except ValueError as error:
            pytest.skip(str(error))
        if maker != OWN and format != "onnx":
            pytest.skip(f"the tests on {maker} make it; here ONNX is made elsewhere")
        if format not in files:
            path = folder / NAMES.get(format, "saved")
            files[format] = mk.export(model, path, format=format)
        return files[format]

    return make


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_every_format_answers_as_keras_does_at_any_batch_size(exported, model, format):
    file = exported(format)
    rng = np.random.default_rng(1)
    for rows in (1, 6):
        x = {n: rng.normal(size=(rows, *t.shape[1:])) for n, t in model.input.items()}
        x = {name: array.astype("float32") for name, array in x.items()}
        said = ask(file, format, x)
        assert sorted(said) == ["ehr", "fusion", "lab"]
        for head, logits in model(x).items():
            np.testing.assert_allclose(said[head], array(logits), atol=1e-5)


def test_names_are_those_of_modalities_and_heads(exported):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(exported("onnx"))
    assert [tensor.name for tensor in session.get_inputs()] == ["ehr", "lab"]
    outputs = [tensor.name for tensor in session.get_outputs()]
    assert outputs == ["ehr_logits", "fusion_logits", "lab_logits"]


def test_a_part_of_a_student_is_exported_alone(exported, model, tmp_path):
    exported("onnx")  # or skips
    path = mk.export(mk.submodel(model, {"lab"}), tmp_path / "p.onnx", format="onnx")
    x = {"lab": np.ones((2, 4), "float32")}
    said = ask(path, "onnx", x)
    assert list(said) == ["lab"]
    whole = model(x | {"ehr": np.zeros((2, 5, 3), "float32")})["lab"]
    np.testing.assert_allclose(said["lab"], array(whole), rtol=1e-5, atol=1e-5)


def test_what_is_no_model_is_not_answered(tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "a.onnx").write_bytes(b"no model")
    with pytest.raises(UnansweredError, match=r"a\.onnx"):
        ask(tmp_path / "a.onnx", "onnx", {"lab": np.ones((1, 4), "float32")})
