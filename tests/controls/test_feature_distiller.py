"""UMT and G2D: the loss against NumPy, and what it moves."""

import keras
import numpy as np
import pytest
import tiny
from scipy.special import expit, log_expit, log_softmax

import mind_keras as mk
from mind_keras.controls.codes import codes
from mind_keras.controls.feature_distiller import FeatureDistiller
from mind_keras.submodels import submodel

KINDS = ["binary", "multilabel", "multiclass"]
ROWS = 12


def student(about, seed=1, units=6):
    keras.utils.set_random_seed(seed)
    encoders = {m: tiny.encoder(about.shape(m), units=units) for m in about.names}
    return mk.build_student(about, encoders, heads=["fusion"])


def teachers(about, units=6):
    """Unimodal parts of other students, with statistics that training has moved."""
    made = {}
    for k, name in enumerate(about.names):
        model = submodel(tiny.student(about, seed=5 + k, units=units), {name})
        rng = np.random.default_rng(k)
        for w in model.non_trainable_weights:
            w.assign(rng.uniform(0.5, 2.0, w.shape))
        model.get_layer(f"{name}_head").set_weights(
            [3 * w + 0.2 for w in model.get_layer(f"{name}_head").get_weights()]
        )
        made[name] = model
    return made


def learner(kind, taught=None, rate=0.01, **options):
    about = tiny.spec(kind)
    options = {"code_weight": 10.0, "belief_weight": 0.0} | options
    model = FeatureDistiller(
        student(about), taught or teachers(about), task=about.task, **options
    )
    model.compile(keras.optimizers.SGD(rate))
    return model


def batch(kind):
    samples = tiny.samples(kind, {"ehr+lab": ROWS}, weight=np.linspace(0.5, 2, ROWS))
    return mk.batches(samples, ROWS, heads={"fusion": {"ehr", "lab"}}, shuffle=False)


def numpy_of(model, x):
    said = model.predict(x, verbose=0)
    return {name: array.astype("float64") for name, array in said.items()}


def label_losses(kind, y, logits):
    """Cross-entropy of each row, the mean over the labels that are known."""
    if kind == "multiclass":
        return -log_softmax(logits, axis=-1)[np.arange(len(y)), y], np.ones(len(y))
    loss = -(y * log_expit(logits) + (1 - y) * log_expit(-logits))
    return np.nansum(loss, axis=1), (~np.isnan(y)).sum(axis=1)


