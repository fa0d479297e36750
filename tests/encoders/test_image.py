"""The ResNet: against a closed form, published sizes and NumPy."""

import inspect

import keras
import numpy as np
import pytest
from checks import draw
from scipy.signal import correlate2d

from mind_keras.encoders.image import resnet


def resnet_parameters(blocks, width, channels, stem):
    """Trainable parameters by the closed form: 9 ab per 3x3, 2 b per normalisation."""
    total, previous = stem**2 * channels * width + 2 * width, width
    for stage, count in enumerate(blocks):
        b = width * 2**stage
        total += 9 * previous * b + 9 * b * b + 4 * b
        total += (count - 1) * (18 * b * b + 4 * b)
        total += 0 if previous == b else previous * b + 2 * b
        previous = b
    return total


@pytest.mark.parametrize(
    ("depth", "blocks", "norm"),
    [
        (6, [1, 1], "batch"),
        (10, [1] * 4, "group"),
        (18, [2] * 4, "batch"),
        (34, [3, 4, 6, 3], "batch"),
    ],
)
def test_resnet_has_the_parameters_of_the_closed_form(depth, blocks, norm):
    model = resnet((32, 32, 2), name="e", depth=depth, width=8, norm=norm)
    trainable = sum(np.prod(v.shape) for v in model.trainable_variables)
    assert trainable == resnet_parameters(blocks, 8, 2, stem=7)


def test_the_closed_form_gives_the_published_sizes_of_resnet18_and_34():
    classifier = 512 * 1000 + 1000
    found = [resnet_parameters(b, 64, 3, stem=7) for b in ([2] * 4, [3, 4, 6, 3])]
    assert found == [11_689_512 - classifier, 21_797_672 - classifier]


def test_resnet_is_as_wide_as_the_published_one_unless_told():
    assert inspect.signature(resnet).parameters["width"].default == 64


def sizes(model):
    return [
        layer.output.shape[1]
        for layer in model.layers
        if layer.name.endswith(("block1_relu", "stem_pool"))
    ]


def test_resnet_halves_the_image_as_its_stem_and_stages_say():
    quarter = resnet((96, 90, 2), name="e", depth=10, width=8)
    whole = resnet((17, 17, 2), name="e", depth=10, width=8, stem="stride1")
    assert sizes(quarter) == [24, 24, 12, 6, 3]
    assert sizes(whole) == [17, 9, 5, 3]


def test_resnet_rescales_only_if_asked():
    bytes_ = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 2)).astype("uint8")
    options = {"name": "e", "depth": 6, "width": 4, "stem": "stride1"}
    asked = resnet((8, 8, 2), rescale=True, **options)
    plain = resnet((8, 8, 2), **options)
    plain.set_weights(asked.get_weights())
    expected = plain.predict(bytes_ / np.float32(255), verbose=0)
    np.testing.assert_allclose(asked.predict(bytes_, verbose=0), expected, rtol=1e-4)
    assert not np.allclose(plain.predict(bytes_, verbose=0), expected)


def numpy_resnet6(x, weights):
    """One image through a ResNet-6 with the stride-1 stem, in float64."""

    def convolve(x, name, stride=1):
        kernel = weights[f"{name}_conv"][0]
        pad = len(kernel) // 2
        padded = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
        maps = [
            sum(
                correlate2d(padded[..., i], kernel[..., i, o], mode="valid")
                for i in range(kernel.shape[2])
            )
            for o in range(kernel.shape[3])
        ]
        gamma, beta, mean, variance = weights[f"{name}_norm"]
        y = np.stack(maps, axis=-1)[::stride, ::stride]
        return (y - mean) / np.sqrt(variance + 1e-5) * gamma + beta

    x = np.maximum(convolve(x, "stem"), 0)
    y = np.maximum(convolve(x, "stage1_block1_1"), 0)
    x = np.maximum(x + convolve(y, "stage1_block1_2"), 0)
    y = np.maximum(convolve(x, "stage2_block1_1", stride=2), 0)
    short = convolve(x, "stage2_block1_shortcut", stride=2)
    x = np.maximum(short + convolve(y, "stage2_block1_2"), 0)
    return x.mean(axis=(0, 1))


def test_resnet_agrees_with_numpy():
    model = resnet((9, 8, 2), name="e", depth=6, width=4, stem="stride1")
    generator = np.random.default_rng(1)
    for layer in model.layers:
        if layer.name.endswith("_norm"):
            layer.set_weights(
                [generator.uniform(0.5, 2, w.shape) for w in layer.get_weights()]
            )
    weights = {
        layer.name: [w.astype("float64") for w in layer.get_weights()]
        for layer in model.layers
    }
    x = draw(model, rows=1)
    expected = numpy_resnet6(x[0].astype("float64"), weights)
    np.testing.assert_allclose(model.predict(x, verbose=0)[0], expected, rtol=1e-4)


def test_in_training_group_norm_sees_its_own_row_and_batch_norm_all_rows():
    options = {"name": "e", "depth": 6, "width": 4, "stem": "stride1", "groups": 2}
    alike = {}
    for norm in ("batch", "group"):
        model = resnet((8, 8, 2), norm=norm, **options)
        x = draw(model)
        together, alone = model(x, training=True)[:4], model(x[:4], training=True)
        arrays = map(keras.ops.convert_to_numpy, (together, alone))
        alike[norm] = np.allclose(*arrays, atol=1e-4)
    assert alike == {"batch": False, "group": True}
