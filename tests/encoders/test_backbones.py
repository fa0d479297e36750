"""Backbones of libraries as encoders: pixels, channels, weights; what is refused."""

import sys

import keras
import numpy as np
import pytest
from checks import (
    assert_close,
    check_one_code_per_row,
    check_one_step_learns_everywhere,
    check_saved_predicts_the_same,
    check_stock_layers_only,
    with_head,
)

import mind_keras as mk
from mind_keras.config import read_config
from mind_keras.encoders import BACKBONES, backbones
from mind_keras.encoders.backbones import backbone
from mind_keras.encoders.backbones_applications import NETWORKS
from mind_keras.encoders.backbones_network import OWN, SCALES, Network
from mind_keras.macs import macs

SMALL = "applications:MobileNetV3Small"
RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (4, 8, 8, 3)).astype("uint8")
GREY = COLOURS[..., :1]
MEANS, DEVIATIONS = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def tiny(shape, *, imagenet, own_scale):
    pixels = keras.Input(shape)
    x = keras.layers.Rescaling(1 / 100)(pixels) if own_scale else pixels
    x = keras.layers.Conv2D(5, 3, name="first", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.999, name="norm")(x)
    return keras.Model(pixels, keras.layers.Activation("tanh")(x))


@pytest.fixture(autouse=True)
def _library(monkeypatch):
    """A library of networks that are built in no time."""
    made_up = {"Tiny": Network(tiny, "signed"), "Own": Network(tiny, OWN)}
    made_up["Always"] = Network(tiny, OWN, always_own=True)
    monkeypatch.setitem(backbones.LIBRARIES, "made_up", made_up)


def made_up(network="Tiny", shape=(8, 8, 3), **options):
    return backbone("made_up", network, shape, name="cxr_encoder", **options)


@pytest.fixture
def file(tmp_path):
    """Weights of the tiny network for three channels, of odd statistics."""
    model = tiny((8, 8, 3), imagenet=False, own_scale=False)
    norm = model.get_layer("norm")
    norm.set_weights([w + 0.1 * k for k, w in enumerate(norm.get_weights(), 1)])
    model.save_weights(tmp_path / "tiny.weights.h5")
    return str(tmp_path / "tiny.weights.h5")


@pytest.fixture(scope="module")
def small():
    return BACKBONES[SMALL]((96, 96, 1), name="part_encoder", rescale=True)


def answer(model, rows):
    return model.predict(rows, verbose=0)


def inner(model, network="tiny"):
    return model.get_layer(network)


def test_a_network_of_applications_gives_one_code_per_grey_row(small):
    check_one_code_per_row(small, (96, 96, 1))
    assert small.name == "part_encoder"
    assert small.output_shape == (None, 576)
    assert macs(small) > 0


def test_a_network_of_applications_is_of_stock_layers_and_survives_saving(
    small, tmp_path
):
    pixels = RNG.integers(0, 256, (2, 96, 96, 1)).astype("uint8")
    check_stock_layers_only(small, tmp_path / "stock.keras")
    check_saved_predicts_the_same(small, tmp_path / "same.keras", pixels)


def test_a_network_of_applications_learns_everywhere_in_one_step(small):
    pixels = RNG.integers(0, 256, (8, 96, 96, 1)).astype("float32")
    check_one_step_learns_everywhere(with_head(small), pixels)


def test_every_network_of_keras_applications_is_there_on_the_scale_it_was_trained_on():
    there = {name for name in dir(keras.applications) if name[0].isupper()}
    assert set(NETWORKS) == there and len(there) > 30
    pixels = COLOURS.astype("float32")
    for name, network in NETWORKS.items():
        module = sys.modules[getattr(keras.applications, name).__module__]
        expected = module.preprocess_input(pixels.copy())
        found = pixels if network.scale == OWN else SCALES[network.scale](pixels)
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(found), expected, atol=2e-4, err_msg=name
        )


def numpy_scale(scale):
    pixels = COLOURS.astype("float64")
    return {
        "unit": pixels / 255,
        "signed": pixels / 127.5 - 1,
        "standard": (pixels / 255 - MEANS) / DEVIATIONS,
        "bgr": pixels[..., ::-1] - [103.939, 116.779, 123.68],
    }[scale]


