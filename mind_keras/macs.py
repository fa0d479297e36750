"""Multiply-adds of one answer, counted on the graph of a functional model.

Products of matrices are counted: dense, convolutional, recurrent and attention layers,
`matmul`, `dot` and `einsum`. Additions of biases, normalisation, activations, pooling
and products element by element are not: they are few beside these. Nested models are
opened, a layer that is called twice counts twice, zeros of padding count.
Add a layer or operation by a function `(operation, given, output)` in `LAYERS` or
`OPERATIONS`; `given` are its arguments by name.
"""

import inspect
import math

import keras
from keras import layers

from mind_keras.graph import Functional, functional, topological


def macs(model: keras.Model) -> int | None:
    """Multiply-adds of one answer to one sample, all inputs given.

    A floating-point count (FLOPs) is about twice as large: a multiplication and an
    addition each.

    Args:
        model: Functional or a built `Sequential`, of static shapes.

    Returns:
        The count; None where it is not known: a layer that has weights and is not in
        `LAYERS`, an operation in `UNCOUNTED`, or a shape that is open. What a layer of
        one's own without weights multiplies cannot be seen.

    Example:
        >>> rows = keras.Input((48, 76))
        >>> code = layers.LSTM(64)(rows)  # 48 steps, 4 gates, (76 + 64) x 64 each
        >>> macs(keras.Model(rows, layers.Dense(25)(code))) == 48 * 4 * 140 * 64 + 1600
        True
    """
    counts = []
    for node in topological(functional(model).outputs):
        called, arguments = inspect.signature(node.operation.call), node.arguments
        given = called.bind(*arguments.args, **arguments.kwargs).arguments
        counts.append(_count(node.operation, given, node.outputs[0]))
    return None if None in counts else sum(counts)


def _count(operation, given, output) -> int | None:
    if isinstance(operation, Functional | keras.Sequential):
        return macs(operation)
    if isinstance(operation, keras.Layer):
        function = LAYERS.get(type(operation))
        known = not operation.weights or type(operation) in FREE
    else:
        # The classes of operations have no public names.
        name = type(operation).__name__
        function, known = OPERATIONS.get(name), name not in UNCOUNTED
    if function is None:
        return 0 if known else None
    tensors = [t for t in keras.tree.flatten(given) if hasattr(t, "shape")]
    if any(None in tensor.shape[1:] for tensor in [*tensors, output]):
        return None
    return function(operation, given, output)


def _size(tensor) -> int:
    """Entries of one sample's tensor."""
    return math.prod(tensor.shape[1:])


def _first(given):
    return next(iter(given.values()))


def _dense(layer, given, output) -> int:
    return _size(output) * _first(given).shape[-1]


def _channels(layer, given) -> int:
    return _first(given).shape[-1 if layer.data_format == "channels_last" else 1]


def _conv(layer, given, output) -> int:
    window = math.prod(layer.kernel_size) * _channels(layer, given) // layer.groups
    return _size(output) * window


def _conv_transpose(layer, given, output) -> int:
    return _size(_first(given)) * math.prod(layer.kernel_size) * layer.filters


def _depthwise_conv(layer, given, output) -> int:
    return _size(output) * math.prod(layer.kernel_size)


def _separable_conv(layer, given, output) -> int:
    channels = _channels(layer, given) * layer.depth_multiplier
    places = _size(output) // layer.filters
    return places * channels * (math.prod(layer.kernel_size) + layer.filters)


def _recurrent(layer, given, output) -> int:
    _, steps, features = _first(given).shape
    return steps * GATES[type(layer)] * layer.units * (features + layer.units)


def _bidirectional(layer, given, output) -> int | None:
    ways = [layer.forward_layer, layer.backward_layer]
    counts = [_count(way, given, output) for way in ways]
    return None if None in counts else sum(counts)


def _each_step(layer, given, output) -> int | None:
    rows = _first(given)
    step = {"inputs": keras.KerasTensor((None, *rows.shape[2:]))}
    one = _count(layer.layer, step, keras.KerasTensor((None, *output.shape[2:])))
    return None if one is None else rows.shape[1] * one


