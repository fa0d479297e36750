"""Encoders of time series, `(time, features)`.

Contract: `(shape, *, name, ...) -> keras.Model`, `(batch, *shape)` to `(batch, code)`.
None masks: a row has its full length, and gaps within it are filled before.
Add an encoder of sequences here.
"""

import keras

from mind_keras.encoders.middle import mark_halfway


def lstm(
    shape: tuple[int, int],
    *,
    name: str,
    units: int = 64,
    layers: int = 1,
    dropout: float = 0.0,
) -> keras.Model:
    """Stacked LSTMs; the code is the last one's last output.

    Args:
        shape: `(time, features)`.
        name: Name of the model.
        units: Units of each layer, and so the size of the code.
        layers: Number of layers, at least 1.
        dropout: Fraction of each layer's outputs dropped in training.

    Returns:
        A functional model, `(batch, time, features)` to `(batch, units)`.

    Raises:
        ValueError: If the shape is not that of a series, or there is no layer.

    Example:
        >>> lstm((48, 76), name="ehr_encoder").output_shape
        (None, 64)
    """
    return _recurrent(keras.layers.LSTM, shape, name, units, layers, dropout)


def gru(
    shape: tuple[int, int],
    *,
    name: str,
    units: int = 64,
    layers: int = 1,
    dropout: float = 0.0,
) -> keras.Model:
    """Stacked GRUs; the code is the last one's last output.

    A quarter smaller than `lstm`, with the same arguments.

    Example:
        >>> gru((48, 76), name="ehr_encoder", units=32, layers=2).output_shape
        (None, 32)
    """
    return _recurrent(keras.layers.GRU, shape, name, units, layers, dropout)


def transformer(
    shape: tuple[int, int],
    *,
    name: str,
    units: int = 64,
    layers: int = 2,
    attention_heads: int = 4,
    dropout: float = 0.0,
) -> keras.Model:
    """A pre-norm transformer [1]; the code is the mean over time.

    Args:
        shape: `(time, features)`.
        name: Name of the model.
        units: Width of every layer, and so the size of the code; the inner layer of
            the feed-forward part is four times as wide.
        layers: Number of layers, at least 1.
        attention_heads: Heads of the attention; must divide `units`.
        dropout: Fraction dropped in training, of the output of both parts of a
            layer.

    Returns:
        A functional model, `(batch, time, features)` to `(batch, units)`.

    Raises:
        ValueError: If the shape is not that of a series, there is no layer, or
            `attention_heads` does not divide `units`.

    Example:
        >>> transformer((48, 76), name="ehr_encoder", units=32).output_shape
        (None, 32)

    [1] Xiong et al. (2020), On layer normalization in the transformer architecture.
    https://arxiv.org/abs/2002.04745
    """
    _check(shape, layers, name)
    if units % attention_heads:
        raise ValueError(
            "`attention_heads` must divide `units`. Received: "
            f"attention_heads={attention_heads}, units={units} for {name!r}."
        )
    rows = keras.Input(shape, name=f"{name}_input")
    # A bias per time step and unit is a learned position embedding, in a stock layer.
    x = keras.layers.EinsumDense(
        "btf,fu->btu",
        output_shape=(shape[0], units),
        bias_axes="tu",
        bias_initializer=keras.initializers.RandomNormal(stddev=0.02),
        name="project_and_place",
    )(rows)
    for k in range(layers):
        x = _transformer_layer(x, units, attention_heads, dropout)
        x = mark_halfway(x, k + 1, layers)
    x = keras.layers.LayerNormalization()(x)
    return keras.Model(rows, keras.layers.GlobalAveragePooling1D()(x), name=name)


def _transformer_layer(x, units, attention_heads, dropout):
    y = keras.layers.LayerNormalization()(x)
    # Without biases: that of the keys moves all scores alike, so it never learns.
    y = keras.layers.MultiHeadAttention(
        attention_heads, units // attention_heads, use_bias=False
    )(y, y)
    x = keras.layers.Add()([x, keras.layers.Dropout(dropout)(y)])
    y = keras.layers.LayerNormalization()(x)
    y = keras.layers.Dense(4 * units, activation="gelu")(y)
    y = keras.layers.Dense(units)(y)
    return keras.layers.Add()([x, keras.layers.Dropout(dropout)(y)])


def _recurrent(layer, shape, name, units, layers, dropout):
    _check(shape, layers, name)
    rows = x = keras.Input(shape, name=f"{name}_input")
    for k in range(layers):
        x = layer(units, return_sequences=k < layers - 1)(x)
        x = keras.layers.Dropout(dropout)(x)
        x = mark_halfway(x, k + 1, layers)
    return keras.Model(rows, x, name=name)


def _check(shape, layers, name):
    if len(shape) != 2:
        raise ValueError(
            f"An encoder of sequences needs rows of shape (time, features). Received: "
            f"shape={tuple(shape)} for {name!r}. Try the encoder 'mlp', which takes "
            "any shape."
        )
    if layers < 1:
        raise ValueError(
            f"`layers` must be at least 1. Received: layers={layers} for {name!r}."
        )
