"""OGM-GE against the paper's formulas in NumPy, and its step as training makes it."""

import sys

import keras
import numpy as np
import pytest
import tiny
from keras import ops
from scipy.special import expit, softmax

import mind_keras as mk
from mind_keras.controls.modulation import ModulatedAdamW
from mind_keras.controls.ogm_ge import OGMLearner, coefficients, evidence

ALPHA, RATE = 0.4, 0.01


def truth(labels, logits, kind):
    """The probability of the truth by row, in float64."""
    if kind == "multiclass":
        return softmax(logits, axis=1)[np.arange(len(labels)), labels]
    p = expit(logits)
    right = np.where(labels == 1, p, 1 - p)
    right[np.isnan(labels)] = np.nan
    return np.nanmean(right, axis=1)


@pytest.mark.parametrize("kind", ["binary", "multilabel", "multiclass"])
def test_evidence_is_the_probability_of_the_truth_over_the_batch(kind):
    samples = tiny.samples(kind, {"ehr+lab": 30})
    rng = np.random.default_rng(0)
    logits = 3 * rng.normal(size=(30, samples.spec.task.outputs))
    labels, weight = samples.y, rng.random(30)
    if kind == "multilabel":
        labels = labels.copy()
        labels[0] = [1, np.nan, np.nan]
    rows = truth(labels, logits, kind)
    given = ops.convert_to_tensor(labels), ops.convert_to_tensor(logits, "float32")
    assert float(evidence(*given, kind)) == pytest.approx(rows.sum(), rel=1e-5)
    weighted = evidence(*given, kind, ops.convert_to_tensor(weight, "float32"))
    assert float(weighted) == pytest.approx(rows @ weight, rel=1e-5)


def test_a_row_without_a_known_label_is_no_evidence():
    labels = ops.convert_to_tensor([[np.nan, np.nan], [1.0, np.nan]])
    assert float(evidence(labels, ops.zeros((2, 2)), "multilabel")) == 0.5


def test_only_modalities_ahead_of_the_others_are_slowed():
    def k(*some):
        return tiny.array(coefficients(ops.array(some, "float32"), ALPHA))

    slow = 1 - np.tanh(ALPHA * 3.0)
    np.testing.assert_allclose(k(6.0, 2.0), [slow, 1.0], rtol=1e-5)
    np.testing.assert_allclose(k(2.0, 6.0), [1.0, slow], rtol=1e-5)
    np.testing.assert_allclose(k(4.0, 4.0), [1.0, 1.0])
    np.testing.assert_allclose(k(9.0, 2.0, 4.0), [slow, 1.0, 1.0], rtol=1e-5)
    assert np.isfinite(k(5.0, 0.0)).all()


@pytest.fixture(scope="module")
def step():
    """One step of OGM from a student that leans on one modality."""
    keras.utils.set_random_seed(1)
    samples = tiny.samples("multiclass", {"ehr+lab": 40})
    about = samples.spec
    encoders = {
        m: tiny.encoder(about.shape(m), units=units, norm=False)
        for m, units in (("ehr", 6), ("lab", 3))
    }
    student = mk.build_student(about, encoders, heads=("fusion",), fusion="concat")
    head = student.get_layer("fusion_head")
    kernel, bias = head.get_weights()
    head.set_weights([kernel, bias + np.array([0.5, -0.5, 1.0, 0.0], "float32")])
    start = {layer.name: tiny.weights(layer) for layer in student.layers}
    codes = {
        m: tiny.array(student.get_layer(f"{m}_encoder")(samples.x[m])).astype(float)
        for m in about.names
    }
    learner = OGMLearner(student, task=about.task, alpha=ALPHA)
    learner.compile(ModulatedAdamW(RATE, weight_decay=0.0, noise=False))
    history = learner.fit(
        mk.batches(samples, 100, heads=mk.heads(student), shuffle=False),
        validation_data=mk.batches(
            samples, 100, heads=mk.heads(student), shuffle=False
        ),
        verbose=0,
    ).history
    return samples, codes, start, learner, history


def test_in_its_first_step_adam_moves_each_kernel_of_an_encoder_by_rate_times_k(step):
    """Where the gradient is not 0, Adam's first step has the size of its rate."""
    samples, codes, start, learner, _ = step
    kernel, bias = (w.astype(float) for w in start["fusion_head"])
    blocks = {"ehr": kernel[:6], "lab": kernel[6:]}
    s = {
        m: truth(samples.y, codes[m] @ blocks[m] + bias / 2, "multiclass").sum()
        for m in codes
    }
    rho = {"ehr": s["ehr"] / s["lab"], "lab": s["lab"] / s["ehr"]}
    k = {m: 1 - np.tanh(ALPHA * r) if r > 1 else 1.0 for m, r in rho.items()}
    assert min(k.values()) < 0.9
    for m in ("ehr", "lab"):
        after = tiny.weights(learner.student.get_layer(f"{m}_encoder"))
        pairs = zip(start[f"{m}_encoder"], after, strict=True)
        (of_kernel, of_bias) = [np.abs(b - a) for a, b in pairs]
        np.testing.assert_allclose(of_kernel, RATE * k[m], rtol=0.05)
        np.testing.assert_allclose(of_bias, RATE, rtol=0.05)
        assert np.median(of_kernel) == pytest.approx(RATE * k[m], rel=1e-3)
    of_head = np.abs(tiny.weights(learner.student.get_layer("fusion_head"))[0] - kernel)
    np.testing.assert_allclose(of_head, RATE, rtol=0.05)


