"""The joint teacher: the product of the teachers, corrected where it pays."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tiny
from scipy.special import expit, log_softmax, logsumexp
from sklearn.linear_model import LogisticRegression

import mind_keras as mk
from mind_keras.stacking import FEWEST_ROWS, RIDGES, fit_correction

KINDS = ("binary", "multilabel", "multiclass")
NAMES = ("a", "b")


def spec(kind, shape=None):
    task = mk.Task("test", kind=kind, labels=tiny.LABELS[kind])
    shape = shape or (task.outputs,)
    return mk.Spec(task, tuple(mk.Modality(name, shape) for name in NAMES))


def labels(kind, size, rng):
    outputs = len(tiny.LABELS[kind])
    if kind == "multiclass":
        return rng.permutation(np.arange(size) % outputs)
    y = (rng.random((size, outputs)) < 0.3).astype("float32")
    if kind == "multilabel":
        y[rng.random(y.shape) < 0.2] = np.nan
    return y


def part(kind, size, seed, change=lambda x, y, rng: x):
    """Samples whose rows are logits already, of more or less the right answer."""
    rng = np.random.default_rng(seed)
    y = labels(kind, size, rng)
    hit = np.eye(len(tiny.LABELS[kind]))[y] if kind == "multiclass" else y
    signal = 1.5 * (np.nan_to_num(hit, nan=0.5) - 0.5)
    x = {name: signal + rng.normal(size=hit.shape) for name in NAMES}
    x = {name: rows.astype("float32") for name, rows in change(x, y, rng).items()}
    return mk.Samples(spec(kind), y, x, id=[f"{seed}-{i}" for i in range(size)])


def splits(kind, sizes=(120, 80, 40), **options):
    return mk.Splits(*(part(kind, n, k, **options) for k, n in enumerate(sizes)))


def teacher(about, name, scale=1.0, shift=0.0):
    """It says `scale * rows + shift`."""
    given = keras.Input(about.shape(name), name=name)
    dense = keras.layers.Dense(about.task.outputs)
    model = keras.Model({name: given}, dense(given))
    size = about.task.outputs
    dense.set_weights([scale * np.eye(size), np.full(size, shift)])
    return model


def teachers(about, opinions=((1.0, 0.0), (2.0, 0.5))):
    return {
        name: [teacher(about, name, *opinion) for opinion in opinions] for name in NAMES
    }


def plain(about):
    """One teacher per modality, who says what the rows say."""
    return teachers(about, [(1.0, 0.0)])


def prior(data):
    p = data.train.prior
    kind = data.spec.task.kind
    return np.log(p) if kind == "multiclass" else np.log(p) - np.log(1 - p)


def belief(kind, rows, pool, opinions=((1.0, 0.0), (2.0, 0.5))):
    """What two teachers say together, NumPy float64."""
    said = np.stack([s * rows.astype("float64") + c for s, c in opinions])
    if pool == "logit":
        said = said.mean(0)
        return log_softmax(said, 1) if kind == "multiclass" else said
    if kind == "multiclass":
        return logsumexp(log_softmax(said, -1), 0) - np.log(len(said))
    p = expit(said).mean(0)
    return np.log(p) - np.log(1 - p)


def product(data, some, pool="probability", **options):
    kind = data.spec.task.kind
    said = [belief(kind, some.x[name], pool, **options) for name in NAMES]
    return sum(said) - prior(data), np.concatenate(said, axis=1)


def loss(kind, logits, y):
    """Summed over known labels, averaged over rows."""
    if kind == "multiclass":
        return -log_softmax(logits, 1)[np.arange(len(y)), y].mean()
    entry = np.logaddexp(0, logits) - np.nan_to_num(y) * logits
    return np.where(np.isnan(y), 0, entry).sum() / len(y)


def said_by(model, samples):
    return tiny.array(model(dict(samples.x)))


@pytest.mark.parametrize("pool", ["probability", "logit"])
@pytest.mark.parametrize("kind", KINDS)
def test_without_correction_it_is_the_product(kind, pool):
    data = splits(kind)
    joint = mk.fit_joint_teacher(teachers(data.spec), data, pool=pool, ridges=(np.inf,))
    expected, _ = product(data, data.test, pool)
    np.testing.assert_allclose(said_by(joint, data.test), expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_the_distiller_would_teach_if_nothing_is_corrected(kind):
    """The product that heads without teachers learn from, at temperature 1."""
    data = splits(kind)
    some = plain(data.spec)
    joint = mk.fit_joint_teacher(some, data, ridges=(np.inf,))
    student = mk.build_student(data.spec, dict.fromkeys(NAMES, "mlp"))
    options = {"task": data.spec.task, "temperature": 1.0, "prior": data.train.prior}
    ensembles = mk.Distiller(student, some, **options).ensembles
    x = {data.spec.complete: {name: data.test.x[name] for name in NAMES}}
    surplus = keras.ops.convert_to_tensor(prior(data), "float32")
    taught = ensembles.believe(ensembles.ask(x), surplus)
    taught = tiny.array(taught["fusion"][data.spec.complete])
    joint = said_by(joint, data.test)
    if kind == "multiclass":
        joint, taught = log_softmax(joint, 1), log_softmax(taught, 1)
    np.testing.assert_allclose(joint, taught, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_product_plus_the_correction_of_standardised_beliefs(kind):
    data = splits(kind)
    joint = mk.fit_joint_teacher(teachers(data.spec), data, ridges=(0.03,))
    base, rows = product(data, data.train)
    mean, scale = rows.mean(0), rows.std(0)
    weights = fit_correction(base, (rows - mean) / scale, data.train.y, kind, 0.03)
    base, rows = product(data, data.test)
    expected = base + (rows - mean) / scale @ weights[:-1] + weights[-1]
    assert np.abs(weights).max() > 0.05
    np.testing.assert_allclose(said_by(joint, data.test), expected, atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_correction_of_nothing_is_a_logistic_regression(kind):
    rng = np.random.default_rng(4)
    size, ridge = 300, 0.05
    y, rows = labels(kind, size, rng), rng.normal(size=(size, 5))
    base = np.zeros((size, len(tiny.LABELS[kind])))
    found = fit_correction(base, rows, y, kind, ridge)
    options = {"C": 1 / (size * ridge), "tol": 1e-9, "max_iter": 10_000}
    if kind == "multiclass":
        theirs = LogisticRegression(**options).fit(rows, y)
        np.testing.assert_allclose(found[:-1], theirs.coef_.T, atol=1e-3)
        # Constants of classes are free up to one number.
        constants = theirs.intercept_ - theirs.intercept_.mean()
        np.testing.assert_allclose(found[-1] - found[-1].mean(), constants, atol=1e-3)
        return
    for k, column in enumerate(y.T):
        known = ~np.isnan(column)
        theirs = LogisticRegression(**options).fit(rows[known], column[known])
        np.testing.assert_allclose(found[:-1, k], theirs.coef_[0], atol=1e-3)
        assert found[-1, k] == pytest.approx(theirs.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_correction_is_the_lowest_point_of_loss_and_ridge(kind):
    rng = np.random.default_rng(5)
    y, rows = labels(kind, 60, rng), rng.normal(size=(60, 4))
    base = rng.normal(size=(60, len(tiny.LABELS[kind])))
    found = fit_correction(base, rows, y, kind, 0.2)

    def height(weights):
        logits = base + rows @ weights[:-1] + weights[-1]
        return loss(kind, logits, y) + 0.1 * (weights[:-1] ** 2).sum()

    for _ in range(50):
        step = 0.01 * rng.normal(size=found.shape)
        up, down = height(found + step), height(found - step)
        assert min(up, down) > height(found) - 1e-9
        # Flat there: both ways are up, and as far.
        assert abs(up - down) < 0.05 * (up + down - 2 * height(found)) + 1e-6


def test_of_all_ridges_the_one_with_the_lowest_validation_loss_is_taken():
    kind = "multilabel"
    data = splits(kind)
    some, ridges = teachers(data.spec), (np.inf, 1.0, 0.03)
    y = data.validation.y
    alone = [mk.fit_joint_teacher(some, data, ridges=(r,)) for r in ridges]
    losses = [loss(kind, said_by(model, data.validation), y) for model in alone]
    joint = said_by(mk.fit_joint_teacher(some, data, ridges=ridges), data.validation)
    assert len({round(value, 4) for value in losses}) == 3
    best = said_by(alone[int(np.argmin(losses))], data.validation)
    np.testing.assert_allclose(joint, best, atol=1e-5)


def astray(x, y, rng):
    """Few rows, and beliefs that tell nothing."""
    return {name: rng.normal(size=rows.shape) for name, rows in x.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_never_worse_than_the_product_on_validation_samples(kind):
    data = splits(kind, sizes=(60, 30, 20), change=astray)
    joint = mk.fit_joint_teacher(plain(data.spec), data)
    base, _ = product(data, data.validation, opinions=[(1.0, 0.0)])
    own = loss(kind, said_by(joint, data.validation), data.validation.y)
    assert own <= loss(kind, base, data.validation.y) + 1e-6
    assert np.inf in RIDGES and min(RIDGES) < 0.1


def calibrated(x, y, rng):
    """`a` says the true log-odds; `b` is sure, and knows nothing."""
    a = 2 * (2 * y - 1) * 0.8 + rng.normal(size=y.shape) * np.sqrt(3.2)
    return {"a": a + np.log(0.3 / 0.7), "b": 2 * rng.normal(size=y.shape)}


def copied(x, y, rng):
    a = calibrated(x, y, rng)["a"]
    return {"a": a, "b": a}


WEAK = (np.inf, 1.0, 0.1, 0.01, 0.001)


def moved(model, **by):
    """How far the answer moves when rows of some modalities do."""
    x = {name: np.zeros((2, 1), "float32") for name in NAMES}
    for name, step in by.items():
        x[name][1] += step
    return np.diff(tiny.array(model(x)), axis=0).item()


def test_who_knows_nothing_is_not_heard():
    data = splits("binary", sizes=(3000, 1500, 20), change=calibrated)
    joint = mk.fit_joint_teacher(plain(data.spec), data, ridges=WEAK)
    assert moved(joint, b=1.0) == pytest.approx(0, abs=0.1)  # 1 in the product
    assert moved(joint, a=1.0) == pytest.approx(1, abs=0.15)


def test_what_two_say_alike_is_counted_once():
    data = splits("binary", sizes=(3000, 1500, 20), change=copied)
    joint = mk.fit_joint_teacher(plain(data.spec), data, ridges=WEAK)
    assert moved(joint, a=1.0, b=1.0) == pytest.approx(1, abs=0.15)  # else 2


def without(samples, seed):
    """As many samples again that lack `b`, whose labels are turned."""
    size = len(samples)
    rows = {"a": np.arange(2 * size), "b": np.arange(size)}
    x = {"a": np.concatenate([samples.x["a"], -9 * samples.x["a"]])}
    x["b"] = samples.x["b"]
    y = np.concatenate([samples.y, samples.y[::-1]])
    ids = [f"{seed}-{i}" for i in range(2 * size)]
    return mk.Samples(samples.spec, y, x, rows, id=ids)


def test_it_learns_from_complete_samples_and_never_from_the_test():
    data = splits("binary")
    parts = [without(one, k) for k, (_, one) in enumerate(data.items())]
    test = mk.Samples(
        data.spec,
        1 - parts[2].y,
        {m: -r for m, r in parts[2].x.items()},
        parts[2].rows,
        id=parts[2].id,
    )
    few = mk.fit_joint_teacher(plain(data.spec), data, ridges=(0.1,))
    many = mk.fit_joint_teacher(
        plain(data.spec), mk.Splits(parts[0], parts[1], test), ridges=(0.1,)
    )
    assert tiny.difference(few, many) < 1e-5


def test_the_rows_of_a_sample_stay_together():
    """Modalities need not hold their rows in the order of the samples."""
    data = splits("binary")
    turned = [
        mk.Samples(
            one.spec,
            one.y,
            {"a": one.x["a"], "b": one.x["b"][::-1]},
            {"a": np.arange(len(one)), "b": np.arange(len(one))[::-1]},
            id=one.id,
        )
        for _, one in data.items()
    ]
    models = [
        mk.fit_joint_teacher(plain(data.spec), some, ridges=(0.1,), batch_size=7)
        for some in (data, mk.Splits(*turned))
    ]
    assert tiny.difference(*models) < 1e-5


def test_pixels_stay_pixels(tmp_path):
    """A teacher that takes uint8 is asked in uint8, and so is the joint teacher."""
    about = spec("binary", (4,))

    def pixels(size, seed):
        rng = np.random.default_rng(seed)
        y = labels("binary", size, rng)
        x = {"a": rng.normal(size=(size, 4)), "b": rng.integers(0, 256, (size, 4))}
        x["b"] = x["b"].astype("uint8")
        return mk.Samples(about, y, x, id=[f"{seed}-{i}" for i in range(size)])

    data = mk.Splits(*(pixels(n, k) for k, n in enumerate((60, 40, 20))))
    given = keras.Input((4,), name="b", dtype="uint8")
    code = keras.layers.Rescaling(1 / 255)(given)
    see = keras.Model({"b": given}, keras.layers.Dense(1)(code))
    read = mk.build_teacher(about, "a", encoder="mlp", units=3)
    joint = mk.fit_joint_teacher({"a": [read], "b": [see]}, data, ridges=(np.inf,))
    assert keras.backend.standardize_dtype(joint.input["b"].dtype) == "uint8"
    x = data.test.x
    parts = [
        tiny.array(model({m: x[m]}))
        for m, model in zip(NAMES, (read, see), strict=True)
    ]
    np.testing.assert_allclose(
        said_by(joint, data.test), sum(parts) - prior(data), atol=1e-4
    )
    joint.save(tmp_path / "joint.keras")
    again = keras.saving.load_model(tmp_path / "joint.keras")
    np.testing.assert_allclose(said_by(again, data.test), said_by(joint, data.test))


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_of_a_joint_teacher_is_plain_keras(kind, tmp_path):
    data = splits(kind)
    joint = mk.fit_joint_teacher(teachers(data.spec), data, ridges=(0.1,))
    joint.save(tmp_path / "joint.keras")
    with zipfile.ZipFile(tmp_path / "joint.keras") as archive:
        config = archive.read("config.json").decode()
    assert "mind_keras" not in config and json.loads(config)
    again = keras.saving.load_model(tmp_path / "joint.keras")
    np.testing.assert_allclose(
        said_by(again, data.test), said_by(joint, data.test), atol=1e-6
    )


def test_it_teaches_the_same_live_and_cached():
    data = splits("binary", sizes=(24, 24, 4))
    some = plain(data.spec)
    some["fusion"] = [mk.fit_joint_teacher(some, data)]
    students = []
    for answers in (None, mk.teacher_logits(some, data.train)):
        keras.utils.set_random_seed(1)
        student = mk.build_student(data.spec, dict.fromkeys(NAMES, "mlp"))
        distiller = mk.Distiller(student, some, task=data.spec.task)
        distiller.compile(keras.optimizers.SGD(0.1))
        batches = mk.batches(data.train, 12, teacher_logits=answers)
        distiller.fit(batches, verbose=0)
        students.append(student)
    assert tiny.difference(*students) < 1e-5


def test_what_it_cannot_be_made_of_is_refused():
    data = splits("binary", sizes=(FEWEST_ROWS, FEWEST_ROWS - 1, 4))
    some = plain(data.spec)
    with pytest.raises(
        ValueError, match=r"joins two modalities or more\. Received: .*\['a'\]"
    ):
        mk.fit_joint_teacher({"a": some["a"]}, data)
    with pytest.raises(
        ValueError,
        match=r"at least 20 samples of each split that have all of \['a', 'b'\]\. "
        r"Received: 19 for validation.*`joint_target: product`",
    ):
        mk.fit_joint_teacher(some, data)
    data = splits("binary", sizes=(FEWEST_ROWS, FEWEST_ROWS, 4))
    mk.fit_joint_teacher(some, data, ridges=(np.inf,))
