"""Encoders of tables; they take any shape, flattened.

Contract: `(shape, *, name, ...) -> keras.Model`, `(batch, *shape)` to `(batch, code)`.
Add an encoder of rows without order or neighbourhood here.
"""

import keras

from mind_keras.encoders.middle import mark_halfway


def mlp(
    shape: tuple[int, ...],
    *,
    name: str,
    units: int = 64,
    layers: int = 2,
    dropout: float = 0.0,
) -> keras.Model:
    """A multi-layer perceptron.

    Args:
        shape: Shape of one row; any.
        name: Name of the model.
        units: Units of each layer, and so the size of the code.
        layers: Number of layers, each Dense, ReLU and dropout. With 0 the code is
            the flattened row.
        dropout: Fraction of each layer's outputs dropped in training.

    Returns:
        A functional model, `(batch, *shape)` to `(batch, units)`.

    Example:
        >>> mlp((5,), name="ehr_encoder", units=16).output_shape
        (None, 16)
    """
    rows = keras.Input(shape, name=f"{name}_input")
    x = keras.layers.Flatten()(rows)
    for k in range(layers):
        x = keras.layers.Dense(units, activation="relu")(x)
        x = keras.layers.Dropout(dropout)(x)
        x = mark_halfway(x, k + 1, layers)
    return keras.Model(rows, x, name=name)
