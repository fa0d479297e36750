"""Swapped columns and foreign units are found; unusual patients are not."""

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from data.audit.planted import clean

from mind_keras.data.audit.channels import PLAUSIBLE, channels
from mind_keras.data.audit.context import Context
from mind_keras.data.mimic.variables import NAMES

CLEAN = clean(seed=2)


def told(**columns):
    """What the check says of other columns."""
    series = CLEAN.series.copy()
    for name, values in columns.items():
        series[:, NAMES.index(name)] = values
    return judged(series)


def judged(series):
    extraction = replace(CLEAN, series=series)
    return channels(extraction, Context(extraction))


def column(name):
    return CLEAN.series[:, NAMES.index(name)]


def test_every_variable_has_limits():
    assert list(PLAUSIBLE) == list(NAMES)
    assert judged(CLEAN.series).passed


@pytest.mark.parametrize(("a", "b"), [*combinations(NAMES, 2)])
def test_any_two_swapped_variables_are_noticed(a, b):
    assert not told(**{a: column(b), b: column(a)}).passed


UNITS = {
    "Temperature": (lambda x: x * 1.8 + 32, "in 14.2 to 47"),
    "Fraction inspired oxygen": (lambda x: x * 100, "in 0.2 to 1.1"),
    "Height": (lambda x: x / 2.54, "in 100 to 275"),
    "Weight": (lambda x: x * 2.2046, "median .* in 45 to 120"),
    "Oxygen saturation": (lambda x: x / 100, "median .* in 85 to 100"),
    "Glucose": (lambda x: x / 18, "median .* in 70 to 250"),
}


@pytest.mark.parametrize("name", UNITS)
def test_foreign_units_are_named(name):
    convert, message = UNITS[name]
    found = told(**{name: convert(column(name))})
    assert not found.passed
    assert re.search(f"{name}: .*{message}", found.found)


def test_oxygen_divided_by_hundred_twice_is_found():
    found = told(
        **{"Fraction inspired oxygen": column("Fraction inspired oxygen") / 100}
    )
    assert "Fraction inspired oxygen: 100% of the values are not in 0.2" in found.found


def test_a_few_outliers_are_those_of_an_uncleaned_table():
    values = column("Heart rate").copy()
    measured = np.flatnonzero(np.isfinite(values))
    values[measured[: len(measured) // 200]] = 999
    assert told(**{"Heart rate": values}).passed
    values[measured[: len(measured) // 50]] = 999
    assert "Heart rate: 2% of the values" in told(**{"Heart rate": values}).found


def test_infinite_values_are_not_plausible():
    values = column("Heart rate").copy()
    values[np.flatnonzero(np.isfinite(values))[::10]] = np.inf
    assert "10% of the values" in told(**{"Heart rate": values}).found


def test_variables_that_were_never_measured_are_no_fault():
    for name in NAMES:
        assert told(**{name: np.nan}).passed
    assert judged(np.full_like(CLEAN.series, np.nan)).passed


def test_a_series_of_another_width_is_refused():
    found = judged(CLEAN.series[:, :16])
    assert "the series has the shape" in found.found
