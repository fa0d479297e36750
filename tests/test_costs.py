"""Costs are counted by hand, and times are of the whole contender."""

import keras
import numpy as np
import pytest
import tiny
from keras import layers, ops

import mind_keras as mk
from mind_keras import costs as costs_module
from mind_keras.costs import costs, latencies_ms
from mind_keras.encoders import ENCODERS
from mind_keras.fusion import FUSIONS
from mind_keras.macs import macs


def count(shape, *stack):
    """The multiply-adds of layers one after another."""
    given = x = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    return macs(keras.Model(given, x))


@keras.saving.register_keras_serializable("test_costs")
class Unknown(keras.Layer):
    """A layer of one's own with weights."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, inputs):
        return inputs * self.scale

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize(
    ("shape", "layer", "expected"),
    [
        ((7,), layers.Dense(5), 7 * 5),
        ((3, 7), layers.Dense(5, use_bias=False), 3 * 7 * 5),
        ((3, 7), layers.EinsumDense("btf,fu->btu", (3, 5)), 3 * 7 * 5),
        ((3, 7), layers.EinsumDense("...f,fu->...u", 5), 3 * 7 * 5),
        ((7, 2, 3), layers.EinsumDense("bf...,fu->bu...", (5, 2, 3)), 2 * 3 * 7 * 5),
        ((3, 7), layers.EinsumDense("btf,tfu->bu", 5), 3 * 7 * 5),
        # 9 x 9 in windows of 3, every second place, no padding: 4 x 4 places.
        ((9, 9, 2), layers.Conv2D(6, 3, 2), 4 * 4 * 6 * 3 * 3 * 2),
        ((9, 9, 2), layers.Conv2D(6, 3, 2, padding="same"), 5 * 5 * 6 * 3 * 3 * 2),
        ((9, 9, 4), layers.Conv2D(6, 3, groups=2), 7 * 7 * 6 * 3 * 3 * 2),
        ((9, 9, 2), layers.Conv2D(6, 3, dilation_rate=2), 5 * 5 * 6 * 3 * 3 * 2),
        ((10, 3), layers.Conv1D(4, 5, padding="causal"), 10 * 4 * 5 * 3),
        ((5, 5, 5, 2), layers.Conv3D(3, 2), 4**3 * 3 * 2**3 * 2),
        # Each of the 5 x 5 places goes into a window of 3 x 3.
        ((5, 5, 2), layers.Conv2DTranspose(6, 3, 2), 5 * 5 * 2 * 3 * 3 * 6),
        ((9, 9, 2), layers.DepthwiseConv2D(3, 2, depth_multiplier=3), 16 * 6 * 9),
        (
            (9, 9, 2),
            layers.SeparableConv2D(5, 3, 2, depth_multiplier=3),
            16 * 6 * 9 + 16 * 6 * 5,
        ),
        ((48, 76), layers.LSTM(64), 48 * 4 * (76 * 64 + 64 * 64)),
        ((48, 76), layers.LSTM(64, return_sequences=True), 48 * 4 * 140 * 64),
        ((48, 76), layers.GRU(64), 48 * 3 * (76 * 64 + 64 * 64)),
        ((6, 3), layers.SimpleRNN(4), 6 * (3 * 4 + 4 * 4)),
        ((6, 3), layers.Bidirectional(layers.GRU(4)), 2 * 6 * 3 * (3 + 4) * 4),
        ((6, 3), layers.TimeDistributed(layers.Dense(4)), 6 * 3 * 4),
        ((6, 3), layers.BatchNormalization(), 0),
        ((6, 3), layers.Dropout(0.5), 0),
        ((6,), layers.Embedding(10, 4), 0),
        ((6, 3), Unknown(), None),
        ((6, 3), layers.RNN(layers.LSTMCell(4)), None),
        ((6, 3), layers.Bidirectional(layers.RNN(layers.LSTMCell(4))), None),
        ((6, 3), layers.TimeDistributed(Unknown()), None),
        ((None, 3), layers.Dense(4), None),
        ((None, 3), layers.GlobalAveragePooling1D(), 0),
        ((None, 3), layers.LayerNormalization(), 0),
    ],
)
def test_a_layer_costs_what_is_worked_out_by_hand(shape, layer, expected):
    assert count(shape, layer) == expected


def test_channels_first_are_counted_alike():
    layer = layers.Conv2D(6, 3, 2, data_format="channels_first")
    assert count((2, 9, 9), layer) == 4 * 4 * 6 * 3 * 3 * 2


def test_attention_is_projections_scores_and_a_weighted_sum():
    query, value, key = (keras.Input(s) for s in ((5, 8), (7, 6), (7, 9)))
    attended = layers.MultiHeadAttention(2, 4, value_dim=3, output_shape=10)
    out = attended(query, key=key, value=value)
    projected = 5 * 8 * 2 * 4 + 7 * 9 * 2 * 4 + 7 * 6 * 2 * 3
    scored, summed, given = 2 * 5 * 7 * 4, 2 * 5 * 7 * 3, 5 * 2 * 3 * 10
    expected = projected + scored + summed + given
    assert macs(keras.Model([query, value, key], out)) == expected


def test_attention_to_itself_has_the_value_as_its_key():
    rows = keras.Input((5, 8))
    out = layers.MultiHeadAttention(2, 4)(rows, value=rows)
    expected = 3 * 5 * 8 * 8 + 2 * 2 * 5 * 5 * 4 + 5 * 8 * 8
    assert macs(keras.Model(rows, out)) == expected


def test_grouped_attention_shares_keys_and_values():
    rows = keras.Input((5, 8))
    out = layers.GroupQueryAttention(4, 6, 2)(rows, rows)  # size 4, 6 heads, 2 shared
    expected = 5 * 8 * 6 * 4 + 2 * 5 * 8 * 2 * 4 + 2 * 6 * 5 * 5 * 4 + 5 * 6 * 4 * 8
    assert macs(keras.Model(rows, out)) == expected


@pytest.mark.parametrize("layer", [layers.Attention, layers.AdditiveAttention])
def test_plain_attention_projects_nothing(layer):
    query, value = keras.Input((5, 8)), keras.Input((7, 8))
    out = layer()([query, value])
    assert macs(keras.Model([query, value], out)) == 2 * 5 * 7 * 8


def test_what_attention_adds_up_may_be_of_another_size_than_what_it_compares():
    query, value, key = keras.Input((5, 8)), keras.Input((7, 3)), keras.Input((7, 8))
    out = layers.Attention()([query, value, key])
    assert macs(keras.Model([query, value, key], out)) == 5 * 7 * 8 + 5 * 7 * 3


def test_products_of_tensors_count():
    a, b = keras.Input((5, 8)), keras.Input((8, 3))
    products = [
        a @ b,
        ops.einsum("bij,bjk->bik", a, b),
        ops.einsum("...ij,bjk->...ik", a, b),
        layers.Dot(axes=(2, 1))([a, b]),
    ]
    assert [macs(keras.Model([a, b], p)) for p in products] == [5 * 8 * 3] * 4
    assert macs(keras.Model(a, a @ ops.ones((8, 4)))) == 5 * 8 * 4
    assert macs(keras.Model(a, ops.dot(a, ops.ones((8, 4))))) == 5 * 8 * 4
    assert macs(keras.Model(a, ops.einsum("bij->bji", a))) == 0
    assert macs(keras.Model(a, layers.Multiply()([a, a]))) == 0
    c = keras.Input((3, 2))
    assert macs(keras.Model([a, b, c], ops.einsum("bij,bjk,bkl->bil", a, b, c))) is None
    assert macs(keras.Model(a, ops.tensordot(a, ops.ones((8, 4)), 1))) is None


def test_nested_models_are_opened_and_shared_layers_count_each_time():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    rows, other = keras.Input((4,)), keras.Input((4,))
    shared = layers.Dense(4)
    functional = keras.Model(inner.inputs, inner(inner.inputs))
    out = layers.Add()([inner(shared(rows)), functional(shared(other))])
    model = keras.Model([rows, other], out)
    assert macs(model) == 2 * (4 * 4) + 2 * (4 * 3 + 3 * 2)
    assert macs(inner) == 4 * 3 + 3 * 2
    two = [keras.Model(rows, Unknown()(rows))(rows), layers.Dense(9)(rows)]
    assert macs(keras.Model(rows, two)) is None


def test_only_what_leads_to_an_answer_counts():
    rows = keras.Input((4,))
    layers.Dense(100)(rows)
    assert macs(keras.Model(rows, layers.Dense(2)(rows))) == 8


def test_the_students_of_intensive_care_by_hand():
    task = mk.Task("death", kind="binary", labels=("death",))
    shapes = mk.Modality("cxr", (96, 96, 1)), mk.Modality("ehr", (48, 76))
    encoders = {
        "ehr": {"encoder": "lstm", "units": 64},
        "cxr": {"encoder": "resnet", "depth": 10, "width": 16, "rescale": True},
    }
    student = mk.build_student(mk.Spec(task, shapes), encoders)
    stem = 48 * 48 * 16 * 7 * 7 * 1  # then pooled to 24 x 24
    blocks = 24**2 * 16 * 9 * (16 + 16)
    for side, width in ((12, 32), (6, 64), (3, 128)):
        half = width // 2
        blocks += side**2 * width * (9 * half + 9 * width + half)
    heads = 64 + 128 + (64 + 128)
    assert macs(student) == 48 * 4 * 140 * 64 + stem + blocks + heads
    assert macs(mk.submodel(student, {"ehr"})) == 48 * 4 * 140 * 64 + 64


def test_every_encoder_and_fusion_of_the_package_is_counted():
    shapes = {"resnet": (32, 32, 1), "text": (12,)}
    for name, build in ENCODERS.items():
        assert macs(build(shapes.get(name, (12, 16)), name=name)) > 0, name
    about = tiny.spec()
    for fusion in FUSIONS:
        encoders = {m: tiny.encoder(about.shape(m)) for m in about.names}
        student = mk.build_student(about, encoders, fusion=fusion)
        assert macs(student) > macs(mk.submodel(student, {"ehr"})), fusion


def test_a_contender_costs_the_sum_of_its_models(tmp_path, monkeypatch):
    monkeypatch.setattr(costs_module, "latencies_ms", lambda models: np.arange(101.0))
    about = tiny.spec()
    models = {"ehr": tiny.teacher(about, "ehr"), "lab": tiny.teacher(about, "lab")}
    files = {name: tmp_path / name for name in [*models, "other"]}
    for size, path in enumerate(files.values(), 1):
        path.write_bytes(b"x" * size)
    assert costs(models, files) == {
        "parameters": sum(model.count_params() for model in models.values()),
        "size_bytes": 3,
        "macs": (15 * 6 + 6) + (4 * 6 + 6),
        "latency_ms": 50.0,
        "latency_p50_ms": 50.0,
        "latency_p95_ms": 95.0,
    }
    rows = keras.Input((4,))
    models["other"] = keras.Model(rows, Unknown()(rows))
    assert costs(models, files)["macs"] is None


def test_times_are_of_all_models_together_after_a_warm_up(monkeypatch):
    clock, asked = [0.0], []

    def answering(model):
        def answer(x, batch_size):
            asked.append((batch_size, x["a"].shape))
            # The first answers compile: they must not count.
            warm = len(asked) > 2 * costs_module.WARM_UP
            clock[0] += model.count_params() / 1000 if warm else 9.0

        return answer

    def model(parameters):
        given = keras.Input((1,), name="a")
        dense = layers.Dense(parameters, use_bias=False)
        return keras.Model({"a": given}, dense(given))

    monkeypatch.setattr(costs_module, "answering", answering)
    monkeypatch.setattr(costs_module.time, "perf_counter", lambda: clock[0])
    times = latencies_ms([model(2), model(3)])
    np.testing.assert_allclose(times, np.full(costs_module.REPEATS, 5.0))
    assert set(asked) == {(1, (1, 1))}
