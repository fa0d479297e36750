"""The total of the Glasgow coma scale, which MetaVision does not chart.

Eye + motor + verbal in each hour where one of them was charted and all three are known,
each from that hour or one of the six before, as in mimic-code's concept `gcs` [1].

[1] https://github.com/MIT-LCP/mimic-code (MIT)
"""

import numpy as np

from mind_keras.data.mimic.variables import (
    EYE,
    INTUBATED,
    MOTOR,
    NAMES,
    RANGES,
    TOTAL,
    VERBAL,
)

CARRIED_HOURS = 6
# What the total of an intubated patient is: with the least verbal score, or the
# highest total, as in mimic-code.
INTUBATION_RULES = ("minimum", "fifteen")


def add_total(
    values: np.ndarray, first_row: np.ndarray, *, intubated: str = "minimum"
) -> None:
    """Write the total into a grid.

    Args:
        values: `(sum of hours, 17)`; the column of the total is overwritten.
        first_row: Of each stay, `(n,)`, ascending.
        intubated: One of `INTUBATION_RULES`.

    Raises:
        ValueError: If the rule is unknown.

    Example:
        >>> values = np.full((2, 17), np.nan, "float32")
        >>> values[0, [3, 4]], values[1, 6] = (4, 6), 5
        >>> add_total(values, np.array([0]))
        >>> values[:, 5].tolist()
        [nan, 15.0]
    """
    check_rule(intubated)
    row = np.arange(len(values))
    start = np.zeros(len(values), "int64")
    start[first_row] = first_row
    start = np.maximum.accumulate(start)
    parts, charted = {}, np.zeros(len(values), bool)
    for name in (EYE, MOTOR, VERBAL):
        column = values[:, NAMES.index(name)]
        known = ~np.isnan(column)
        last = np.maximum.accumulate(np.where(known, row, -1))
        near = (last >= start) & (row - last <= CARRIED_HOURS)
        parts[name] = np.where(near, column[last], np.nan)
        charted |= known
    tube = parts[VERBAL] == INTUBATED
    parts[VERBAL][tube] = RANGES[VERBAL][0]
    total = sum(parts.values())
    if intubated == "fifteen":
        total[tube & ~np.isnan(total)] = RANGES[TOTAL][1]
    values[:, NAMES.index(TOTAL)] = np.where(charted, total, np.nan)


def check_rule(intubated: str) -> None:
    """Refuse an unknown rule.

    Raises:
        ValueError: If it is not one of `INTUBATION_RULES`.
    """
    if intubated not in INTUBATION_RULES:
        raise ValueError(
            f"`intubated` must be one of {INTUBATION_RULES}. Received: {intubated!r}."
        )
