"""Text to times and numbers, in arrays: one definition for all ways of reading.

A blank is missing. Text that is neither blank nor a time or number is *bad*: missing
too, and counted by the caller. What is written as usual is taken letter by letter,
all texts at once; the rest, one text at a time.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# The longest that a double is ever written, -1.7976931348623157e+308.
NUMBER_WIDTH = 24
# YYYY-MM-DD HH:MM:SS; a date is its first ten characters.
TIME, DATE = 19, 10
_MARKS = {4: "-", 7: "-", 10: " ", 13: ":", 16: ":"}
_ZERO = np.uint8(ord("0"))

Texts = Sequence[str] | np.ndarray


def parse_times(texts: Texts, *, width: int = TIME) -> tuple[np.ndarray, np.ndarray]:
    """`datetime64[s]` of `YYYY-MM-DD HH:MM:SS`, and which texts are bad.

    Args:
        texts: `(n,)` strings or bytes, empty where missing.
        width: `TIME`, or `DATE` for `YYYY-MM-DD`, where the time of day may follow
            and is left away.

    Returns:
        Times, `(n,)`, NaT where missing or bad, and the bad ones, `(n,)` bool.

    Example:
        >>> times, bad = parse_times(["2150-02-28 23:59:59", "", "2150-02-30 00:00:00"])
        >>> times.astype(str).tolist(), bad.tolist()
        (['2150-02-28T23:59:59', 'NaT', 'NaT'], [False, False, True])
    """
    columns = _columns(_cells(texts, TIME))
    times = _times(columns, width)
    missing = np.flatnonzero(np.isnat(times) & (columns[0] != 0))
    bad = np.zeros(len(times), bool)
    if len(missing):
        stripped = _cells([_text(texts[row]) for row in missing], TIME)
        times[missing] = _times(_columns(stripped), width)
        bad[missing] = np.isnat(times[missing]) & (stripped != b"")
    return times, bad


def parse_numbers(texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    """Finite decimal numbers as float64, and which texts are bad.

    Args:
        texts: `(n,)` strings or bytes of at most `NUMBER_WIDTH` characters, empty
            where missing. Longer ones are bad.

    Returns:
        Numbers, `(n,)`, NaN where missing or bad, and the bad ones, `(n,)` bool.

    Example:
        >>> numbers, bad = parse_numbers(["98.6", "", "ERROR", " 7 ", "inf"])
        >>> numbers.tolist(), bad.tolist()
        ([98.6, nan, nan, 7.0, nan], [False, False, True, False, True])
    """
    columns = _columns(_cells(texts, NUMBER_WIDTH))
    numbers = _decimals(columns)
    bad = np.zeros(len(numbers), bool)
    for row in np.flatnonzero(np.isnan(numbers) & (columns[0] != 0)):
        text = _text(texts[row])
        numbers[row] = _number(text)
        bad[row] = bool(text) and np.isnan(numbers[row])
    return numbers, bad


def _text(cell: str | bytes) -> str:
    return (cell.decode("latin-1") if isinstance(cell, bytes) else cell).strip()


def _number(text: str) -> float:
    if len(text) > NUMBER_WIDTH or not NUMBER.fullmatch(text):
        return np.nan
    number = float(text)
    return number if np.isfinite(number) else np.nan


def _cells(texts: Texts, width: int) -> np.ndarray:
    """Texts as bytes, cut one character after the width: too long stays too long."""
    try:
        return np.array(texts, f"S{width + 1}")
    except UnicodeEncodeError:
        codes = [text.encode("ascii", "replace") for text in texts]
        return np.array(codes, f"S{width + 1}")


def _columns(cells: np.ndarray) -> np.ndarray:
    """Characters by place, `(width, n)`, 0 after the end of a text."""
    characters = cells.view("uint8").reshape(len(cells), cells.itemsize)
    return np.ascontiguousarray(characters.T)


def _decimals(columns: np.ndarray) -> np.ndarray:
    """What texts of digits and at most one point are worth; NaN for all others.

    Up to 15 digits and 10 ** 15 are exact in float64, and so is their ratio rounded
    once: the same number as by `float`.
    """
    size = columns.shape[1]
    digits, scale = np.zeros(size), np.ones(size)
    good, after_point = np.ones(size, bool), np.zeros(size, bool)
    count = np.zeros(size, "int8")
    for column in columns:
        if not column.any():
            break
        digit = column - _ZERO
        is_digit = digit < 10
        is_point = column == ord(".")
        good &= is_digit | (column == 0) | (is_point & ~after_point)
        digits *= np.where(is_digit, 10.0, 1.0)
        digits += digit * is_digit
        if after_point.any():
            scale *= np.where(is_digit & after_point, 10.0, 1.0)
        after_point |= is_point
        count += is_digit
    good &= (count > 0) & (count <= 15)
    return np.where(good, digits / scale, np.nan)


@functools.cache
def _month_starts() -> np.ndarray:
    """Days from 1970 to the first of each month of the years 0 to 9999."""
    months = np.arange(12 * 10_000 + 1) - 12 * 1970
    days = months.astype("datetime64[M]").astype("datetime64[D]")
    return days.astype("int64")


def _times(columns: np.ndarray, width: int) -> np.ndarray:
    """Times of columns of characters, NaT where they do not spell one."""
    ended = columns[DATE] == 0
    good = _spelled(columns[:TIME]) & (columns[TIME] == 0)
    if width == DATE:
        good |= _spelled(columns[:DATE]) & ended
    digits = columns - _ZERO
    year, month, day = (_field(digits[slice(*p)]) for p in ((0, 4), (5, 7), (8, 10)))
    good &= (month >= 1) & (month <= 12)
    number = np.where(good, year * 12 + month - 1, 0)
    start, after = _month_starts()[number], _month_starts()[number + 1]
    good &= (day >= 1) & (day <= after - start)
    seconds = (start + day - 1) * 86_400
    if width == TIME:
        hour, minute, second = (_field(digits[p : p + 2]) for p in (11, 14, 17))
        good &= (hour < 24) & (minute < 60) & (second < 60)
        seconds += hour * 3600 + minute * 60 + second
    times = seconds.astype("datetime64[s]")
    times[~good] = "NaT"
    return times


def _spelled(columns: np.ndarray) -> np.ndarray:
    """Whether texts have digits and marks where a time has them."""
    good = np.ones(columns.shape[1], bool)
    for place, column in enumerate(columns):
        mark = _MARKS.get(place)
        good &= column - _ZERO < 10 if mark is None else column == ord(mark)
    return good


def _field(digits: np.ndarray) -> np.ndarray:
    """The number that some places of digits spell."""
    number = np.zeros(digits.shape[1], "int32")
    for column in digits:
        number = number * 10 + column
    return number
