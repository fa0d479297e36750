"""What runs faster says the same: Keras' own call of the same layers is the reference.

On JAX and TensorFlow the laws hold too; there is little to make faster.
"""

import keras
import numpy as np
import pytest
import tiny
from keras import layers, ops

import mind_keras as mk
from mind_keras import fast
from mind_keras.encoders.image import resnet
from mind_keras.encoders.sequence import gru, lstm
from mind_keras.fast import _batch, answering, quicken, runner
from mind_keras.graph import graph

on_torch = pytest.mark.skipif(
    keras.config.backend() != "torch", reason="stand-ins are for torch alone"
)


def functional(shape, *made, dtype="float32"):
    x = given = keras.Input(shape, name="ehr", dtype=dtype)
    for layer in made:
        x = layer(x)
    return keras.Model({"ehr": given}, {"ehr": x})


def random_weights(model, seed=0):
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" not in weight.path:
            value = rng.normal(size=weight.shape) / 3
            weight.assign(np.abs(value) if "variance" in weight.path else value)
    return model


def quick(model):
    inputs, outputs = graph(model)
    run = runner(list(inputs.values()), list(outputs.values()), "quick")
    return lambda x, training: run([x], training=training)[0]


def frozen_inside():
    inner = functional((5,), layers.BatchNormalization())
    inner = keras.Model(inner.inputs[0], inner.outputs[0])
    x = keras.Input((5,), name="ehr")
    return keras.Model({"ehr": x}, {"ehr": inner(x, training=False)})


def rectified_twice(make, between=lambda x: x):
    """A ReLU of what is read a second time, as it was."""
    x = keras.Input((5,), name="ehr")
    made = make(x)
    y = layers.Subtract()([layers.ReLU()(between(made)), made])
    return keras.Model({"ehr": x}, {"ehr": y})


def summed(x):
    return layers.Add()([layers.Dense(5)(x), x])


def normalised(x):
    return layers.BatchNormalization()(layers.Dense(5)(x))


SERIES, IMAGE = (7, 5), (12, 14, 3)
MODELS = {
    "lstm": lambda: functional(SERIES, layers.LSTM(4)),
    "lstm of sequences": lambda: functional(
        SERIES, layers.LSTM(4, return_sequences=True), layers.LSTM(3)
    ),
    "lstm without bias": lambda: functional(SERIES, layers.LSTM(4, use_bias=False)),
    "lstm backwards": lambda: functional(SERIES, layers.LSTM(4, go_backwards=True)),
    "lstm of relu": lambda: functional(SERIES, layers.LSTM(4, activation="relu")),
    "lstm after a mask": lambda: functional(
        SERIES, layers.Masking(0.0), layers.LSTM(4)
    ),
    "bidirectional": lambda: functional(SERIES, layers.Bidirectional(layers.LSTM(4))),
    "gru": lambda: functional(SERIES, layers.GRU(4)),
    "gru of sequences": lambda: functional(
        SERIES, layers.GRU(4, return_sequences=True), layers.GRU(3)
    ),
    "gru without bias": lambda: functional(SERIES, layers.GRU(4, use_bias=False)),
    "gru, reset before": lambda: functional(SERIES, layers.GRU(4, reset_after=False)),
    "batch norm of rows": lambda: functional((5,), layers.BatchNormalization()),
    "batch norm of series": lambda: functional(
        SERIES, layers.BatchNormalization(momentum=0.9, epsilon=1e-2)
    ),
    "batch norm, axis 1": lambda: functional(SERIES, layers.BatchNormalization(axis=1)),
    "batch norm, bare": lambda: functional(
        IMAGE, layers.BatchNormalization(scale=False, center=False)
    ),
    "frozen batch norm": lambda: functional(
        IMAGE, layers.BatchNormalization(trainable=False)
    ),
    "dense of rows": lambda: functional((5,), layers.Dense(4, activation="relu")),
    "dense of series": lambda: functional(SERIES, layers.Dense(4)),
    "dense of whole numbers": lambda: functional((5,), layers.Dense(4), dtype="int32"),
    "dense without bias": lambda: functional(SERIES, layers.Dense(4, use_bias=False)),
    "convolution": lambda: functional(IMAGE, layers.Conv2D(4, 3, padding="same")),
    "even kernel": lambda: functional(IMAGE, layers.Conv2D(4, 2, padding="same")),
    "same at stride 2": lambda: functional(
        IMAGE, layers.Conv2D(4, 3, 2, padding="same", activation="relu")
    ),
    "one pixel at stride 2": lambda: functional(
        IMAGE, layers.Conv2D(4, 1, 2, padding="same")
    ),
    "one pixel of odd sides at stride 3": lambda: functional(
        (7, 9, 2), layers.Conv2D(4, 1, 3, padding="same")
    ),
    "groups and dilation": lambda: functional(
        IMAGE,
        layers.Conv2D(6, (3, 5), groups=3, padding="same"),
        layers.Conv2D(4, 3, dilation_rate=2),
    ),
    "padding and convolution": lambda: functional(
        IMAGE, layers.ZeroPadding2D((1, 2)), layers.Conv2D(4, (3, 5), 2)
    ),
    "uneven padding": lambda: functional(
        IMAGE, layers.ZeroPadding2D(((0, 1), (2, 1))), layers.Conv2D(4, 3, 2)
    ),
    "padded maximum of a relu": lambda: functional(
        IMAGE, layers.ReLU(), layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2)
    ),
    "maximum with more padding than torch allows": lambda: functional(
        IMAGE, layers.ReLU(), layers.ZeroPadding2D(2), layers.MaxPooling2D(3, 2)
    ),
    "padded maximum of anything": lambda: functional(
        IMAGE, layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2)
    ),
    "maximum of a leaky relu": lambda: functional(
        IMAGE,
        layers.ReLU(negative_slope=0.5),
        layers.ZeroPadding2D(1),
        layers.MaxPooling2D(3, 2),
    ),
    "resnet": lambda: functional(IMAGE, resnet(IMAGE, name="e", depth=6, width=16)),
    "relu of batch norm": lambda: functional(
        (5,), layers.BatchNormalization(), layers.ReLU(), layers.Dense(2)
    ),
    "bounded relu of batch norm": lambda: functional(
        (5,), layers.BatchNormalization(), layers.ReLU(max_value=0.5)
    ),
    "relu of a batch norm read twice": lambda: rectified_twice(normalised),
    "relu of a sum read twice": lambda: rectified_twice(summed),
    "relu of a sum of one read twice": lambda: rectified_twice(
        lambda x: layers.Dense(5)(x), lambda x: layers.Add()([x])
    ),
    "relu of the rows, read twice": lambda: rectified_twice(lambda x: x),
    "relu of a tanh": lambda: functional(
        (5,), layers.Dense(5, activation="tanh"), layers.ReLU()
    ),
    "called as frozen": frozen_inside,
    "nested lstm": lambda: functional(SERIES, lstm(SERIES, name="e", units=3)),
    "nested gru": lambda: functional(SERIES, gru(SERIES, name="e", units=3, layers=2)),
}
TRAINING = [False, True]


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


