"""Laws of the Distiller's objective and step."""

import keras
import numpy as np
import pytest
from scipy.special import expit, log_expit, log_softmax, logsumexp
from tiny import (
    array,
    difference,
    samples,
    student,
    teacher,
    teachers,
    weights,
)

import mind_keras as mk

KINDS = ("binary", "multilabel", "multiclass")


def fit(distiller, data, epochs=1, optimizer=None, **options):
    distiller.compile(optimizer or keras.optimizers.SGD(0.1))
    return distiller.fit(
        mk.batches(data, 12, **options), epochs=epochs, verbose=0
    ).history


def known_mean(values, known, weight):
    weight = known * weight[:, None]
    return np.sum(np.where(known, values, 0) * weight) / weight.sum()


def reference(kind, y, z, belief, weight, temperature):
    """A head's task loss and distance, float64. `belief`: pooled logits."""
    z, belief = np.float64(z), np.float64(belief) / temperature
    s = z / temperature
    if kind == "multiclass":
        task = -log_softmax(z, -1)[np.arange(len(y)), y]
        t, s = log_softmax(belief, -1), log_softmax(s, -1)
        far = np.sum(np.exp(t) * (t - s), -1)
        task = np.average(task, weights=weight)
    else:
        known = ~np.isnan(y)
        entry = -np.where(np.nan_to_num(y) == 1, log_expit(z), log_expit(-z))
        task = known_mean(entry, known, weight)
        yes = expit(belief) * (log_expit(belief) - log_expit(s))
        no = expit(-belief) * (log_expit(-belief) - log_expit(-s))
        far = np.mean(yes + no, -1)
    return task, temperature**2 * np.average(far, weights=weight)


def pool(kind, said, temperature):
    """Mean of softened probabilities, as logits, float64. `said`: (n, k, labels)."""
    soft = np.float64(said) / temperature
    count = np.log(said.shape[1])
    if kind == "multiclass":
        return temperature * (logsumexp(log_softmax(soft, -1), 1) - count)
    yes, no = (logsumexp(log_expit(sign * soft), 1) for sign in (1, -1))
    return temperature * (yes - no)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_objective_is_the_formula(kind, weighted):
    """Every term, on all patterns, against NumPy from the models' own logits."""
    size, temperature = 24, 2.0
    weight = np.random.default_rng(5).random(size) + 0.1 if weighted else np.ones(size)
    data = samples(kind, weight=weight if weighted else None)
    model, some = student(data.spec, norm=False), teachers(data.spec)
    task_weight = {"ehr": 0.5, "lab": 1.5, "fusion": 2.0}
    distill = {"ehr": 0.3, "lab": 0.7, "fusion": 1.1}
    distiller = mk.Distiller(
        model,
        some,
        task=data.spec.task,
        temperature=temperature,
        task_weight=task_weight,
        distillation_weight=distill,
    )
    history = fit(distiller, data, optimizer=keras.optimizers.SGD(0.0))
    batches = mk.batches(data, 12)
    expected = []
    for step in range(len(batches)):
        x, y, *w = batches[step]
        expected.append(
            objective(
                kind, data, model, some, x, y, *w, temperature, task_weight, distill
            )
        )
    assert history["loss"][0] == pytest.approx(np.mean(expected), rel=1e-5)


def objective(kind, data, model, some, x, y, *rest):
    *w, temperature, task_weight, distill = rest
    pooled, total = {}, 0.0
    for head in ("ehr", "lab"):
        said = {
            p: np.stack([array(t({head: x[p][head]})) for t in some[head]], 1)
            for p in x
            if head in x[p]
        }
        pooled[head] = {p: pool(kind, a, temperature) for p, a in said.items()}
    prior = np.log(data.prior)
    if kind != "multiclass":
        prior = prior - np.log(1 - data.prior)
    both = [pooled[m]["ehr+lab"] for m in ("ehr", "lab")]
    if kind == "multiclass":
        both = [log_softmax(z, -1) for z in both]
    pooled["fusion"] = {"ehr+lab": both[0] + both[1] - prior}
    for head, beliefs in pooled.items():
        patterns = sorted(beliefs)
        logits = [
            array(mk.submodel(model, p.split("+"))(dict(x[p].items()))[head])
            for p in patterns
        ]
        labels = np.concatenate([y[p][head] for p in patterns])
        weight = np.ones(len(labels))
        if w:
            weight = np.concatenate([w[0][p][head] for p in patterns])
        belief = np.concatenate([beliefs[p] for p in patterns])
        task, far = reference(
            kind, labels, np.concatenate(logits), belief, weight, temperature
        )
        total += task_weight[head] * task + distill[head] * far
    return total