def test_the_message_adds_nothing_to_the_loss_and_the_loss_is_that_of_the_head(step):
    samples, codes, start, learner, history = step
    kernel, bias = (w.astype(float) for w in start["fusion_head"])
    p = softmax(np.hstack([codes["ehr"], codes["lab"]]) @ kernel + bias, axis=1)
    expected = -np.log(p[np.arange(len(p)), samples.y]).mean()
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)
    said = mk.predict(learner.student, samples)["fusion"]
    expected = -np.log(said[np.arange(len(p)), samples.y]).mean()
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-5)


def test_what_is_trained_is_the_student_and_nothing_of_it_is_the_messenger(step):
    *_, learner, _ = step
    own = [v for v in learner.trainable_variables if v is not learner.messenger]
    assert len(own) == len(learner.student.trainable_variables) == 6
    assert [tuple(learner.messenger.shape)] == [(2,)]


def test_noise_of_the_gradients_size_disturbs_the_kernels_of_encoders_alone():
    """Of two equal normal numbers, the sum has the sign of the first 3 times in 4."""
    rng = np.random.default_rng(0)
    shapes = [(2,), (200, 200), (40_000,), (200, 200)]
    gradients = [0.01 * rng.normal(size=shape) for shape in shapes]
    variables = [keras.Variable(np.zeros(shape), dtype="float32") for shape in shapes]
    gradients[0] = np.array([0.5, 1.0])
    optimizer = ModulatedAdamW(RATE, weight_decay=0.0, seed=3)
    optimizer.modulate(variables[0], [[variables[1], variables[2]], []])
    given = [ops.convert_to_tensor(g, "float32") for g in gradients]
    optimizer.apply(given, variables)
    moved = [tiny.array(v) for v in variables]
    pairs = list(zip(moved, gradients, strict=True))
    kept = [np.mean(np.sign(-m) == np.sign(g)) for m, g in pairs]
    assert kept[1] == pytest.approx(0.75, abs=0.01)
    assert kept[2] == kept[3] == 1.0
    assert np.median(np.abs(moved[1])) == pytest.approx(RATE * 0.5, rel=1e-3)
    assert np.median(np.abs(moved[2])) == pytest.approx(RATE, rel=1e-3)
    # Else a compiled step would draw the same noise for ever.
    assert sum("seed_generator_state" in v.path for v in optimizer.variables) == 1
    # Were the noise the same again, Adam's second step would equal its first.
    optimizer.apply(given, variables)
    second = tiny.array(variables[1]) - moved[1]
    assert np.mean(np.isclose(second, moved[1], rtol=0.1)) < 0.7


def test_without_noise_every_number_moves_against_its_gradient():
    gradient = np.random.default_rng(0).normal(size=(20, 20))
    messenger, kernel = (keras.Variable(np.zeros(n), "float32") for n in (1, (20, 20)))
    optimizer = ModulatedAdamW(RATE, weight_decay=0.0, noise=False)
    optimizer.modulate(messenger, [[kernel]])
    given = [ops.ones(1), ops.convert_to_tensor(gradient, "float32")]
    optimizer.apply(given, [messenger, kernel])
    np.testing.assert_array_equal(np.sign(tiny.array(kernel)), -np.sign(gradient))


def test_a_row_is_evidence_by_its_weight(monkeypatch):
    weight, seen = np.linspace(0.5, 2, 12), []

    def asked(labels, logits, kind, weight=None):
        seen.append(weight)
        return evidence(labels, logits, kind, weight)

    # The control has the name of its module, and hides it.
    module = sys.modules[OGMLearner.__module__]
    monkeypatch.setattr(module, "evidence", asked)
    samples = tiny.samples("binary", {"ehr+lab": 12}, weight=weight)
    encoders = {m: tiny.encoder(samples.spec.shape(m)) for m in samples.spec.names}
    student = mk.build_student(samples.spec, encoders, heads=("fusion",))
    learner = OGMLearner(student, task=samples.spec.task)
    learner.compile(ModulatedAdamW(RATE))
    x, y, w = mk.batches(samples, 12, heads=mk.heads(student), shuffle=False)[0]
    w = keras.tree.map_structure(ops.convert_to_tensor, w)  # as `fit` gives them
    learner.compute_loss(x, y, learner(x), w)
    assert len(seen) == 2
    for one in seen:
        np.testing.assert_allclose(tiny.array(one), weight, rtol=1e-6)


def test_an_optimiser_says_how_it_was_made():
    config = ModulatedAdamW(0.1, noise=False, seed=4).get_config()
    again = ModulatedAdamW.from_config(config)
    assert (again.noise, again.seed) == (False, 4)