def _attention(layer, given, output) -> int:
    """Scores and weighted sum of `Attention`, which projects nothing."""
    query, value, *_ = _first(given)
    pairs = query.shape[1] * value.shape[1]
    return pairs * (query.shape[-1] + value.shape[-1])


def _multi_head(layer, given, output) -> int | None:
    heads, sizes = layer.num_heads, (layer.key_dim, layer.value_dim)
    return _projected_attention(given, output, heads, heads, sizes)


def _grouped_query(layer, given, output) -> int | None:
    heads, sizes = layer.num_query_heads, (layer.head_dim, layer.head_dim)
    return _projected_attention(given, output, heads, layer.num_key_value_heads, sizes)


def _projected_attention(given, output, heads, shared, sizes) -> int | None:
    """Projections, scores, weighted sum and output of attention with `heads` heads."""
    query, value = given["query"], given["value"]
    key = value if given.get("key") is None else given["key"]
    if len(query.shape) != 3:
        return None
    (_, queries, _), (_, keys, _) = query.shape, value.shape
    key_size, value_size = sizes
    projected = _size(query) * heads * key_size
    projected += shared * (_size(key) * key_size + _size(value) * value_size)
    attended = heads * queries * keys * (key_size + value_size)
    return projected + attended + heads * value_size * _size(output)


def _einsum_dense(layer, given, output) -> int | None:
    return _einsum(layer.equation, [_first(given), layer.kernel])


def _einsum_operation(operation, given, output) -> int | None:
    return _einsum(operation.subscripts, given["operands"])


def _einsum(equation: str, tensors) -> int | None:
    """The product of all sizes that two tensors span; the batch is 1."""
    written = equation.replace(" ", "").split("->")[0].split(",")
    if len(written) > 2:
        return None  # It depends on which product comes first.
    sizes = {}
    for letters, tensor in zip(written, tensors, strict=True):
        before, _, after = letters.partition("...")
        hidden = len(tensor.shape) - len(before) - len(after)
        axes = [*before, *range(-hidden, 0), *after]
        for axis, size in zip(axes, tensor.shape, strict=True):
            sizes[axis] = max(size or 1, sizes.get(axis, 1))
    return math.prod(sizes.values()) if len(written) == 2 else 0


def _dot(layer, given, output) -> int:
    axes = layer.axes if isinstance(layer.axes, tuple) else (layer.axes,)
    return _size(output) * _first(given)[0].shape[axes[0]]


def _matmul(operation, given, output) -> int:
    return _size(output) * given["x1"].shape[-1]


GATES = {layers.LSTM: 4, layers.GRU: 3, layers.SimpleRNN: 1}
CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
# Layers that have weights and multiply no matrix.
FREE = {
    layers.BatchNormalization,
    layers.Embedding,
    layers.GroupNormalization,
    layers.LayerNormalization,
    layers.Normalization,
    layers.PReLU,
    layers.RMSNormalization,
}
LAYERS = {
    layers.Dense: _dense,
    layers.EinsumDense: _einsum_dense,
    **dict.fromkeys(CONVOLUTIONS, _conv),
    **dict.fromkeys(TRANSPOSED, _conv_transpose),
    **dict.fromkeys((layers.DepthwiseConv1D, layers.DepthwiseConv2D), _depthwise_conv),
    **dict.fromkeys((layers.SeparableConv1D, layers.SeparableConv2D), _separable_conv),
    **dict.fromkeys(GATES, _recurrent),
    layers.Bidirectional: _bidirectional,
    layers.TimeDistributed: _each_step,
    layers.MultiHeadAttention: _multi_head,
    layers.GroupQueryAttention: _grouped_query,
    layers.Attention: _attention,
    layers.AdditiveAttention: _attention,
    layers.Dot: _dot,
}
OPERATIONS = {"Matmul": _matmul, "Dot": _matmul, "Einsum": _einsum_operation}
UNCOUNTED = {"Conv", "ConvTranspose", "DepthwiseConv", "SeparableConv", "Tensordot"}
UNCOUNTED |= {"DotProductAttention", "Inner", "Outer", "Vdot", "Kron", "Correlate"}
