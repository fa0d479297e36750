"""Encoders: the laws of all, and those of tables and series against NumPy."""

import keras
import numpy as np
import pytest
from checks import (
    build_encoder,
    check_one_code_per_row,
    check_one_step_learns_everywhere,
    check_saved_predicts_the_same,
    check_stock_layers_only,
    draw,
    with_head,
)

from mind_keras.encoders import ENCODERS
from mind_keras.encoders.image import resnet
from mind_keras.encoders.sequence import gru, lstm, transformer
from mind_keras.encoders.table import mlp


@pytest.fixture(params=sorted(ENCODERS))
def built(request):
    return build_encoder(request.param, ENCODERS[request.param])


def test_every_encoder_gives_one_code_per_row_under_its_name(built):
    model, shape = built
    check_one_code_per_row(model, shape)
    assert model.name == "part_encoder"


def test_every_encoder_is_of_stock_layers_and_survives_saving(built, tmp_path):
    model, _ = built
    check_stock_layers_only(model, tmp_path / "stock.keras")
    check_saved_predicts_the_same(model, tmp_path / "same.keras", draw(model))


def test_every_encoder_learns_everywhere_in_one_step(built):
    model, _ = built
    check_one_step_learns_everywhere(with_head(model), draw(model))


def test_mlp_has_the_parameters_of_its_matrices_for_any_shape():
    model = mlp((4, 3), name="e", units=7, layers=3)
    assert model.count_params() == (12 * 7 + 7) + 2 * (7 * 7 + 7)


def test_lstm_has_four_gates_and_gru_three_with_two_biases():
    four = lstm((9, 5), name="e", units=6, layers=2).count_params()
    three = gru((9, 5), name="e", units=6, layers=2).count_params()
    assert four == 4 * (5 * 6 + 6 * 6 + 6) + 4 * (6 * 6 + 6 * 6 + 6)
    assert three == 3 * (5 * 6 + 6 * 6 + 12) + 3 * (6 * 6 + 6 * 6 + 12)


def test_transformer_has_the_parameters_of_its_parts():
    time, features, units, layers = 9, 5, 8, 2
    model = transformer((time, features), name="e", units=units, layers=layers)
    norm = 2 * units
    feed_forward = 2 * 4 * units**2 + 4 * units + units
    layer = 4 * units**2 + feed_forward + 2 * norm
    place = features * units + time * units
    assert model.count_params() == place + layers * layer + norm


def test_mlp_agrees_with_numpy():
    model = mlp((2, 3), name="e", units=4)
    x = draw(model)
    a, b, c, d = (w.astype("float64") for w in model.get_weights())
    hidden = np.maximum(x.reshape(8, 6).astype("float64") @ a + b, 0)
    expected = np.maximum(hidden @ c + d, 0)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_lstm(x, kernel, recurrent, bias):
    """Hochreiter & Schmidhuber's cell with a forget gate; all outputs."""
    h = c = np.zeros((len(x), len(recurrent)))
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def test_lstm_agrees_with_numpy_and_gives_its_last_output():
    model = lstm((5, 3), name="e", units=4, layers=2)
    x = draw(model)
    weights = [w.astype("float64") for w in model.get_weights()]
    first = numpy_lstm(x.astype("float64"), *weights[:3])
    expected = numpy_lstm(first, *weights[3:])[:, -1]
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)


def test_transformer_sees_the_order_of_time_only_by_its_positions():
    model = transformer((6, 3), name="e", units=8, attention_heads=2)
    x = draw(model)
    turned = x[:, ::-1]
    assert not np.allclose(
        *(model.predict(v, verbose=0) for v in (x, turned)), atol=1e-4
    )
    place = model.get_layer("project_and_place")
    place.bias.assign(np.zeros(place.bias.shape))
    np.testing.assert_allclose(
        model.predict(x, verbose=0), model.predict(turned, verbose=0), atol=1e-5
    )


def test_dropout_acts_in_training_alone():
    for build in (mlp, lstm, transformer):
        model = build((4, 3), name="e", units=8, layers=1, dropout=0.5)
        x = draw(model)
        same = keras.ops.convert_to_numpy(model(x, training=False))
        np.testing.assert_allclose(same, model.predict(x, verbose=0), atol=1e-5)
        assert not np.allclose(
            keras.ops.convert_to_numpy(model(x, training=True)), same, atol=1e-3
        )


@pytest.mark.parametrize(
    ("build", "shape", "options", "message"),
    [
        (lstm, (5,), {}, r"\(time, features\).*\(5,\) for 'e'.*'mlp'"),
        (gru, (5, 3), {"layers": 0}, "at least 1. Received: layers=0 for 'e'"),
        (transformer, (5, 3), {"attention_heads": 3}, "must divide `units`"),
        (resnet, (5, 3), {}, r"\(height, width, channels\).*\(5, 3\)"),
        (resnet, (8, 8, 1), {"depth": 50}, r"\(6, 10, 18, 34\).*depth=50"),
        (resnet, (8, 8, 1), {"norm": "layer"}, r"\('batch', 'group'\).*'layer'"),
        (resnet, (8, 8, 1), {"stem": "big"}, r"\('stride1', 'stride2'\).*'big'"),
        (resnet, (8, 8, 1), {"norm": "group", "groups": 3}, "must divide `width`"),
    ],
)
def test_a_wrong_option_is_refused_with_the_known_ones(build, shape, options, message):
    with pytest.raises(ValueError, match=message):
        build(shape, name="e", **options)
