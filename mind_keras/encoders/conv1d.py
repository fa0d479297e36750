"""An encoder of spectrograms, and of other series: convolution along time alone.

Contract: `(shape, *, name, ...) -> keras.Model`, `(batch, *shape)` to `(batch, code)`.
Unlike `image.resnet` it knows a high band from a low one, as speech needs: a vowel
moved up by some bands is another vowel.
"""

import math

import keras

from mind_keras.encoders.middle import mark_halfway


def conv1d(
    shape: tuple[int, ...],
    *,
    name: str,
    units: int = 64,
    layers: int = 3,
    kernel: int = 5,
    dropout: float = 0.0,
) -> keras.Model:
    """A CNN along time; the code is the mean over time of its last layer.

    Each layer is a convolution, batch normalisation and ReLU; all but the last are
    followed by max-pooling over pairs, so the code sees words, not instants.

    Args:
        shape: `(time, features)`, or `(time, bands, channels)` of a spectrogram, whose
            bands and channels are the features.
        name: Name of the model.
        units: Channels of each layer, and so the size of the code.
        layers: Number of layers, at least 1.
        kernel: Steps of time that a layer sees at once.
        dropout: Fraction of whole channels of each layer dropped in training.

    Returns:
        A functional model, `(batch, *shape)` to `(batch, units)`.

    Raises:
        ValueError: If the shape is not that of a series, there is no layer, or the
            series is too short to be halved so often.

    Example:
        >>> conv1d((61, 32, 1), name="speech_encoder", units=16).output_shape
        (None, 16)
    """
    _check(shape, layers, name)
    rows = keras.Input(shape, name=f"{name}_input")
    x = keras.layers.Reshape((shape[0], math.prod(shape[1:])))(rows)
    for k in range(layers):
        x = keras.layers.Conv1D(
            units,
            kernel,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
        )(x)
        # As in `image`: Keras' own momentum forgets too slowly.
        x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = keras.layers.ReLU()(x)
        if k < layers - 1:
            x = keras.layers.MaxPooling1D(2)(x)
        x = keras.layers.SpatialDropout1D(dropout)(x)
        x = mark_halfway(x, k + 1, layers)
    return keras.Model(rows, keras.layers.GlobalAveragePooling1D()(x), name=name)


def _check(shape: tuple[int, ...], layers: int, name: str) -> None:
    if len(shape) not in (2, 3):
        raise ValueError(
            "An encoder along time needs rows of shape (time, features) or (time, "
            f"bands, channels). Received: shape={tuple(shape)} for {name!r}. Try the "
            "encoder 'mlp', which takes any shape."
        )
    if layers < 1 or shape[0] < 2 ** (layers - 1):
        raise ValueError(
            "`layers` must be at least 1, and all but the last halve the time. "
            f"Received: layers={layers} for {name!r}, whose rows have {shape[0]} steps."
        )
