"""Mid-level fusion by channel gates that all modalities set together."""

import keras

from mind_keras.fusion.sizes import check_sizes


def mmtm_features(
    features: dict, *, name: str = "fusion", bottleneck: int | None = None
) -> dict:
    """A multimodal transfer module [1]: squeeze all, excite each.

    `features_m * 2 sigmoid(E_m relu(W [mean of every modality's features]))`: the means
    are over all axes but channels, and a gate is one number for each channel. At 0 the
    gate is 1 and changes nothing. [1] places several such modules and has two
    modalities; this is one, for any number.

    Args:
        features: `{modality: (batch, ..., channels)}`, symbolic, of any number of axes.
        name: Goes before the names of the layers.
        bottleneck: Units of the layer between squeeze and excitation. By default a
            quarter of all channels.

    Returns:
        `{modality: features}`, of the same shapes.

    Raises:
        ValueError: If `bottleneck` is not a positive whole number.

    Example:
        >>> maps, series = keras.Input((24, 24, 16)), keras.Input((48, 64))
        >>> gated = mmtm_features({"cxr": maps, "ehr": series})
        >>> gated["cxr"].shape, gated["ehr"].shape
        ((None, 24, 24, 16), (None, 48, 64))

    [1] Joze et al. (2020), MMTM: multimodal transfer module for CNN fusion, section 3.
    https://arxiv.org/abs/1911.08670
    """
    channels = {m: features[m].shape[-1] for m in sorted(features)}
    if bottleneck is None:
        bottleneck = max(1, sum(channels.values()) // 4)
    check_sizes(name, bottleneck=bottleneck)
    squeezed = []
    for m, size in channels.items():
        places = keras.layers.Reshape((-1, size))(features[m])
        squeezed.append(keras.layers.GlobalAveragePooling1D()(places))
    joint = keras.layers.Concatenate()(squeezed)
    joint = keras.layers.Dense(bottleneck, "relu", name=f"{name}_squeeze")(joint)
    gated = {}
    for m, size in channels.items():
        gate = keras.layers.Dense(size, "sigmoid", name=f"{m}_gate_of_{name}")(joint)
        gate = keras.layers.Rescaling(2.0)(gate)
        broad = (1,) * (len(features[m].shape) - 2)
        gate = keras.layers.Reshape((*broad, size))(gate)
        gated[m] = keras.layers.Multiply()([features[m], gate])
    return gated
