"""A training step that costs less learns what Keras' own step would: the reference.

On JAX and TensorFlow Keras' own step is what there is.
"""

import keras
import numpy as np
import pytest
import tiny
from keras import layers

import mind_keras as mk
from mind_keras import grouped
from mind_keras.fast import training_step
from mind_keras.spec import FUSION

on_torch = pytest.mark.skipif(
    keras.config.backend() != "torch", reason="the step is for torch alone"
)
IMAGE = mk.Modality("cxr", (12, 14, 1))
ABOUT = mk.Spec(
    mk.Task("test", kind="multilabel", labels=tiny.LABELS["multilabel"]),
    (IMAGE, mk.Modality("ehr", tiny.SHAPES["ehr"])),
)
RESNET = {"encoder": "resnet", "depth": 6, "width": 8}


class Drops(layers.Layer):
    """A user's layer that is told of training by the call around it alone."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dropout = layers.Dropout(0.5, seed=3)

    def call(self, x):
        return self.dropout(x)

    def compute_output_shape(self, shape):
        return shape


def samples(rows=22):
    rng = np.random.default_rng(0)
    which = {"cxr": np.arange(0, rows, 2)}
    x = {name: rng.normal(size=(rows, *ABOUT.shape(name))) for name in ABOUT.names}
    x["cxr"] = x["cxr"][which["cxr"]]
    y = rng.permuted(np.tile(np.arange(rows)[:, None] % 2, (1, 3)), axis=0)
    return mk.Samples(ABOUT, np.where(rng.random(y.shape) < 0.1, np.nan, y), x, which)


def student(*first):
    keras.utils.set_random_seed(1)
    series = layers.Input(ABOUT.shape("ehr"))
    lstm = keras.Sequential([series, *first, layers.LSTM(5)])
    return mk.build_student(ABOUT, {"cxr": RESNET, "ehr": lstm})


def trained(make, data, metrics=None, **options):
    """What two epochs leave: logs and weights, of the model and the optimiser."""
    learner = make()
    optimizer = keras.optimizers.AdamW(0.01, **options)
    learner.compile(optimizer, metrics=metrics)
    logs = learner.fit(data, epochs=2, verbose=0).history
    variables = [*learner.variables, *optimizer.variables]
    return logs, [keras.ops.convert_to_numpy(v) for v in variables]


def compare(monkeypatch, make, data, *, rtol=1e-4, atol=1e-5, **options):
    ours = trained(make, data, **options)
    with monkeypatch.context() as patch:
        patch.setattr(grouped, "training_step", lambda *_: None)
        patch.setattr(grouped, "quicken", lambda _: None)
        theirs = trained(make, data, **options)
    assert ours[0].keys() == theirs[0].keys()
    for name, values in theirs[0].items():
        np.testing.assert_allclose(ours[0][name], values, rtol=rtol, err_msg=name)
    for found, expected in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(found, expected, rtol=10 * rtol, atol=atol)


def distiller(*first):
    keras.utils.set_random_seed(2)
    teachers = {
        "cxr": [mk.build_teacher(ABOUT, "cxr", **RESNET)],
        "ehr": [mk.build_teacher(ABOUT, "ehr", encoder="lstm", units=3)],
    }
    return mk.Distiller(student(*first), teachers, task=ABOUT.task)


@on_torch
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1},
        {"weight_decay": 0.0, "clipnorm": 0.5},
        {"use_ema": True, "ema_overwrite_frequency": 2},
        {"gradient_accumulation_steps": 2},
    ],
)
def test_a_step_learns_what_keras_step_learns(monkeypatch, options):
    compare(monkeypatch, distiller, mk.batches(samples(), 8), **options)


@on_torch
def test_metrics_are_those_of_keras(monkeypatch):
    metrics = {FUSION: [keras.metrics.AUC(name="auc", from_logits=True)]}
    compare(monkeypatch, distiller, mk.batches(samples(), 8), metrics=metrics)


@on_torch
@pytest.mark.parametrize("make", [Drops, lambda: layers.TimeDistributed(Drops())])
def test_a_layer_that_asks_is_told_that_this_is_training(monkeypatch, make):
    compare(monkeypatch, lambda: distiller(make()), mk.batches(samples(), 8))


@on_torch
def test_mixed_precision_is_left_to_keras(monkeypatch):
    def mixed():
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            return mk.Distiller(student(), task=ABOUT.task)
        finally:
            keras.config.set_dtype_policy("float32")

    # Of bfloat16, eight bits: two steps of Adam may go apart by a few of its steps.
    compare(monkeypatch, mixed, mk.batches(samples(), 8), rtol=0.01, atol=0.05)
    learner = mixed()
    learner.compile("adam")
    learner.fit(mk.batches(samples(), 8), verbose=0)
    assert learner._step.forward is learner


@on_torch
def test_what_was_frozen_before_fit_stays():
    learner, data = distiller(), mk.batches(samples(), 8)
    learner.student.get_layer("ehr_encoder").trainable = False
    before = learner.student.get_layer("ehr_encoder").get_weights()
    learner.compile(keras.optimizers.AdamW(0.01))
    learner.fit(data, epochs=1, verbose=0)
    frozen = learner.student.get_layer("ehr_encoder")
    for ours, theirs in zip(frozen.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    frozen.trainable = True
    learner.compile(keras.optimizers.AdamW(0.01))
    learner.fit(data, epochs=1, verbose=0)
    both = zip(frozen.get_weights(), before, strict=True)
    moved = [np.abs(ours - theirs).max() for ours, theirs in both]
    assert min(moved) > 1e-4


def test_elsewhere_and_where_keras_compiles_the_step_is_keras():
    learner = mk.Distiller(student(), task=ABOUT.task)
    learner.compile("adam", jit_compile=True)
    assert training_step(learner, learner) is None
    learner.compile("adam", jit_compile=False)
    assert (training_step(learner, learner) is None) == (
        keras.config.backend() != "torch"
    )