def test_zero_weight_is_plain_training():
    data = samples()
    plain, taught = student(data.spec), student(data.spec)
    fit(mk.Distiller(plain, {}, task=data.spec.task), data, epochs=2)
    silent = mk.Distiller(
        taught, teachers(data.spec), task=data.spec.task, distillation_weight=0.0
    )
    history = fit(silent, data, epochs=2)
    assert difference(plain, taught) == 0.0
    assert not any("distillation" in name for name in history)  # nobody was asked


def test_teachers_do_not_move_and_keep_their_flags():
    data = samples()
    model, some = student(data.spec), teachers(data.spec, dropout=0.3)
    before = [weights(t) for t in some["ehr"]]
    distiller = mk.Distiller(model, some, task=data.spec.task)
    fit(distiller, data, optimizer=keras.optimizers.AdamW(0.1, weight_decay=0.5))
    for t, old in zip(some["ehr"], before, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(weights(t), old, strict=True))
        assert t.trainable and t.trainable_variables
    assert len(distiller.trainable_variables) == len(model.trainable_variables)


def test_teachers_answer_in_inference_mode():
    """With dropout and batch statistics, or the distance would be another."""
    data = samples(patterns={"ehr": 16})
    about = data.only("ehr").spec
    strict = teacher(about, "ehr", dropout=0.5)
    model = mk.build_teacher(about, "ehr", encoder="mlp", units=3)
    distiller = mk.Distiller(model, {"ehr": [strict]}, task=about.task, temperature=1.0)
    history = fit(distiller, data.only("ehr"), optimizer=keras.optimizers.SGD(0.0))
    x = {"ehr": data.x["ehr"]}
    t, s = array(strict.predict(x, verbose=0)), array(model.predict(x, verbose=0))
    _, far = reference("binary", data.y, s, t, np.ones(16), 1.0)
    assert history["ehr_distillation"][0] == pytest.approx(far, rel=1e-4)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")  # that is the point
def test_a_modality_that_a_batch_lacks_is_silent():
    data = samples()
    model = student(data.spec)
    distiller = mk.Distiller(
        model, teachers(data.spec), task=data.spec.task, prior=[0.5]
    )
    distiller.compile(keras.optimizers.SGD(0.5))
    absent = {"lab_encoder": None, "lab_head": None, "fusion_head": None}
    absent = {name: weights(model.get_layer(name)) for name in absent}
    moved = weights(model.get_layer("ehr_encoder"))
    x, y, *_ = mk.batches(data, 24)[0]
    distiller.train_on_batch({"ehr": x["ehr"]}, {"ehr": y["ehr"]})
    for name, before in absent.items():
        for old, new in zip(before, weights(model.get_layer(name)), strict=True):
            np.testing.assert_array_equal(old, new)
    after = weights(model.get_layer("ehr_encoder"))
    assert all(not np.array_equal(a, b) for a, b in zip(moved, after, strict=True))


