"""What encoders say: the codes inside a student or a unimodal model.

The code of a modality is the output of its layer `<modality>_encoder`, or of the upper
half of it where a mid-level fusion cuts encoders; see `models.build_student`.
"""

import keras

from mind_keras.graph import graph, topological


def codes(model: keras.Model) -> dict:
    """The codes that a model's heads are computed from, `{modality: tensor}`.

    Args:
        model: From `build_student`, with one head on each code; or a part of one.

    Returns:
        Symbolic tensors of its graph, `(batch, size)`.

    Raises:
        ValueError: If the encoder of an input is not a layer of its own, or is read in
            several ways.

    Example:
        >>> import mind_keras as mk
        >>> spec = mk.load("diabetes").spec
        >>> student = mk.build_student(spec, {"serum": "mlp", "vitals": "mlp"})
        >>> {name: code.shape for name, code in codes(student).items()}
        {'serum': (None, 64), 'vitals': (None, 64)}
    """
    inputs, outputs = graph(model)
    found = {name: [] for name in inputs}
    of = {layer: name for name in inputs for layer in encoder_layers(name)[-2:]}
    for node in topological(outputs.values()):
        if node.operation.name in of:
            found[of[node.operation.name]].extend(node.outputs)
    strange = {name: len(some) for name, some in found.items() if len(some) != 1}
    if strange:
        raise ValueError(
            "Codes are the outputs of the layers `<modality>_encoder`, one for each "
            f"modality. Received: {model.name!r} with {strange}. Build the model with "
            "`mk.build_student`, for a mid-level fusion with the fusion head alone."
        )
    return {name: tensor for name, (tensor,) in found.items()}


def encoder_layers(modality: str) -> tuple[str, str, str]:
    """The names that an encoder's layers may have: lower half, whole, upper half."""
    whole = f"{modality}_encoder"
    return f"{whole}_lower", whole, f"{whole}_upper"


def encoder_weights(model: keras.Model, modality: str) -> list:
    """The weights of an encoder, whole or in halves, `[array, ...]` in its order."""
    names = encoder_layers(modality)
    layers = {layer.name: layer for layer in model.layers if layer.name in names}
    return [w for name in names if name in layers for w in layers[name].get_weights()]
