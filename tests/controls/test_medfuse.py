"""MedFuse: an LSTM over the codes there are, one answer each, trained encoders."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tiny
from scipy.special import expit, log_expit, log_softmax

import mind_keras as mk
from mind_keras.controls.codes import codes, encoder_weights
from mind_keras.controls.medfuse import OneAnswer, _build, for_every_pattern
from mind_keras.submodels import submodel

NAMES = ("ehr", "lab", "note")


def student(about, seed=1, **options):
    keras.utils.set_random_seed(seed)
    encoders = {m: tiny.encoder(about.shape(m), **options) for m in about.names}
    fused = mk.build_student(about, encoders, heads=["fusion"], fusion="medfuse")
    return for_every_pattern(fused)


def lstm(tokens, layer):
    """The last state, by the equations; gates are in the order i, f, c, o."""
    kernel, recurrent, bias = (w.astype("float64") for w in layer.get_weights())
    state = memory = np.zeros((len(tokens[0]), recurrent.shape[0]))
    for token in tokens:
        i, f, c, o = np.split(token @ kernel + state @ recurrent + bias, 4, axis=1)
        memory = expit(f) * memory + expit(i) * np.tanh(c)
        state = expit(o) * np.tanh(memory)
    return state


@pytest.mark.parametrize("names", [NAMES[:2], NAMES])
def test_the_head_of_a_pattern_is_one_lstm_on_its_codes(names):
    about = tiny.spec("multilabel", names)
    model = student(about)
    rng = np.random.default_rng(0)
    for name in ("fusion", *(f"{m}_to_fusion" for m in names)):
        layer = model.get_layer(name)
        layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    x = {m: rng.normal(size=(7, *tiny.SHAPES[m])).astype("f") for m in names}
    ours = keras.Model(model.input, codes(submodel(model, names)))
    code = {m: c.astype("float64") for m, c in ours.predict(x, verbose=0).items()}
    kernel, bias = model.get_layer("fusion_head").get_weights()
    said = model.predict(x, verbose=0)
    assert len(said) == 2 ** len(names) - 1
    for head, logits in said.items():
        some = names if head == "fusion" else head.split("+")
        tokens = [
            np.concatenate([code[m], np.ones((7, 1))], axis=1)
            @ np.vstack(model.get_layer(f"{m}_to_fusion").get_weights())
            for m in some
        ]
        expected = lstm(tokens, model.get_layer("fusion")) @ kernel + bias
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("names", [NAMES[:2], NAMES])
def test_a_head_needs_the_modalities_of_its_pattern_alone(names):
    model = student(tiny.spec(modalities=names))
    needs = mk.heads(model)
    assert needs.pop("fusion") == set(names)
    assert needs == {head: set(head.split("+")) for head in needs}


@pytest.mark.parametrize("kind", ["binary", "multilabel", "multiclass"])
@pytest.mark.parametrize("weighted", [True, False])
def test_the_loss_is_the_mean_over_samples_of_their_one_answer(kind, weighted):
    counts = {"ehr": 3, "ehr+lab": 8, "lab": 5}
    weight = np.linspace(0.5, 2, 16) if weighted else None
    samples = tiny.samples(kind, counts, weight=weight)
    about = samples.spec
    model = OneAnswer(student(about), about.task)
    model.compile("sgd")
    data = mk.batches(samples, 16, heads=mk.heads(model.student), shuffle=False)
    x, y, *w = data[0]
    w = w[0] if w else None
    found = tiny.array(model.compute_loss(x, y, model(x, training=False), w))
    above = below = 0.0
    for pattern, index in samples.patterns.items():
        head = "fusion" if pattern == "ehr+lab" else pattern
        z = submodel(model.student, pattern.split("+")).predict(x[pattern], verbose=0)
        z, labels = z[head].astype("float64"), samples.y[index]
        if kind == "multiclass":
            loss = -log_softmax(z, axis=-1)[np.arange(len(z)), labels][:, None]
        else:
            loss = -(labels * log_expit(z) + (1 - labels) * log_expit(-z))
        each = np.ones(len(z)) if weight is None else weight[index]
        above += np.nansum(loss * each[:, None])
        below += ((~np.isnan(loss)) * each[:, None]).sum()
    np.testing.assert_allclose(found, above / below, rtol=1e-5)


def test_what_layers_add_to_the_loss_counts():
    about, losses = tiny.spec(), []
    for factor in (0.0, 0.5):
        given = keras.Input((4,))
        penal = keras.regularizers.L2(factor)
        lab = keras.Model(given, keras.layers.Dense(3, kernel_regularizer=penal)(given))
        keras.utils.set_random_seed(0)
        lab.layers[-1].kernel.assign(np.ones((4, 3)))
        encoders = {"ehr": tiny.encoder((5, 3)), "lab": lab}
        fused = mk.build_student(about, encoders, heads=["fusion"], fusion="medfuse")
        for w in fused.trainable_weights:
            w.assign(0 * w + 0.1)
        model = OneAnswer(for_every_pattern(fused), about.task)
        model.compile("sgd")
        x, y = mk.batches(tiny.samples(), 24, heads=mk.heads(model.student))[0][:2]
        losses.append(tiny.array(model.compute_loss(x, y, model(x, training=False))))
    np.testing.assert_allclose(losses[1] - losses[0], 0.5 * 12 * 0.01, rtol=1e-4)


def options(fusion):
    """Encoders with a middle, so that a mid-level fusion cuts them."""
    return {
        "encoders": {
            "ehr": {"encoder": "lstm", "units": 5, "layers": 2},
            "lab": {"encoder": "mlp", "units": 5, "layers": 3},
        },
        "fusion": fusion,
    }


@pytest.mark.parametrize("fusion", ["concat", "mmtm"])
def test_encoders_start_as_they_were_trained_alone(fusion):
    about = tiny.spec()

    def build(seed=1, **changes):
        keras.utils.set_random_seed(seed)
        return mk.build_student(about, **options(fusion) | changes)

    alone = {m: submodel(build(seed=7), {m}) for m in about.names}
    made = _build(SimpleNamespace(build=build), alone)
    rng = np.random.default_rng(0)
    x = {m: rng.normal(size=(4, *tiny.SHAPES[m])).astype("f") for m in about.names}
    ours = submodel(made, about.names)
    found = keras.Model(ours.input, codes(ours)).predict(x, verbose=0)
    for name, model in alone.items():
        code = keras.Model(model.input, codes(model)[name])
        np.testing.assert_allclose(
            found[name], code.predict({name: x[name]}, verbose=0), rtol=1e-5, atol=1e-6
        )
        assert len(encoder_weights(model, name)) > 2
