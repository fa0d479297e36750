"""Fusion by summation, after a projection to a common size."""

import keras

from mind_keras.fusion.sizes import common_size


def sum_codes(codes: dict, *, name: str = "fusion", units: int | None = None):
    """Project each code to `units` and add them up.

    Args:
        codes: `{modality: (batch, size)}`, symbolic; sizes may differ.
        name: Name of the layer that adds.
        units: Size of the result. By default that of the smallest code.

    Returns:
        A code, `(batch, units)`.

    Raises:
        ValueError: If `units` is not a positive whole number.

    Example:
        >>> codes = {"ehr": keras.Input((64,)), "cxr": keras.Input((32,))}
        >>> sum_codes(codes).shape
        (None, 32)
    """
    units = common_size(codes, units, name)
    # Without a bias: the head that follows has one, and the sum would hold one per
    # modality, indistinguishable.
    projected = [
        keras.layers.Dense(units, use_bias=False, name=f"{m}_to_{name}")(codes[m])
        for m in sorted(codes)
    ]
    return keras.layers.Add(name=name)(projected)
