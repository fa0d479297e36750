"""From hourly values to the columns that a model reads.

A grid is `(n, hours, 17)`, NaN where nothing was measured; a layout says which columns
each variable becomes. A value is carried forward until the next one; before the first,
the variable has its normal value. 17 masks follow, 1 in the hours with a measurement.
To add a layout: a `Channel` for each variable, named in `LAYOUTS`.

Categories in a grid are numbers: coma scale eye 1 to 4, motor 1 to 6, verbal 1 to 5, or
0 for an intubated patient ("No Response-ETT"); capillary refill 0 or 1.

The orders and normal values are those of the discretiser of Harutyunyan et al. (2019),
https://doi.org/10.1038/s41597-019-0103-9, that MedFuse (Hayat et al., 2022) uses too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mind_keras.data.mimic.variables import NAMES

CHUNK = 512


@dataclass(frozen=True)
class Channel:
    """The columns of one variable.

    Args:
        normal: Before the first measurement: a number, or a name of `categories`.
        categories: `{name of the column: its value in a grid}`, None for a category
            that no measurement takes. Empty: one column of the number itself.
        scaled: Whether its column is to be standardised.
    """

    normal: float | str
    categories: Mapping[str, int | None] | None = None
    scaled: bool = False

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.categories or (None,))

    def columns(self, values: np.ndarray) -> Iterator[np.ndarray]:
        """The columns of carried values, NaN before the first, `(n, hours)` each."""
        early = np.isnan(values)
        if not self.categories:
            yield np.where(early, np.float32(self.normal), values)
        for name, value in (self.categories or {}).items():
            # No number equals None: such a column is for the early hours alone.
            here = values == value if value is not None else np.zeros_like(early)
            yield here | early if name == self.normal else here


def _number(normal: float) -> Channel:
    return Channel(normal, scaled=True)


def _levels(*order: int, normal: int) -> Channel:
    return Channel(str(normal), {str(value): value for value in order})


_EYE = {"To Pain": 2, "3 To speech": None, "1 No Response": None}
_EYE |= {"4 Spontaneously": None, "None": 1, "To Speech": 3, "Spontaneously": 4}
_EYE |= {"2 To pain": None}

_MOTOR = {"1 No Response": None, "3 Abnorm flexion": None, "Abnormal extension": 2}
_MOTOR |= {"No response": 1, "4 Flex-withdraws": None, "Localizes Pain": 5}
_MOTOR |= {"Flex-withdraws": 4, "Obeys Commands": 6, "Abnormal Flexion": 3}
_MOTOR |= {"6 Obeys Commands": None, "5 Localizes Pain": None, "2 Abnorm extensn": None}

_VERBAL = {"1 No Response": None, "No Response": 1, "Confused": 4}
_VERBAL |= {"Inappropriate Words": 3, "Oriented": 5, "No Response-ETT": 0}
_VERBAL |= {"5 Oriented": None, "Incomprehensible sounds": 2, "1.0 ET/Trach": None}
_VERBAL |= {"4 Confused": None, "2 Incomp sounds": None, "3 Inapprop words": None}

_REFERENCE = {
    "Capillary refill rate": Channel("0.0", {"0.0": 0, "1.0": 1}),
    "Diastolic blood pressure": _number(59),
    "Fraction inspired oxygen": _number(0.21),
    "Glasgow coma scale eye opening": Channel("4 Spontaneously", _EYE),
    "Glasgow coma scale motor response": Channel("6 Obeys Commands", _MOTOR),
    "Glasgow coma scale total": _levels(
        *(11, 10, 13, 12, 15, 14, 3, 5, 4, 7, 6, 9, 8), normal=15
    ),
    "Glasgow coma scale verbal response": Channel("5 Oriented", _VERBAL),
    "Glucose": _number(128),
    "Heart rate": _number(86),
    "Height": _number(170),
    "Mean blood pressure": _number(77),
    "Oxygen saturation": _number(98),
    "Respiratory rate": _number(19),
    "Systolic blood pressure": _number(118),
    "Temperature": _number(36.6),
    "Weight": _number(81),
    "pH": _number(7.4),
}
_COMPACT = _REFERENCE | {
    "Capillary refill rate": Channel(0.0),
    "Glasgow coma scale eye opening": _levels(1, 2, 3, 4, normal=4),
    "Glasgow coma scale motor response": _levels(1, 2, 3, 4, 5, 6, normal=6),
    "Glasgow coma scale total": _number(15),
    "Glasgow coma scale verbal response": Channel(
        "5", {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "intubated": 0}
    ),
}
# `reference76`: the published 76 columns, in which a component of the coma scale that
# was not measured yet has the older spelling, so a column of its own. `compact`: 47;
# an old and a new spelling share a column, refill and the total are numbers.
LAYOUTS = {"reference76": _REFERENCE, "compact": _COMPACT}

# What a grid may hold for a variable of categories, in any layout.
CODES = {
    name: tuple(value for value in channel.categories.values() if value is not None)
    for name, channel in _REFERENCE.items()
    if channel.categories
}


def channels(layout: str) -> tuple[Channel, ...]:
    """The channels of a layout, in the order of the variables.

    Raises:
        ValueError: If the layout is unknown.
    """
    if layout not in [*LAYOUTS]:
        raise ValueError(f"Unknown layout {layout!r}. Known: {[*LAYOUTS]}.")
    return tuple(LAYOUTS[layout][name] for name in NAMES)


def names(layout: str) -> tuple[str, ...]:
    """The names of all columns: `variable`, `variable->category`, `mask->variable`.

    Raises:
        ValueError: If the layout is unknown.

    Example:
        >>> names("reference76")[2:5]
        ('Diastolic blood pressure', 'Fraction inspired oxygen',
         'Glasgow coma scale eye opening->To Pain')
        >>> len(names("reference76")), len(names("compact"))
        (76, 47)
    """
    found = []
    for name, channel in zip(NAMES, channels(layout), strict=True):
        categories = channel.categories or {}
        found += [f"{name}->{category}" for category in categories] or [name]
    return tuple(found + [f"mask->{name}" for name in NAMES])


def continuous(layout: str) -> np.ndarray:
    """Which columns are to be standardised, `(columns,)` of bool.

    Those of numbers; not categories, masks, and refill, which is 0 or 1.

    Raises:
        ValueError: If the layout is unknown.

    Example:
        >>> int(continuous("reference76").sum()), int(continuous("compact").sum())
        (12, 13)
    """
    kinds = [flag for c in channels(layout) for flag in [c.scaled] * c.width]
    return np.array(kinds + [False] * len(NAMES))


def expand(grid: np.ndarray, layout: str) -> np.ndarray:
    """The columns of hourly values.

    Args:
        grid: `(n, hours, 17)`, the variables in the order of `variables.NAMES`, NaN
            where nothing was measured. Not changed.
        layout: `"reference76"` or `"compact"`.

    Returns:
        `(n, hours, columns)`, float32, without NaN.

    Raises:
        ValueError: If the layout is unknown, or the grid has another shape, infinite
            values, or categories that a variable does not have.

    Example:
        >>> grid = np.full((1, 3, 17), np.nan)
        >>> grid[0, 1, NAMES.index("Heart rate")] = 100
        >>> column = names("compact").index("Heart rate")
        >>> expand(grid, "compact")[0, :, column].tolist()
        [86.0, 100.0, 100.0]
    """
    grid = _check_grid(grid)
    expanded = np.empty((*grid.shape[:2], len(names(layout))), "float32")
    for start in range(0, len(grid), CHUNK):
        part = slice(start, start + CHUNK)
        _expand(np.asarray(grid[part], "float32"), layout, expanded[part])
    return expanded


def _expand(grid: np.ndarray, layout: str, out: np.ndarray) -> None:
    """Write the columns of a part of the samples into `out`."""
    _check_values(grid)
    carried = _carry_forward(grid)
    column = 0
    for k, channel in enumerate(channels(layout)):
        for values in channel.columns(carried[:, :, k]):
            out[:, :, column] = values
            column += 1
    out[:, :, column:] = ~np.isnan(grid)


def _carry_forward(grid: np.ndarray) -> np.ndarray:
    """Each value until the next one; NaN before the first."""
    hour = np.arange(grid.shape[1], dtype="int32")[:, None]
    measured = np.where(np.isnan(grid), 0, hour)
    return np.take_along_axis(grid, np.maximum.accumulate(measured, axis=1), axis=1)


def _check_grid(grid: np.ndarray) -> np.ndarray:
    grid = np.asarray(grid)
    if grid.ndim != 3 or grid.shape[2] != len(NAMES) or grid.dtype.kind not in "biuf":
        raise ValueError(
            f"Hourly values must be numbers of the shape (n, hours, {len(NAMES)}), a "
            f"variable of `variables.NAMES` each. Received: shape {grid.shape}, dtype "
            f"{grid.dtype}."
        )
    return grid


def _check_values(grid: np.ndarray) -> None:
    infinite = int(np.isinf(grid).sum())
    if infinite:
        raise ValueError(
            "Hourly values must be finite, or NaN where nothing was measured. "
            f"Received: {infinite} infinite values."
        )
    for name, codes in CODES.items():
        values = grid[:, :, NAMES.index(name)]
        strange = np.unique(values[~np.isnan(values) & ~np.isin(values, codes)])
        if strange.size:
            raise ValueError(
                f"Values of {name!r} must be out of {sorted(codes)}, or NaN. Received "
                f"also: {strange[:5].tolist()}. Is the order of variables that of "
                "`variables.NAMES`?"
            )
