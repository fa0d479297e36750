"""What UMT and G2D ask for: their published weights, on complete samples."""

from functools import partial

import pytest
import tiny

import mind_keras as mk
from mind_keras.controls import CONTROLS, Bench


@pytest.fixture
def asked():
    """What a control asked of a bench that trains nothing."""
    parts = [tiny.samples("binary", {"ehr": 4, "ehr+lab": 7}, seed=s) for s in range(3)]
    data = mk.Splits(*parts)

    def build(heads=None):
        encoders = {m: tiny.encoder(data.spec.shape(m)) for m in data.spec.names}
        return mk.build_student(data.spec, encoders, heads=heads)

    def ask(name):
        found = {}

        def train(model, build, choose, *, learner=None):
            found[model] = build(), choose(data.train), learner
            return found[model][0]

        bench = Bench(
            data,
            build(),
            {},
            pool="probability",
            joint_target="product",
            build=build,
            distil=partial(mk.Distiller, task=data.spec.task),
            train=train,
        )
        CONTROLS[name](bench)
        return found

    return ask


@pytest.mark.parametrize("name, code, belief", [("umt", 10, 0), ("g2d", 1, 1)])
def test_weights_and_samples_are_those_of_the_method(asked, name, code, belief):
    found = asked(name)
    student, samples, learner = found[name]
    settings = learner.keywords
    assert (settings["code_weight"], settings["belief_weight"]) == (code, belief)
    assert settings.get("temperature", 1.0) == 1.0
    assert list(student.output) == ["fusion"]
    assert samples.patterns.keys() == {"ehr+lab"}
    for modality, teacher in settings["teachers"].items():
        model, rows, _ = found[f"unimodal:{modality}"]
        assert teacher is model
        assert rows.patterns.keys() == {modality}
