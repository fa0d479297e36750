"""Whose an event is: from an id and a time to a stay and a second of it.

To add a way: write the class, with the method `find`, and name it, by the column of
ids, in `OWNERS`.
"""

import numpy as np

UNKNOWN, OUTSIDE = -1, -2


class ByStay:
    """Events that name their stay.

    Args:
        ids: Stays, `(n,)`, all different.
        start: When each begins, seconds since 1970, `(n,)`.
        end: Until when events count, seconds since 1970, `(n,)`.

    Example:
        >>> owner = ByStay(np.array([8, 5]), np.array([100, 0]), np.array([160, 60]))
        >>> owner.find(np.array([8, 5, 7]), np.array([130, 61, 0]))[0].tolist()
        [0, -2, -1]
    """

    def __init__(self, ids: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
        self._order = np.argsort(ids)
        self._ids = ids[self._order]
        self._start, self._end = start, end

    def find(self, ids: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The stay of each event, and the second of it.

        Args:
            ids: Stay, or whatever no stay has, `(m,)`.
            time: Seconds since 1970, `(m,)`.

        Returns:
            Number of the stay, `(m,)`: `UNKNOWN` if it is none of ours, `OUTSIDE` if
            the time is not in it; and seconds since it began, `(m,)`.
        """
        place = np.searchsorted(self._ids, ids).clip(max=len(self._ids) - 1)
        stay = np.where(self._ids[place] == ids, self._order[place], UNKNOWN)
        return _within(stay, time, self._start, self._end)


class BySubject:
    """Events that name their subject: of its stays, the latest that had begun.

    Args:
        ids: Subject of each stay, `(n,)`.
        start: When each stay begins, seconds since 1970, `(n,)`.
        end: Until when events count, seconds since 1970, `(n,)`.

    Example:
        >>> ids, start = np.array([5, 5]), np.array([0, 100])
        >>> owner = BySubject(ids, start, start + 60)
        >>> owner.find(np.array([5, 5, 7]), np.array([130, 61, 0]))[0].tolist()
        [1, -2, -1]
    """

    def __init__(self, ids: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
        self._subjects, code = np.unique(ids, return_inverse=True)
        self._order = np.lexsort((start, code))
        self._start, self._end = start, end
        # Subjects one after the other on one axis of time.
        self._origin = start.min(initial=0) - 1
        self._span = start.max(initial=0) + 1 - self._origin
        self._axis = (code * self._span + start - self._origin)[self._order]

    def find(self, ids: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The stay of each event, and the second of it; see `ByStay.find`."""
        code = np.searchsorted(self._subjects, ids).clip(max=len(self._subjects) - 1)
        known = self._subjects[code] == ids
        since = (time - self._origin).clip(0, self._span - 1)
        place = np.searchsorted(self._axis, code * self._span + since, side="right") - 1
        # Before the first stay the place is one of another subject, or none.
        first = np.searchsorted(self._axis, code * self._span)
        stay = np.where(place >= first, self._order[place], OUTSIDE)
        stay = np.where(known, stay, UNKNOWN)
        return _within(stay, time, self._start, self._end)


def _within(
    stay: np.ndarray, time: np.ndarray, start: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    second = time - start[stay]
    outside = (stay >= 0) & ((second < 0) | (time > end[stay]))
    return np.where(outside, OUTSIDE, stay), second


Owner = ByStay | BySubject
OWNERS = {"stay_id": ByStay, "subject_id": BySubject}
