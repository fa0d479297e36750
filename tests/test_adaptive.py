"""Balance in the logs, and weights that follow it, inside one compiled training."""

import keras
import numpy as np
import pytest
import tiny
from scipy.special import softmax

import mind_keras as mk
from mind_keras.adaptive import AdaptiveWeights, shares
from mind_keras.balance import balance_table
from mind_keras.balancing import Balance, plot_epochs

PATTERNS = {"ehr": 8, "ehr+lab": 13, "lab": 7}
KEYS = ["head_gap", "imbalance", "teacher_gap_ehr", "teacher_gap_lab"]
KEYS += ["utilisation_ehr", "utilisation_lab"]


def distiller(b=1.0, **options):
    about = tiny.spec()
    student = tiny.student(about, norm=False)
    return mk.Distiller(
        student,
        tiny.teachers(about, sizes=(5,), norm=False),
        task_weight=1.0,
        task=about.task,
        distillation_weight=b,
        **options,
    )


@pytest.fixture(scope="module")
def watched():
    """A training of three epochs that is looked at twice, and weighed by it."""
    keras.utils.set_random_seed(0)
    train, validation = tiny.samples(patterns=PATTERNS), tiny.samples(seed=4)
    learner = distiller({"ehr": 0.5, "fusion": 2.0, "lab": 1.5})
    rng = np.random.default_rng(0)
    teachers = {m: rng.random((len(validation), 1)) for m in ("ehr", "lab")}
    for m, p in teachers.items():
        p[~validation.has(m)] = np.nan
    balance = Balance(validation, teachers, every=2, batch_size=5)
    weights = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append(learner.distillation_weights)
    )
    learner.compile(keras.optimizers.SGD(0.05))
    history = learner.fit(
        mk.batches(train, 100),
        epochs=3,
        callbacks=[balance, AdaptiveWeights(strength=3.0, limit=2.0), note],
        verbose=0,
    ).history
    return learner, validation, teachers, balance, history, weights


def test_logs_hold_the_balance_of_the_student_as_it_is_after_the_epoch(watched):
    learner, validation, teachers, balance, history, _ = watched
    answers = {"student": mk.predict(learner.student, validation)}
    table = balance_table(answers, validation, split="val", teachers=teachers)
    names = (table["quantity"] + "_" + table["modality"]).str.strip("_")
    for name, value in zip(names, table["value"], strict=True):
        assert history[name][2] == pytest.approx(value, abs=1e-6)
        assert history[name][0] == balance.epochs[0][name]
    assert sorted(balance.epochs[0]) == KEYS == sorted(names)


def test_epochs_that_are_not_looked_at_get_nan_and_change_no_weight(watched):
    *_, history, weights = watched
    assert [len(history[name]) for name in KEYS] == [3] * 6
    assert all(np.isnan(history[name][1]) for name in KEYS)
    assert weights[1] == weights[0]
    assert weights[0]["ehr"] != pytest.approx(0.5)


def test_each_epoch_is_trained_with_the_weights_of_the_one_before(watched):
    """Nothing is compiled anew, so a weight must act as a variable."""
    *_, history, weights = watched
    before = [{"ehr": 0.5, "fusion": 2.0, "lab": 1.5}, *weights[:2]]
    for epoch, b in enumerate(before):
        parts = [history[f"{h}_loss"][epoch] for h in b]
        parts += [b[h] * history[f"{h}_distillation"][epoch] for h in b]
        assert history["loss"][epoch] == pytest.approx(sum(parts), rel=1e-5)


def test_weights_are_the_given_ones_times_shares_of_the_less_used(watched):
    *_, history, weights = watched
    for epoch in (0, 2):
        need = {m: -history[f"utilisation_{m}"][epoch] for m in ("ehr", "lab")}
        share = shares(need, strength=3.0, limit=2.0)
        assert weights[epoch] == {
            "ehr": pytest.approx(0.5 * share["ehr"], rel=1e-6),
            "fusion": 2.0,
            "lab": pytest.approx(1.5 * share["lab"], rel=1e-6),
        }
        less = min(need, key=need.get)  # needs less
        assert share[less] <= 1.0


def test_a_plot_shows_each_quantity_at_the_epochs_that_were_looked_at(watched):
    balance = watched[3]
    upper, lower = balance.plot().axes
    lines = {line.get_label(): line for axes in (upper, lower) for line in axes.lines}
    assert set(KEYS) <= set(lines)
    for name in KEYS:
        x, y = lines[name].get_data()
        assert list(x) == [0, 2]
        assert list(y) == [balance.epochs[0][name], balance.epochs[2][name]]
    assert {t.get_text() for t in upper.get_legend().get_texts()} == set(KEYS[4:])
    with pytest.raises(ValueError, match="Received: none"):
        plot_epochs([])


