"""The convolution along time: against NumPy, and what it can tell apart."""

import keras
import numpy as np
import pytest
from checks import draw

from mind_keras.encoders.conv1d import conv1d


def numpy_conv1d(x, weights):
    """Rows `(rows, time, features)` through all layers, in float64."""
    for k, (kernel, gamma, beta, mean, variance) in enumerate(weights):
        time, reach = x.shape[1], len(kernel) // 2
        padded = np.pad(x, ((0, 0), (reach, reach), (0, 0)))
        x = sum(padded[:, i : i + time] @ kernel[i] for i in range(len(kernel)))
        x = np.maximum((x - mean) / np.sqrt(variance + 1e-5) * gamma + beta, 0)
        if k < len(weights) - 1:
            half = x[:, : time // 2 * 2]
            x = np.maximum(half[:, ::2], half[:, 1::2])
    return x.mean(axis=1)


def test_conv1d_agrees_with_numpy_on_bands_and_channels():
    model = conv1d((9, 3, 2), name="e", units=4, layers=3, kernel=3)
    generator = np.random.default_rng(1)
    weights = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            drawn = [generator.uniform(0.5, 2, w.shape) for w in layer.get_weights()]
            layer.set_weights(drawn)
            weights[-1] += [w.astype("float64") for w in layer.get_weights()]
        elif isinstance(layer, keras.layers.Conv1D):
            weights.append([w.astype("float64") for w in layer.get_weights()])
    x = draw(model)
    expected = numpy_conv1d(x.reshape(8, 9, 6).astype("float64"), weights)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)


def test_conv1d_has_the_parameters_of_its_kernels_and_normalisations():
    model = conv1d((61, 32, 1), name="e", units=16)
    trainable = sum(np.prod(v.shape) for v in model.trainable_variables)
    assert trainable == 5 * 32 * 16 + 2 * 5 * 16 * 16 + 3 * 2 * 16


def test_bands_that_change_places_are_told_but_channels_are_as_good_as_bands():
    model = conv1d((8, 6), name="e", units=8, layers=2)
    x = draw(model)
    code = model.predict(x, verbose=0)
    assert not np.allclose(model.predict(x[:, :, ::-1], verbose=0), code, atol=1e-3)
    deep = conv1d((8, 3, 2), name="e", units=8, layers=2)
    deep.set_weights(model.get_weights())
    same = deep.predict(x.reshape(8, 8, 3, 2), verbose=0)
    np.testing.assert_allclose(same, code, atol=1e-6)


def test_dropout_silences_whole_channels_in_training_alone():
    model = conv1d((8, 3), name="e", units=32, layers=1, dropout=0.5)
    x = draw(model)
    still = keras.ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(still, model.predict(x, verbose=0), atol=1e-5)
    lively = keras.ops.convert_to_numpy(model(x, training=True))
    # The mean over time of a channel is 0 only if it was silenced as a whole.
    assert 0.3 < ((lively == 0) & (still > 0)).mean() < 0.7


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((5,), {}, r"\(time, bands, channels\).*\(5,\) for 'e'.*'mlp'"),
        ((8, 8, 8, 1), {}, r"Received: shape=\(8, 8, 8, 1\)"),
        ((5, 3), {"layers": 0}, "at least 1.*Received: layers=0 for 'e'"),
        ((3, 3), {"layers": 3}, "halve the time.*layers=3 for 'e'.* 3 steps"),
    ],
)
def test_a_wrong_shape_or_option_is_refused(shape, options, message):
    with pytest.raises(ValueError, match=message):
        conv1d(shape, name="e", **options)
