"""The middle of an encoder: where mid-level fusion cuts it in two.

The middle is the output of a layer named `middle`, features `(batch, ..., channels)`;
everything after it must be computed from it alone. Encoders of `ENCODERS` mark it with
`mark_halfway`; in a user's own model any layer may have that name.
"""

import keras

from mind_keras.graph import is_input, reach, topological

MIDDLE = "middle"


def mark_halfway(x, done: int, stages: int):
    """The same features; after half of the stages, by a layer that marks the middle.

    An encoder of a single stage has no middle.

    Args:
        x: Features, `(batch, ..., channels)`, symbolic.
        done: The number of stages they have gone through, from 1.
        stages: The number of all stages.

    Example:
        >>> features = keras.Input((48, 64))
        >>> mark_halfway(features, 1, 2) is features
        False
        >>> mark_halfway(features, 2, 2) is features
        True
    """
    return keras.layers.Identity(name=MIDDLE)(x) if done == stages // 2 else x


def halve(encoder: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The encoder as two models that share its layers, one after the other.

    Args:
        encoder: Functional, with one input and one output.

    Returns:
        The lower half, rows to features, and the upper half, features to code, called
        `<encoder>_lower` and `<encoder>_upper`.

    Raises:
        ValueError: If the encoder does not have one middle, or there is a way around
            it.

    Example:
        >>> from mind_keras.encoders.sequence import lstm
        >>> lower, upper = halve(lstm((48, 76), name="ehr_encoder", layers=2))
        >>> lower.output_shape, upper.output_shape
        ((None, 48, 64), (None, 64))
    """
    code = encoder.outputs[0]
    layers = [node for node in topological([code]) if node.operation.name == MIDDLE]
    if len(layers) != 1 or len(layers[0].outputs) != 1:
        raise ValueError(
            "Mid-level fusion needs encoders with a middle: one layer named "
            f"{MIDDLE!r}, used once, with one output. Received: {encoder.name!r} with "
            f"{len(layers)} of them. A named encoder that has `layers` needs `layers` "
            "of 2 or more; in a model of your own give the name to the layer after "
            "which modalities shall meet."
        )
    (features,) = layers[0].outputs
    after = topological([code], {id(features): features})
    if any(is_input(tensor) for node in after for tensor in node.input_tensors):
        raise ValueError(
            f"All that comes after the layer {MIDDLE!r} must be computed from it "
            f"alone. Received: {encoder.name!r}, with a connection that goes around "
            "it. Name a layer so that no connection skips, such as the last of a block."
        )
    lower = keras.Model(encoder.inputs[0], features, name=f"{encoder.name}_lower")
    entry = keras.Input(batch_shape=features.shape, dtype=features.dtype)
    (code,) = reach([code], {id(features): entry})
    return lower, keras.Model(entry, code, name=f"{encoder.name}_upper")
