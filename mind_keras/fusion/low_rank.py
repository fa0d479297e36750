"""Fusion by products: the interactions of all modalities, at low rank."""

import keras

from mind_keras.fusion.sizes import check_sizes, common_size


def low_rank_codes(
    codes: dict, *, name: str = "fusion", units: int | None = None, rank: int = 4
):
    """Low-rank multimodal fusion [1], `mean_r prod_m (W_mr code_m + b_mr)`.

    Tensor fusion [2] appends a 1 to each code, takes the outer product of all and
    multiplies it by a weight tensor; with the 1, products of some of the modalities and
    each modality alone are in it too. Where the weight tensor is a sum of `rank`
    products of one matrix for each modality, this is the same as the formula above,
    whose biases are the weights of the 1. We take the mean over `rank` for the sum,
    which the weights make up for, so that the result does not grow with `rank`.

    The biases start at 1: a product of `1 + W code` begins with a sum of the
    modalities, and each learns at once. From 0 it would be a product of all, small, and
    each gradient as small as the other modalities' values.

    Args:
        codes: `{modality: (batch, size)}`, symbolic; sizes may differ.
        name: Name of the layer that averages.
        units: Size of the result. By default that of the smallest code.
        rank: Number of products that are averaged.

    Returns:
        A code, `(batch, units)`.

    Raises:
        ValueError: If `units` or `rank` is not a positive whole number.

    Example:
        >>> codes = {"ehr": keras.Input((64,)), "cxr": keras.Input((32,))}
        >>> low_rank_codes(codes, rank=2).shape
        (None, 32)

    [1] Liu et al. (2018), Efficient low-rank multimodal fusion with modality-specific
    factors, section 3.2. https://arxiv.org/abs/1806.00064
    [2] Zadeh et al. (2017), Tensor fusion network for multimodal sentiment analysis,
    section 3.2. https://arxiv.org/abs/1707.07250
    """
    units = common_size(codes, units, name)
    check_sizes(name, rank=rank)
    factors = [
        keras.layers.Dense(
            rank * units, bias_initializer="ones", name=f"{m}_factors_of_{name}"
        )(codes[m])
        for m in sorted(codes)
    ]
    # Of a single modality there is nothing to multiply.
    product = keras.layers.Multiply()(factors) if len(factors) > 1 else factors[0]
    product = keras.layers.Reshape((rank, units))(product)
    return keras.layers.GlobalAveragePooling1D(name=name)(product)
