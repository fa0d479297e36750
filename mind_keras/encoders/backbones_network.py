"""What a backbone of a library needs to be known by: how it is built, what it reads.

A library is a dict `{network: Network}`. The scale is what the network's pretrained
weights expect of pixels: a name of `SCALES`, or `OWN`.
To add a scale: a function in `SCALES`.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras

# Of ImageNet: means and standard deviations of red, green and blue, pixels of 0 to 1.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# The same means in pixels of 0 to 255 of blue, green and red, rounded as VGG has them.
BGR_MEAN = (103.939, 116.779, 123.68)
# The network has layers of its own that take pixels of 0 to 255.
OWN = "own"


class Network(NamedTuple):
    """A backbone of a library.

    Args:
        build: `(shape, *, imagenet, own_scale) -> keras.Model`, functional, images to
            a map of features; with Keras' ImageNet weights, with its own layers that
            scale pixels.
        scale: What pretrained weights expect: a name of `SCALES`, or `OWN`.
        always_own: Whether the layers that scale pixels cannot be left out.
    """

    build: Callable[..., keras.Model]
    scale: str = "unit"
    always_own: bool = False


def _unit(x):
    return keras.layers.Rescaling(1 / 255)(x)


def _signed(x):
    return keras.layers.Rescaling(1 / 127.5, offset=-1.0)(x)


def _standard(x):
    pairs = list(zip(MEAN, DEVIATION, strict=True))
    scale = [1 / (255 * deviation) for _, deviation in pairs]
    return keras.layers.Rescaling(scale, offset=[-m / d for m, d in pairs])(x)


def _bgr(x):
    offset = [-mean for mean in BGR_MEAN]
    return keras.layers.Rescaling(1.0, offset=offset)(keras.ops.flip(x, axis=-1))


# Pixels of 0 to 255, `(batch, height, width, channels)`, to what a network expects.
# Those of ImageNet's colours need three channels.
SCALES = {"unit": _unit, "signed": _signed, "standard": _standard, "bgr": _bgr}
OF_COLOURS = ("standard", "bgr")
