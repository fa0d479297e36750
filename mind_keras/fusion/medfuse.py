"""Fusion by an LSTM that reads one modality after the other."""

import keras

from mind_keras.fusion.sizes import check_sizes, common_size


def medfuse_codes(
    codes: dict,
    *,
    name: str = "fusion",
    units: int | None = None,
    projected: int | None = None,
):
    """MedFuse's LSTM [1] over the codes as a sequence; the result is its last state.

    Differs from [1] in three ways: each code is projected (there only that of the
    X-ray, to the size of the other); the modalities are read in sorted order (there
    the time series first, so the X-ray last); and every sequence is whole, since a
    student answers from one modality with a head of its own (there an LSTM that stops
    after the first).

    Args:
        codes: `{modality: (batch, size)}`, symbolic; sizes may differ.
        name: Name of the LSTM.
        units: Units of the LSTM, so the size of the result. By default the size of the
            smallest code. In [1]: 512.
        projected: The size that each code is projected to. By default `units`. In [1]:
            256.

    Returns:
        A code, `(batch, units)`.

    Raises:
        ValueError: If an option is not a positive whole number.

    Example:
        >>> codes = {"ehr": keras.Input((64,)), "cxr": keras.Input((32,))}
        >>> medfuse_codes(codes, units=16).shape
        (None, 16)

    [1] Hayat et al. (2022), MedFuse: multi-modal fusion with clinical time-series data
    and chest X-ray images, section 3. https://arxiv.org/abs/2207.07027
    """
    units = common_size(codes, units, name)
    projected = units if projected is None else projected
    check_sizes(name, projected=projected)
    read = [
        keras.layers.Dense(projected, name=f"{m}_to_{name}")(codes[m])
        for m in sorted(codes)
    ]
    read = keras.layers.Concatenate()(read)
    read = keras.layers.Reshape((len(codes), projected))(read)
    # A few steps, written out: a loop costs more, and some exports take none.
    return keras.layers.LSTM(units, unroll=True, name=name)(read)
