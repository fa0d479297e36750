"""Students for KerasTuner: of the same teachers, judged on validation samples alone."""

import keras
import numpy as np
import pytest

import mind_keras as mk
from mind_keras import tuning
from mind_keras.tuning import SPACE, StudentHyperModel
from mind_keras.verdict import verdict

ONE = {"encoder": "mlp", "units": 3, "layers": 1}
QUICK = {"epochs": 2, "batch_size": 256}
ENCODERS = {"serum": ONE, "vitals": ONE}

if tuning.HyperModel is None:
    pytest.skip("keras-tuner is not installed", allow_module_level=True)


class First:
    """What a tuner hands over: it takes the first value, or the lower end."""

    def __init__(self):
        self.asked = {}

    def Choice(self, name, values):  # noqa: N802 - a method of KerasTuner
        self.asked[name] = values
        return values[-1]

    def Int(self, name, low, high, sampling):  # noqa: N802
        self.asked[name] = ("int", low, high, sampling)
        return high

    def Float(self, name, low, high, sampling):  # noqa: N802
        self.asked[name] = ("float", low, high, sampling)
        return high


@pytest.fixture(scope="module")
def data():
    missing = {"mechanism": "mcar", "rate": {"serum": 0.2, "vitals": 0.2}}
    return mk.load("diabetes", missing=missing)


@pytest.fixture(scope="module")
def teachers(data):
    keras.utils.set_random_seed(1)
    found = {m: [mk.build_teacher(data.spec, m, **ONE)] for m in data.spec.names}
    return found | {"fusion": [mk.fit_joint_teacher(found, data)]}


# Of KerasTuner 1.4, which has not moved on.
@pytest.mark.filterwarnings("ignore:currentThread:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:getName:DeprecationWarning")
@pytest.mark.skipif(
    keras.config.backend() != "torch", reason="compiles 20 times; once is enough: torch"
)
def test_twenty_trials_ask_the_teachers_once_and_the_best_is_the_reported_one(
    tmp_path, monkeypatch
):
    import keras_tuner

    data = mk.load("diabetes")
    teachers = {m: [mk.build_teacher(data.spec, m, **ONE)] for m in data.spec.names}

    asked, trained = [], []
    ask, fit = tuning.teacher_logits, tuning.fit

    def counted(*args):
        asked.append(sorted(args[0]))
        return ask(*args)

    def counting(learner, *args, **options):
        trained.append(learner)
        return fit(learner, *args, **options)

    monkeypatch.setattr(tuning, "teacher_logits", counted)
    monkeypatch.setattr(tuning, "fit", counting)
    space = SPACE | {"fusion": ["concat", "sum"], "encoders.serum.units": [2, 3]}
    hypermodel = StudentHyperModel(
        data, teachers, ENCODERS, space=space, training=QUICK | {"epochs": 1}
    )
    tuner = keras_tuner.RandomSearch(
        hypermodel,
        objective=keras_tuner.Objective("val_auroc", "max"),
        max_trials=20,
        seed=3,
        directory=tmp_path,
    )
    tuner.search(verbose=0)
    assert asked == [["serum", "vitals"]] and len(trained) == 20
    trials = tuner.oracle.get_best_trials(20)
    assert len({trial.score for trial in trials}) > 5
    best = tuner.get_best_models()[0].student
    kept = verdict(best, data.validation)[1]
    assert trials[0].score == pytest.approx(kept, abs=1e-6)
    assert trials[0].score == max(trial.score for trial in trials)


# With a patience of 1 and steps this large, the first epoch may be the best.
@pytest.mark.filterwarnings("ignore:The first of:UserWarning")
def test_a_trial_is_a_fit_of_the_settings_and_reports_what_is_kept(data, teachers):
    space = {
        "distillation.temperature": {"low": 1.0, "high": 3.0},
        "training.learning_rate": [0.1, 0.5],
        "encoders.vitals.units": {"low": 2, "high": 4, "log": True},
        "fusion": ["concat", "sum"],
    }
    hypermodel = StudentHyperModel(
        data,
        teachers,
        {m: ONE | {"units": 4} for m in ENCODERS},
        space=space,
        distillation={"task_weight": 0.5},
        training=QUICK | {"patience": 1},
        seed=5,
    )
    hp = First()
    epochs = []
    told = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append((epoch, dict(logs)))
    )
    model = hypermodel.build(hp)
    found = hypermodel.fit(hp, model, callbacks=[told], verbose=0, epochs=4)
    assert hp.asked == {
        "distillation.temperature": ("float", 1.0, 3.0, "linear"),
        "training.learning_rate": [0.1, 0.5],
        "encoders.vitals.units": ("int", 2, 4, "log"),
        "fusion": ["concat", "sum"],
    }
    keras.utils.set_random_seed(5)
    four = {m: ONE | {"units": 4} for m in ENCODERS}
    student = mk.build_student(data.spec, four, fusion="sum")
    heads = dict.fromkeys(teachers, ())
    by_hand = mk.Distiller(
        student, heads, task=data.spec.task, temperature=3.0, task_weight=0.5
    )
    answers = mk.teacher_logits(teachers, data.train)
    options = QUICK | {"epochs": 4, "patience": 1, "learning_rate": 0.5}
    history = mk.fit(
        by_hand, data.train, data.validation, answers=answers, seed=5, **options
    )
    losses = history[history["metric"] == "val_loss"]["value"].to_numpy()
    assert losses.argmin() < len(losses) - 1  # Something is restored.
    assert found["val_loss"] == pytest.approx(losses.min(), abs=1e-5)
    value = verdict(student, data.validation)[1]
    assert found["val_auroc"] == pytest.approx(value, abs=1e-6)
    assert verdict(model.student, data.validation)[1] == found["val_auroc"]
    # A checkpoint of epochs without a number is never the best.
    assert [epoch for epoch, _ in epochs] == list(range(len(losses) + 1))
    assert all(np.isnan(logs["val_auroc"]) for _, logs in epochs[:-1])
    assert epochs[-1][1]["val_auroc"] == found["val_auroc"]


def test_values_that_a_tuner_does_not_know_are_chosen_by_place(data):
    joined = {"fusion": "gated", "units": 3}
    space = {"fusion": ["concat", joined], "distillation.temperature": [1, 2.0]}
    hp = First()
    chosen = StudentHyperModel(data, {}, ENCODERS, space=space).settings(hp)
    assert hp.asked == {"fusion": [0, 1], "distillation.temperature": [0, 1]}
    assert chosen["fusion"] == joined
    assert chosen["distillation"] == {"temperature": 2.0}


def test_without_teachers_it_is_plain_training(data):
    hypermodel = StudentHyperModel(data, {}, ENCODERS, space={"fusion": ["concat"]})
    assert hypermodel.answers is None
    assert hypermodel.build(First()).ensembles.taught == []


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            {"temperature": [1]},
            r"one of \['distillation', 'encoders', 'training'",
        ),
        ({"fusion.units": [1]}, "Received: 'fusion.units'"),
        ({"training": [1]}, "Received: 'training'"),
        ({"training.epochs": []}, r"must be a list.*\[\] for 'training.epochs'"),
    ],
)
def test_a_space_of_nothing_is_refused(data, space, message):
    with pytest.raises(ValueError, match=message):
        StudentHyperModel(data, {}, ENCODERS, space=space)


def test_without_keras_tuner_the_error_says_what_to_install(data, monkeypatch):
    monkeypatch.setattr(tuning, "HyperModel", None)
    with pytest.raises(ImportError, match=r"pip install 'mind_keras\[tune\]'"):
        StudentHyperModel(data, {}, ENCODERS)
