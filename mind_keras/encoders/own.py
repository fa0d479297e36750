"""A user's own model as an encoder.

Contract: any functional model with one input and one output becomes a model
`(batch, *shape)` to `(batch, code)` of the same layers; it is not changed itself.
"""

import keras

POOLINGS = {
    3: keras.layers.GlobalAveragePooling1D,
    4: keras.layers.GlobalAveragePooling2D,
    5: keras.layers.GlobalAveragePooling3D,
}


def adopt(model: keras.Model, shape: tuple[int, ...], *, name: str) -> keras.Model:
    """The model under a new name, its output averaged over all but channels.

    Args:
        model: Functional, or a `Sequential` with an `Input`; a backbone without top.
        shape: Shape of one row of the modality.
        name: Name of the encoder.

    Returns:
        A functional model that shares the layers of `model`, `(batch, *shape)` to
        `(batch, code)`.

    Raises:
        ValueError: If the model is not functional, has several inputs or outputs,
            takes another shape, or gives nothing that can be averaged to a code.

    Example:
        >>> image = keras.Input((8, 8, 1))
        >>> backbone = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
        >>> adopt(backbone, (8, 8, 1), name="cxr_encoder").output_shape
        (None, 4)
    """
    inputs, outputs = _ends(model, name)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            f"An encoder must have one input and one output. Received: {len(inputs)} "
            f"inputs and {len(outputs)} outputs for {name!r}."
        )
    row = tuple(inputs[0].shape[1:])
    if len(row) != len(shape) or any(
        size not in (None, wanted) for size, wanted in zip(row, shape, strict=True)
    ):
        raise ValueError(
            f"The encoder {name!r} must take rows of the modality's shape {shape}. "
            f"Received: a model that takes {row}."
        )
    code = outputs[0]
    if len(code.shape) in POOLINGS:
        code = POOLINGS[len(code.shape)](name="pool_code")(code)
    if len(code.shape) != 2 or code.shape[-1] is None:
        raise ValueError(
            f"The encoder {name!r} must give a code (batch, size), or a map of one to "
            f"three axes and channels. Received: output shape {outputs[0].shape}."
        )
    return keras.Model(inputs[0], code, name=name)


def _ends(model, name):
    try:
        return model.inputs, model.outputs
    except AttributeError:
        raise ValueError(
            "An encoder must be a functional model: `keras.Model(inputs, outputs)`, or "
            f"a `Sequential` with an `Input`. Received: {model!r} for {name!r}."
        ) from None