def divergences(kind, teacher, ours, temperature):
    t, s = teacher / temperature, ours / temperature
    if kind == "multiclass":
        t, s = log_softmax(t, axis=-1), log_softmax(s, axis=-1)
        return temperature**2 * (np.exp(t) * (t - s)).sum(axis=1)
    p, q = expit(t), expit(s)
    each = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    return temperature**2 * each.mean(axis=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
def test_the_loss_is_that_of_the_formula(kind, training):
    weights = {"code_weight": 0.7, "belief_weight": 1.3, "temperature": 2.0}
    taught = teachers(tiny.spec(kind))
    model = learner(kind, taught, **weights)
    x, y, weight = batch(kind)[0]
    found = model.compute_loss(
        x, y, model(x, training=False), weight, training=training
    )
    rows, w = x["ehr+lab"], weight["ehr+lab"]["fusion"].astype("float64")
    said = numpy_of(keras.Model(model.student.input, model.student.output), rows)
    loss, known = label_losses(kind, y["ehr+lab"]["fusion"], said["fusion"])
    expected = (loss * w).sum() / (known * w).sum()
    ours = numpy_of(keras.Model(model.student.input, codes(model.student)), rows)
    for name, teacher in taught.items():
        if training:
            seen = {name: rows[name]}
            code = numpy_of(keras.Model(teacher.input, codes(teacher)), seen)[name]
            belief = numpy_of(teacher, seen)[name]
            far = ((code - ours[name]) ** 2).mean(axis=1) * 0.7
            far += divergences(kind, belief, said["fusion"], 2.0) * 1.3
            expected += (far * w).sum() / w.sum()
    np.testing.assert_allclose(tiny.array(found), expected, rtol=2e-5)


def distance(model, taught, rows):
    ours = numpy_of(keras.Model(model.student.input, codes(model.student)), rows)
    theirs = {
        name: numpy_of(keras.Model(t.input, codes(t)), {name: rows[name]})[name]
        for name, t in taught.items()
    }
    return {name: np.mean((ours[name] - theirs[name]) ** 2) for name in theirs}


@pytest.fixture(scope="module")
def steps():
    """One step on one batch, for several weights of the loss."""
    made = {}
    for name, (code, belief) in {
        "none": (0, 0),
        "code": (20, 0),
        "both": (20, 9),
    }.items():
        taught = teachers(tiny.spec())
        model = learner("binary", taught, code_weight=code, belief_weight=belief)
        before = tiny.weights(model.student), [tiny.weights(t) for t in taught.values()]
        data = batch("binary")
        model.fit(data, validation_data=data, epochs=1, verbose=0)
        made[name] = model, taught, before
    return made


def test_a_step_brings_the_codes_nearer_to_those_of_the_teachers(steps):
    rows = batch("binary")[0][0]["ehr+lab"]
    far = {name: distance(*made[:2], rows) for name, made in steps.items()}
    for modality in ("ehr", "lab"):
        assert far["code"][modality] < 0.99 * far["none"][modality]


def test_codes_teach_the_encoders_and_beliefs_the_head_too(steps):
    heads = {
        name: np.concatenate(
            [w.ravel() for w in made[0].student.get_layer("fusion_head").get_weights()]
        )
        for name, made in steps.items()
    }
    np.testing.assert_allclose(heads["code"], heads["none"], atol=1e-6)
    assert np.abs(heads["both"] - heads["none"]).max() > 1e-3


def test_the_head_moves_toward_what_the_teachers_believe():
    """The divergence's gradient is the difference of probabilities."""
    taught = teachers(tiny.spec())
    model = learner("binary", taught, code_weight=0.0, belief_weight=1.0)
    x, y, weight = batch("binary")[0]
    before = model.student.get_layer("fusion_head").get_weights()[1]
    logits = tiny.array(model(x, training=True)["fusion"]).astype("float64")
    w = weight["ehr+lab"]["fusion"].astype("float64")[:, None]
    wanted = [expit(logits) - y["ehr+lab"]["fusion"]]
    for name, teacher in taught.items():
        belief = numpy_of(teacher, {name: x["ehr+lab"][name]})[name]
        wanted.append(expit(logits) - expit(belief))
    gradient = (sum(wanted) * w).sum(axis=0) / w.sum()
    model.fit(batch("binary"), epochs=1, verbose=0)
    after = model.student.get_layer("fusion_head").get_weights()[1]
    np.testing.assert_allclose((before - after) / 0.01, gradient, rtol=1e-3, atol=1e-5)


def test_teachers_do_not_move_and_are_not_saved_with_the_student(steps):
    for model, taught, (students, theirs) in steps.values():
        for teacher, weights in zip(taught.values(), theirs, strict=True):
            for one, other in zip(tiny.weights(teacher), weights, strict=True):
                np.testing.assert_array_equal(one, other)
        assert len(model.trainable_variables) == len(model.student.trainable_variables)
        assert len(students) == len(model.student.weights)
        assert set(model.student.output) == {"fusion"}


def test_a_student_with_further_heads_is_refused():
    about = tiny.spec()
    with pytest.raises(ValueError, match=r"alone. Received: .*'lab'"):
        FeatureDistiller(
            tiny.student(about),
            teachers(about),
            task=about.task,
            code_weight=1.0,
            belief_weight=0.0,
        )


def test_codes_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r"one size. Received: 5 and 6 .* 'ehr'"):
        learner("binary", teachers(tiny.spec(), units=5))


def test_a_modality_without_a_teacher_is_refused():
    some = teachers(tiny.spec())
    with pytest.raises(ValueError, match=r"needs a teacher. Received: .*\['ehr'\]"):
        learner("binary", {"ehr": some["ehr"]})


def test_samples_that_lack_a_modality_are_refused_before_training():
    with pytest.raises(ValueError, match=r"complete samples .*'ehr', 'ehr\+lab'"):
        learner("binary").fit(mk.batches(tiny.samples()))


def test_a_model_whose_encoder_is_no_layer_of_its_own_has_no_codes():
    given = keras.Input((4,), name="lab")
    model = keras.Model({"lab": given}, {"lab": keras.layers.Dense(1)(given)})
    with pytest.raises(ValueError, match=r"layers `<modality>_encoder`.*'lab': 0"):
        codes(model)
