"""Laws of the distances, against NumPy in float64."""

import keras
import numpy as np
import pytest
from keras import ops

from mind_keras import losses

FUNCTIONS = {
    "bernoulli_kl": losses.bernoulli_kl,
    "categorical_kl": losses.categorical_kl,
    "mse": losses.squared_error,
}


def log_sigmoid(x):
    return -np.logaddexp(0, -x)


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def reference(name, teacher, student, temperature):
    t, s = np.float64(teacher) / temperature, np.float64(student) / temperature
    if name == "mse":
        return np.mean((np.float64(teacher) - np.float64(student)) ** 2, -1)
    if name == "categorical_kl":
        t, s = log_softmax(t), log_softmax(s)
        return temperature**2 * np.sum(np.exp(t) * (t - s), -1)
    yes = np.exp(log_sigmoid(t)) * (log_sigmoid(t) - log_sigmoid(s))
    no = np.exp(log_sigmoid(-t)) * (log_sigmoid(-t) - log_sigmoid(-s))
    return temperature**2 * np.mean(yes + no, -1)


def logits(seed, rows=64, labels=5, scale=4.0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=scale, size=(rows, labels)).astype("float32")


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_float64(name, temperature):
    teacher, student = logits(0), logits(1)
    value = FUNCTIONS[name](ops.array(teacher), ops.array(student), temperature)
    expected = reference(name, teacher, student, temperature)
    np.testing.assert_allclose(
        ops.convert_to_numpy(value), expected, rtol=2e-5, atol=2e-6
    )


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("name", ["bernoulli_kl", "categorical_kl"])
def test_is_stable_for_logits_up_to_100(name, temperature):
    grid = np.array([-100, -80, -30, -5, 0, 5, 30, 80, 100], "float32")
    teacher, student = (a.reshape(-1, 1) for a in np.meshgrid(grid, grid))
    if name == "categorical_kl":
        teacher, student = (np.hstack([a, 0 * a]) for a in (teacher, student))
    value = FUNCTIONS[name](ops.array(teacher), ops.array(student), temperature)
    expected = reference(name, teacher, student, temperature)
    np.testing.assert_allclose(
        ops.convert_to_numpy(value), expected, rtol=1e-5, atol=1e-6
    )


def test_direction_is_fixed():
    sure, doubt = ops.array([[2.0]]), ops.array([[0.0]])
    assert float(losses.bernoulli_kl(sure, doubt)[0]) == pytest.approx(0.3278, abs=1e-4)
    assert float(losses.bernoulli_kl(doubt, sure)[0]) == pytest.approx(0.4338, abs=1e-4)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_zero_if_and_only_if_equal(name):
    teacher = logits(0)
    same = ops.convert_to_numpy(
        FUNCTIONS[name](ops.array(teacher), ops.array(teacher), 2.0)
    )
    other = FUNCTIONS[name](ops.array(teacher), ops.array(teacher[::-1].copy()), 2.0)
    np.testing.assert_allclose(same, 0, atol=1e-6)
    assert ops.convert_to_numpy(other).min() > 1e-4


