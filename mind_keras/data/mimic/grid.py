"""The hourly grid of many stays, filled row by row of events in any order.

A cell keeps the latest value of its hour; at the same second the later item of the
variable's list; of the same item the larger value. Since this is an order of rows, and
the state of a cell is its largest row so far, neither the order of the rows nor how
they are cut into pieces changes the result. Six bytes a cell, whatever the file's size.
"""

import numpy as np

from mind_keras.data.mimic.variables import NAMES

HOUR = 3600
RANKS = 16


class Grid:
    """The stays' hours one below the other, `(sum of hours, 17)`, NaN: not measured.

    Args:
        hours: Of each stay, `(n,)`, at least 1.

    Example:
        >>> grid = Grid(np.array([2, 1]))
        >>> stay, second, variable = np.array([0, 0, 1]), np.array([3601, 3660, 0]), 8
        >>> rank, value = np.array([0, 0, 0]), np.array([80.0, 90.0, 70.0])
        >>> grid.put(stay, second, np.full(3, variable), rank, value)
        >>> grid.values[:, variable].tolist()
        [nan, 90.0, 70.0]
    """

    def __init__(self, hours: np.ndarray) -> None:
        self.hours = np.asarray(hours, "int64")
        self.first_row = np.cumsum(self.hours) - self.hours
        self.values = np.full((int(self.hours.sum()), len(NAMES)), np.nan, "float32")
        # Second of the hour and rank of the row whose value a cell has.
        self._keys = np.zeros(self.values.shape, "uint16")

    def put(
        self,
        stay: np.ndarray,
        second: np.ndarray,
        variable: np.ndarray,
        rank: np.ndarray,
        value: np.ndarray,
    ) -> None:
        """Enter rows of events.

        Args:
            stay: Number of the stay, `(n,)`.
            second: Since the stay began, `(n,)`, from 0 to that of its last hour.
            variable: Place in `NAMES`, `(n,)`.
            rank: Of the item, `(n,)`, 0 to 15.
            value: Finite, `(n,)`.
        """
        hour = hour_of(second)
        cell = (self.first_row[stay] + hour) * len(NAMES) + variable
        key = ((second - hour * HOUR) * RANKS + rank).astype("uint16")
        keys, values = self._keys.reshape(-1), self.values.reshape(-1)
        before = keys[cell]
        np.maximum.at(keys, cell, key)
        now = keys[cell]
        values[cell[now > before]] = np.nan
        wins = key == now
        np.fmax.at(values, cell[wins], value[wins].astype("float32"))


def hour_of(second: np.ndarray) -> np.ndarray:
    """The hour that a second since the start belongs to: [0, 1], (1, 2], (2, 3], ...

    Example:
        >>> hour_of(np.array([0, 1, 3600, 3601, 7200])).tolist()
        [0, 0, 0, 1, 1]
    """
    return np.maximum(0, (second - 1) // HOUR)


def hours_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Hours from start to end in seconds, begun ones as whole; at least 1.

    Example:
        >>> hours_between(np.array([0, 0, 0]), np.array([0, 3600, 3601])).tolist()
        [1, 1, 2]
    """
    return np.maximum(1, -((start - end) // HOUR))
