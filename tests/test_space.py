"""What a search may set: choices, grids, draws, and their place among nested values."""

import itertools

import numpy as np
import pytest

from mind_keras.space import check_choice, draws, grid, place

LISTS = {"a": [1, 2, 3], "b": ["x", "y"]}


def test_a_grid_is_every_combination_once():
    expected = [{"a": a, "b": b} for a, b in itertools.product([1, 2, 3], ["x", "y"])]
    assert grid(LISTS) == expected
    with pytest.raises(ValueError, match=r"ranges for \['a'\].*`trials`"):
        grid({"a": {"low": 0, "high": 1}})


def test_draws_of_lists_do_not_repeat_and_end_with_the_grid():
    found = draws(LISTS, 100, seed=1)
    assert sorted(map(str, found)) == sorted(map(str, grid(LISTS)))
    assert found != grid(LISTS)
    assert draws(LISTS, 4, seed=1) == found[:4]
    assert draws(LISTS, 4, seed=2) != found[:4]


def test_draws_of_ranges_are_even_on_their_scale():
    over = {
        "flat": {"low": 2.0, "high": 4.0},
        "log": {"low": 0.01, "high": 100.0, "log": True},
        "whole": {"low": 1, "high": 3},
        "listed": ["x", "y"],
    }
    found = draws(over, 2000, seed=0)
    column = {name: [one[name] for one in found] for name in over}
    flat = np.array(column["flat"])
    assert 2.0 <= flat.min() and flat.max() <= 4.0
    assert abs(flat.mean() - 3.0) < 0.05
    log = np.log10(column["log"])
    assert -2.0 <= log.min() and log.max() <= 2.0 and abs(log.mean()) < 0.1
    counts = np.unique(column["whole"], return_counts=True)
    assert counts[0].tolist() == [1, 2, 3] and counts[1].min() > 600
    assert {type(value) for value in column["whole"]} == {int}
    assert set(column["listed"]) == {"x", "y"}
    assert draws(over, 5, seed=0) == found[:5]
    assert draws(over, 5, seed=1) != found[:5]


@pytest.mark.parametrize(
    "choice",
    [
        [],
        "x",
        3,
        {"low": 1},
        {"low": 2, "high": 1},
        {"low": 0.0, "high": 1.0, "log": True},
        {"low": 1, "high": float("inf")},
        {"low": 1, "high": 2, "step": 1},
        {"low": 1, "high": 2, "log": "yes"},
        {"low": True, "high": 2},
    ],
)
def test_what_is_no_choice_is_refused(choice):
    with pytest.raises(ValueError, match=r"be a list of values, or \{low: number"):
        check_choice(choice)


def test_settings_are_placed_in_a_copy():
    values = {"a": {"b": [{"c": 1}, {"c": 2}]}, "d": None}
    made = place(values, {"a.b.1.c": 9, "d.e": [1], "f": "x"})
    assert made == {"a": {"b": [{"c": 1}, {"c": 9}]}, "d": {"e": [1]}, "f": "x"}
    assert values == {"a": {"b": [{"c": 1}, {"c": 2}]}, "d": None}
    for nowhere in ("a.b.2.c", "a.b.c", "a.b.0.c.x"):
        with pytest.raises(ValueError, match=f"Received: '{nowhere}'"):
            place(values, {nowhere: 1})
