"""Networks of keras-cv and keras-hub by their generic classes, which work offline.

Their named networks ask a server even where no weights are wanted; so what makes a
ResNet-18 stands here. The packages are imported when a network is built. Left out are
networks whose layers cannot be read back from a file (MobileNetV3 of keras-cv 0.9.0).
Contract: `KERAS_CV` and `KERAS_HUB` are `{name: Network}`. To add a network: a line
with its class and arguments.
"""

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import keras

from mind_keras.encoders.backbones_network import Network

EXTRAS = {"keras_cv": "cv", "keras_hub": "hub"}

# He et al. (2016), Deep residual learning for image recognition, table 1.
# https://arxiv.org/abs/1512.03385
RESNETS = {
    "resnet18": ("basic", [2, 2, 2, 2]),
    "resnet34": ("basic", [3, 4, 6, 3]),
    "resnet50": ("bottleneck", [3, 4, 6, 3]),
    "resnet101": ("bottleneck", [3, 4, 23, 3]),
    "resnet152": ("bottleneck", [3, 8, 36, 3]),
}
FILTERS, STRIDES = [64, 128, 256, 512], [1, 2, 2, 2]
# Huang et al. (2017), Densely connected convolutional networks, table 1.
# https://arxiv.org/abs/1608.06993
DENSENETS = {
    "densenet121": [6, 12, 24, 16],
    "densenet169": [6, 12, 32, 32],
    "densenet201": [6, 12, 48, 32],
}
# Tan & Le (2021), EfficientNetV2, of which B0 is the smallest in the authors' code.
# https://arxiv.org/abs/2104.00298
EFFICIENTNET_V2_B0 = {
    "width_coefficient": 1.0,
    "depth_coefficient": 1.0,
    "stackwise_kernel_sizes": [3] * 6,
    "stackwise_num_repeats": [1, 2, 2, 3, 5, 8],
    "stackwise_input_filters": [32, 16, 32, 48, 96, 112],
    "stackwise_output_filters": [16, 32, 48, 96, 112, 192],
    "stackwise_expansion_ratios": [1, 4, 4, 4, 6, 6],
    "stackwise_squeeze_and_excite_ratios": [0, 0, 0, 0.25, 0.25, 0.25],
    "stackwise_strides": [1, 2, 2, 2, 1, 2],
    "stackwise_conv_types": ["fused"] * 3 + ["unfused"] * 3,
}


def build(
    library: str,
    kind: str,
    arguments: Mapping[str, Any],
    shape: tuple[int, int, int],
    *,
    imagenet: bool,
    own_scale: bool,
) -> keras.Model:
    """A network of a generic class, with random weights.

    Args:
        library: `"keras_cv"` or `"keras_hub"`.
        kind: A class of the library's `models`.
        arguments: Its arguments, but for the shape.
        shape: `(height, width, channels)`.
        imagenet: Refused: there are no weights that come by this name.
        own_scale: Not used: no such network has layers of its own for it.

    Returns:
        A functional model, images to a map of features.

    Raises:
        ImportError: If the library, or TensorFlow, which keras-cv needs on each
            backend, is not installed.
        ValueError: If `imagenet` is asked for.
    """
    if imagenet:
        raise ValueError(
            f"A network of {library} must get its weights from a file. Received: "
            '`weights="imagenet"`. Give the path of a file; or, with the internet, '
            f"build the model, `{library}.models.{kind}.from_preset(...)`, and hand "
            "it on as the encoder."
        )
    models = _import(library).models
    side = "input_shape" if library == "keras_cv" else "image_shape"
    return getattr(models, kind)(**arguments, **{side: shape})


def _import(library: str):
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise ImportError(
            f"The encoders `{library}:...` must have the package of that name. "
            f"Received: {error}. Install it with "
            f'`pip install "mind_keras[{EXTRAS[library]}]"`, or use `applications:...`.'
        ) from error


def _cv(kind: str, **arguments: Any) -> Network:
    arguments["include_rescaling"] = False
    return Network(partial(build, "keras_cv", kind, arguments))


def _hub(kind: str, **arguments: Any) -> Network:
    return Network(partial(build, "keras_hub", kind, arguments))


def _cv_resnet(version: str, block: str, blocks: list[int]) -> Network:
    return _cv(
        f"ResNet{version}Backbone",
        stackwise_filters=FILTERS,
        stackwise_blocks=blocks,
        stackwise_strides=STRIDES,
        block_type={"basic": "basic_block", "bottleneck": "block"}[block],
    )


def _hub_resnet(version: str, block: str, blocks: list[int]) -> Network:
    return _hub(
        "ResNetBackbone",
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=FILTERS,
        stackwise_num_blocks=blocks,
        stackwise_num_strides=STRIDES,
        block_type=f"{block}_block",
        use_pre_activation=version == "V2",
    )


VERSIONS = {"": "", "_v2": "V2"}
KERAS_CV = {
    f"{name}{ending}": _cv_resnet(version, *sizes)
    for ending, version in VERSIONS.items()
    for name, sizes in RESNETS.items()
} | {
    "efficientnetv2_b0": _cv("EfficientNetV2Backbone", **EFFICIENTNET_V2_B0),
}
KERAS_HUB = {
    f"{name}{ending}": _hub_resnet(version, *sizes)
    for ending, version in VERSIONS.items()
    for name, sizes in RESNETS.items()
}
for _name, _repeats in DENSENETS.items():
    KERAS_CV[_name] = _cv("DenseNetBackbone", stackwise_num_repeats=_repeats)
    KERAS_HUB[_name] = _hub("DenseNetBackbone", stackwise_num_repeats=_repeats)
