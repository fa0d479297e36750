"""Mid-level fusion: the exchange against NumPy, and the student that is cut for it."""

import inspect

import keras
import numpy as np
import pytest
from checks import SMALL, assert_close, draw
from scipy.special import expit
from tiny import array, samples, spec, weights

import mind_keras as mk
from mind_keras.fusion import EXCHANGES, FUSIONS
from mind_keras.fusion.mmtm import mmtm_features
from mind_keras.parts import Parts

SHAPES = {"cxr": (5, 4, 3), "ehr": (6, 4), "lab": (5,), "scan": (2, 3, 2, 2)}


def exchanged(exchange, shapes, **options):
    features = {m: keras.Input(shape, name=m) for m, shape in shapes.items()}
    return keras.Model(features, exchange(features, **options))


@pytest.mark.parametrize("exchange", EXCHANGES.values(), ids=list(EXCHANGES))
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_exchange_changes_features_of_any_axes_but_no_shape(exchange, count):
    shapes = dict(list(SHAPES.items())[:count])
    model = exchanged(exchange, shapes)
    rows = draw(model)
    said = model.predict(rows, verbose=0)
    assert {m: x.shape for m, x in said.items()} == {
        m: x.shape for m, x in rows.items()
    }
    _, *options = inspect.signature(exchange).parameters.values()
    assert {p.kind for p in options} == {inspect.Parameter.KEYWORD_ONLY}
    assert not set(EXCHANGES) & set(FUSIONS)


@pytest.mark.parametrize("exchange", EXCHANGES.values(), ids=list(EXCHANGES))
def test_every_exchange_lets_each_modality_hear_each_other(exchange):
    model = exchanged(exchange, SHAPES)
    rows = draw(model)
    before = model.predict(rows, verbose=0)
    for one in SHAPES:
        after = model.predict(rows | {one: rows[one] + 1}, verbose=0)
        assert all(not np.allclose(after[m], before[m], atol=1e-5) for m in SHAPES)


def test_mmtm_scales_channels_by_twice_a_sigmoid_of_all_means():
    model = exchanged(mmtm_features, dict(reversed(SHAPES.items())), bottleneck=9)
    generator = np.random.default_rng(1)
    model.set_weights(
        [w + 0.3 * generator.normal(size=w.shape) for w in model.get_weights()]
    )
    rows = draw(model)
    means = [rows[m].reshape(8, -1, SHAPES[m][-1]).mean(1) for m in sorted(SHAPES)]
    kernel, bias = model.get_layer("fusion_squeeze").get_weights()
    hidden = np.maximum(np.hstack(means).astype("float64") @ kernel + bias, 0)
    expected = {}
    for m, x in rows.items():
        kernel, bias = model.get_layer(f"{m}_gate_of_fusion").get_weights()
        gate = 2 * expit(hidden @ kernel + bias)
        broad = (8, *(1,) * (x.ndim - 2), x.shape[-1])
        expected[m] = x * gate.reshape(broad)
    assert_close(model.predict(rows, verbose=0), expected, atol=1e-5)


def test_mmtm_squeezes_to_a_quarter_of_all_channels_and_changes_nothing_at_0():
    model = exchanged(mmtm_features, SHAPES)
    assert model.get_layer("fusion_squeeze").units == (3 + 4 + 5 + 2) // 4
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    rows = draw(model)
    assert_close(model.predict(rows, verbose=0), rows)
    assert (
        exchanged(mmtm_features, {"lab": (2,)}).get_layer("fusion_squeeze").units == 1
    )


def test_mmtm_refuses_a_bottleneck_that_is_no_positive_whole_number():
    for size in (0, 1.5, "4"):
        with pytest.raises(ValueError, match=rf"`bottleneck` must be .*={size!r} for"):
            exchanged(mmtm_features, SHAPES, bottleneck=size)


ABOUT = mk.Spec(
    mk.Task("t", kind="binary", labels=("yes",)),
    (
        mk.Modality("cxr", (12, 12, 1)),
        mk.Modality("ehr", (5, 3)),
        mk.Modality("lab", (4,)),
    ),
)
# Each kind of encoder, and an own one.
ENCODERS = {
    "cxr": {"encoder": "resnet", **SMALL["resnet"], "norm": "group", "groups": 2},
    "ehr": {"encoder": "lstm", "units": 5, "layers": 2},
    "lab": None,
}


