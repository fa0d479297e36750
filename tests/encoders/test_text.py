"""The encoder of text: against NumPy, under all precisions, with any number."""

import keras
import numpy as np
import pytest
from checks import policy

from mind_keras.data.media.text import BUCKETS, ids
from mind_keras.encoders.text import text

SMALL = {"units": 3, "width": 4, "vocabulary": 50, "pool": 2}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_gru(x, kernel, recurrent, bias):
    """Cho et al. (2014), with the reset gate after the product, as in cuDNN."""
    h = np.zeros((len(x), len(recurrent)))
    for t in range(x.shape[1]):
        z, r, n = np.split(x[:, t] @ kernel + bias[0], 3, axis=1)
        hz, hr, hn = np.split(h @ recurrent + bias[1], 3, axis=1)
        z, r = sigmoid(z + hz), sigmoid(r + hr)
        h = z * h + (1 - z) * np.tanh(n + r * hn)
    return h


def test_text_agrees_with_numpy():
    model = text((7,), name="e", **SMALL)
    rows = np.random.default_rng(0).integers(0, 50, (5, 7)).astype("float32")
    table, *gru = (w.astype("float64") for w in model.get_weights())
    embedded = table[rows.astype(int)][:, :6].reshape(5, 3, 2, 4).mean(axis=2)
    expected = numpy_gru(embedded, *gru)
    np.testing.assert_allclose(model.predict(rows, verbose=0), expected, atol=1e-5)


def test_a_number_beyond_the_vocabulary_is_taken_modulo():
    model = text((4,), name="e", **SMALL)
    rows = np.array([[1, 7, 49, 0]], "float32")
    same = model.predict(rows, verbose=0)
    np.testing.assert_array_equal(model.predict(rows + 50 * 3, verbose=0), same)


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
def test_numbers_are_not_rounded_in_mixed_precision(name):
    plain = text((4,), name="e", **SMALL | {"vocabulary": 4096})
    with policy(name):
        mixed = text((4,), name="e", **SMALL | {"vocabulary": 4096})
    mixed.set_weights(plain.get_weights())
    rows = np.array([[4095, 4093, 2049, 257]], "float32")
    found = keras.ops.convert_to_numpy(keras.ops.cast(mixed(rows), "float32"))
    expected = plain.predict(rows, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-2 * np.abs(expected).max())


def test_the_vocabulary_is_by_default_that_of_the_data():
    model = text((256,), name="e")
    assert model.get_layer("embed").input_dim == BUCKETS
    assert model.predict(ids(["a whale"]), verbose=0).shape == (1, 64)


def test_text_has_the_parameters_of_its_parts():
    model = text((8,), name="e", **SMALL, layers=2)
    first, second = 3 * (4 * 3 + 3 * 3 + 6), 3 * (3 * 3 + 3 * 3 + 6)
    assert model.count_params() == 50 * 4 + first + second
    assert "middle" in [layer.name for layer in model.layers]


def test_dropout_acts_in_training_alone():
    model = text((8,), name="e", **SMALL | {"units": 32}, dropout=0.5)
    rows = np.arange(8.0)[None]
    lively = keras.ops.convert_to_numpy(model(rows, training=True))
    assert 0.2 < (lively == 0).mean() < 0.8
    assert (model.predict(rows, verbose=0) != 0).all()


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((5, 3), {}, r"rows of shape \(length,\).*\(5, 3\), pool=4 for 'e'"),
        ((3,), {}, r"at least `pool` long. Received: shape=\(3,\), pool=4 for 'e'"),
        ((5,), {"layers": 0}, r"at least 1. Received: {'layers': 0} for 'e'"),
        ((5,), {"pool": 0}, r"at least 1. Received: {'pool': 0} for 'e'"),
    ],
)
def test_a_wrong_shape_or_size_is_refused(shape, options, message):
    with pytest.raises(ValueError, match=message):
        text(shape, name="e", **options)
