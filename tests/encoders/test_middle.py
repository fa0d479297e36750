"""The middle of an encoder: the halves are the whole, and what cannot be cut."""

import inspect

import keras
import numpy as np
import pytest
from checks import SMALL, build_encoder, draw
from tiny import array

from mind_keras.encoders import ENCODERS
from mind_keras.encoders.image import resnet
from mind_keras.encoders.middle import halve
from mind_keras.encoders.own import adopt
from mind_keras.encoders.sequence import gru, lstm, transformer
from mind_keras.encoders.table import mlp

MADE = {
    "gru": lambda **o: gru((5, 3), name="e", units=4, **o),
    "lstm": lambda **o: lstm((5, 3), name="e", units=4, **o),
    "mlp": lambda **o: mlp((4,), name="e", units=6, **o),
    "transformer": lambda **o: transformer((5, 3), name="e", units=8, **o),
}
FEATURES = {
    "gru": (None, 5, 4),
    "lstm": (None, 5, 4),
    "mlp": (None, 6),
    "transformer": (None, 5, 8),
}


def check_halves(encoder):
    lower, upper = halve(encoder)
    x = draw(lower)
    np.testing.assert_allclose(
        array(upper(lower(x))), array(encoder(x)), rtol=1e-5, atol=1e-6
    )
    assert [lower.name, upper.name] == [
        f"{encoder.name}_lower",
        f"{encoder.name}_upper",
    ]
    ids = [{id(v) for v in half.weights} for half in (lower, upper)]
    assert ids[0] and ids[1] and not ids[0] & ids[1]
    assert ids[0] | ids[1] == {id(v) for v in encoder.weights}
    return lower, upper


@pytest.mark.parametrize("name", sorted(MADE))
@pytest.mark.parametrize("layers", [2, 3])
def test_the_halves_of_an_encoder_share_its_layers_and_are_the_whole(name, layers):
    lower, upper = check_halves(MADE[name](layers=layers))
    assert lower.output_shape == upper.input_shape == FEATURES[name]


@pytest.mark.parametrize(
    ("depth", "features"), [(6, (None, 12, 12, 4)), (10, (None, 6, 6, 8))]
)
def test_the_middle_of_a_resnet_is_after_half_of_its_stages(depth, features):
    model = resnet((12, 12, 1), name="e", depth=depth, width=4, stem="stride1")
    lower, _ = check_halves(model)
    assert lower.output_shape == features


def test_the_middle_is_after_half_of_the_layers_the_smaller_half_first():
    lower, upper = halve(mlp((4,), name="e", units=6, layers=5))
    assert lower.count_params() == (4 * 6 + 6) + (6 * 6 + 6)
    assert upper.count_params() == 3 * (6 * 6 + 6)


def test_a_model_may_be_cut_twice_and_an_own_one_where_it_says():
    rows = keras.Input((6, 5, 2))
    x = keras.layers.Conv2D(3, 3, name="middle")(rows)
    own = keras.Model(rows, keras.layers.Conv2D(4, 2)(x))
    encoder = adopt(own, (6, 5, 2), name="e")
    for _ in range(2):
        lower, upper = check_halves(encoder)
    assert lower.output_shape == (None, 4, 3, 3)
    assert upper.output_shape == (None, 4)


def around():
    rows = x = keras.Input((4,))
    x = keras.layers.Dense(4)(x)
    y = keras.layers.Dense(4, name="middle")(x)
    return keras.Model(rows, keras.layers.Add()([x, y]), name="e")


def twice():
    rows = x = keras.Input((4,))
    layer = keras.layers.Dense(4, name="middle")
    return keras.Model(rows, layer(layer(x)), name="e")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        *(
            (lambda n=n: MADE[n](layers=1), "one layer named 'middle'.*'e' with 0 of")
            for n in sorted(MADE)
        ),
        (lambda: mlp((4,), name="e", layers=0), "'e' with 0 of .* `layers` of 2 or"),
        (twice, "used once.*'e' with 2 of them.* of your own give the name"),
        (around, "from it alone. Received: 'e', with a connection.*last of a block"),
    ],
)
def test_an_encoder_without_one_middle_is_refused_with_what_has_one(make, message):
    with pytest.raises(ValueError, match=message):
        halve(make())


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_every_named_encoder_of_two_layers_or_stages_has_a_middle(name):
    _, shape = build_encoder(name, ENCODERS[name])
    deep = "layers" in inspect.signature(ENCODERS[name]).parameters
    options = SMALL.get(name, {}) | ({"layers": 2} if deep else {})
    lower, _ = halve(ENCODERS[name](shape, name="e", **options))
    assert lower.count_params() > 0
