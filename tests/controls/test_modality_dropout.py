"""Modality dropout: which rows lose what, and when."""

import keras
import numpy as np
import pytest
import tiny

from mind_keras.controls.modality_dropout import ModalityDropout

SIZE = 6000


def learner(rate, seed=0, modalities=("ehr", "lab")):
    about = tiny.spec(modalities=modalities)
    return ModalityDropout(
        tiny.student(about, norm=False), about.task, rate=rate, seed=seed
    )


def ones(modalities=("ehr", "lab"), size=SIZE):
    return {m: np.ones((size, *tiny.SHAPES[m]), "float32") for m in modalities}


def left(model, rows):
    """Who keeps what, `{modality: (n,) of bool}`, after a check that rows are whole."""
    found = {m: tiny.array(array) for m, array in model.drop(rows).items()}
    for name, array in found.items():
        flat, before = array.reshape(len(array), -1), rows[name].reshape(len(array), -1)
        kept = flat.any(axis=1)
        np.testing.assert_array_equal(flat, before * kept[:, None])
    return {m: array.reshape(len(array), -1).any(axis=1) for m, array in found.items()}


@pytest.mark.parametrize("rate", [0.3, 0.6])
def test_each_modality_of_a_row_is_dropped_by_itself_but_never_all(rate):
    kept = left(learner(rate), ones())
    assert (kept["ehr"] | kept["lab"]).all()
    # Both would go with the chance rate^2; then each comes back in half of the cases.
    for name in kept:
        lost = rate - rate**2 / 2
        spread = np.sqrt(lost * (1 - lost) / SIZE)
        assert abs(np.mean(~kept[name]) - lost) < 4 * spread
    both = (1 - rate) ** 2
    found = np.mean(kept["ehr"] & kept["lab"])
    assert abs(found - both) < 4 * np.sqrt(both * (1 - both) / SIZE)


def test_the_one_that_stays_is_each_with_the_same_chance():
    names = ("ehr", "lab", "note")
    kept = left(learner(0.999, modalities=names), ones(names))
    shares = np.array([np.mean(kept[name]) for name in names])
    np.testing.assert_allclose(shares, 1 / 3, atol=4 * np.sqrt(2 / 9 / SIZE) + 0.002)


def test_what_was_filled_in_is_not_what_a_row_is_left_with():
    rows = ones()
    rows["lab"][::2] = 0
    kept = left(learner(0.9), rows)
    assert kept["ehr"][::2].all()
    assert not kept["lab"][::2].any()
    assert not kept["ehr"][1::2].all()


def test_with_rate_0_nothing_is_dropped():
    kept = left(learner(0.0), ones())
    assert kept["ehr"].all() and kept["lab"].all()


def test_a_seed_gives_its_draws_and_the_next_step_gives_others():
    first, second = learner(0.5, seed=4), learner(0.5, seed=4)
    rows = ones(size=50)
    one, again, other = left(first, rows), left(second, rows), left(first, rows)
    np.testing.assert_array_equal(one["ehr"], again["ehr"])
    assert (one["ehr"] != other["ehr"]).any()


def test_pixels_stay_bytes():
    rows = {m: array.astype("uint8") for m, array in ones(size=4).items()}
    dropped = learner(0.5).drop(rows)
    assert {keras.backend.standardize_dtype(x.dtype) for x in dropped.values()} == {
        "uint8"
    }


def test_a_row_in_training_is_answered_by_what_it_is_left_with():
    model = learner(0.999)
    rng = np.random.default_rng(1)
    rows = {m: rng.normal(size=x.shape).astype("f") for m, x in ones(size=40).items()}
    ways = {
        keeps: tiny.array(
            model.student({m: x * (m in keeps) for m, x in rows.items()})["fusion"]
        )
        for keeps in (("ehr",), ("lab",), ("ehr", "lab"))
    }
    said = tiny.array(model(rows, training=True)["fusion"])
    alone = [np.isclose(said, ways[keeps])[:, 0] for keeps in (("ehr",), ("lab",))]
    assert (alone[0] | alone[1]).mean() > 0.9
    assert alone[0].any() and alone[1].any()
    seen = tiny.array(model(rows, training=False)["fusion"])
    np.testing.assert_allclose(seen, ways["ehr", "lab"], rtol=1e-5)


@pytest.mark.parametrize("rate", [1.0, -0.1, "often"])
def test_a_rate_that_is_no_chance_is_refused(rate):
    with pytest.raises(ValueError, match="`rate` must be at least 0 and less than 1"):
        learner(rate)
