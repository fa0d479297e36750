"""Small models, and numbers for them, of layers that a backend may run faster."""

import keras
import numpy as np
from keras import layers

from mind_keras.encoders.image import resnet
from mind_keras.encoders.sequence import gru, lstm

SERIES, IMAGE = (7, 5), (12, 14, 3)


def functional(shape, *made, dtype="float32"):
    x = given = keras.Input(shape, name="ehr", dtype=dtype)
    for layer in made:
        x = layer(x)
    return keras.Model({"ehr": given}, {"ehr": x})


def random_weights(model, seed=0):
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" not in weight.path:
            value = rng.normal(size=weight.shape) / 3
            weight.assign(np.abs(value) if "variance" in weight.path else value)
    return model


def frozen_inside():
    inner = functional((5,), layers.BatchNormalization())
    inner = keras.Model(inner.inputs[0], inner.outputs[0])
    x = keras.Input((5,), name="ehr")
    return keras.Model({"ehr": x}, {"ehr": inner(x, training=False)})


class Doubled(keras.Model):
    """A functional model that does more than its graph says."""

    @classmethod
    def of(cls, shape):
        x = keras.Input(shape)
        return cls(x, layers.LSTM(4)(x))

    def call(self, x, training=None, mask=None):
        return 2 * super().call(x, training=training, mask=mask)


def of_dtype(dtype):
    x = keras.Input(SERIES, dtype=dtype)
    return keras.Model(x, layers.Dense(5)(x))


def rectified_twice(make, between=lambda x: x):
    """A ReLU of what is read a second time, as it was."""
    x = keras.Input((5,), name="ehr")
    made = make(x)
    y = layers.Subtract()([layers.ReLU()(between(made)), made])
    return keras.Model({"ehr": x}, {"ehr": y})


def summed(x):
    return layers.Add()([layers.Dense(5)(x), x])


def normalised(x):
    return layers.BatchNormalization()(layers.Dense(5)(x))


MODELS = {
    "lstm": lambda: functional(SERIES, layers.LSTM(4)),
    "lstm of sequences": lambda: functional(
        SERIES, layers.LSTM(4, return_sequences=True), layers.LSTM(3)
    ),
    "lstm without bias": lambda: functional(SERIES, layers.LSTM(4, use_bias=False)),
    "lstm backwards": lambda: functional(SERIES, layers.LSTM(4, go_backwards=True)),
    "lstm of relu": lambda: functional(SERIES, layers.LSTM(4, activation="relu")),
    "lstm after a mask": lambda: functional(
        SERIES, layers.Masking(0.0), layers.LSTM(4)
    ),
    "bidirectional": lambda: functional(SERIES, layers.Bidirectional(layers.LSTM(4))),
    "gru": lambda: functional(SERIES, layers.GRU(4)),
    "gru of sequences": lambda: functional(
        SERIES, layers.GRU(4, return_sequences=True), layers.GRU(3)
    ),
    "gru without bias": lambda: functional(SERIES, layers.GRU(4, use_bias=False)),
    "gru, reset before": lambda: functional(SERIES, layers.GRU(4, reset_after=False)),
    "batch norm of rows": lambda: functional((5,), layers.BatchNormalization()),
    "batch norm of series": lambda: functional(
        SERIES, layers.BatchNormalization(momentum=0.9, epsilon=1e-2)
    ),
    "batch norm, axis 1": lambda: functional(SERIES, layers.BatchNormalization(axis=1)),
    "batch norm, bare": lambda: functional(
        IMAGE, layers.BatchNormalization(scale=False, center=False)
    ),
    "frozen batch norm": lambda: functional(
        IMAGE, layers.BatchNormalization(trainable=False)
    ),
    "dense of rows": lambda: functional((5,), layers.Dense(4, activation="relu")),
    "dense of series": lambda: functional(SERIES, layers.Dense(4)),
    "dense of whole numbers": lambda: functional((5,), layers.Dense(4), dtype="int32"),
    "dense without bias": lambda: functional(SERIES, layers.Dense(4, use_bias=False)),
    "convolution": lambda: functional(IMAGE, layers.Conv2D(4, 3, padding="same")),
    "even kernel": lambda: functional(IMAGE, layers.Conv2D(4, 2, padding="same")),
    "same at stride 2": lambda: functional(
        IMAGE, layers.Conv2D(4, 3, 2, padding="same", activation="relu")
    ),
    # Of fewer channels, Keras' own gradient writes beyond its memory (`test_fast`).
    "one pixel at stride 2": lambda: functional(
        (12, 14, 16), layers.Conv2D(4, 1, 2, padding="same")
    ),
    "one pixel of odd sides at stride 3": lambda: functional(
        (7, 9, 16), layers.Conv2D(4, 1, 3, padding="same")
    ),
    "groups and dilation": lambda: functional(
        IMAGE,
        layers.Conv2D(6, (3, 5), groups=3, padding="same"),
        layers.Conv2D(4, 3, dilation_rate=2),
    ),
    "padding and convolution": lambda: functional(
        IMAGE, layers.ZeroPadding2D((1, 2)), layers.Conv2D(4, (3, 5), 2)
    ),
    "uneven padding": lambda: functional(
        IMAGE, layers.ZeroPadding2D(((0, 1), (2, 1))), layers.Conv2D(4, 3, 2)
    ),
    "padded maximum of a relu": lambda: functional(
        IMAGE, layers.ReLU(), layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2)
    ),
    "maximum with more padding than torch allows": lambda: functional(
        IMAGE, layers.ReLU(), layers.ZeroPadding2D(2), layers.MaxPooling2D(3, 2)
    ),
    "padded maximum of anything": lambda: functional(
        IMAGE, layers.ZeroPadding2D(1), layers.MaxPooling2D(3, 2)
    ),
    "maximum of a leaky relu": lambda: functional(
        IMAGE,
        layers.ReLU(negative_slope=0.5),
        layers.ZeroPadding2D(1),
        layers.MaxPooling2D(3, 2),
    ),
    "resnet": lambda: functional(IMAGE, resnet(IMAGE, name="e", depth=6, width=16)),
    "relu of batch norm": lambda: functional(
        (5,), layers.BatchNormalization(), layers.ReLU(), layers.Dense(2)
    ),
    "bounded relu of batch norm": lambda: functional(
        (5,), layers.BatchNormalization(), layers.ReLU(max_value=0.5)
    ),
    "relu of a batch norm read twice": lambda: rectified_twice(normalised),
    "relu of a sum read twice": lambda: rectified_twice(summed),
    "relu of a sum of one read twice": lambda: rectified_twice(
        lambda x: layers.Dense(5)(x), lambda x: layers.Add()([x])
    ),
    "relu of the rows, read twice": lambda: rectified_twice(lambda x: x),
    "relu of a tanh": lambda: functional(
        (5,), layers.Dense(5, activation="tanh"), layers.ReLU()
    ),
    "called as frozen": frozen_inside,
    "few channels, padded, one pixel at stride 2": lambda: functional(
        (12, 14, 3), layers.ZeroPadding2D(1), layers.Conv2D(8, 1, 2)
    ),
    "nested, of its own call": lambda: functional(SERIES, Doubled.of(SERIES)),
    "nested, of whole numbers": lambda: functional(
        SERIES, of_dtype("int32"), layers.LSTM(3)
    ),
    "nested lstm": lambda: functional(SERIES, lstm(SERIES, name="e", units=3)),
    "nested gru": lambda: functional(SERIES, gru(SERIES, name="e", units=3, layers=2)),
}
