"""Torch's own kernels in place of what Keras 3 computes step by step on torch.

On a CPU Keras runs LSTM and GRU as a Python loop over time, BatchNorm in several
passes over its rows, pads images before it convolves (`windows_torch`), and a Dense
layer asks for types and shapes several times. To add a
stand-in: a class with `call`, a rule for which layers, and a line in `STAND_INS`.
"""

import keras
import torch

from mind_keras.layout_torch import CHANNELS_FIRST, CHANNELS_LAST, lay, tensor_of
from mind_keras.stand_in import StandIn, chooser, is_usual
from mind_keras.windows_torch import FastConv2D, FastMaxPooling2D, pads_like_keras


class FastDense(StandIn):
    """A Dense layer, of rows in one call."""

    def call(self, x):
        layer = self.layer
        if layer.quantization_mode is not None:  # since the plan was made
            return layer(x)
        kernel = tensor_of(layer.kernel)
        if not layer.use_bias:
            answer = torch.matmul(x, kernel)
        elif x.ndim == 2:
            answer = torch.addmm(layer.bias.value, x, kernel)
        else:
            answer = torch.matmul(x, kernel) + layer.bias.value
        return answer if layer.activation is None else layer.activation(answer)


class FastRecurrent(StandIn):
    """LSTM or GRU by the kernel that `torch.nn.LSTM` and `torch.nn.GRU` call."""

    def lay(self) -> None:
        for kernel in (self.layer.cell.kernel, self.layer.cell.recurrent_kernel):
            lay(kernel, 1, 0)

    def call(self, x, training=None):
        layer, cell = self.layer, self.layer.cell
        first = x.new_zeros((1, x.shape[0], cell.units))
        if isinstance(layer, keras.layers.LSTM):
            kernel, state = torch._VF.lstm, (first, first)
        else:
            kernel, state = torch._VF.gru, first
        biased, train = cell.use_bias, torch.is_grad_enabled()
        answer = kernel(
            x, state, _weights(cell), biased, 1, 0.0, train, False, True
        )  # layers, dropout between them, training, bidirectional, batch first
        return answer[0] if layer.return_sequences else answer[0][:, -1]


def _weights(cell) -> list:
    """As torch has them: transposed, and of a GRU the reset gate before the update."""
    kernels = [cell.kernel.value.T, cell.recurrent_kernel.value.T]
    biases = []
    if isinstance(cell, keras.layers.GRUCell):
        if cell.use_bias:
            biases = list(cell.bias.value)
        return [_reset_first(some) for some in [*kernels, *biases]]
    if cell.use_bias:
        biases = [cell.bias.value, torch.zeros_like(cell.bias.value)]
    return [*(some.contiguous() for some in kernels), *biases]


def _reset_first(some):
    update, reset, new = torch.chunk(some, 3)
    return torch.cat([reset, update, new])


class FastBatchNorm(StandIn):
    """BatchNorm in one pass, with Keras' moving statistics (variance over n)."""

    rectifies = False  # whether the ReLU after it is done here, in the same memory

    def call(self, x, training=None):
        layer = self.layer
        own = bool(training) and layer.trainable
        gamma = layer.gamma.value if layer.scale else None
        beta = layer.beta.value if layer.center else None
        moving = () if own else (layer.moving_mean.value, layer.moving_variance.value)
        answer, mean, inverse = torch.native_batch_norm(
            x.permute(CHANNELS_FIRST[x.ndim]),
            gamma,
            beta,
            *(moving or (None, None)),
            own,
            0.0,
            layer.epsilon,
        )
        if own:
            with torch.no_grad():
                variance = inverse**-2 - layer.epsilon
                for moving, now in (
                    (layer.moving_mean, mean),
                    (layer.moving_variance, variance),
                ):
                    moving.assign(torch.lerp(moving.value, now, 1 - layer.momentum))
        if self.rectifies:
            torch.relu_(answer)
        return answer.permute(CHANNELS_LAST[x.ndim])


def _last_axis(layer) -> bool:
    rank = layer.input_spec.ndim if layer.input_spec else 0
    last = layer.axis in {-1, (rank or 0) - 1}
    renormalises = getattr(layer, "renorm", False)  # not known before Keras 3.14
    return last and not renormalises and not layer.synchronized


STAND_INS = {
    keras.layers.Dense: (FastDense, lambda layer: layer.quantization_mode is None),
    keras.layers.LSTM: (FastRecurrent, is_usual),
    keras.layers.GRU: (FastRecurrent, is_usual),
    keras.layers.BatchNormalization: (FastBatchNorm, _last_axis),
    keras.layers.Conv2D: (FastConv2D, pads_like_keras),
    keras.layers.MaxPooling2D: (
        FastMaxPooling2D,
        lambda layer: (layer.padding, layer.data_format) == ("valid", "channels_last"),
    ),
}
stand_in = chooser(STAND_INS)
