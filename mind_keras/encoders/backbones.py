"""Encoders of images by the networks of libraries: `applications:ResNet50`.

Contract: `BACKBONES` is `{"library:network": encoder}`, an encoder as those of
`ENCODERS`. A new library: a dict `{network: Network}`, named in `LIBRARIES`.
"""

from functools import partial
from pathlib import Path

import keras

from mind_keras.encoders import backbones_applications, backbones_generic
from mind_keras.encoders.backbones_network import OF_COLOURS, OWN, SCALES, Network

LIBRARIES = {
    "applications": backbones_applications.NETWORKS,
    "keras_cv": backbones_generic.KERAS_CV,
    "keras_hub": backbones_generic.KERAS_HUB,
}
IMAGENET = "imagenet"


def backbone(
    library: str,
    network: str,
    shape: tuple[int, int, int],
    *,
    name: str,
    weights: str | None = None,
    rescale: bool | str = False,
    trainable: bool = True,
) -> keras.Model:
    """A network of a library, without its top, with global average pooling.

    Without weights it takes images of any number of channels. With weights it takes
    three; a grey image is given to it three times. Its batch normalisation has the
    momentum of `image.resnet`, so that some hundred steps suffice.

    Args:
        library: One of `LIBRARIES`: `"applications"`, `"keras_cv"`, `"keras_hub"`.
        network: One of the library's networks.
        shape: `(height, width, channels)`. Most networks reduce a side by 32.
        name: Name of the model.
        weights: Path of a file of weights of the network without its top, `"imagenet"`
            (of `keras.applications`, where Keras has them or can download them), or
            None: random ones.
        rescale: Whether rows are pixels of 0 to 255, as uint8. True: divide by 255
            where there are no weights, else do what the library's `preprocess_input`
            does. Or one of `SCALES`, for weights that were trained otherwise: `"unit"`
            (0 to 1), `"signed"` (-1 to 1), `"standard"` (ImageNet's mean 0, variance
            1), `"bgr"` (blue first, less ImageNet's mean). False: rows as they are.
        trainable: False keeps the network as its weights are: only what comes after
            it learns.

    Returns:
        A functional model, `(batch, *shape)` to `(batch, code)`.

    Raises:
        ValueError: If the shape is not that of an image that the network takes, an
            option is unknown or does not fit, or the file is not one of this network.
        ImportError: If the library is not installed.
        OSError: If `"imagenet"` weights cannot be had.

    Example:
        >>> model = backbone("applications", "VGG16", (32, 32, 1), name="cxr_encoder")
        >>> model.output_shape
        (None, 512)
    """
    known = LIBRARIES[library][network]
    title = f"{library}:{network}"
    _check(title, known, shape, name, weights, trainable)
    scale = _scale(title, known, shape, weights, rescale)
    pixels = x = keras.Input(shape, name=f"{name}_input")
    if weights is not None and shape[-1] == 1:
        x = keras.layers.Concatenate(name="grey_to_colours")([x, x, x])
    built = known.build(
        tuple(x.shape[1:]), imagenet=weights == IMAGENET, own_scale=scale == OWN
    )
    if weights not in (None, IMAGENET):
        _load(built, weights, title)
    # Libraries have classes of their own for what is a graph of stock layers.
    model = keras.Model(built.inputs[0], built.outputs[0], name=network.lower())
    _forget_faster(model)
    model.trainable = trainable
    if scale in SCALES:
        x = SCALES[scale](x)
    code = keras.layers.GlobalAveragePooling2D(name="pool")(model(x))
    return keras.Model(pixels, code, name=name)


def _scale(title, known: Network, shape, weights, rescale) -> str | None:
    """What is done to pixels: a name of `SCALES`, `OWN`, or None."""
    choices = (False, True, *SCALES)
    if rescale not in choices:
        raise ValueError(
            f"`rescale` must be one of {choices}. Received: rescale={rescale!r} for "
            f"{title!r}."
        )
    usual = "unit" if weights is None and not known.always_own else known.scale
    scale = {False: None, True: usual}.get(rescale, rescale)
    if known.always_own and scale != OWN:
        raise ValueError(
            f"{title!r} scales pixels of 0 to 255 by its own layers, so it must have "
            f"`rescale: true`. Received: rescale={rescale!r}. For other rows take an "
            "EfficientNetV2."
        )
    if scale in OF_COLOURS and weights is None and shape[-1] != 3:
        raise ValueError(
            f"The scales {OF_COLOURS} must have 3 channels. Received: rescale="
            f"{rescale!r} and shape={shape} for {title!r}. Without weights "
            "`rescale: true` will do."
        )
    return scale


def _check(title, known: Network, shape, name, weights, trainable) -> None:
    if len(shape) != 3:
        raise ValueError(
            "An encoder of images needs rows of shape (height, width, channels). "
            f"Received: shape={tuple(shape)} for {name!r}. Grey ones have 1 channel."
        )
    if weights is None and not trainable:
        raise ValueError(
            "A network that is not `trainable` must have `weights`. Received: none for "
            f"{title!r}, which would stay as random as it is."
        )
    if weights is not None and shape[-1] not in (1, 3):
        raise ValueError(
            f"With `weights` images must have 1 or 3 channels. Received: {shape} for "
            f"{title!r}. Without weights any number will do."
        )
    if weights in (None, IMAGENET):
        return
    if known.always_own:
        raise ValueError(
            f"{title!r} must be without weights, or with {IMAGENET!r}: it is another "
            f"graph then. Received: weights={weights!r}. Take an EfficientNetV2."
        )
    if not Path(weights).is_file():
        raise ValueError(
            f"`weights` must be {IMAGENET!r} or the path of a file. Received: "
            f"{weights!r} for {title!r}, and no such file."
        )


def _load(model: keras.Model, path: str, title: str) -> None:
    try:
        model.load_weights(path)
    except Exception as error:  # HDF5, zip and Keras each raise their own.
        raise ValueError(
            f"The file of `weights` must be one of {title!r}, without its top, for 3 "
            f"channels. Received: {path}, and {type(error).__name__}: {error}"
        ) from error


def _forget_faster(model: keras.Model) -> None:
    """Set the momentum of batch normalisation, up to 0.999 in these networks."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9


BACKBONES = {
    f"{library}:{network}": partial(backbone, library, network)
    for library, networks in LIBRARIES.items()
    for network in networks
}
