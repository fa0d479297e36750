"""Fusion by concatenation, which keeps every code as it is."""

import keras


def concat_codes(codes: dict, *, name: str = "fusion"):
    """Join the codes end to end, modalities sorted.

    Args:
        codes: `{modality: (batch, size)}`, symbolic; sizes may differ.
        name: Name of the layer.

    Returns:
        A code, `(batch, sum of sizes)`.

    Example:
        >>> codes = {"ehr": keras.Input((64,)), "cxr": keras.Input((32,))}
        >>> concat_codes(codes).shape
        (None, 96)
    """
    return keras.layers.Concatenate(name=name)([codes[m] for m in sorted(codes)])
