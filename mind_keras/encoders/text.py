"""An encoder of text, given as numbers of hashed n-grams (`data.media.text.ids`).

Contract: `(shape, *, name, ...) -> keras.Model`, `(batch, *shape)` to `(batch, code)`.
Nothing is downloaded: embeddings are learned with the rest.
"""

import keras

from mind_keras.encoders.middle import mark_halfway


def text(
    shape: tuple[int],
    *,
    name: str,
    units: int = 64,
    layers: int = 1,
    width: int = 32,
    vocabulary: int = 4096,
    pool: int = 4,
    dropout: float = 0.0,
) -> keras.Model:
    """Embedding, means over neighbours, and GRUs; the code is the last one's output.

    Args:
        shape: `(length,)`: whole numbers, 0 for padding, which stands in front.
        name: Name of the model.
        units: Units of each GRU, and so the size of the code.
        layers: Number of GRUs, at least 1.
        width: Numbers that stand for one n-gram.
        vocabulary: Different numbers. What is larger is taken modulo this, which for
            hashed n-grams means a few more that share a number.
        pool: Neighbours that are averaged: overlapping n-grams say much the same, and
            the GRU has that much less to read.
        dropout: Fraction of each GRU's outputs dropped in training.

    Returns:
        A functional model, `(batch, length)` to `(batch, units)`.

    Raises:
        ValueError: If the shape is not that of numbered text, or a size too small.

    Example:
        >>> text((256,), name="text_encoder", units=16).output_shape
        (None, 16)
    """
    _check(shape, name, {"layers": layers, "vocabulary": vocabulary, "pool": pool})
    rows = keras.Input(shape, name=f"{name}_input")
    x = keras.ops.mod(rows, vocabulary)
    x = keras.layers.Embedding(vocabulary, width, name="embed")(x)
    x = keras.layers.AveragePooling1D(pool, name="pool")(x)
    for k in range(layers):
        x = keras.layers.GRU(units, return_sequences=k < layers - 1)(x)
        x = keras.layers.Dropout(dropout)(x)
        x = mark_halfway(x, k + 1, layers)
    return keras.Model(rows, x, name=name)


def _check(shape: tuple[int, ...], name: str, sizes: dict[str, int]) -> None:
    if len(shape) != 1 or shape[0] < sizes["pool"]:
        raise ValueError(
            "An encoder of text needs rows of shape (length,), at least `pool` long. "
            f"Received: shape={tuple(shape)}, pool={sizes['pool']} for {name!r}."
        )
    small = {size: n for size, n in sizes.items() if n < 1}
    if small:
        raise ValueError(f"Sizes must be at least 1. Received: {small} for {name!r}.")
