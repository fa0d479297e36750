"""Fusion by gates: how much of each modality passes depends on all of them."""

import keras

from mind_keras.fusion.sizes import common_size


def gated_codes(codes: dict, *, name: str = "fusion", units: int | None = None):
    """A gated multimodal unit [1], `sum_m sigmoid(V_m [all codes]) * tanh(W_m code_m)`.

    The gates are sigmoids, one for each modality and unit, for two modalities too: the
    form that [1] gives for any number. (Its form for two alone ties the gates,
    `z` and `1 - z`, so that one modality passes what the other does not. Free gates can
    let both pass, or neither.)

    Args:
        codes: `{modality: (batch, size)}`, symbolic; sizes may differ.
        name: Name of the layer that adds.
        units: Size of the result. By default that of the smallest code.

    Returns:
        A code, `(batch, units)`, each value between minus and plus the number of
        modalities.

    Raises:
        ValueError: If `units` is not a positive whole number.

    Example:
        >>> codes = {"ehr": keras.Input((64,)), "cxr": keras.Input((32,))}
        >>> gated_codes(codes).shape
        (None, 32)

    [1] Arevalo et al. (2017), Gated multimodal units for information fusion, section
    3.1. https://arxiv.org/abs/1702.01992
    """
    units = common_size(codes, units, name)
    everything = keras.layers.Concatenate()([codes[m] for m in sorted(codes)])
    passed = []
    for m in sorted(codes):
        value = keras.layers.Dense(units, "tanh", name=f"{m}_to_{name}")(codes[m])
        gate = keras.layers.Dense(units, "sigmoid", name=f"{m}_gate_of_{name}")
        passed.append(keras.layers.Multiply()([gate(everything), value]))
    return keras.layers.Add(name=name)(passed)