def test_softmax_does_not_see_a_shift():
    teacher, student = logits(0), logits(1)
    plain = losses.categorical_kl(ops.array(teacher), ops.array(student), 2.0)
    moved = losses.categorical_kl(ops.array(teacher - 7), ops.array(student + 11), 2.0)
    np.testing.assert_allclose(
        ops.convert_to_numpy(plain), ops.convert_to_numpy(moved), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", losses.DISTANCES)
def test_weight_two_is_the_row_twice_and_weight_zero_is_no_row(name):
    teacher, student, loss = logits(0, 3), logits(1, 3), losses.DISTANCES[name](2.0)
    weighted = loss(teacher, student, sample_weight=np.array([2.0, 0.0, 1.0]))
    rows = [0, 0, 2]
    repeated = loss(teacher[rows], student[rows])
    assert float(weighted) == pytest.approx(float(repeated), rel=1e-5)


@pytest.mark.parametrize("name", losses.DISTANCES)
def test_config_round_trip(name):
    loss = losses.DISTANCES[name](3.0)
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    teacher, student = logits(0), logits(1)
    assert again.temperature == 3.0
    assert float(again(teacher, student)) == float(loss(teacher, student))


def test_unknown_labels_are_a_subset():
    y, z = np.array([[1, 0], [np.nan, 1], [0, np.nan]], "float32"), logits(0, 3, 2)
    known = ~np.isnan(y)
    entry = -np.where(np.nan_to_num(y) == 1, log_sigmoid(z), log_sigmoid(-z))
    loss = losses.BinaryCrossentropy()
    assert float(loss(y, z)) == pytest.approx(entry[known].mean(), rel=1e-5)
    weight = np.array([3.0, 1.0, 0.5])
    per_entry = (weight[:, None] * known)[known]
    expected = np.sum(per_entry * entry[known]) / per_entry.sum()
    assert float(loss(y, z, sample_weight=weight)) == pytest.approx(expected, rel=1e-5)


def test_no_known_label_gives_zero_and_no_nan():
    loss = losses.BinaryCrossentropy()
    assert float(loss(np.full((2, 3), np.nan), np.ones((2, 3)))) == 0.0


def test_classes_equal_float64():
    y, z = np.array([0, 3, 1]), logits(0, 3, 4)
    weight = np.array([1.0, 0.0, 4.0])
    entry = -log_softmax(np.float64(z))[np.arange(3), y]
    loss = losses.SparseCategoricalCrossentropy()
    assert float(loss(y, z)) == pytest.approx(entry.mean(), rel=1e-5)
    expected = np.average(entry, weights=weight)
    assert float(loss(y, z, sample_weight=weight)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_a_loss_of_no_rows_is_zero(kind):
    loss = losses.task_loss(kind)
    y = np.zeros((0,), "int32") if kind == "multiclass" else np.zeros((0, 2), "float32")
    value = loss(y, np.zeros((0, 2), "float32"))
    assert tuple(value.shape) == () and float(value) == 0.0


def test_errors_say_rule_received_and_cure():
    with pytest.raises(ValueError, match=r"same shape\. Received.*2.*3.*predict"):
        losses.bernoulli_kl(ops.ones((1, 2)), ops.ones((1, 3)))
    with pytest.raises(
        ValueError, match=r"Unknown distance 'kld'. Known: .*'kl', 'mse'"
    ):
        losses.as_distance("kld", "binary", 1.0)
    with pytest.raises(ValueError, match="does not fit a multiclass task"):
        losses.as_distance("bernoulli_kl", "multiclass", 1.0)
    with pytest.raises(
        ValueError, match=r"`temperature` must be positive\. Received: 0"
    ):
        losses.BernoulliKL(0)


@pytest.mark.parametrize("reduction", ["mean_with_sample_weight", "sum", "none"])
@pytest.mark.parametrize(
    "weight",
    [None, 0.5, [1.0, 2.0, 0.0], [[1.0], [0.0], [3.0]], [0.0] * 3, [1.0, -1.0, 0.0]],
)
@pytest.mark.parametrize("kind", ["bernoulli_kl", "categorical_kl", "mse"])
def test_rows_are_reduced_as_keras_reduces_them(kind, weight, reduction):
    loss = losses.DISTANCES[kind](2.0, reduction=reduction)
    rng = np.random.default_rng(0)
    said = [rng.normal(size=(3, 2)).astype("float32") for _ in range(2)]
    weight = None if weight is None else np.array(weight, "float32")
    ours = loss(*said, sample_weight=weight)
    theirs = keras.losses.Loss.__call__(loss, *said, sample_weight=weight)
    ours, theirs = map(keras.ops.convert_to_numpy, (ours, theirs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("made", [losses.SquaredError, losses.BinaryCrossentropy])
def test_masked_rows_do_not_count(made, half):
    rng = np.random.default_rng(0)
    said = rng.normal(size=(6, 1)).astype("float16" if half else "float32")
    true = (rng.random((6, 1)) > 0.5).astype("float32")
    given = keras.Input((1,), dtype=said.dtype.name)
    shown = np.where(np.arange(6) % 3, 1, 0)[:, None].astype(said.dtype) * (said + 9)
    logits = keras.layers.Masking(dtype=said.dtype.name)(given)
    masked = keras.Model(given, logits)(shown)
    kept = np.arange(6) % 3 > 0
    found = made()(true, masked)
    alone = made()(true[kept], shown[kept])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(found),
        keras.ops.convert_to_numpy(alone),
        rtol=1e-3 if half else 1e-5,
    )
