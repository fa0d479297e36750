"""Encoders of images, `(height, width, channels)`.

Contract: `(shape, *, name, ...) -> keras.Model`, `(batch, *shape)` to `(batch, code)`.
Add an encoder of images here; a depth of the ResNet is a line in `BLOCKS`, a
normalisation one in `NORMS`.
"""

import keras

from mind_keras.encoders.middle import mark_halfway

# Basic blocks in each stage. A block has two convolutions, the stem one, and the head
# is counted as one more layer: depth = 2 + 2 * blocks.
BLOCKS = {6: (1, 1), 10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


def _batch_norm(groups, name):
    # Keras' momentum of 0.99 takes hundreds of steps to forget the initial statistics.
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)


def _group_norm(groups, name):
    return keras.layers.GroupNormalization(groups, epsilon=1e-5, name=name)


NORMS = {"batch": _batch_norm, "group": _group_norm}
STEMS = ("stride1", "stride2")


def resnet(
    shape: tuple[int, int, int],
    *,
    name: str,
    depth: int = 10,
    width: int = 64,
    norm: str = "batch",
    groups: int = 8,
    stem: str = "stride2",
    rescale: bool = False,
) -> keras.Model:
    """A ResNet of basic blocks [1], with global average pooling.

    Channels double from stage to stage and each stage but the first halves the
    image. Depths 18 and 34 are those of [1]; 10 has one block in each of the four
    stages, 6 has one block in each of only two.

    Args:
        shape: `(height, width, channels)`, any number of channels.
        name: Name of the model.
        depth: One of `BLOCKS`: 6, 10, 18, 34.
        width: Channels of the first stage. The code has `width` (depth 6: 2,
            else: 8) channels. Take 16 or more: with 8 and `stem="stride1"` the CPU
            kernels of TensorFlow 2.21 and torch 2.13 crashed in training, on images of
            48 pixels and a processor with AVX-512.
        norm: `"batch"`, or `"group"`, which does not depend on the other rows.
        groups: Groups of `norm="group"`; must divide `width`.
        stem: `"stride2"`, 7x7 and max-pooling, quarters the image; `"stride1"`, 3x3,
            keeps small images (below about 64 pixels) as they are.
        rescale: Divide by 255 first, for images in uint8.

    Returns:
        A functional model, `(batch, height, width, channels)` to `(batch, code)`.

    Raises:
        ValueError: If the shape is not that of an image, an option is unknown, or
            `groups` does not divide `width`.

    Example:
        >>> resnet((96, 96, 1), name="cxr_encoder", depth=10, width=16).output_shape
        (None, 128)

    [1] He et al. (2016), Deep residual learning for image recognition, table 1.
    https://arxiv.org/abs/1512.03385
    """
    _check(shape, name, depth, norm, stem)
    if norm == "group" and width % groups:
        raise ValueError(
            f"`groups` must divide `width`. Received: groups={groups}, width={width} "
            f"for {name!r}."
        )

    def normalise(x, layer_name):
        return NORMS[norm](groups, layer_name)(x)

    pixels = x = keras.Input(shape, name=f"{name}_input")
    if rescale:
        x = keras.layers.Rescaling(1 / 255)(x)
    x = _stem(x, width, stem, normalise)
    for stage, blocks in enumerate(BLOCKS[depth]):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            where = f"stage{stage + 1}_block{block + 1}"
            x = _basic_block(x, width * 2**stage, stride, normalise, where)
        x = mark_halfway(x, stage + 1, len(BLOCKS[depth]))
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(pixels, x, name=name)


def _stem(x, width, stem, normalise):
    if stem == "stride1":
        return _relu(_convolve(x, width, 3, 1, normalise, "stem"), "stem")
    x = _relu(_convolve(x, width, 7, 2, normalise, "stem"), "stem")
    # Zeros are as good as -inf here: after a ReLU no value is smaller.
    x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    return keras.layers.MaxPooling2D(3, 2, name="stem_pool")(x)


def _basic_block(x, channels, stride, normalise, name):
    y = _convolve(x, channels, 3, stride, normalise, f"{name}_1")
    y = _convolve(_relu(y, f"{name}_1"), channels, 3, 1, normalise, f"{name}_2")
    if stride > 1 or x.shape[-1] != channels:
        x = _convolve(x, channels, 1, stride, normalise, f"{name}_shortcut")
    return _relu(keras.layers.Add(name=f"{name}_add")([x, y]), name)


def _convolve(x, channels, size, stride, normalise, name):
    """A convolution without bias, and the normalisation that brings one."""
    padding = "same"
    if stride > 1 and size > 1:
        # "same" pads unevenly at stride 2, which the torch backend does slowly.
        x = keras.layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
        padding = "valid"
    x = keras.layers.Conv2D(
        channels,
        size,
        stride,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return normalise(x, f"{name}_norm")


def _relu(x, name):
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _check(shape, name, depth, norm, stem):
    if len(shape) != 3:
        raise ValueError(
            "An encoder of images needs rows of shape (height, width, channels). "
            f"Received: shape={tuple(shape)} for {name!r}. Grey ones have 1 channel."
        )
    choices = (
        ("depth", depth, tuple(BLOCKS)),
        ("norm", norm, tuple(NORMS)),
        ("stem", stem, STEMS),
    )
    for option, value, known in choices:
        if value not in known:
            raise ValueError(
                f"`{option}` must be one of {known}. Received: {option}={value!r} for "
                f"{name!r}."
            )
