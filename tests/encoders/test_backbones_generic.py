"""Networks of keras-cv and keras-hub: sizes against the papers; the missing package.

What needs a package is skipped where it is not installed.
"""

import importlib.util
import re
import sys
import warnings

import numpy as np
import pytest
from checks import (
    check_one_code_per_row,
    check_one_step_learns_everywhere,
    check_saved_predicts_the_same,
    check_stock_layers_only,
    with_head,
)

from mind_keras.encoders import BACKBONES
from mind_keras.encoders.backbones_generic import (
    DENSENETS,
    KERAS_CV,
    KERAS_HUB,
    RESNETS,
)

# Trainable parameters for three channels, of torchvision's networks less their last
# layer. https://pytorch.org/vision/stable/models.html
PARAMETERS = {
    "resnet18": 11_689_512 - 513_000,
    "resnet34": 21_797_672 - 513_000,
    "resnet50": 25_557_032 - 2_049_000,
    "densenet121": 7_978_856 - 1_025_000,
}
BUILT = [
    f"{library}:{name}" for library in ("keras_cv", "keras_hub") for name in PARAMETERS
]
SAVED = ["keras_cv:resnet18", "keras_cv:resnet18_v2", "keras_cv:efficientnetv2_b0"]
SAVED += ["keras_hub:resnet18", "keras_hub:resnet18_v2"]


def build(name, shape):
    """A backbone, or a skipped test; imports of others may warn."""
    library = name.partition(":")[0]
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return BACKBONES[name](shape, name="part_encoder", rescale=True)


@pytest.mark.parametrize("name", sorted(RESNETS))
def test_a_resnet_has_as_many_layers_as_its_name_says(name):
    block, blocks = RESNETS[name]
    layers = {"basic": 2, "bottleneck": 3}[block] * sum(blocks) + 2
    assert name == f"resnet{layers}"


@pytest.mark.parametrize("name", sorted(DENSENETS))
def test_a_densenet_has_as_many_layers_as_its_name_says(name):
    # Two in each dense layer; the stem, three transitions and the classifier.
    assert name == f"densenet{2 * sum(DENSENETS[name]) + 5}"


def test_both_libraries_have_the_networks_of_the_papers():
    names = {*RESNETS, *DENSENETS, *(f"{name}_v2" for name in RESNETS)}
    assert set(KERAS_HUB) == names
    assert set(KERAS_CV) == {*names, "efficientnetv2_b0"}


@pytest.mark.parametrize("name", BUILT)
def test_a_network_has_the_parameters_of_its_paper(name):
    model = build(name, (96, 96, 3))
    count = sum(np.prod(v.shape) for v in model.trainable_variables)
    # keras-cv and keras-hub are without the biases that batch normalisation undoes.
    assert count == PARAMETERS[name.partition(":")[2]]


@pytest.mark.parametrize("library", ["keras_cv", "keras_hub"])
def test_the_second_version_of_a_resnet_is_another_network(library):
    first, second = (
        build(f"{library}:resnet18{ending}", (32, 32, 3)) for ending in ("", "_v2")
    )
    assert second.output_shape == first.output_shape
    assert second.count_params() < first.count_params()


@pytest.mark.parametrize("name", SAVED)
def test_a_network_of_a_library_is_an_encoder_of_grey_images(name, tmp_path):
    model = build(name, (96, 96, 1))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 1)).astype("uint8")
    check_one_code_per_row(model, (96, 96, 1))
    check_saved_predicts_the_same(model, tmp_path / "same.keras", pixels)
    if re.search("resnet", name):
        check_stock_layers_only(model, tmp_path / "stock.keras")


@pytest.mark.parametrize("name", ["keras_cv:resnet18", "keras_hub:resnet18"])
def test_a_network_of_a_library_learns_everywhere_in_one_step(name):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 96, 96, 1))
    model = with_head(build(name, (96, 96, 1)))
    check_one_step_learns_everywhere(model, pixels.astype("float32"))


@pytest.mark.parametrize(
    ("library", "extra"), [("keras_cv", "cv"), ("keras_hub", "hub")]
)
def test_where_a_library_is_missing_the_error_names_the_extra(
    library, extra, monkeypatch
):
    monkeypatch.setitem(sys.modules, library, None)
    message = rf"`{library}:...`.*pip install \"mind_keras\[{extra}\]\".*applications:"
    with pytest.raises(ImportError, match=message):
        BACKBONES[f"{library}:resnet18"]((96, 96, 1), name="e")


def test_weights_by_name_are_refused_before_the_library_is_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ValueError, match=r"from a file.*ResNetBackbone\.from_preset"):
        BACKBONES["keras_hub:resnet18"]((96, 96, 3), name="e", weights="imagenet")
