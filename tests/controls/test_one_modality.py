"""Of data with one modality: who can be compared, and that a run says who cannot."""

from functools import partial

import keras
import pytest
import tiny
import tiny_run

import mind_keras as mk
from mind_keras import run as story
from mind_keras.controls import CONTROLS, JOIN, Bench

ABOUT = tiny.spec(modalities=("lab",))


def splits():
    parts = [tiny.samples("binary", {"lab": 8}, k, ("lab",)) for k in range(3)]
    return mk.Splits(*parts)


def train(name, build, choose=None, *, learner=None, callbacks=(), **options):
    """Makes what would be trained, and leaves it there."""
    model = build()
    made = (learner or partial(mk.Distiller, teachers={}, task=ABOUT.task))(model)
    for callback in callbacks:
        callback.set_model(made)
        callback.on_train_begin()
    return model


@pytest.fixture(scope="module")
def bench():
    def build(**options):
        keras.utils.set_random_seed(1)
        return mk.build_student(ABOUT, {"lab": "mlp"}, **options)

    return Bench(
        splits(),
        build(),
        tiny.teachers(ABOUT),
        pool="probability",
        joint_target="product",
        build=build,
        distil=partial(mk.Distiller, task=ABOUT.task),
        train=train,
    )


@pytest.mark.parametrize("name", sorted(set(CONTROLS) - JOIN))
def test_who_joins_nothing_is_made_of_one_modality(bench, name):
    assert CONTROLS[name](bench) or name == "adaptive"


@pytest.mark.parametrize("name", sorted(JOIN))
def test_who_joins_modalities_is_nothing_of_one(bench, name):
    with pytest.raises((KeyError, ValueError)):
        CONTROLS[name](bench)


def test_a_run_names_the_controls_that_it_cannot_make_before_there_is_a_folder(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(story, "read_data", lambda *_: splits())
    config = tiny_run.CONFIG.model_dump() | {
        "teachers": {},
        "student": {"encoders": {"lab": tiny_run.ONE}},
        "controls": ["no_kd", "ogm_ge", "zero_fill"],
    }
    config = tiny_run.Config.model_validate(config)
    message = (
        r"The controls \['ogm_ge', 'zero_fill'\] join modalities, two or more\. "
        r"Received: data of \['lab'\] alone\. Leave them out of `controls`"
    )
    with pytest.raises(ValueError, match=message):
        story.run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