def test_shares_are_a_softmax_between_bounds_with_mean_1():
    rng = np.random.default_rng(0)
    gauge = dict(zip("abcd", rng.normal(size=4), strict=True))
    free = shares(gauge, strength=2.0, limit=1e6)
    expected = 4 * softmax(2.0 * np.array(list(gauge.values())))
    np.testing.assert_allclose(list(free.values()), expected, rtol=1e-6)
    bound = shares(gauge, strength=50.0, limit=3.0)
    values = np.array(list(bound.values()))
    assert values.mean() == pytest.approx(1.0)
    assert values.min() == pytest.approx(1 / 3) and values.max() <= 3.0 + 1e-9
    assert shares(gauge, strength=0.0, limit=2.0) == pytest.approx(
        dict.fromkeys("abcd", 1)
    )


def test_teachers_who_know_more_speak_louder():
    learner = distiller(b={"ehr": 1.0, "fusion": 1.0, "lab": 2.0})
    callback = AdaptiveWeights(by="teacher_gap", strength=5.0)
    callback.set_model(learner)
    callback.on_train_begin()
    logs = {"teacher_gap_ehr": 0.2, "teacher_gap_lab": 0.0}
    share = shares({"ehr": 0.2, "lab": 0.0}, strength=5.0, limit=4.0)
    for _ in range(2):  # nothing adds up
        callback.on_epoch_end(0, logs)
        found = learner.distillation_weights
        assert found["ehr"] == pytest.approx(share["ehr"], rel=1e-6)
        assert found["lab"] == pytest.approx(2 * share["lab"], rel=1e-6)
    assert share["ehr"] > 1 > share["lab"]
    with pytest.raises(ValueError, match=r"without \['teacher_gap_lab'\].*`Balance`"):
        callback.on_epoch_end(0, {"teacher_gap_ehr": 0.2})


def test_a_distiller_weighs_only_heads_that_it_teaches_and_keeps_the_others():
    learner = distiller(b={"ehr": 2.0, "fusion": 0.0, "lab": 1.0})
    assert learner.distillation_weights == {"ehr": 2.0, "lab": 1.0}
    learner.weigh({"lab": 3.0})
    assert learner.distillation_weights == {"ehr": 2.0, "lab": 3.0}
    learner.weigh({"ehr": 0.5})
    assert learner.distillation_weights == {"ehr": 1.0, "lab": 3.0}
    for wrong in ({"fusion": 1.0}, {"ehr": -1.0}, {"ehr": np.nan}, {"ehr": np.inf}):
        with pytest.raises(ValueError, match=r"Known: \['ehr', 'lab'\]"):
            learner.weigh(wrong)
    assert learner.get_config()["distillation_weight"]["lab"] == 1.0


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"'size'. Known: \['teacher_gap', 'util"):
        AdaptiveWeights(by="size")
    for wrong in ({"strength": -1.0}, {"limit": 1.0}, {"limit": np.nan}):
        with pytest.raises(
            ValueError, match="`strength` must be from 0 up and `limit`"
        ):
            AdaptiveWeights(**wrong)


def test_weights_shift_only_between_two_taught_unimodal_heads():
    about = tiny.spec()
    student = tiny.student(about)
    callback = AdaptiveWeights()
    callback.set_model(mk.Distiller(student, {"ehr": []}, task=about.task))
    with pytest.raises(ValueError, match=r"two modalities or more. Received: .*'ehr'"):
        callback.on_train_begin()
    callback.set_model(student)
    with pytest.raises(ValueError, match=r"what a `Distiller` teaches. .*Functional"):
        callback.on_train_begin()


def test_balance_refuses_what_it_cannot_compare():
    samples = tiny.samples()
    with pytest.raises(ValueError, match="none such of 9; patterns"):
        Balance(tiny.samples(patterns={"ehr": 5, "lab": 4}))
    with pytest.raises(ValueError, match=r"from 1 up. Received: 0"):
        Balance(samples, every=0)
    with pytest.raises(ValueError, match=r"higher be better. Received: 'brier'"):
        Balance(samples, metric="brier")
    with pytest.raises(
        ValueError, match=r"'ehr' with shape \(3, 1\); expected \(24, 1"
    ):
        Balance(samples, {"ehr": np.zeros((3, 1))})
    with pytest.raises(ValueError, match="Received: 'fusion' with shape"):
        Balance(samples, {"fusion": np.zeros((24, 1))})
    with pytest.raises(ValueError, match="asked other samples"):
        Balance(samples, {"ehr": np.full((24, 1), np.nan)})


def test_balance_looks_at_a_distillers_student_with_all_heads():
    about = tiny.spec()
    balance = Balance(tiny.samples())
    balance.set_model(tiny.student(about))
    with pytest.raises(ValueError, match=r"student of a `Distiller`. .*Functional"):
        balance.on_train_begin()
    encoders = {m: tiny.encoder(about.shape(m)) for m in about.names}
    single = mk.build_student(about, encoders, heads=("fusion",))
    balance.set_model(mk.Distiller(single, task=about.task))
    with pytest.raises(ValueError, match="Has the student one head"):
        balance.on_train_begin()
