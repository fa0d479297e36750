"""What runs faster says the same: Keras' own call of the same layers is the reference.

On TensorFlow the laws hold too; there is nothing to make faster.
"""

import keras
import numpy as np
import pytest
import tiny
from fast_models import (
    MODELS,
    SERIES,
    functional,
    normalised,
    random_weights,
    summed,
)
from keras import layers, ops

import mind_keras as mk
from mind_keras import fast
from mind_keras.fast import _batch, answering, quicken, runner
from mind_keras.graph import graph, node_of, reach, replay

on_torch = pytest.mark.skipif(
    keras.config.backend() != "torch", reason="it is about torch alone"
)
on_torch_or_jax = pytest.mark.skipif(
    keras.config.backend() == "tensorflow",
    reason="nothing is replaced there, and all is compiled",
)


def quick(model):
    inputs, outputs = graph(model)
    run = runner(list(inputs.values()), list(outputs.values()), "quick")
    return lambda x, training: run([x], training=training)[0]


TRAINING = [False, True]
# In which of them something is, or might be, replaced. Keras' own gradient of few
# channels, one pixel and a stride writes beyond its memory: that has a test of its own.
REPLACED = {
    "torch": [name for name in MODELS if "few channels" not in name],
    "jax": [name for name in MODELS if "lstm" in name],
}
REPLACED = REPLACED.get(keras.config.backend(), [])


def given(model, rows=6):
    shape = model.inputs[0].shape[1:]
    values = 3 * np.random.default_rng(1).normal(size=(rows, *shape))
    return values.astype(model.inputs[0].dtype)


