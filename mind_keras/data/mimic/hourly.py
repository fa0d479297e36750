"""Events to the hourly values of a stay, one row an hour, stays one after another."""

from dataclasses import dataclass

import numpy as np

from mind_keras.data.mimic.variables import NAMES


@dataclass(frozen=True, eq=False)
class Hourly:
    """The hours of all stays.

    Args:
        series: `(sum of hours, 17)`, float32, NaN where nothing was measured.
        hours: Rows of each stay, `(n,)`; they come in the order of the stays.
    """

    series: np.ndarray
    hours: np.ndarray

    @property
    def first_row(self) -> np.ndarray:
        """Where each stay begins, `(n,)`."""
        return np.cumsum(self.hours) - self.hours

    @property
    def measured(self) -> np.ndarray:
        """Which stays have at least one measurement, `(n,)` of bool."""
        some = ~np.isnan(self.series).all(axis=1)
        stay = np.repeat(np.arange(len(self.hours)), self.hours)
        return np.bincount(stay[some], minlength=len(self.hours)) > 0

    def take(self, kept: np.ndarray) -> "Hourly":
        """The hours of some stays alone, `kept` being `(n,)` of bool."""
        return Hourly(self.series[np.repeat(kept, self.hours)], self.hours[kept])


def fill(
    hours: np.ndarray,
    stay: np.ndarray,
    hour: np.ndarray,
    variable: np.ndarray,
    values: np.ndarray,
) -> Hourly:
    """Each cell takes the last of its events.

    Args:
        hours: Rows of each stay, `(n,)`.
        stay, hour, variable: Where each event belongs, `(events,)`; hours from 0 and
            less than those of the stay.
        values: `(events,)`, in the order of their times.

    Example:
        >>> found = fill([2, 1], [1, 0, 0], [0, 1, 1], [8, 8, 8], [70.0, 80.0, 90.0])
        >>> found.series[:, 8].tolist(), found.first_row.tolist()
        ([nan, 90.0, 70.0], [0, 2])
    """
    hours = np.asarray(hours, "int64")
    empty = np.full((hours.sum(), len(NAMES)), np.nan, "float32")
    filled = Hourly(empty, hours)
    # NumPy keeps the last of repeated places.
    filled.series[filled.first_row[np.asarray(stay)] + hour, variable] = values
    return filled
