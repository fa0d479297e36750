"""A user's own model as an encoder: same layers, new name; what cannot be one."""

import keras
import numpy as np
import pytest

from mind_keras.encoders.own import adopt
from mind_keras.encoders.table import mlp


def small_map():
    pixels = keras.Input((None, None, 2))
    return keras.Model(pixels, keras.layers.Conv2D(3, 3)(pixels))


def test_an_adopted_model_is_averaged_to_a_code_and_left_as_it_was():
    own = small_map()
    adopted = adopt(own, (6, 5, 2), name="part_encoder")
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 2)).astype("float32")
    expected = own.predict(x, verbose=0).mean(axis=(1, 2))
    np.testing.assert_allclose(adopted.predict(x, verbose=0), expected, atol=1e-5)
    assert own.name != adopted.name == "part_encoder"
    assert [id(v) for v in own.weights] == [id(v) for v in adopted.weights]


class Imperative(keras.Model):
    def call(self, x):
        return x


def two_inputs():
    a, b = keras.Input((3,)), keras.Input((3,))
    return keras.Model([a, b], keras.layers.Add()([a, b]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Imperative, "must be a functional model"),
        (lambda: keras.Sequential([keras.layers.Dense(2)]), "`Sequential` with an"),
        (two_inputs, "2 inputs and 1 outputs for 'cxr_encoder'"),
        (lambda: mlp((7,), name="e"), r"shape \(6, 5, 2\).* takes \(7,\)"),
        (lambda: mlp((6, 5, 1), name="e"), r"takes \(6, 5, 1\)"),
    ],
)
def test_a_model_that_cannot_encode_is_refused_at_the_door(make, message):
    with pytest.raises(ValueError, match=message):
        adopt(make(), (6, 5, 2), name="cxr_encoder")