@pytest.mark.parametrize("training", TRAINING)
@pytest.mark.parametrize("name", MODELS)
def test_a_quick_model_says_and_keeps_what_keras_does(name, training):
    model = random_weights(MODELS[name]())
    x, start = ops.convert_to_tensor(given(model)), model.get_weights()
    said, kept = [], []
    for call in (
        lambda x, training: model({"ehr": x}, training=training)["ehr"],
        quick(model),
    ):
        model.set_weights(start)
        said.append(ops.convert_to_numpy(call(x, training)))
        kept.append(model.get_weights())
    np.testing.assert_allclose(said[1], said[0], rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(*kept, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("made", [layers.LSTM, layers.BatchNormalization])
def test_a_layer_of_float32_stays_so_where_others_are_not(made):
    options = {"units": 4} if made is layers.LSTM else {}
    model = random_weights(functional(SERIES, made(**options, dtype="float32")))
    x, before = ops.convert_to_tensor(given(model)), keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        said = ops.convert_to_numpy(quick(model)(x, False))
    finally:
        keras.config.set_dtype_policy(before)
    expected = ops.convert_to_numpy(model({"ehr": x})["ehr"])
    np.testing.assert_allclose(said, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", REPLACED)
def test_a_quick_model_has_the_gradients_of_keras(name):
    model = random_weights(MODELS[name]())
    if not model.trainable_variables:
        return
    x = ops.convert_to_tensor(given(model))
    weight = np.random.default_rng(2).normal(size=model({"ehr": x})["ehr"].shape)
    weight = ops.convert_to_tensor(weight.astype("float32"))
    ways = (
        (lambda x, training: model({"ehr": x}, training=training)["ehr"]),
        quick(model),
    )
    found = [
        gradients(lambda call=call: ops.sum(call(x, True) * weight), model)
        for call in ways
    ]
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def gradients(loss, model):
    """Of each trainable variable."""
    variables = model.trainable_variables
    if keras.config.backend() == "torch":
        model.zero_grad()
        loss().backward()
        return [v.value.grad.numpy().copy() for v in variables]
    import jax

    def of_values(values):
        with keras.StatelessScope(zip(variables, values, strict=True)):
            return loss()

    return jax.jit(jax.grad(of_values))([v.value for v in variables])


@on_torch
@pytest.mark.parametrize("channels", [1, 4, 8])
@pytest.mark.parametrize("groups", [1, 4])
def test_one_pixel_of_few_channels_has_its_gradient(channels, groups):
    shape, rng = (12, 14, channels * groups), np.random.default_rng(0)
    made = layers.Conv2D(8, 1, 2, padding="same", groups=groups, use_bias=False)
    model = random_weights(functional(shape, made))
    x, kernel, call = given(model), made.kernel.numpy().astype(float), quick(model)
    weight = rng.normal(size=(6, 6, 7, 8))
    answer = call(ops.convert_to_tensor(x), True)
    (answer * ops.convert_to_tensor(weight.astype("float32"))).sum().backward()
    seen = x[:, ::2, ::2].reshape(6, 6, 7, groups, channels).astype(float)
    kernel = kernel.reshape(channels, groups, 8 // groups)
    weight = weight.reshape(6, 6, 7, groups, 8 // groups)
    said = np.einsum("bhwgc,cgf->bhwgf", seen, kernel).reshape(6, 6, 7, 8)
    grads = np.einsum("bhwgc,bhwgf->cgf", seen, weight).reshape(1, 1, channels, 8)
    np.testing.assert_allclose(answer.detach().numpy(), said, rtol=1e-4, atol=1e-4)
    found = made.kernel.value.grad.numpy()
    np.testing.assert_allclose(found, grads, rtol=1e-4, atol=1e-3)


@on_torch_or_jax
@pytest.mark.parametrize(
    ("made", "torch", "jax"),
    [
        (lambda: layers.LSTM(4), "FastRecurrent", "FastLSTM"),
        (lambda: layers.GRU(4), "FastRecurrent", None),
        (lambda: layers.BatchNormalization(), "FastBatchNorm", None),
        (lambda: layers.Dense(4), "FastDense", None),
        (lambda: layers.LSTM(4, dtype="mixed_bfloat16"), None, None),
        (lambda: layers.LSTM(4, recurrent_dropout=0.1), None, None),
        (lambda: layers.LSTM(4, activity_regularizer="l2"), None, None),
    ],
)
def test_only_what_the_kernel_knows_is_replaced(made, torch, jax):
    model, kind = functional(SERIES, made()), torch
    if keras.config.backend() == "jax":
        from mind_keras.fast_jax import stand_in

        kind = jax
    else:
        from mind_keras.fast_torch import stand_in
    _, (said,) = replay(model.inputs, model.outputs, stand_in)
    known = type(model.layers[-1]).__name__
    assert type(node_of(said).operation).__name__ == (kind or known)


def test_a_model_inside_that_is_given_a_mask_stays_whole():
    inner, x = keras.Input(SERIES), keras.Input(SERIES, name="ehr")
    inner = keras.Model(inner, layers.LSTM(4)(inner))
    inner.supports_masking = True
    for given, whole in (({}, False), ({"mask": ops.any(x > 0, axis=-1)}, True)):
        (said,) = reach([inner(x, **given)], {id(x): x}, lambda layer: layer)
        assert (node_of(said).operation is inner) == whole


@on_torch
@pytest.mark.parametrize(("make", "steps"), [(normalised, 2), (summed, 3)])
def test_a_relu_is_in_the_memory_of_what_nobody_else_reads(make, steps):
    from mind_keras.plan_torch import Plan

    x = keras.Input((5,), name="ehr")
    made = make(x)
    y = layers.ReLU()(made)
    model = random_weights(keras.Model({"ehr": x}, {"ehr": y}))
    rows, memory = ops.convert_to_tensor(given(model)), []
    plan = Plan([x], [y])
    for step in plan.steps[-2:]:
        call = step.call
        step.call = lambda *a, call=call, **k: (
            memory.append(call(*a, **k)) or memory[-1]
        )
    (said,) = plan([rows], training=False)
    assert len(plan.steps) == steps
    assert memory[-1].data_ptr() == said.data_ptr()
    assert (memory[-2].data_ptr() == said.data_ptr()) == (make is summed)
    # Asked for itself, the answer before the ReLU is what it was.
    before, after = Plan([x], [made, y])([rows], training=False)
    before, after = map(ops.convert_to_numpy, (before, after))
    assert before.min() < 0
    np.testing.assert_array_equal(after, np.maximum(before, 0))


@pytest.mark.parametrize("kind", [keras.optimizers.Adam, keras.optimizers.AdamW])
def test_a_quick_adam_steps_as_keras_does(kind):
    found = []
    for quicker in (False, True):
        rng = np.random.default_rng(0)
        shapes = (3, 4), (4,)
        some = [keras.Variable(rng.normal(size=s).astype("float32")) for s in shapes]
        optimizer = kind(0.01, weight_decay=0.1, epsilon=1e-5, beta_2=0.9)
        optimizer.build(some)
        if quicker:
            quicken(optimizer)
        for _ in range(5):
            # As small as epsilon, so that it matters where it is added.
            rows = [1e-5 * rng.normal(size=s).astype("float32") for s in shapes]
            optimizer.apply([ops.convert_to_tensor(g) for g in rows], some)
            optimizer.learning_rate = 0.005
        found.append([ops.convert_to_numpy(v) for v in some])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@on_torch
def test_an_amsgrad_and_other_optimizers_are_left_alone():
    for optimizer in (keras.optimizers.SGD(), keras.optimizers.Adam(amsgrad=True)):
        before = vars(optimizer).get("_parallel_update_step")
        quicken(optimizer)
        assert vars(optimizer).get("_parallel_update_step") is before


def test_answers_in_batches_are_those_of_predict():
    model = tiny.student(tiny.spec())
    rows = {name: given_rows(tiny.spec(), name) for name in tiny.spec().names}
    ours, theirs = answering(model)(rows, 4), model.predict(rows, verbose=0)
    assert sorted(ours) == sorted(theirs)
    for head, logits in theirs.items():
        np.testing.assert_allclose(ours[head], logits, rtol=1e-5, atol=1e-6)


class Aside(layers.Layer):
    """A user's layer that leaves the backend, so that nothing can be compiled."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_jit = False

    def call(self, x):
        return ops.convert_to_tensor(np.sort(ops.convert_to_numpy(x), axis=-1))

    def compute_output_shape(self, shape):
        return shape


@on_torch_or_jax
def test_what_cannot_be_compiled_is_asked_as_it_is():
    x = keras.Input((5,), name="ehr")
    said = layers.Dense(3)(Aside()(x))
    model = random_weights(keras.Model({"ehr": x}, {"ehr": said}))
    rows = given(model)
    (kernel, bias), found = model.get_weights(), answering(model)({"ehr": rows}, 4)
    expected = np.sort(rows, axis=-1) @ kernel + bias
    np.testing.assert_allclose(found["ehr"], expected, rtol=1e-5, atol=1e-5)


class Counts(layers.Layer):
    """Draws noise, and counts how often, whether or not this is training."""

    def build(self, shape):
        self.seed = keras.random.SeedGenerator(3)
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.count.assign(self.count + 1)
        return x + keras.random.normal(ops.shape(x), seed=self.seed)


def test_what_a_layer_keeps_is_kept():
    model = functional((5,), Counts(), layers.Dense(3))
    answer, rows = answering(model), {"ehr": given(model, 4)}
    first, second = (answer(rows, 4)["ehr"] for _ in range(2))
    assert np.abs(first - second).max() > 0.1
    assert float(model.layers[1].count) == 2


@pytest.mark.parametrize(
    ("piece", "batch_size", "at_once"), [(12, 99, 16), (1200, 99, 20), (1200, 5, 5)]
)
def test_large_rows_are_answered_in_pieces(monkeypatch, piece, batch_size, at_once):
    asked, inner = [], fast._answering

    def spy(model):
        answer = inner(model)
        return lambda rows, size: asked.append(size) or answer(rows, size)

    monkeypatch.setattr(fast, "PIECE", piece)  # a row's are 60 bytes
    monkeypatch.setattr(fast, "_answering", spy)
    model = functional((5, 3), layers.Flatten(), layers.Dense(2))
    x = given(model, 70)
    said, expected = answering(model)({"ehr": x}, batch_size)["ehr"], model({"ehr": x})
    expected = ops.convert_to_numpy(expected["ehr"])
    np.testing.assert_allclose(said, expected, rtol=1e-5, atol=1e-6)
    assert asked == [at_once]


def given_rows(about, name):
    rng = np.random.default_rng(3)
    return rng.normal(size=(11, *about.shape(name))).astype("float32")


def test_what_was_asked_before_follows_the_weights():
    model, x = tiny.student(tiny.spec()), {"ehr": given_rows(tiny.spec(), "ehr")}
    task = tiny.spec().task
    before = mk.predict(model, x, task=task)["ehr"]
    model.set_weights([w + 0.1 for w in model.get_weights()])
    after = mk.predict(model, x, task=task)["ehr"]
    fresh = keras.models.clone_model(model)
    fresh.set_weights(model.get_weights())
    assert np.abs(before - after).max() > 1e-4
    np.testing.assert_allclose(mk.predict(fresh, x, task=task)["ehr"], after, rtol=1e-5)


def test_what_was_asked_before_has_what_was_added_since():
    model, x = tiny.student(tiny.spec()), {"ehr": given_rows(tiny.spec(), "ehr")}
    task = tiny.spec().task
    before = mk.predict(model, x, task=task)["ehr"]
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            layer.enable_lora(2)
    random_weights(model)
    after = mk.predict(model, x, task=task)["ehr"]
    logits = mk.submodel(model, ["ehr"])(x)["ehr"]
    expected = ops.convert_to_numpy(ops.sigmoid(logits))
    assert np.abs(before - after).max() > 1e-4
    np.testing.assert_allclose(after, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 8, 33, 70, 96, 97])
def test_batches_hold_all_rows_and_few_more(size):
    batch = _batch(size, 64)
    extra = -size % batch
    assert batch <= 64 and extra < max(batch, 32)
    assert batch % 32 == 0 or batch & (batch - 1) == 0
