"""MILES: which encoder is slowed, by how much, and that it is within a training."""

import keras
import numpy as np
import pytest
import tiny

import mind_keras as mk
from mind_keras.balancing import Balance
from mind_keras.controls.miles import EncoderRates, RatedAdamW, rates


@pytest.mark.parametrize(
    "used, expected",
    [
        ({"a": 0.5, "b": 0.2}, {"a": 0.5, "b": 1.0}),
        ({"a": -0.1, "b": 0.2}, {"a": 1.0, "b": 0.5}),
        ({"a": 0.3, "b": 0.2}, {"a": 1.0, "b": 1.0}),
        ({"a": 0.25, "b": 0.0}, {"a": 1.0, "b": 1.0}),  # at the threshold, not above
        ({"a": -0.5, "b": -0.1}, {"a": 1.0, "b": 1.0}),  # both heads beat the fusion
        ({"a": 0.0, "b": -0.5}, {"a": 0.5, "b": 1.0}),
        ({"a": np.nan, "b": 0.9}, {"a": 1.0, "b": 1.0}),
        ({"a": 0.1, "b": 0.6, "c": 0.2}, {"a": 1.0, "b": 0.5, "c": 1.0}),
    ],
)
def test_only_the_over_used_encoder_is_slowed_and_only_above_the_threshold(
    used, expected
):
    assert rates(used, threshold=0.25, slow=0.5) == expected


def adamw(start, gradients, factors, *, rate, decay):
    """AdamW by its paper, in float64; `factors` of the rate, one for each step."""
    w, m, v = start.astype(float), 0.0, 0.0
    for t, (g, factor) in enumerate(zip(gradients, factors, strict=True), 1):
        w = w - rate * decay * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        w = w - rate * factor * m_hat / (np.sqrt(v_hat) + 1e-7)
    return w


def test_a_variable_learns_at_its_own_rate_from_when_it_is_set():
    rng = np.random.default_rng(0)
    start = [rng.normal(size=(3,)), rng.normal(size=(2, 2))]
    variables = [keras.Variable(values, dtype="float32") for values in start]
    gradients = [[rng.normal(size=w.shape) for w in start] for _ in range(4)]
    optimizer = RatedAdamW(0.1, weight_decay=0.01)
    for step, some in enumerate(gradients):
        if step == 1:
            optimizer.rate(variables[:1], 0.25)
        if step == 3:
            optimizer.rate(variables[:1], 1.0)
        some = [keras.ops.convert_to_tensor(g, "float32") for g in some]
        optimizer.apply(some, variables)
    factors = [[1, 0.25, 0.25, 1], [1, 1, 1, 1]]
    for n, variable in enumerate(variables):
        of_it = [some[n] for some in gradients]
        expected = adamw(start[n], of_it, factors[n], rate=0.1, decay=0.01)
        np.testing.assert_allclose(tiny.array(variable), expected, atol=5e-5)


def test_within_a_training_the_encoder_that_is_over_used_slows_down():
    """With factor 0 it stands still, in a step that was compiled before."""
    samples = tiny.samples(patterns={"ehr": 6, "ehr+lab": 14, "lab": 6})
    learner = mk.Distiller(
        tiny.student(samples.spec, norm=False), task=samples.spec.task
    )
    learner.compile(RatedAdamW(0.01, weight_decay=0.0))
    after, used = [], []

    def note(epoch, logs):
        names = samples.spec.names
        layers = {m: learner.student.get_layer(f"{m}_encoder") for m in names}
        after.append({m: tiny.weights(layer) for m, layer in layers.items()})
        used.append({m: logs[f"utilisation_{m}"] for m in names})

    rule = EncoderRates(threshold=-1.0, slow=0.0)
    noting = keras.callbacks.LambdaCallback(on_epoch_end=note)
    callbacks = [Balance(samples), rule, noting]
    learner.fit(mk.batches(samples, 50), epochs=2, callbacks=callbacks, verbose=0)
    assert max(used[0].values()) >= 0  # else the rule would not act
    slowed = max(used[0], key=used[0].get)
    for m in ("ehr", "lab"):
        pairs = zip(after[0][m], after[1][m], strict=True)
        still = all(np.array_equal(first, second) for first, second in pairs)
        assert still == (m == slowed)


def test_an_encoder_that_is_cut_slows_down_in_both_halves():
    samples, names = tiny.samples(), ("ehr", "lab")
    encoders = {m: halves(samples.spec.shape(m)) for m in names}
    student = mk.build_student(samples.spec, encoders, fusion="mmtm")
    learner = mk.Distiller(student, task=samples.spec.task)
    learner.compile(RatedAdamW(0.01))
    learner.optimizer.build(learner.trainable_variables)
    rule = EncoderRates(threshold=0.1, slow=0.5)
    rule.set_model(learner)
    rule.on_epoch_end(0, {"utilisation_ehr": 0.5, "utilisation_lab": 0.1})
    found = zip(learner.trainable_variables, learner.optimizer._rates, strict=True)
    slow = {id(v) for v, factor in found if float(factor) == 0.5}
    layers = [student.get_layer(f"ehr_encoder_{half}") for half in ("lower", "upper")]
    assert slow == {id(v) for layer in layers for v in layer.trainable_variables}


def halves(shape):
    rows = keras.Input(shape)
    code = keras.layers.Dense(4, "tanh", name="middle")(keras.layers.Flatten()(rows))
    return keras.Model(rows, keras.layers.Dense(3)(code))


def test_rates_need_a_balance_in_the_logs():
    with pytest.raises(ValueError, match=r"\['loss'\]\. Put a `Balance` before"):
        EncoderRates().on_epoch_end(0, {"loss": 1.0})
