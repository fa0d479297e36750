"""What a cell means: texts, units and numbers to the values of a grid.

A variable of categories takes the texts of both systems that MIMIC was charted in, or
the numbers themselves (see `columns`). To add a text: `TEXTS`; a unit: `UNITS`.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from mind_keras.data.mimic import variables
from mind_keras.data.mimic.columns import CODES
from mind_keras.data.mimic.parsing import parse_numbers
from mind_keras.data.mimic.variables import (
    CAPILLARY,
    EYE,
    INTUBATED,
    MOTOR,
    NAMES,
    RANGES,
    VERBAL,
)

# Lower case, beside `variables.TEXTS`: the older spellings, and short words.
TEXTS = {
    CAPILLARY: {"normal": 0, "abnormal": 1},
    EYE: {
        **{"1 no response": 1, "no response": 1, "2 to pain": 2, "3 to speech": 3},
        "4 spontaneously": 4,
    },
    MOTOR: {
        **{"1 no response": 1, "2 abnorm extensn": 2, "3 abnorm flexion": 3},
        **{"4 flex-withdraws": 4, "5 localizes pain": 5, "6 obeys commands": 6},
    },
    VERBAL: {
        **{"1.0 et/trach": INTUBATED, "1 no response": 1, "2 incomp sounds": 2},
        **{"3 inapprop words": 3, "4 confused": 4, "5 oriented": 5},
    },
}
_PRESSURE = {"mmhg": (1, 0), "mm hg": (1, 0), "kpa": (7.50062, 0)}
_RATE = {"bpm": (1, 0), "/min": (1, 0), "1/min": (1, 0)}
# `{variable: {unit: (scale, offset)}}`, lower case; no unit: that of `variables.NAMES`.
UNITS = {
    "Diastolic blood pressure": _PRESSURE,
    "Fraction inspired oxygen": {"fraction": (1, 0), "%": (0.01, 0)},
    "Glucose": {"mg/dl": (1, 0), "mmol/l": (18.016, 0)},
    "Heart rate": _RATE,
    "Height": {"cm": (1, 0), "m": (100, 0), "in": (2.54, 0), "inch": (2.54, 0)},
    "Mean blood pressure": _PRESSURE,
    "Oxygen saturation": {"%": (1, 0), "fraction": (100, 0)},
    "Respiratory rate": _RATE | {"insp/min": (1, 0)},
    "Systolic blood pressure": _PRESSURE,
    "Temperature": {
        **{"c": (1, 0), "°c": (1, 0), "f": (5 / 9, -160 / 9), "°f": (5 / 9, -160 / 9)},
    },
    "Weight": {
        **{"kg": (1, 0), "g": (0.001, 0), "lb": (0.45359237, 0)},
        "lbs": (0.45359237, 0),
    },
    "pH": {"ph": (1, 0), "units": (1, 0)},
}


def parse_values(
    variable: np.ndarray, texts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The value of each cell, and which cells are bad.

    Args:
        variable: Place in `variables.NAMES`, `(n,)`, none unknown.
        texts: What is in the cells, `(n,)` of str, empty where missing.

    Returns:
        Values, `(n,)` float64, NaN where missing or bad; and which are bad, `(n,)` of
        bool: neither blank, nor a number, nor a category of the variable.

    Example:
        >>> values, bad = parse_values([8, 6, 6, 3], ["61", "No Response-ETT", "9", ""])
        >>> values.tolist(), bad.tolist()
        ([61.0, 0.0, nan, nan], [False, False, True, False])
    """
    variable, texts = np.asarray(variable), np.asarray(texts, object)
    values, bad = np.full(len(texts), np.nan), np.zeros(len(texts), bool)
    for k in np.unique(variable):
        rows = np.flatnonzero(variable == k)
        # The same few texts come again and again.
        code, distinct = pd.factorize(texts[rows])
        number, wrong = _parse(NAMES[k], [str(text) for text in distinct])
        values[rows], bad[rows] = number[code], wrong[code]
    return values, bad


def _parse(name: str, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    numbers, bad = parse_numbers(texts)
    known = {**variables.TEXTS.get(name, {}), **TEXTS.get(name, {})}
    for row in np.flatnonzero(bad):
        meant = known.get(re.sub(r"\s+", " ", texts[row]).strip().lower())
        if meant is not None:
            numbers[row], bad[row] = meant, False
    if name in CODES:
        bad |= ~np.isnan(numbers) & ~np.isin(numbers, CODES[name])
    return np.where(bad, np.nan, numbers), bad


def convert(variable: np.ndarray, values: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Values in the unit of their variable.

    Args:
        variable: Place in `variables.NAMES`, `(n,)`, none unknown.
        values: `(n,)`.
        units: `(n,)` of str, case does not matter; blank: the variable's own unit.

    Raises:
        ValueError: If a variable does not have the unit.

    Example:
        >>> convert([14, 14], [98.6, 37.0], ["F", ""]).round(6).tolist()
        [37.0, 37.0]
    """
    values = np.array(values, "float64")
    table = pd.DataFrame({"variable": variable, "unit": units})
    for (k, unit), rows in table.groupby(["variable", "unit"]).indices.items():
        plain = str(unit).strip().lower()
        known = {"": (1, 0), **UNITS.get(NAMES[k], {})}
        if plain not in known:
            raise ValueError(
                f"The unit of {NAMES[k]!r} must be one of {[*known]}. Received: "
                f"{unit!r} in {len(rows)} rows. Convert them before."
            )
        scale, offset = known[plain]
        values[rows] = values[rows] * scale + offset
    return values


def clean(variable: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values with the usual mix-ups of units mended, and NaN where implausible.

    Oxygen fractions above 1 are percent, saturations up to 1 are fractions, and
    temperatures from 79 up are in °F. A number that is then outside of
    `variables.RANGES` is missing.

    Args:
        variable: Place in `variables.NAMES`, `(n,)`, none unknown.
        values: `(n,)`, in the unit of the variable.

    Example:
        >>> clean([2, 11, 14, 8], [40, 0.97, 98.6, 900]).round(6).tolist()
        [0.4, 97.0, 37.0, nan]
    """
    variable, values = np.asarray(variable), np.array(values, "float64")
    for name, mend in MEND.items():
        rows = variable == NAMES.index(name)
        values[rows] = mend(values[rows])
    for k, name in enumerate(NAMES):
        if name not in CODES:
            low, high = RANGES[name]
            wrong = (values < low) | (values > high)
            values[wrong & (variable == k)] = np.nan
    return values


MEND: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Fraction inspired oxygen": lambda x: np.where(x > 1, x / 100, x),
    "Oxygen saturation": lambda x: np.where((x > 0) & (x <= 1), x * 100, x),
    "Temperature": lambda x: np.where(x >= 79, (x - 32) * 5 / 9, x),
}
