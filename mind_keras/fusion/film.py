"""Fusion by modulation: each code is scaled and shifted by what the others say."""

import keras

from mind_keras.fusion.sizes import check_sizes


def film_codes(codes: dict, *, name: str = "fusion", bottleneck: int = 16):
    """Feature-wise modulation [1] of every code by all the others, then joined.

    `code_m + scale_m * code_m + shift_m`, where scale and shift are linear in a hidden
    layer of `bottleneck` ReLUs on the other codes, end to end. The scale is written as
    what is added to 1 [1, section 7.2], and the bottleneck keeps it small, as in DAFT
    [2]. Unlike in [1, 2], where one modality modulates another, each is modulated, by
    the joint of the others where there are more than two; and we modulate codes, not
    maps of features. A modality alone has no others and stays as it is.

    Args:
        codes: `{modality: (batch, size)}`, symbolic; sizes may differ.
        name: Name of the layer that joins.
        bottleneck: Units of the hidden layer of each modality.

    Returns:
        A code, `(batch, sum of sizes)`.

    Raises:
        ValueError: If `bottleneck` is not a positive whole number.

    Example:
        >>> codes = {"ehr": keras.Input((64,)), "cxr": keras.Input((32,))}
        >>> film_codes(codes).shape
        (None, 96)

    [1] Perez et al. (2018), FiLM: visual reasoning with a general conditioning layer.
    https://arxiv.org/abs/1709.07871
    [2] Wolf et al. (2022), DAFT: a universal module to interweave tabular data and 3D
    images in CNNs. https://arxiv.org/abs/2107.05990
    """
    check_sizes(name, bottleneck=bottleneck)
    modulated = []
    for m in sorted(codes):
        others = [codes[other] for other in sorted(codes) if other != m]
        modulated.append(
            _modulate(codes[m], others, f"{m}_in_{name}", bottleneck)
            if others
            else codes[m]
        )
    return keras.layers.Concatenate(name=name)(modulated)


def _modulate(code, others, name, bottleneck):
    # Of two modalities there is one other, and nothing to join.
    said = keras.layers.Concatenate()(others) if len(others) > 1 else others[0]
    size = code.shape[-1]
    said = keras.layers.Dense(bottleneck, "relu", name=f"{name}_bottleneck")(said)
    scale = keras.layers.Dense(size, name=f"{name}_scale")(said)
    shift = keras.layers.Dense(size, name=f"{name}_shift")(said)
    scaled = keras.layers.Multiply()([scale, code])
    return keras.layers.Add(name=name)([code, scaled, shift])
