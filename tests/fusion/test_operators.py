"""Each fusion against its formula, in NumPy float64 from the layers' weights."""

import numpy as np
import pytest
from checks import draw, fuse
from scipy.special import expit, softmax

from mind_keras.fusion import FUSIONS

SIZES = {"ehr": 5, "cxr": 3, "labs": 4}
ORDER = sorted(SIZES)


def sized(count):
    return {m: SIZES[m] for m in ORDER[:count]}


def fused(name, sizes, **options):
    """The model, rows in float64 and what it says; its biases are not all 0 or 1."""
    model = fuse(FUSIONS[name], sizes, **options)
    generator = np.random.default_rng(1)
    model.set_weights(
        [w + 0.3 * generator.normal(size=w.shape) for w in model.get_weights()]
    )
    rows = draw(model)
    said = model.predict(rows, verbose=0)
    return model, {m: r.astype("float64") for m, r in rows.items()}, said


def weights(model, layer):
    return [w.astype("float64") for w in model.get_layer(layer).get_weights()]


def dense(model, layer, x):
    kernel, bias = weights(model, layer)
    return x @ kernel + bias


@pytest.mark.parametrize("count", [1, 2, 3])
def test_gated_is_the_sum_of_values_times_sigmoids_of_all_codes(count):
    model, x, said = fused("gated", sized(count))
    everything = np.concatenate([x[m] for m in sorted(x)], axis=1)
    expected = sum(
        expit(dense(model, f"{m}_gate_of_fusion", everything))
        * np.tanh(dense(model, f"{m}_to_fusion", x[m]))
        for m in x
    )
    assert said.shape[1] == min(SIZES[m] for m in x)
    np.testing.assert_allclose(said, expected, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_low_rank_is_the_outer_product_of_codes_with_a_1_times_a_tensor(count):
    """The full tensor fusion, its weight tensor put together from the factors."""
    rank, units = 2, 3
    model, x, said = fused("low_rank", sized(count), rank=rank, units=units)
    letters = "abc"[:count]
    tensor, codes = [], []
    for m in sorted(x):
        kernel, bias = weights(model, f"{m}_factors_of_fusion")
        matrix = np.concatenate([kernel, bias[None]]).reshape(-1, rank, units)
        tensor.append(matrix)
        codes.append(np.concatenate([x[m], np.ones((len(x[m]), 1))], axis=1))
    factors = ",".join(f"{letter}ru" for letter in letters)
    whole = np.einsum(f"{factors}->{letters}u", *tensor) / rank
    outer = ",".join(f"n{letter}" for letter in letters)
    expected = np.einsum(f"{outer},{letters}u->nu", *codes, whole)
    np.testing.assert_allclose(said, expected, rtol=1e-4, atol=1e-5)


def test_low_rank_begins_near_one_plus_a_sum_so_that_each_modality_is_heard_alone():
    model = fuse(FUSIONS["low_rank"], SIZES)
    nothing = {m: np.zeros((2, size), "float32") for m, size in SIZES.items()}
    silent = model.predict(nothing, verbose=0)
    np.testing.assert_allclose(silent, np.ones((2, 3)), atol=1e-6)
    one = model.predict(nothing | {"ehr": np.ones((2, 5), "float32")}, verbose=0)
    assert np.abs(one - silent).max() > 0.01


@pytest.mark.parametrize("count", [1, 2, 3])
def test_film_scales_and_shifts_each_code_by_the_others(count):
    model, x, said = fused("film", sized(count), bottleneck=7)
    expected = []
    for m in sorted(x):
        others = [x[other] for other in sorted(x) if other != m]
        code = x[m]
        if others:
            hidden = dense(model, f"{m}_in_fusion_bottleneck", np.hstack(others))
            hidden = np.maximum(hidden, 0)
            assert hidden.shape[1] == 7
            scale = dense(model, f"{m}_in_fusion_scale", hidden)
            shift = dense(model, f"{m}_in_fusion_shift", hidden)
            code = (1 + scale) * code + shift
        expected.append(code)
    np.testing.assert_allclose(said, np.hstack(expected), rtol=1e-4, atol=1e-5)


def normalise(x, gain, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-3) * gain + shift


@pytest.mark.parametrize("count", [1, 2, 3])
def test_cross_attention_is_the_mean_of_tokens_and_what_they_hear(count):
    heads, units = 2, 6
    model, x, said = fused(
        "cross_attention", sized(count), units=units, attention_heads=heads
    )
    tokens = np.stack([dense(model, f"{m}_to_fusion", x[m]) for m in sorted(x)], axis=1)
    normal = normalise(tokens, *weights(model, "fusion_norm"))
    query, key, value, out = weights(model, "fusion_attention")
    q, k, v = (np.einsum("ntu,uhd->nhtd", normal, w) for w in (query, key, value))
    scores = softmax(np.einsum("nhtd,nhsd->nhts", q, k) / np.sqrt(units / heads), -1)
    heard = np.einsum("nhts,nhsd,hdu->ntu", scores, v, out)
    np.testing.assert_allclose(said, (tokens + heard).mean(1), rtol=1e-4, atol=1e-5)


def test_cross_attention_heads_must_divide_its_units():
    with pytest.raises(
        ValueError, match=r"must divide `units`. Received: attention_heads=3, units=8"
    ):
        fuse(FUSIONS["cross_attention"], SIZES, units=8, attention_heads=3)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_medfuse_is_the_last_state_of_an_lstm_over_sorted_modalities(count):
    model, x, said = fused("medfuse", sized(count), units=4, projected=3)
    kernel, recurrent, bias = weights(model, "fusion")
    state = memory = np.zeros((8, 4))
    for m in sorted(x):
        read = dense(model, f"{m}_to_fusion", x[m])
        assert read.shape == (8, 3)
        gates = np.split(read @ kernel + state @ recurrent + bias, 4, axis=1)
        memory = expit(gates[1]) * memory + expit(gates[0]) * np.tanh(gates[2])
        state = expit(gates[3]) * np.tanh(memory)
    np.testing.assert_allclose(said, state, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "count_of"),
    [
        ("gated", lambda u: (12 + 3) * u + 3 * (12 + 1) * u),
        ("low_rank", lambda u: 4 * (12 + 3) * u),
        ("medfuse", lambda u: (12 + 3) * u + 4 * (2 * u * u + u)),
    ],
)
def test_units_are_asked_for_or_those_of_the_smallest_code(name, count_of):
    for units, options in ((3, {}), (7, {"units": 7})):
        model = fuse(FUSIONS[name], SIZES, **options)
        assert model.output_shape == (None, units)
        assert model.count_params() == count_of(units)


def test_film_and_attention_have_the_small_sizes_that_they_say():
    film = fuse(FUSIONS["film"], SIZES).count_params()
    assert film == sum((12 - n + 1) * 16 + 2 * (16 + 1) * n for n in SIZES.values())
    attention = fuse(FUSIONS["cross_attention"], SIZES)
    assert attention.output_shape == (None, 32)
    assert attention.get_layer("fusion_attention").get_weights()[0].shape == (32, 4, 8)
    assert attention.count_params() == (12 + 3) * 32 + 2 * 32 + 4 * 32 * 32
