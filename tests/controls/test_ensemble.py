"""Controls that need no training: the ensemble of teachers, as it taught."""

import keras
import numpy as np
import pytest
import tiny
from scipy.special import expit, softmax

import mind_keras as mk
from mind_keras.controls import CONTROLS, Bench
from mind_keras.pools import prior_logits

PATTERNS = {"ehr": 6, "ehr+lab": 9, "lab": 5}


@pytest.fixture
def bench():
    """A bench of untrained models, for one kind of task."""

    def make(kind, teachers, joint_target="product"):
        parts = [tiny.samples(kind, PATTERNS, seed=seed) for seed in range(3)]
        data = mk.Splits(*parts)
        student = tiny.student(data.spec)
        pooling = {"pool": "probability", "joint_target": joint_target}
        return Bench(
            data, student, teachers, **pooling, build=None, distil=None, train=None
        )

    return make


@pytest.mark.parametrize("kind", ["binary", "multilabel", "multiclass"])
@pytest.mark.parametrize("joint_target", ["product", "mean"])
def test_the_ensemble_says_what_a_student_is_taught_at_temperature_1(
    bench, kind, joint_target
):
    ours = bench(kind, tiny.teachers(tiny.spec(kind)), joint_target)
    test, spec = ours.data.test, ours.spec
    distiller = mk.Distiller(
        ours.student,
        ours.teachers,
        task=spec.task,
        temperature=1.0,
        joint_target=joint_target,
    )
    answers = mk.teacher_logits(ours.teachers, test)
    taken = {p: answers.take(p, index) for p, index in test.patterns.items()}
    prior = keras.ops.array(prior_logits(ours.data.train.prior, kind), "float32")
    beliefs = distiller.ensembles.believe(taken, prior)
    said = CONTROLS["teachers"](ours)["teachers"].answer(test)
    squash = softmax if kind == "multiclass" else expit
    for head, by_pattern in beliefs.items():
        for pattern, logits in by_pattern.items():
            z = tiny.array(logits).astype("float64")
            p = squash(z, axis=-1) if kind == "multiclass" else squash(z)
            found = said[head][test.patterns[pattern]]
            np.testing.assert_allclose(found, p, rtol=1e-4, atol=1e-6)


def test_an_ensemble_that_knows_less_answers_no_one_whom_its_head_is_not_for(bench):
    ours = bench("binary", {"lab": [tiny.teacher(tiny.spec(), "lab")]})
    said = CONTROLS["teachers"](ours)["teachers"].answer(ours.data.test)
    complete = ours.data.test.pattern == "ehr+lab"
    assert (~np.isnan(said["fusion"][:, 0]) == complete).all()
    np.testing.assert_allclose(said["fusion"][complete], said["lab"][complete])


def test_without_teachers_there_is_no_ensemble_to_compare_with(bench):
    assert CONTROLS["teachers"](bench("binary", {})) == {}
