"""Rows of events on their way to a table: a dict of arrays, each `(events,)`.

`stay` is the number in the block, `minutes` count from `intime`, `number` is NaN where
there is a text alone, and `text` is "" where the number is the text.
"""

from collections.abc import Mapping, Sequence

import numpy as np

Rows = dict[str, np.ndarray]


def rows_of(
    stay: np.ndarray,
    minutes: np.ndarray,
    itemid: np.ndarray | int,
    number: np.ndarray | float,
    text: np.ndarray | str = "",
) -> Rows:
    """Rows of the given columns; one value stands for all rows.

    Args:
        stay: Number of the stay in the block, `(events,)`.
        minutes: Since `intime`, `(events,)`.
        itemid: `(events,)`, or one.
        number: `(events,)`, or one.
        text: `(events,)` of object, or one.

    Example:
        >>> rows_of(np.array([0, 1]), np.array([5.0, 7.0]), 220045, np.nan)["itemid"]
        array([220045, 220045])
    """
    size = len(stay)
    return {
        **{"stay": stay, "minutes": minutes},
        **{"itemid": np.full(size, itemid), "number": np.full(size, number, float)},
        "text": np.full(size, text, object),
    }


def join(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts.

    Args:
        parts: At least one, with the same columns.

    Example:
        >>> join([{"stay": np.array([0])}, {"stay": np.array([1, 2])}])
        {'stay': array([0, 1, 2])}
    """
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def select(columns: Mapping[str, np.ndarray], index: np.ndarray) -> Rows:
    """Some rows, or all in another order.

    Args:
        columns: Of one length.
        index: Positions, or a bool for each row.

    Example:
        >>> select({"stay": np.array([4, 5])}, np.array([1, 0]))
        {'stay': array([5, 4])}
    """
    return {name: values[index] for name, values in columns.items()}