@pytest.mark.parametrize("scale", sorted(SCALES))
def test_a_scale_does_to_bytes_what_numpy_does(scale, file):
    scaled = made_up(weights=file, rescale=scale)
    plain = made_up(weights=file)
    expected = answer(plain, numpy_scale(scale).astype("float32"))
    assert_close(answer(scaled, COLOURS), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "with_weights", "scale"),
    [("Tiny", False, "unit"), ("Own", False, "unit"), ("Tiny", True, "signed")],
)
def test_true_divides_by_255_without_weights_and_is_the_networks_way_with(
    network, with_weights, scale, file
):
    given = {"weights": file} if with_weights else {}
    true, named = made_up(network, rescale=True, **given), made_up(rescale=scale)
    named.set_weights(true.get_weights())
    assert_close(answer(true, COLOURS), answer(named, COLOURS))


@pytest.mark.parametrize(("network", "given"), [("Own", True), ("Always", False)])
def test_a_network_that_scales_by_itself_is_given_pixels(network, given, file):
    options = {"weights": file} if given else {}
    own = made_up(network, rescale=True, **options)
    rows = COLOURS.astype("float32")
    plain = made_up()
    plain.set_weights(own.get_weights())
    assert_close(answer(own, rows), answer(plain, rows / 100), atol=1e-5)


def test_without_weights_the_network_has_the_channels_of_the_image():
    for channels in (1, 2, 3, 4):
        model = made_up(shape=(8, 8, channels))
        assert inner(model).get_layer("first").kernel.shape[2] == channels


def test_with_weights_a_grey_image_is_a_colour_image_of_three_equal_channels(file):
    for rescale in (False, *SCALES):
        grey = made_up(shape=(8, 8, 1), weights=file, rescale=rescale)
        colours = made_up(weights=file, rescale=rescale)
        expected = answer(colours, np.repeat(GREY, 3, axis=-1))
        assert_close(answer(grey, GREY), expected, atol=1e-5)


def test_weights_are_those_of_the_file(file):
    saved = tiny((8, 8, 3), imagenet=False, own_scale=False)
    saved.load_weights(file)
    assert_close(made_up(weights=file).get_weights(), saved.get_weights())


def test_the_code_is_the_mean_of_the_map(file):
    saved = tiny((8, 8, 3), imagenet=False, own_scale=False)
    saved.load_weights(file)
    rows = RNG.normal(size=(3, 8, 8, 3)).astype("float32")
    expected = answer(saved, rows).mean(axis=(1, 2))
    assert_close(answer(made_up(weights=file), rows), expected, atol=1e-5)


def test_a_frozen_network_does_not_move_and_stays_frozen_in_its_file(file, tmp_path):
    frozen = made_up(weights=file, trainable=False)
    assert frozen.trainable_variables == []
    assert made_up(weights=file).trainable_variables != []
    before = frozen.get_weights()
    model = with_head(frozen)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    head = model.layers[-1].get_weights()[0]
    model.fit(COLOURS.astype("float32"), np.ones((4, 1)), verbose=0)
    assert_close(frozen.get_weights(), before, atol=0)
    assert not np.array_equal(model.layers[-1].get_weights()[0], head)
    frozen.save(tmp_path / "frozen.keras")
    loaded = keras.saving.load_model(tmp_path / "frozen.keras")
    assert loaded.trainable_variables == []


def test_batch_normalisation_forgets_within_some_steps(small, file):
    kind = keras.layers.BatchNormalization
    for model in (inner(small, "mobilenetv3small"), inner(made_up(weights=file))):
        norms = [layer for layer in model.layers if isinstance(layer, kind)]
        assert norms and {norm.momentum for norm in norms} == {0.9}


@pytest.mark.parametrize(
    ("name", "rescale", "expected"),
    [
        ("MobileNetV3Small", True, {"include_preprocessing": True}),
        ("MobileNetV3Small", "unit", {"include_preprocessing": False}),
        ("EfficientNetB0", True, {}),
        ("ResNet50", True, {}),
    ],
)
def test_keras_is_asked_for_imagenet_weights_of_three_channels(
    monkeypatch, name, rescale, expected
):
    asked = []

    def network(**options):
        asked.append(options)
        return tiny(options["input_shape"], imagenet=True, own_scale=False)

    monkeypatch.setattr(keras.applications, name, network)
    BACKBONES[f"applications:{name}"](
        (8, 8, 1), name="e", weights="imagenet", rescale=rescale
    )
    common = {"include_top": False, "weights": "imagenet", "input_shape": (8, 8, 3)}
    assert asked == [common | expected]


