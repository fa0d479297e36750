"""What a charted cell means: item and texts to a variable's value, in its one unit.

Each row comes out with a value, or with the first of `REASONS` why it has none. Nothing
here depends on other rows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mind_keras.data.mimic.parsing import parse_numbers
from mind_keras.data.mimic.variables import (
    CAPILLARY,
    DIASTOLIC,
    FAHRENHEIT,
    FIO2,
    ITEMS,
    LAB_ITEMS,
    NAMES,
    RANGES,
    SCALES,
    SPO2,
    SYSTOLIC,
    TEMPERATURE,
    TEXTS,
)

REASONS = ("no value", "unparsable number", "unknown text", "out of range")
# From here on a temperature is one in degrees Fahrenheit, whatever its item says.
WARMEST_CELSIUS = 79
_PRESSURES = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)", re.ASCII)
_VARIABLE = {name: number for number, name in enumerate(NAMES)}
_CATEGORICAL = np.array([name in TEXTS for name in NAMES])
_LOW, _HIGH = np.array([RANGES[name] for name in NAMES], float).T


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Rows of events, understood.

    Args:
        variable: Place in `NAMES`, `(n,)`.
        rank: Of the item among those of its variable, `(n,)`; the larger wins.
        value: In the unit of the variable, `(n,)`, NaN where there is a reason.
        reason: 0, or 1 + place in `REASONS`, `(n,)`.
        numeric: Where a number is expected, not a text, `(n,)` bool.
    """

    variable: np.ndarray
    rank: np.ndarray
    value: np.ndarray
    reason: np.ndarray
    numeric: np.ndarray


@dataclass(frozen=True)
class Items:
    """The items of one table, as sorted arrays to look them up in.

    Args:
        of: `{variable: items}`.

    Example:
        >>> Items({"Height": (226730, 226707)}).number.tolist()
        [226707, 226730]
    """

    of: Mapping[str, Sequence[int]]
    number: np.ndarray = field(init=False)
    variable: np.ndarray = field(init=False)
    rank: np.ndarray = field(init=False)
    scale: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        rows = sorted((item, name) for name, items in self.of.items() for item in items)
        numbers, names = zip(*rows, strict=True)
        columns = {
            "number": numbers,
            "variable": [_VARIABLE[name] for name in names],
            "rank": [_ranked(name).index(item) for item, name in rows],
            "scale": [SCALES.get(item, 1.0) for item in numbers],
        }
        for name, column in columns.items():
            # The only way to fill a frozen dataclass.
            object.__setattr__(self, name, np.array(column))


def _ranked(name: str) -> tuple[int, ...]:
    return ITEMS[name] + LAB_ITEMS.get(name, ())


def clean(
    items: Items, item: np.ndarray, value: np.ndarray, valuenum: np.ndarray
) -> Cleaned:
    """The variable and the value of rows of events.

    A known text of a categorical variable comes first; otherwise `valuenum` counts, and
    where it is no number, the number in `value`, or its part of `systolic/diastolic`.

    Args:
        items: Those of the table.
        item: Of each row, one of `items`, as bytes, `(n,)`.
        value: Cell of that column, bytes, `(n,)`.
        valuenum: Cell of that column, bytes, `(n,)`.

    Example:
        >>> cells = [[b"223761", b"223835"], [b"98.6", b"40"], [b"98.6", b""]]
        >>> cleaned = clean(Items(ITEMS), *map(np.array, cells))
        >>> [NAMES[v] for v in cleaned.variable], cleaned.value.round(2).tolist()
        (['Temperature', 'Fraction inspired oxygen'], [37.0, 0.4])
    """
    place = np.searchsorted(items.number, parse_numbers(item)[0])
    variable = items.variable[place]
    raw, text = parse_numbers(valuenum)[0], _texts(variable, value)
    rows = np.flatnonzero(np.isnan(raw) & np.isnan(text))
    raw[rows] = _fallback(variable[rows], value[rows])
    number = _convert(items.number[place], variable, raw * items.scale[place])
    number[~_plausible(variable, number)] = np.nan
    result = np.where(np.isnan(text), number, text)
    # A number says nothing about capillary refill.
    result[np.isnan(text) & (variable == _VARIABLE[CAPILLARY])] = np.nan
    lost = np.flatnonzero(np.isnan(result))
    reason = np.zeros(len(result), "int8")
    reason[lost] = _reasons(variable[lost], raw[lost], value[lost], valuenum[lost])
    return Cleaned(variable, items.rank[place], result, reason, ~_CATEGORICAL[variable])


def _reasons(
    variable: np.ndarray, raw: np.ndarray, value: np.ndarray, valuenum: np.ndarray
) -> np.ndarray:
    """Why rows have no value, as 1 + place in `REASONS`."""
    blank, number, text, outside = range(1, 1 + len(REASONS))
    unread = np.isnan(raw) | (variable == _VARIABLE[CAPILLARY])
    reason = np.where(_CATEGORICAL[variable], text, number)
    reason = np.where(unread, reason, outside)
    empty = (np.char.strip(value) == b"") & (np.char.strip(valuenum) == b"")
    return np.where(empty, blank, reason)


def _fallback(variable: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The number that the text of `value` has for a variable, NaN if none."""
    number = parse_numbers(value)[0]
    for name, part in {SYSTOLIC: 1, DIASTOLIC: 2}.items():
        for row in np.flatnonzero((variable == _VARIABLE[name]) & np.isnan(number)):
            found = _PRESSURES.fullmatch(value[row].decode("latin-1").strip())
            number[row] = float(found[part]) if found else np.nan
    return number


def _convert(item: np.ndarray, variable: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Degrees Celsius, shares of oxygen, percents of saturation."""
    fahrenheit = (variable == _VARIABLE[TEMPERATURE]) & (
        np.isin(item, FAHRENHEIT) | (number >= WARMEST_CELSIUS)
    )
    number = np.where(fahrenheit, (number - 32) * 5 / 9, number)
    # A misplaced flow, in litres, comes out as less oxygen than air has: missing.
    percent = (variable == _VARIABLE[FIO2]) & (number > 1)
    number = np.where(percent, number / 100, number)
    share = (variable == _VARIABLE[SPO2]) & (number <= 1)
    return np.where(share, number * 100, number)


def _plausible(variable: np.ndarray, number: np.ndarray) -> np.ndarray:
    inside = (number >= _LOW[variable]) & (number <= _HIGH[variable])
    return inside & (~_CATEGORICAL[variable] | (number == np.rint(number)))


def _texts(variable: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The scores of known texts, NaN elsewhere."""
    scores = np.full(len(value), np.nan)
    for name, table in TEXTS.items():
        rows = np.flatnonzero(variable == _VARIABLE[name])
        cells = value[rows].tolist()
        score = {cell: table.get(_plain(cell), np.nan) for cell in set(cells)}
        scores[rows] = [score[cell] for cell in cells]
    return scores


def _plain(cell: bytes) -> str:
    return " ".join(cell.decode("latin-1").lower().split())
