"""Fusion by attention: each modality is a token that looks at all of them."""

import keras

from mind_keras.fusion.sizes import check_sizes


def cross_attention_codes(
    codes: dict, *, name: str = "fusion", units: int = 32, attention_heads: int = 4
):
    """Attention among modalities as tokens, averaged over them.

    Every code is projected to `units`, by a matrix of its own, whose bias is the
    embedding of the modality; then one pre-norm layer of attention [1, 2] with its
    residual, `token + attention(norm(tokens))`, and the mean over tokens. Each token
    looks at itself and the others. There is no feed-forward part: a student is small.

    Args:
        codes: `{modality: (batch, size)}`, symbolic; sizes may differ.
        name: Name of the layer that averages.
        units: Size of the tokens and of the result.
        attention_heads: Heads of the attention; must divide `units`.

    Returns:
        A code, `(batch, units)`.

    Raises:
        ValueError: If an option is not a positive whole number, or `attention_heads`
            does not divide `units`.

    Example:
        >>> codes = {"ehr": keras.Input((64,)), "cxr": keras.Input((32,))}
        >>> cross_attention_codes(codes).shape
        (None, 32)

    [1] Vaswani et al. (2017), Attention is all you need, section 3.2.
    https://arxiv.org/abs/1706.03762
    [2] Xiong et al. (2020), On layer normalization in the transformer architecture.
    https://arxiv.org/abs/2002.04745
    """
    check_sizes(name, units=units, attention_heads=attention_heads)
    if units % attention_heads:
        raise ValueError(
            "`attention_heads` must divide `units`. Received: "
            f"attention_heads={attention_heads}, units={units} for {name!r}."
        )
    tokens = [
        keras.layers.Dense(units, name=f"{m}_to_{name}")(codes[m])
        for m in sorted(codes)
    ]
    tokens = keras.layers.Concatenate()(tokens)
    tokens = keras.layers.Reshape((len(codes), units))(tokens)
    normal = keras.layers.LayerNormalization(name=f"{name}_norm")(tokens)
    # Without biases: that of the keys moves all scores alike, so it never learns.
    heard = keras.layers.MultiHeadAttention(
        attention_heads,
        units // attention_heads,
        use_bias=False,
        name=f"{name}_attention",
    )(normal, normal)
    tokens = keras.layers.Add()([tokens, heard])
    return keras.layers.GlobalAveragePooling1D(name=name)(tokens)
