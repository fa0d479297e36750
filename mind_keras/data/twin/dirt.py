"""What goes wrong on the way into the tables, at stated rates.

A kind of dirt changes rows in place; `blank` marks those that lose their `valuenum`.
To add one: a function of (rows, rng), and its name in `DIRT`.
"""

from collections.abc import Callable

import numpy as np

from mind_keras.data.twin.rows import Rows

FRACTION, FLOW, OUTLIER, ERROR, PAIR = 0.05, 0.005, 0.001, 0.001, 0.01
BLANK, FAHRENHEIT, OUTSIDE, WRONG_YEAR = 0.005, 0.005, 0.02, 0.0001
SYSTOLIC, DIASTOLIC = (220179, 224167, 227243), (220180, 224643, 227242)
IMPOSSIBLE = {
    **{220045: 0, 220179: 1200, 220050: 1200, 220180: -3, 220277: 0, 226707: 825070},
    **{225664: 999999, 223761: 0, 226512: 0, 223830: 74, 220210: 2400},
}
CAN_FAIL = (220277, 220621, 225664, 223830)
DAY_MINUTES = 1440


def soil(rows: Rows, length: np.ndarray, rng: np.random.Generator) -> Rows:
    """The rows with all dirt, and `blank`, `(events,)` of bool.

    Args:
        rows: As `charting.chart` gives them; left as they are.
        length: Minutes from `intime` to `outtime`, `(stays,)`.
        rng: For the accidents.

    Example:
        >>> from mind_keras.data.twin.rows import rows_of
        >>> rows = rows_of(np.zeros(1000, int), np.arange(1000.0), 223835, 50.0)
        >>> dirty = soil(rows, np.array([1000.0]), np.random.default_rng(0))
        >>> bool((dirty["number"] == 0.5).any())
        True
    """
    rows = {key: array.copy() for key, array in rows.items()}
    rows["blank"] = np.isnan(rows["number"])
    for accident in DIRT:
        accident(rows, rng)
    _misplace(rows, length, rng)
    return rows


def _some(
    rows: Rows, items: tuple[int, ...], rate: float, rng: np.random.Generator
) -> np.ndarray:
    return np.isin(rows["itemid"], items) & (rng.random(len(rows["stay"])) < rate)


def _fraction(rows: Rows, rng: np.random.Generator) -> None:
    """FiO2 as a fraction, or the oxygen flow (L/min) in its place."""
    rows["number"][_some(rows, (223835,), FRACTION, rng)] /= 100
    flow = _some(rows, (223835,), FLOW, rng)
    rows["number"][flow] = rng.integers(2, 16, flow.sum())


def _fahrenheit(rows: Rows, rng: np.random.Generator) -> None:
    """A temperature in °F under the item of °C."""
    some = _some(rows, (223762,), FAHRENHEIT, rng)
    rows["number"][some] = np.round(rows["number"][some] * 9 / 5 + 32, 1)


def _impossible(rows: Rows, rng: np.random.Generator) -> None:
    """Values no living person has."""
    some = _some(rows, tuple(IMPOSSIBLE), OUTLIER, rng)
    items = rows["itemid"][some].tolist()
    rows["number"][some] = [IMPOSSIBLE[item] for item in items]


def _failed(rows: Rows, rng: np.random.Generator) -> None:
    """A device that wrote ERROR."""
    some = _some(rows, CAN_FAIL, ERROR, rng)
    rows["text"][some], rows["number"][some] = "ERROR", np.nan
    rows["blank"] |= some


def _pair(rows: Rows, rng: np.random.Generator) -> None:
    """Both blood pressures in one text, and no number."""
    for items, factor in ((SYSTOLIC, 0.55), (DIASTOLIC, 1.8)):
        some = np.flatnonzero(_some(rows, items, PAIR, rng))
        number = rows["number"][some]
        both = np.sort([number, np.round(number * factor)], axis=0)[::-1].T
        rows["text"][some] = [f"{high:.0f}/{low:.0f}" for high, low in both.tolist()]
        rows["blank"][some] = True


def _blank(rows: Rows, rng: np.random.Generator) -> None:
    """The number stands in `value` only."""
    rows["blank"] |= rng.random(len(rows["stay"])) < BLANK


DIRT: tuple[Callable, ...] = (
    *(_fraction, _fahrenheit, _impossible, _failed, _pair, _blank),
)


def _misplace(rows: Rows, length: np.ndarray, rng: np.random.Generator) -> None:
    """Charted before or after the stay by up to 12 hours, or in the wrong year."""
    size = len(rows["stay"])
    luck, away = rng.random(size), np.floor(rng.uniform(1, DAY_MINUTES / 2, size))
    before, after = luck < OUTSIDE / 2, (luck >= OUTSIDE / 2) & (luck < OUTSIDE)
    minutes = np.where(before, -away, rows["minutes"])
    minutes = np.where(after, np.ceil(length[rows["stay"]]) + away, minutes)
    year = np.where(rng.random(size) < 0.5, -365, 365) * DAY_MINUTES
    wrong = rng.random(size) < WRONG_YEAR
    rows["minutes"] = minutes + wrong * year
