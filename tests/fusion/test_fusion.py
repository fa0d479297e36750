"""Fusions: the laws of all, and each against NumPy."""

import inspect

import numpy as np
import pytest
from checks import (
    assert_close,
    check_one_step_learns_everywhere,
    check_saved_predicts_the_same,
    check_stock_layers_only,
    draw,
    fuse,
    with_head,
)

from mind_keras.fusion import FUSIONS

SIZES = {"ehr": 5, "cxr": 3, "labs": 4}
FOUR = SIZES | {"ecg": 6}


def some(count):
    return dict(list(FOUR.items())[:count])


@pytest.fixture(params=sorted(FUSIONS))
def fusion(request):
    return FUSIONS[request.param]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_fusion_gives_one_code_for_any_number_of_modalities(fusion, count):
    model = fuse(fusion, some(count))
    assert len(model.output_shape) == 2
    assert model.output_shape[-1] > 0
    assert model.predict(draw(model), verbose=0).shape == (8, model.output_shape[-1])


def test_every_fusion_names_its_layer(fusion):
    assert "joint" in [layer.name for layer in fuse(fusion, SIZES, name="joint").layers]


def test_every_fusion_ignores_the_order_in_which_modalities_are_named(fusion):
    forth = fuse(fusion, SIZES)
    back = fuse(fusion, dict(reversed(SIZES.items())))
    back.set_weights(forth.get_weights())
    rows = draw(forth)
    assert_close(back.predict(rows, verbose=0), forth.predict(rows, verbose=0))


def test_every_fusion_hears_every_modality(fusion):
    model = fuse(fusion, SIZES)
    rows = draw(model)
    answer = model.predict(rows, verbose=0)
    for modality in SIZES:
        changed = rows | {modality: rows[modality] + 1}
        assert not np.allclose(model.predict(changed, verbose=0), answer, atol=1e-3)


def test_every_fusion_is_of_stock_layers_and_survives_saving(fusion, tmp_path):
    model = fuse(fusion, SIZES)
    check_stock_layers_only(model, tmp_path / "stock.keras")
    check_saved_predicts_the_same(model, tmp_path / "same.keras", draw(model))


@pytest.mark.parametrize("count", [2, 3])
def test_every_fusion_learns_everywhere_in_one_step(fusion, count):
    model = with_head(fuse(fusion, some(count)))
    check_one_step_learns_everywhere(model, draw(model))


def test_every_fusion_takes_options_by_keyword_and_has_defaults(fusion):
    first, *others = inspect.signature(fusion).parameters.values()
    assert first.name == "codes"
    assert others[0].name == "name" and others[0].default == "fusion"
    assert {p.kind for p in others} == {inspect.Parameter.KEYWORD_ONLY}
    assert inspect.Parameter.empty not in [p.default for p in others]


def test_every_size_must_be_a_positive_whole_number(fusion):
    _, _, *options = inspect.signature(fusion).parameters
    for option in options:
        for size in (0, -1, 2.5, "8"):
            with pytest.raises(
                ValueError,
                match=rf"`{option}` must be a positive whole number. Received: "
                rf"{option}={size!r} for 'joint'. Leave it out",
            ):
                fuse(fusion, SIZES, name="joint", **{option: size})


def test_concat_is_the_codes_in_sorted_order():
    model = fuse(FUSIONS["concat"], SIZES)
    rows = draw(model)
    expected = np.concatenate([rows["cxr"], rows["ehr"], rows["labs"]], axis=1)
    np.testing.assert_array_equal(model.predict(rows, verbose=0), expected)


def test_concat_of_one_code_is_that_code():
    model = fuse(FUSIONS["concat"], {"ehr": 5})
    rows = draw(model)
    np.testing.assert_array_equal(model.predict(rows, verbose=0), rows["ehr"])


def test_sum_is_the_sum_of_projections_to_the_smallest_code_or_to_units():
    for units, options in ((3, {}), (7, {"units": 7})):
        model = fuse(FUSIONS["sum"], SIZES, **options)
        rows = draw(model)
        kernels = {m: model.get_layer(f"{m}_to_fusion").get_weights()[0] for m in SIZES}
        expected = sum(rows[m].astype("float64") @ kernels[m] for m in SIZES)
        np.testing.assert_allclose(model.predict(rows, verbose=0), expected, atol=1e-5)
        assert model.count_params() == units * sum(SIZES.values())


def test_sum_does_not_change_when_modalities_swap_their_places():
    model = fuse(FUSIONS["sum"], {"a": 3, "b": 3})
    swapped = fuse(FUSIONS["sum"], {"a": 3, "b": 3})
    for one, other in (("a", "b"), ("b", "a")):
        weights = model.get_layer(f"{one}_to_fusion").get_weights()
        swapped.get_layer(f"{other}_to_fusion").set_weights(weights)
    rows = draw(model)
    turned = {"a": rows["b"], "b": rows["a"]}
    assert_close(swapped.predict(turned, verbose=0), model.predict(rows, verbose=0))
