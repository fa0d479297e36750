"""All balancing controls on one bench: what is kept, and what they learnt by."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tiny_run
from sklearn.metrics import log_loss

import mind_keras as mk
from mind_keras.artifact import Run
from mind_keras.controls import CONTROLS, LEARNS_FROM, Bench
from mind_keras.controls.g_blend import blend, gain
from mind_keras.data.sources import load
from mind_keras.trainer import Trainer

NAMES = ["adaptive", "ogm_ge", "g_blend", "miles"]


BUDGET = {"epochs": 2, "batch_size": 256}


@pytest.fixture(scope="module")
def data():
    return load("diabetes", seed=3, **tiny_run.CONFIG.data.options)


@pytest.fixture(scope="module")
def bench(data, tmp_path_factory):
    """A bench with trained teachers, whose student was never trained."""
    trainer = Trainer(
        data,
        Run(tmp_path_factory.mktemp("balancing")),
        budget=BUDGET,
        teacher_budget=BUDGET,
        seed=3,
    )

    def build(**options):
        keras.utils.set_random_seed(3)
        return mk.build_student(data.spec, tiny_run.CONFIG.student.encoders, **options)

    models = {m: [mk.build_teacher(data.spec, m, units=4)] for m in data.spec.names}
    return Bench(
        data,
        build(),
        trainer.teachers(models),
        pool="probability",
        joint_target="product",
        build=build,
        distil=partial(mk.Distiller, task=data.spec.task),
        train=trainer.train,
    )


@pytest.fixture(scope="module")
def done(bench):
    """Where the models are kept, all controls trained."""
    for name in NAMES:
        contenders = CONTROLS[name](bench)
        assert list(contenders) == list(contenders[name].models) == [name]
    return bench.train.__self__.run


def history(done, model):
    rows = done.history().query("model == @model")
    return rows.pivot(index="epoch", columns="metric", values="value")


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_plain_keras_student_with_its_heads(done, bench, name):
    model = keras.saving.load_model(done.file_of(name))
    heads = mk.heads(bench.build())
    fused = {"fusion": heads["fusion"]}
    assert mk.heads(model) == (fused if name == "ogm_ge" else heads)
    assert model.count_params() <= bench.student.count_params()


def test_a_model_that_is_kept_is_not_trained_again(done, bench):
    before = {name: done.file_of(name).stat().st_mtime_ns for name in NAMES}
    for name in NAMES:
        CONTROLS[name](bench)
    assert before == {name: done.file_of(name).stat().st_mtime_ns for name in NAMES}


@pytest.mark.parametrize("name", ["adaptive", "miles"])
def test_those_that_follow_balance_log_it(done, name):
    metrics = set(history(done, name))
    assert {"utilisation_serum", "utilisation_vitals", "imbalance"} <= metrics


def test_miles_is_taught_by_labels_alone_and_adaptive_by_teachers(done):
    assert not any("distillation" in name for name in history(done, "miles"))
    assert "fusion_distillation" in history(done, "adaptive")


def losses(model, head, samples):
    p = mk.predict(model, samples)[head][:, 0]
    known = ~np.isnan(p)
    return log_loss(samples.y[known, 0], p[known])


def test_g_blend_weighs_heads_by_their_models_trained_alone(done, bench, data):
    fresh, single = bench.build(), bench.build(heads=("fusion",))
    first = {"serum": fresh, "vitals": fresh, "fusion": single}
    last = {m: done.model(f"unimodal:{m}") for m in data.spec.names}
    last["fusion"] = done.model("single_head")
    parts = (data.train, data.validation)
    gains = {
        head: gain(
            tuple(losses(first[head], head, part) for part in parts),
            tuple(losses(last[head], head, part) for part in parts),
        )
        for head in first
    }
    weights = blend(gains)
    assert len({round(w, 6) for w in weights.values()}) == 3
    found = history(done, "g_blend")
    expected = sum(w * found[f"val_{head}_loss"] for head, w in weights.items())
    np.testing.assert_allclose(found["val_loss"], expected, rtol=1e-4)


def test_what_each_needs_is_known_before_training(data):
    needs = {name: set(LEARNS_FROM[name](data.spec)) for name in NAMES}
    complete = frozenset(["serum", "vitals"])
    assert all(complete in some for some in needs.values())
    assert {frozenset(["serum"]), frozenset(["vitals"])} <= needs["g_blend"]


def test_without_teachers_there_are_no_weights_to_adapt():
    assert CONTROLS["adaptive"](SimpleNamespace(teachers={})) == {}


@pytest.mark.parametrize("weight", [1.0, {"fusion": 1.0, "serum": 1.0, "vitals": 0.0}])
def test_of_one_taught_modality_there_is_nothing_to_shift(bench, weight):
    """Known before hours of training end in an error."""
    some = bench.teachers if isinstance(weight, dict) else {"serum": []}
    distil = partial(bench.distil, distillation_weight=weight)
    fewer = replace(bench, teachers=some, distil=distil, train=None)
    assert CONTROLS["adaptive"](fewer) == {}
