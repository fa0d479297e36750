"""Convolutions and maxima over images, which torch pads by itself.

Keras on torch makes a padded copy first, of each image, forwards and backwards.
"""

import keras
import torch

from mind_keras.graph import node_of
from mind_keras.layout_torch import CHANNELS_FIRST, CHANNELS_LAST, lay, tensor_of
from mind_keras.stand_in import StandIn

# Of fewer channels, oneDNN writes beyond its memory in the gradient of kernels of one
# pixel that skip some (https://github.com/uxlfoundation/oneDNN/issues/6035).
NARROW = 16


class Windowed(StandIn):
    """A layer that moves a window over images, and pads by itself."""

    def __init__(self, layer: keras.Layer, padding: tuple) -> None:
        super().__init__(layer)
        self.padding = padding

    def compute_output_spec(self, x, **kwargs):
        layer, (top, left) = self.layer, self.padding
        height, width = (
            None if size is None else size + 2 * pad
            for size, pad in zip(x.shape[1:3], (top, left), strict=True)
        )
        if layer.padding == "same":
            height, width = x.shape[1:3]
        padded = keras.KerasTensor((x.shape[0], height, width, x.shape[3]), x.dtype)
        return layer.compute_output_spec(padded)


class FastConv2D(Windowed):
    """A convolution, also in place of a ZeroPadding2D just before it."""

    @classmethod
    def of(cls, layer: keras.Layer, x, **kwargs):
        if layer.padding == "same":
            return cls(layer, tuple(size // 2 for size in layer.kernel_size))(x)
        if _is_unsafe(layer):
            return cls(layer, (0, 0))(x)
        source, padding = _before_padding(x)
        return cls(layer, padding)(source)

    def lay(self) -> None:
        if not self.layer.lora_enabled:
            lay(self.layer.kernel, 3, 0, 1, 2)  # Of each filter, a pixel's channels

    def call(self, x):
        layer, strides = self.layer, self.layer.strides
        kernel = tensor_of(layer.kernel)
        if _is_unsafe(layer):
            x, strides = x[:, :: strides[0], :: strides[1]], (1, 1)
        answer = torch.nn.functional.conv2d(
            x.permute(CHANNELS_FIRST[4]),
            kernel.permute(3, 2, 0, 1),
            layer.bias.value if layer.use_bias else None,
            strides,
            self.padding,
            groups=layer.groups,
        )
        return layer.activation(answer.permute(CHANNELS_LAST[4]))


class FastMaxPooling2D(Windowed):
    """A maximum, also in place of a ZeroPadding2D between a ReLU and it.

    Torch pads by -inf: after a ReLU no value is smaller than the zeros.
    """

    @classmethod
    def of(cls, layer: keras.Layer, x, **kwargs):
        source, padding = _before_padding(x)
        before = node_of(source).operation
        wide = all(
            2 * pad <= size for pad, size in zip(padding, layer.pool_size, strict=True)
        )
        if is_relu(before) and wide:
            return cls(layer, padding)(source)
        return cls(layer, (0, 0))(x)

    def call(self, x):
        layer = self.layer
        answer = torch.nn.functional.max_pool2d(
            x.permute(CHANNELS_FIRST[4]), layer.pool_size, layer.strides, self.padding
        )
        return answer.permute(CHANNELS_LAST[4])


def _is_unsafe(layer: keras.layers.Conv2D) -> bool:
    """See `NARROW`."""
    one = set(layer.kernel_size) == {1} and set(layer.strides) != {1}
    return one and layer.kernel.shape[2] < NARROW


def _before_padding(x) -> tuple:
    """What a symmetric ZeroPadding2D padded, and by how much; else `x` and nothing."""
    node = node_of(x)
    if type(node.operation) is keras.layers.ZeroPadding2D:
        (top, bottom), (left, right) = node.operation.padding
        symmetric = (top, left) == (bottom, right)
        if symmetric and node.operation.data_format == "channels_last":
            return node.input_tensors[0], (top, left)
    return x, (0, 0)


def is_relu(layer) -> bool:
    """Whether a layer is max(x, 0) and nothing else."""
    if type(layer) is not keras.layers.ReLU:
        return False
    return (layer.max_value, layer.negative_slope, layer.threshold) == (None, 0, 0)


def pads_like_keras(layer) -> bool:
    """Whether torch pads like Keras."""
    odd = all(size % 2 for size in layer.kernel_size)
    # A kernel of one pixel needs no padding, however far it goes at once.
    alike = (odd and layer.strides == (1, 1)) or set(layer.kernel_size) == {1}
    even = layer.padding == "valid" or alike
    plain = layer.dilation_rate == (1, 1)
    return layer.data_format == "channels_last" and even and plain
