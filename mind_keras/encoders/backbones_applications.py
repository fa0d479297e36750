"""The networks of `keras.applications`, as backbones.

Contract: `NETWORKS` is `{name in keras.applications: Network}`. A new family of
networks: a line in `FAMILIES`, with the scale that its `preprocess_input` gives.
"""

import re
from functools import partial

import keras

from mind_keras.encoders.backbones_network import OWN, Network

# Names of networks, and what their ImageNet weights expect of pixels.
FAMILIES = {
    r"ConvNeXt\w+|EfficientNet\w+|MobileNetV3\w+": OWN,
    r"DenseNet\d+": "standard",
    r"ResNet\d+|VGG\d+": "bgr",
    r"Inception\w+|MobileNet(V2)?|NASNet\w+|ResNet\d+V2|Xception": "signed",
}
# Keras builds other layers for "imagenet", and these layers cannot be left out.
ALWAYS_OWN = r"EfficientNetB\d"


def build(
    network: str, shape: tuple[int, int, int], *, imagenet: bool, own_scale: bool
) -> keras.Model:
    """A network of `keras.applications` without its top.

    Args:
        network: A name of `NETWORKS`.
        shape: `(height, width, channels)`; 3 channels with ImageNet's weights.
        imagenet: Load the weights that Keras keeps or downloads.
        own_scale: Whether it gets pixels of 0 to 255, to be scaled by its own layers.

    Returns:
        A functional model, images to a map of features.

    Raises:
        ValueError: If the network does not take this shape.
        OSError: If the weights are neither in Keras' cache nor can be downloaded.

    Example:
        >>> model = build("VGG16", (32, 32, 1), imagenet=False, own_scale=False)
        >>> model.output_shape
        (None, 1, 1, 512)
    """
    options = {"include_preprocessing": own_scale} if _optional(network) else {}
    function = getattr(keras.applications, network)
    weights = "imagenet" if imagenet else None
    try:
        return function(
            include_top=False, weights=weights, input_shape=shape, **options
        )
    except ValueError as error:
        raise ValueError(
            f"`applications:{network}` must be able to take images of the modality's "
            f"shape. Received: {shape}. Keras says: {error}"
        ) from error
    except Exception as error:  # Keras tells of failed downloads by a bare Exception.
        raise OSError(
            f"The ImageNet weights of `applications:{network}` must be in the folder "
            f"`models` of Keras (~/.keras, or KERAS_HOME), or be there to download. "
            f"Received: {error}. Without the internet, get the file elsewhere and say "
            "`weights: PATH`."
        ) from error


def _optional(network: str) -> bool:
    """Whether the network's own scaling can be asked for and left out."""
    return NETWORKS[network].scale == OWN and not NETWORKS[network].always_own


NETWORKS = {
    name: Network(partial(build, name), scale, bool(re.fullmatch(ALWAYS_OWN, name)))
    for name in dir(keras.applications)
    for family, scale in FAMILIES.items()
    if re.fullmatch(family, name)
}