@on_torch
@pytest.mark.parametrize("name", MODELS)
def test_a_quick_model_has_the_gradients_of_keras(name):
    model, found = random_weights(MODELS[name]()), []
    if not model.trainable_variables:
        return
    x = ops.convert_to_tensor(given(model))
    rng = np.random.default_rng(2)
    ways = (
        lambda x, training: model({"ehr": x}, training=training)["ehr"],
        quick(model),
    )
    for call in ways:
        model.zero_grad()
        answer = call(x, True)
        if not found:
            weight = ops.convert_to_tensor(
                rng.normal(size=answer.shape).astype("float32")
            )
        (answer * weight).sum().backward()
        found.append([v.value.grad.numpy().copy() for v in model.trainable_variables])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@on_torch
@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (lambda: layers.LSTM(4), "FastRecurrent"),
        (lambda: layers.GRU(4), "FastRecurrent"),
        (lambda: layers.BatchNormalization(), "FastBatchNorm"),
        (lambda: layers.Dense(4), "FastDense"),
        (lambda: layers.LSTM(4, dtype="mixed_bfloat16"), None),
        (lambda: layers.LSTM(4, recurrent_dropout=0.1), None),
        (lambda: layers.LSTM(4, activity_regularizer="l2"), None),
    ],
)
def test_only_what_the_kernel_knows_is_replaced(made, kind):
    from mind_keras.plan_torch import Plan

    model = functional(SERIES, made())
    inputs, outputs = graph(model)
    (step,) = Plan(list(inputs.values()), list(outputs.values())).steps
    known = type(model.layers[-1]).__name__
    assert type(step.operation).__name__ == (kind or known)


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


@pytest.mark.parametrize("size", [1, 3, 8, 33, 70, 96, 97])
def test_batches_hold_all_rows_and_few_more(size):
    batch = _batch(size, 64)
    extra = -size % batch
    assert batch <= 64 and extra < max(batch, 32)
    assert batch % 32 == 0 or batch & (batch - 1) == 0