def test_one_step_is_the_sum_of_steps_on_each_group_by_hand():
    """SGD is linear in the loss, and each head averages over the rows of all groups."""
    data, rate = samples(), 0.1
    start = weights(student(data.spec, norm=False))
    model = student(data.spec, norm=False)
    distiller = mk.Distiller(model, {}, task=data.spec.task)
    distiller.compile(keras.optimizers.SGD(rate))
    x, y, *_ = mk.batches(data, 24)[0]
    distiller.train_on_batch(x, y)
    totals = {h: sum(len(y[p][h]) for p in y if h in y[p]) for h in mk.heads(model)}
    steps = [np.zeros_like(w) for w in start]
    for pattern in x:
        whole = student(data.spec, norm=False)
        alone = mk.submodel(whole, pattern.split("+"))
        share = {h: len(y[pattern][h]) / totals[h] for h in alone.output}
        alone.compile(
            keras.optimizers.SGD(rate),
            loss={h: keras.losses.BinaryCrossentropy(from_logits=True) for h in share},
            loss_weights=share,
        )
        alone.train_on_batch(x[pattern], {h: y[pattern][h] for h in share})
        steps = [
            s + w - w0 for s, w, w0 in zip(steps, weights(whole), start, strict=True)
        ]
    for new, old, step in zip(weights(model), start, steps, strict=True):
        np.testing.assert_allclose(new, old + step, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_cached_teachers_are_live_teachers(kind):
    data = samples(kind)
    some = teachers(data.spec, dropout=0.3)
    live, cached = student(data.spec), student(data.spec)
    fit(mk.Distiller(live, some, task=data.spec.task), data)
    answers = mk.teacher_logits(some, data)
    fit(mk.Distiller(cached, some, task=data.spec.task), data, teacher_logits=answers)
    assert difference(live, cached) < 1e-5


def test_the_order_of_rows_and_of_keys_changes_nothing():
    data = samples()
    some, results = teachers(data.spec), []
    x, y, *_ = mk.batches(data, 24)[0]
    for turn in (False, True):
        model = student(data.spec)
        distiller = mk.Distiller(model, some, task=data.spec.task, prior=[0.5])
        distiller.compile(keras.optimizers.SGD(0.1))
        if turn:
            x = {
                p: {m: a[::-1] for m, a in rows.items()}
                for p, rows in reversed(x.items())
            }
            y = {
                p: {h: a[::-1] for h, a in rows.items()}
                for p, rows in reversed(y.items())
            }
        distiller.train_on_batch(x, y)
        results.append(model)
    assert difference(*results) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_distilling_only_brings_the_student_to_the_teacher(kind):
    data = samples(kind, patterns={"ehr": 200}).only("ehr")
    strict = teacher(data.spec, "ehr", units=5, norm=False)
    model = teacher(data.spec, "ehr", units=24, norm=False, seed=9, scale=1.0)
    distiller = mk.Distiller(
        model, {"ehr": [strict]}, task=data.spec.task, task_weight=0.0
    )
    distiller.compile(keras.optimizers.Adam(0.03))
    distiller.fit(mk.batches(data, 100), epochs=300, verbose=0)
    x = {"ehr": data.x["ehr"]}
    t, s = strict.predict(x, verbose=0), model.predict(x, verbose=0)
    if kind == "multiclass":
        agree = np.mean(t.argmax(-1) == s.argmax(-1))
    else:
        agree = np.mean((t > 0) == (s > 0))
    assert agree >= 0.99
    history = distiller.fit(mk.batches(data, 100), verbose=0).history
    assert history["ehr_distillation"][0] < 0.01


def reading_all(about):
    """A teacher that reads both modalities."""
    inputs = {m: keras.Input(about.shape(m), name=m) for m in about.names}
    flat = [keras.layers.Flatten()(t) for t in inputs.values()]
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()(flat)))


ALL_IN_ONE = {"ehr": 8, "ehr+lab": 12, "lab": 4}


def test_a_teacher_may_read_more_than_its_head():
    """Rows that lack what it reads are not taught by it, and nothing is filled in."""
    data = samples()
    rich, model = reading_all(data.spec), student(data.spec, norm=False)
    distiller = mk.Distiller(
        model, {"ehr": [rich]}, task=data.spec.task, temperature=1.0
    )
    still = keras.optimizers.SGD(0.0)
    history = fit(distiller, data, optimizer=still, composition=ALL_IN_ONE)
    index = data.patterns["ehr+lab"]
    x = {m: data.x[m][data.rows_of(m, index)] for m in data.spec.names}
    s, t = array(model(x)["ehr"]), array(rich(x))
    _, far = reference("binary", data.y[index], s, t, np.ones(12), 1.0)
    assert history["ehr_distillation"][0] == pytest.approx(far, rel=1e-4)


