"""Which teachers the distilling controls choose, and how they hand them on."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import tiny
from sklearn.metrics import log_loss

import mind_keras as mk
from mind_keras.controls import CONTROLS, Bench, distilling
from mind_keras.controls.distilling import best_teacher

PATTERNS = {"ehr": 6, "ehr+lab": 19, "lab": 5}
KINDS = ["binary", "multiclass"]


@pytest.fixture
def bench():
    """A bench that trains nothing and remembers what it was asked for."""

    def make(kind="binary", taught=("ehr", "lab")):
        parts = [
            tiny.samples(kind, PATTERNS, seed=s, weight=np.linspace(1, 3, 30))
            for s in range(3)
        ]
        data = mk.Splits(*parts)
        some = tiny.teachers(data.spec, sizes=(5, 7, 3))
        asked = {}

        def train(name, build, *args, **options):
            asked[name] = options
            return build()

        ours = Bench(
            data,
            tiny.student(data.spec),
            {m: some[m] for m in taught},
            pool="probability",
            joint_target="product",
            build=partial(tiny.student, data.spec),
            distil=partial(mk.Distiller, task=data.spec.task, temperature=3.5),
            train=train,
        )
        return ours, asked

    return make


def losses(bench, head):
    """The validation loss of each teacher of a head, by scikit-learn."""
    some, task = bench.data.validation, bench.spec.task
    able = some.has(head)
    classes = range(max(task.outputs, 2))
    return [
        log_loss(
            some.y[able].reshape(-1),
            mk.predict(model, some)[head][able],
            sample_weight=some.weight[able],
            labels=[*classes],
        )
        for model in bench.teachers[head]
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_single_teacher_is_the_one_that_loses_least_in_validation(bench, kind):
    ours, asked = bench(kind)
    (name,) = CONTROLS["single_teacher"](ours)
    assert name == "single_teacher"
    chosen = asked[name]["teachers"]
    assert sorted(chosen) == ["ehr", "lab"]
    for head, models in chosen.items():
        best = int(np.argmin(losses(ours, head)))
        assert models == [ours.teachers[head][best]]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_choice_does_not_depend_on_the_order(bench, order):
    ours, _ = bench()
    models = ours.teachers["ehr"]
    best = best_teacher(ours, "ehr")
    ours.teachers["ehr"] = [models[k] for k in order]
    assert best_teacher(ours, "ehr") is best


def test_of_equal_teachers_it_is_the_first(bench):
    ours, _ = bench()
    first = ours.teachers["ehr"][0]
    twin = tiny.teacher(ours.spec, "ehr", units=5)
    twin.set_weights(first.get_weights())
    ours.teachers["ehr"] = [first, twin]
    assert best_teacher(ours, "ehr") is first


@pytest.mark.parametrize("name", ["single_teacher", "same_size_teacher"])
def test_settings_are_those_of_the_run(bench, name):
    ours, asked = bench()
    CONTROLS[name](ours)
    student = tiny.student(ours.spec)
    distiller = asked[name]["learner"](student)
    assert distiller.student is student
    assert distiller.ensembles.temperature == 3.5
    assert distiller.ensembles.taught == ["ehr", "fusion", "lab"]


def test_teachers_of_the_same_size_are_the_unimodal_models(bench):
    ours, asked = bench(taught=("lab",))
    CONTROLS["same_size_teacher"](ours)
    teachers = asked["same_size_teacher"]["teachers"]
    assert sorted(teachers) == ["lab"]
    ((model,),) = teachers.values()
    assert sorted(model.output) == ["lab"]
    part = mk.submodel(ours.student, {"lab"})
    assert model.count_params() == part.count_params()
    assert "unimodal:lab" in asked


@pytest.mark.parametrize("name", ["single_teacher", "same_size_teacher"])
def test_without_teachers_there_is_nothing_to_compare(bench, name):
    ours, asked = bench(taught=())
    assert CONTROLS[name](ours) == {}
    assert asked == {}


def test_the_choice_follows_the_weights_of_the_samples(bench):
    ours, _ = bench()
    some = ours.data.validation
    chosen = set()
    for k in np.flatnonzero(some.has("ehr"))[:6]:
        weight = np.where(np.arange(30) == k, 1000.0, 0.001)
        data = dataclasses.replace(
            ours.data, validation=dataclasses.replace(some, weight=weight)
        )
        weighted = dataclasses.replace(ours, data=data)
        best = int(np.argmin(losses(weighted, "ehr")))
        assert best_teacher(weighted, "ehr") is ours.teachers["ehr"][best]
        chosen.add(best)
    assert len(chosen) > 1


@pytest.mark.parametrize("name", ["single_teacher", "same_size_teacher"])
def test_a_joint_teacher_is_made_anew_of_the_teachers_that_are_chosen(
    bench, name, monkeypatch
):
    ours, asked = bench()
    whole = tiny.student(ours.spec)
    teachers = {**ours.teachers, "fusion": [whole]}
    ours = dataclasses.replace(ours, teachers=teachers, pool="logit")
    made, seen = tiny.student(ours.spec), []

    def join(teachers, data, *, pool):
        seen.append((teachers, data, pool))
        return made

    monkeypatch.setattr(distilling, "fit_joint_teacher", join)
    assert list(CONTROLS[name](ours)) == [name]
    teachers = asked[name]["teachers"]
    ((chosen, data, pool),) = seen
    assert sorted(teachers) == ["ehr", "fusion", "lab"]
    assert teachers["fusion"] == [made] and sorted(chosen) == ["ehr", "lab"]
    assert chosen == {head: teachers[head] for head in chosen}
    assert (data, pool) == (ours.data, "logit")
    if name == "single_teacher":
        assert chosen == {head: [best_teacher(ours, head)] for head in chosen}