def own(middle="middle"):
    rows = x = keras.Input((4,))
    x = keras.layers.Dense(6, "tanh", name=middle)(x)
    return keras.Model(rows, keras.layers.Dense(3, "tanh")(x))


@pytest.fixture(scope="module")
def student():
    keras.utils.set_random_seed(0)
    return mk.build_student(ABOUT, ENCODERS | {"lab": own()}, fusion="mmtm")


def test_a_cut_student_has_the_weights_of_one_that_is_not_and_those_of_the_exchange(
    student,
):
    plain = mk.build_student(ABOUT, ENCODERS | {"lab": own()})
    width = SMALL["resnet"]["width"]
    channels = width + 5 + 6
    squeeze = channels // 4
    exchange = channels * squeeze + squeeze + squeeze * channels + channels
    assert student.count_params() == plain.count_params() + exchange
    assert student.get_layer("fusion").output.shape == (None, 2 * width + 5 + 3)


def test_unimodal_heads_read_the_ungated_path_and_fusion_the_gated_one(student):
    x = draw(student)
    said = student.predict(x, verbose=0)
    lower = {m: student.get_layer(f"{m}_encoder_lower") for m in x}
    upper = {m: student.get_layer(f"{m}_encoder_upper") for m in x}
    features = {m: array(lower[m](x[m])) for m in x}
    shapes = {m: f.shape[1:] for m, f in features.items()}
    exchange = exchanged(mmtm_features, shapes)
    for layer in exchange.layers:
        if layer.weights:
            layer.set_weights(student.get_layer(layer.name).get_weights())
    changed = exchange(features)

    def head(name, code):
        kernel, bias = student.get_layer(f"{name}_head").get_weights()
        return array(code) @ kernel + bias

    codes = [array(upper[m](changed[m])) for m in sorted(x)]
    expected = {m: head(m, upper[m](features[m])) for m in x}
    expected["fusion"] = head("fusion", np.hstack(codes))
    assert_close(said, dict(sorted(expected.items())), atol=1e-5)
    for m in x:
        plain = array(upper[m](features[m]))
        assert not np.allclose(plain, array(upper[m](changed[m])), atol=1e-4)


def test_without_a_fusion_head_or_with_one_modality_nothing_is_cut():
    apart = mk.build_student(
        ABOUT, ENCODERS | {"lab": "mlp"}, fusion="mmtm", heads=ABOUT.names
    )
    assert "ehr_encoder" in [layer.name for layer in apart.layers]
    alone = mk.build_student(spec(modalities=("lab",)), {"lab": "mlp"}, fusion="mmtm")
    assert list(alone.output) == ["lab"]


def test_with_the_fusion_head_alone_only_the_gated_path_is_left():
    single = mk.build_student(
        ABOUT, ENCODERS | {"lab": own()}, fusion="mmtm", heads=("fusion",)
    )
    assert mk.heads(single) == {"fusion": {"cxr", "ehr", "lab"}}
    assert len(Parts(single).parts) == 4


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
def test_a_batch_of_one_modality_moves_its_halves_and_head_alone():
    about = spec()
    encoders = {m: {"encoder": "mlp", "units": 6} for m in about.names}
    model = mk.build_student(about, encoders, fusion="mmtm")
    before = {layer.name: weights(layer) for layer in model.layers if layer.weights}
    distiller = mk.Distiller(model, task=about.task)
    distiller.compile(keras.optimizers.SGD(0.1))
    data = samples(patterns={"ehr": 8, "ehr+lab": 4})
    rows = mk.batches(data.take(np.flatnonzero(~data.has("lab"))), 8)
    distiller.fit(rows, verbose=0)
    moved = {
        name
        for name, old in before.items()
        for a, b in zip(old, weights(model.get_layer(name)), strict=True)
        if not np.array_equal(a, b)
    }
    assert moved == {"ehr_encoder_lower", "ehr_encoder_upper", "ehr_head"}