def test_where_a_teacher_cannot_answer_the_others_share_its_weight():
    data = samples(patterns={"ehr": 8, "ehr+lab": 12})
    plain, rich = teacher(data.spec, "ehr"), reading_all(data.spec)
    model = student(data.spec, norm=False)
    distiller = mk.Distiller(
        model,
        {"ehr": [plain, rich]},
        task=data.spec.task,
        temperature=1.0,
        ensemble_weights={"ehr": [3, 1]},
    )
    history = fit(
        distiller,
        data,
        optimizer=keras.optimizers.SGD(0.0),
        composition={"ehr": 8, "ehr+lab": 12},
    )
    beliefs, logits = [], []
    for pattern, index in data.patterns.items():
        x = {m: data.x[m][data.rows_of(m, index)] for m in pattern.split("+")}
        chance = expit(array(plain({"ehr": x["ehr"]})))
        if pattern == "ehr+lab":
            chance = 0.75 * chance + 0.25 * expit(array(rich(x)))
        beliefs.append(np.log(chance / (1 - chance)))
        logits.append(array(mk.submodel(model, {"ehr"})({"ehr": x["ehr"]})["ehr"]))
    s, t = np.concatenate(logits), np.concatenate(beliefs)
    _, far = reference("binary", np.zeros((20, 1)), s, t, np.ones(20), 1.0)
    assert history["ehr_distillation"][0] == pytest.approx(far, rel=1e-4)


def test_weights_of_an_ensemble_choose_its_teachers():
    data = samples(patterns={"ehr": 16}).only("ehr")
    first, second = (teacher(data.spec, "ehr", seed=s) for s in (3, 4))
    one, two = (mk.build_teacher(data.spec, "ehr", units=3) for _ in range(2))
    two.set_weights(one.get_weights())
    fit(
        mk.Distiller(
            one,
            {"ehr": [first, second]},
            task=data.spec.task,
            ensemble_weights={"ehr": [0.0, 2.0]},
        ),
        data,
    )
    fit(mk.Distiller(two, {"ehr": [second]}, task=data.spec.task), data)
    assert difference(one, two) < 1e-6


def test_plain_arrays_are_one_pattern_of_complete_samples():
    data = samples(patterns={"ehr+lab": 16})
    grouped, plain = student(data.spec), student(data.spec)
    some = teachers(data.spec)
    for model, x, y in (
        (
            grouped,
            {"ehr+lab": data.x},
            {"ehr+lab": dict.fromkeys(mk.heads(grouped), data.y)},
        ),
        (plain, dict(data.x), data.y),
    ):
        distiller = mk.Distiller(model, some, task=data.spec.task, prior=[0.5])
        distiller.compile(keras.optimizers.SGD(0.1))
        distiller.train_on_batch(x, y)
    # No more than one rounding of 1.
    assert difference(grouped, plain) <= np.finfo("float32").eps
    distiller = mk.Distiller(plain, some, task=data.spec.task)
    distiller.compile(keras.optimizers.SGD(0.1))
    history = distiller.fit(dict(data.x), data.y, batch_size=8, verbose=0).history
    assert history["fusion_distillation"][0] > 0


def test_keras_distillation_losses_are_accepted_for_a_head():
    data = samples("multiclass")
    some, results = {"ehr": teachers(data.spec)["ehr"]}, []
    theirs = keras.distillation.LogitsDistillation(
        temperature=2.0, loss=keras.losses.KLDivergence()
    )
    for distance in ({"ehr": theirs}, "kl"):
        distiller = mk.Distiller(
            student(data.spec),
            some,
            task=data.spec.task,
            distance=distance,
            distillation_weight={"ehr": 1.0, "lab": 0.0, "fusion": 0.0},
        )
        counts = {"ehr": 8, "ehr+lab": 12, "lab": 4}
        results.append(fit(distiller, data, composition=counts)["ehr_distillation"][0])
    assert results[0] == pytest.approx(results[1], rel=1e-3)


