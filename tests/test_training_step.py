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


class Plain(mk.Distiller):
    """Keras still allows a loss that is not told of training."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return super().compute_loss(x, y, y_pred, sample_weight)


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
    lstm = keras.Sequential([series, *(make() for make in first), layers.LSTM(5)])
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
@pytest.mark.parametrize(
    "make",
    [
        Drops,
        lambda: layers.TimeDistributed(Drops()),
        lambda: layers.Dense(3, activation=Drops()),
    ],
)
def test_a_layer_that_asks_is_told_that_this_is_training(monkeypatch, make):
    compare(monkeypatch, lambda: distiller(make), mk.batches(samples(), 8))


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


@on_torch
def test_a_loss_that_is_not_told_of_training_is_asked_as_keras_asks(monkeypatch):
    compare(
        monkeypatch,
        lambda: Plain(student(), task=ABOUT.task),
        mk.batches(samples(), 8),
    )


@on_torch
def test_the_logged_loss_weighs_batches_as_keras_does(monkeypatch):
    def drawn():
        for rows in (20, 2), (2, 20):
            x, y = {}, {}
            for pattern, size in zip(("ehr", "cxr+ehr"), rows, strict=True):
                names = pattern.split("+")
                x[pattern] = {m: np.ones((size, *ABOUT.shape(m)), "f4") for m in names}
                y[pattern] = np.tile(np.arange(size)[:, None] % 2, (1, 3)).astype("f4")
            yield x, y

    once = {"steps_per_epoch": 2, "shuffle": False, "verbose": 0}

    def logged():
        learner = mk.Distiller(student(), task=ABOUT.task)
        learner.compile("sgd")
        return learner.fit(drawn(), **once).history["loss"]

    ours = logged()
    monkeypatch.setattr(grouped, "training_step", lambda *_: None)
    np.testing.assert_allclose(ours, logged(), rtol=1e-5)


def test_a_batch_can_be_trained_on_before_any_fit():
    learner = mk.Distiller(student(), task=ABOUT.task)
    learner.compile("sgd")
    if keras.config.backend() != "jax":  # whose step takes a state
        logs = learner.train_step(mk.batches(samples(), 8)[0])
        assert np.isfinite(float(logs["loss"]))
    assert np.isfinite(learner.train_on_batch(*mk.batches(samples(), 8)[0])).all()


@on_torch
def test_a_step_after_another_compile_is_logged():
    learner, batch = mk.Distiller(student(), task=ABOUT.task), mk.batches(samples(), 8)
    learner.compile("sgd")
    learner.fit(batch, verbose=0)
    learner.compile("sgd")
    assert float(learner.train_step(batch[0])["loss"]) > 0


@on_torch
def test_weights_that_are_laid_anew_between_fits_keep_their_moments():
    found, data = [], mk.batches(samples(), 8)
    for anew in (False, True):
        learner, optimizer = distiller(), keras.optimizers.Adam(0.01)
        learner.compile(optimizer)
        learner.fit(data, epochs=1, verbose=0)
        if anew:
            for weight in learner.trainable_variables:
                tensor = weight.value
                back = tuple(range(tensor.ndim))[::-1]
                tensor.data = tensor.data.permute(back).contiguous().permute(back)
        learner.optimizer.apply(
            [variable.value * 0 + 1e-3 for variable in learner.trainable_variables],
            learner.trainable_variables,
        )
        found.append([keras.ops.convert_to_numpy(v) for v in optimizer.variables])
        found[-1] += learner.get_weights()
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@on_torch
def test_a_decay_that_is_set_later_acts():
    size = {}
    for decay in (0.0, 5.0):
        learner, optimizer = distiller(), keras.optimizers.AdamW(weight_decay=0.0)
        learner.compile(optimizer)
        optimizer.weight_decay = decay
        learner.fit(mk.batches(samples(), 8), epochs=3, verbose=0)
        some = learner.student.get_layer("cxr_encoder").trainable_variables
        size[decay] = sum(np.abs(keras.ops.convert_to_numpy(v)).sum() for v in some)
    assert size[5.0] < 0.98 * size[0.0]


@pytest.mark.parametrize("change", ["enable_lora", "quantize"])
def test_a_layer_that_is_changed_after_it_was_asked_answers_as_in_keras(change):
    about = tiny.spec()
    model = tiny.student(about)
    x = {m: np.ones((3, *about.shape(m)), "float32") for m in about.names}
    mk.predict(model, x, task=about.task)
    layer = model.get_layer("ehr_encoder").layers[2]
    assert isinstance(layer, layers.Dense)
    if change == "enable_lora":
        layer.enable_lora(2)
        layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape))
    else:
        layer.quantize("int8")
    if keras.config.backend() == "torch":  # elsewhere it was compiled before
        said = mk.predict(model, x, task=about.task)["ehr"]
        logits = keras.ops.convert_to_numpy(model(x)["ehr"])
        np.testing.assert_allclose(said, 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_elsewhere_and_where_keras_compiles_the_step_is_keras():
    learner = mk.Distiller(student(), task=ABOUT.task)
    learner.compile("adam", jit_compile=True)
    assert training_step(learner, learner) is None
    learner.compile("adam", jit_compile=False)
    assert (training_step(learner, learner) is None) == (
        keras.config.backend() != "torch"
    )