def test_weights_that_cannot_be_downloaded_are_told_with_the_cure(monkeypatch):
    def network(**options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "VGG16", network)
    with pytest.raises(OSError, match=r"`applications:VGG16`.*URL fetch.*weights: P"):
        BACKBONES["applications:VGG16"]((32, 32, 3), name="e", weights="imagenet")


SPEC = mk.Spec(
    mk.Task("death", kind="binary", labels=("death",)),
    (mk.Modality("cxr", (96, 96, 1)), mk.Modality("lab", (4,))),
)


def test_a_backbone_is_named_in_the_api_and_in_a_config():
    lines = "{encoder: 'applications:MobileNetV3Small', rescale: true}"
    config = read_config(
        "configs/icu_mortality_smoke.yaml",
        [f"student.encoders.cxr={lines}", f"teachers.cxr=[{lines}]"],
    )
    teacher = mk.build_teacher(SPEC, "cxr", encoder=SMALL, rescale=True)
    student = mk.build_student(
        SPEC, {"cxr": config.student.encoders["cxr"], "lab": "mlp"}
    )
    for model in (teacher, student):
        encoder = model.get_layer("cxr_encoder")
        assert encoder.get_layer("mobilenetv3small")
        assert encoder.layers[1].scale == 1 / 255
    assert config.teachers["cxr"] == [config.student.encoders["cxr"]]


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("applications:ResNet51", "'applications:ResNet51'. Known: .*ions:ResNet50'"),
        ("resnet50", "'resnet50'. Known: .*'resnet', .*'keras_cv:resnet50'"),
        (
            {"encoder": SMALL, "depth": 3},
            r"\['depth'\].*Known: \('weights', 'rescale', 'trainable'\)",
        ),
    ],
)
def test_an_unknown_network_or_option_is_refused_with_the_known_ones(encoder, message):
    with pytest.raises(ValueError, match=message):
        mk.build_student(SPEC, {"cxr": encoder, "lab": "mlp"})


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("Tiny", {"shape": (5, 3)}, r"\(height, width, channels\).*\(5, 3\) for 'cxr_"),
        ("Tiny", {"rescale": "zero"}, "'unit', 'signed', .*rescale='zero'.*made_up:T"),
        ("Tiny", {"trainable": False}, "must have `weights`.*'made_up:Tiny'.*random"),
        ("Tiny", {"weights": "no.h5"}, "'imagenet' or the path.*'no.h5'.*no such file"),
        (
            "Tiny",
            {"weights": "imagenet", "shape": (8, 8, 2)},
            r"1 or 3 channels. Received: \(8, 8, 2\) for 'made_up:Tiny'",
        ),
        (
            "Tiny",
            {"rescale": "bgr", "shape": (8, 8, 1)},
            r"3 channels.*'bgr' and shape=\(8, 8, 1\).*`rescale: true` will do",
        ),
        ("Always", {}, "'made_up:Always' scales.*`rescale: true`.*rescale=False"),
        ("Always", {"rescale": "unit"}, "by its own layers.*rescale='unit'"),
        ("Always", {"rescale": True, "weights": "a"}, "another graph.*weights='a'"),
    ],
)
def test_what_does_not_fit_is_refused_at_the_door(network, options, message):
    with pytest.raises(ValueError, match=message):
        made_up(network, **options)


def test_a_file_of_another_network_is_refused(file, tmp_path):
    other = tmp_path / "other.weights.h5"
    pixels = keras.Input((8, 8, 3))
    keras.Model(pixels, keras.layers.Conv2D(7, 3)(pixels)).save_weights(other)
    broken = tmp_path / "broken.weights.h5"
    broken.write_bytes(b"no weights")
    for path in (other, broken):
        with pytest.raises(ValueError, match=f"'made_up:Tiny'.*{path.name}, and"):
            made_up(weights=str(path))


def test_an_image_that_is_too_small_is_refused_in_keras_words():
    with pytest.raises(ValueError, match=r"InceptionV3`.*\(32, 32, 1\). Keras .* 75"):
        BACKBONES["applications:InceptionV3"]((32, 32, 1), name="e")
