"""How torch has numbers in memory: channels before pixels, kernels transposed."""

import keras
import torch

# How to permute rows of a rank for torch, which has channels second, and back.
CHANNELS_FIRST = {2: (0, 1), 3: (0, 2, 1), 4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}
CHANNELS_LAST = {2: (0, 1), 3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


def lay(variable: keras.Variable, *order: int) -> None:
    """Keep a variable's numbers in memory as a kernel reads them, to copy none later.

    Shape and values stay. `order` says which axis varies slowest, and so on.
    """
    back = sorted(range(len(order)), key=order.__getitem__)
    with torch.no_grad():
        tensor = variable.value
        tensor.data = tensor.data.permute(order).contiguous().permute(back)


def tensor_of(value):
    """Of a variable, or of what LoRA makes of several."""
    return value.value if isinstance(value, keras.Variable) else value