def test_mean_target_of_the_fusion_head():
    data = samples(patterns={"ehr+lab": 16})
    some, model = teachers(data.spec), student(data.spec, norm=False)
    distiller = mk.Distiller(
        model, some, task=data.spec.task, temperature=1.0, joint_target="mean"
    )
    history = fit(distiller, data, optimizer=keras.optimizers.SGD(0.0))
    x = data.x
    chance = np.mean(
        [np.mean([expit(array(t({m: x[m]}))) for t in some[m]], 0) for m in x], 0
    )
    mean = np.log(chance / (1 - chance))
    z = array(model(dict(x))["fusion"])
    _, far = reference("binary", data.y, z, mean, np.ones(16), 1.0)
    assert history["fusion_distillation"][0] == pytest.approx(far, rel=1e-3)


@pytest.mark.parametrize("distance", ["kl", "mse"])
@pytest.mark.parametrize("ensemble", ["probability", "logit"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_student_that_is_its_teachers_is_at_distance_zero(kind, ensemble, distance):
    data = samples(kind)
    model = student(data.spec, norm=False)
    some = {m: [mk.submodel(model, {m})] * 2 for m in data.spec.names}
    distiller = mk.Distiller(
        model,
        some,
        task=data.spec.task,
        ensemble=ensemble,
        distance=distance,
        distillation_weight={"ehr": 1.0, "lab": 1.0, "fusion": 0.0},
    )
    history = fit(distiller, data, optimizer=keras.optimizers.SGD(0.0))
    for head in ("ehr", "lab"):
        assert history[f"{head}_distillation"][0] < 1e-5


def test_labels_of_one_column_may_come_flat():
    data = samples(patterns={"ehr+lab": 16})
    losses = []
    for y in (data.y, data.y[:, 0]):
        model = mk.Distiller(student(data.spec), task=data.spec.task)
        model.compile(keras.optimizers.SGD(0.1))
        losses.append(model.fit(dict(data.x), y, verbose=0).history["loss"][0])
    assert losses[0] == losses[1]


def test_the_prior_is_that_of_the_labels_of_each_fit():
    data = samples(patterns={"ehr+lab": 16})
    distiller = mk.Distiller(
        student(data.spec), teachers(data.spec), task=data.spec.task
    )
    distiller.compile(keras.optimizers.SGD(0.0))
    for yes in (8, 2):
        y = (np.arange(16) < yes).astype("float32")
        distiller.fit(dict(data.x), y, verbose=0)
        expected = np.log(yes / (16 - yes))
        assert array(distiller.prior)[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"ehr": 0.2, "fusion": 0.2, "lab": 0.2}),
        ({"teachers": {}}, {"ehr": 1.0, "fusion": 1.0, "lab": 1.0}),
        ({"teachers": ["lab"]}, {"ehr": 1.0, "fusion": 0.2, "lab": 0.2}),
        (
            {"distillation_weight": {"ehr": 0.0, "fusion": 0.0, "lab": 2.0}},
            {"ehr": 1.0, "fusion": 1.0, "lab": 0.2},
        ),
        ({"task_weight": 1.0}, {"ehr": 1.0, "fusion": 1.0, "lab": 1.0}),
        ({"task_weight": {"ehr": 0.0, "fusion": 3.0, "lab": 1.0}}, None),
    ],
    ids=["all taught", "none", "one", "silent heads", "number", "by head"],
)
def test_labels_weigh_a_fifth_where_teachers_speak_unless_it_is_said(options, expected):
    about = samples().spec
    wanted = options.pop("teachers", about.names)
    some = {m: [teacher(about, m)] for m in wanted}
    made = mk.Distiller(student(about), some, task=about.task, **options)
    found = made.get_config()["task_weight"]
    assert found == (expected or options["task_weight"])
    again = mk.Distiller.from_config(made.get_config())
    assert again.get_config()["task_weight"] == found


def test_fit_refuses_what_no_label_could_stop():
    data = mk.load("diabetes")
    student = mk.build_student(data.spec, dict.fromkeys(data.spec.names, "mlp"))
    teachers = dict.fromkeys(data.spec.names, ())
    learner = mk.Distiller(student, teachers, task=data.spec.task, task_weight=0.0)
    with pytest.raises(ValueError, match=r"`task_weight` above 0\. Received: .*0\.01"):
        mk.fit(learner, data.train, data.validation, epochs=1)
    assert learner.task_weights == dict.fromkeys(mk.heads(student), 0.0)
