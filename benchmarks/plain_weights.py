"""The weights, or the gradients, of a Keras student in the form of the plain one.

Keras and PyTorch name and shape weights differently; what one calls `kernel` the other
has transposed, and the gates of a GRU come in another order. All of it is a rule per
kind of layer, `(arrays) -> {parameter: array}`, in `RULES`. Both models then compute
the same, so that a comparison of their times is one of the same maths.
"""

import keras
import numpy as np
import torch
from keras import layers

from benchmarks.plain import Student


def copied(student: keras.Model, plain: Student) -> Student:
    """The plain student with the weights of the Keras student.

    What has no counterpart, such as the second bias of `nn.LSTM`, is set to 0.
    """
    arrays = {id(v): keras.ops.convert_to_numpy(v) for v in student.variables}
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.zero_()
        for tensor, array in matched(student, plain, arrays):
            tensor.copy_(torch.from_numpy(np.array(array)))
    return plain


def matched(student: keras.Model, plain: Student, arrays: dict) -> list[tuple]:
    """Parameters of the plain student, each with its array.

    Args:
        student: Ours.
        plain: The same in PyTorch.
        arrays: `{id of a variable: array}`, such as values or gradients; variables
            that are left out, such as those that are not trained, are left out here.
    """
    pairs = []
    for name, encoder in plain.encoders.items():
        inner = student.get_layer(f"{name}_encoder").layers
        weighted = [layer for layer in inner if layer.weights]
        parts = encoder.parts([layer.name for layer in weighted])
        pairs += zip(weighted, parts, strict=True)
    for head, part in plain.heads.items():
        pairs.append((student.get_layer(f"{head}_head"), part))
    found = []
    for layer, part in pairs:
        given = [arrays[id(v)] for v in layer.weights if id(v) in arrays]
        tensors = {**dict(part.named_parameters()), **dict(part.named_buffers())}
        for name, array in RULES[type(layer)](given).items():
            found.append((tensors[name], array))
    return found


def _dense(arrays):
    return {"weight": arrays[0].T, "bias": arrays[1]}


def _placed(arrays):
    return {"project.weight": arrays[0].T, "place": arrays[1]}


def _conv1d(arrays):
    return {"weight": arrays[0].transpose(2, 1, 0)}


def _conv2d(arrays):
    return {"weight": arrays[0].transpose(3, 2, 0, 1)}


def _norm(arrays):
    names = ("weight", "bias", "running_mean", "running_var")
    return dict(zip(names, arrays, strict=False))


def _lstm(arrays):
    kernel, recurrent, bias = arrays
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")
    return dict(zip(names, (kernel.T, recurrent.T, bias), strict=True))


def _gru(arrays):
    kernel, recurrent, bias = (_reset_first(array) for array in arrays)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    return dict(zip(names, (kernel.T, recurrent.T, *bias), strict=True))


def _reset_first(array):
    """Keras' gates are update, reset, candidate; PyTorch's begin with reset."""
    update, reset, candidate = np.split(array, 3, axis=-1)
    return np.concatenate([reset, update, candidate], axis=-1)


def _attention(arrays):
    size = arrays[0].shape[0]
    query, key, value = (array.reshape(size, -1).T for array in arrays[:3])
    return {
        "in_proj_weight": np.concatenate([query, key, value]),
        "out_proj.weight": arrays[3].reshape(-1, size).T,
    }


RULES = {
    layers.BatchNormalization: _norm,
    layers.Conv1D: _conv1d,
    layers.Conv2D: _conv2d,
    layers.Dense: _dense,
    layers.EinsumDense: _placed,
    layers.GRU: _gru,
    layers.LSTM: _lstm,
    layers.LayerNormalization: _norm,
    layers.MultiHeadAttention: _attention,
}
