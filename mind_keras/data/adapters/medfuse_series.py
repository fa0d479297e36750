"""The series of a MedFuse or mimic3-benchmarks extraction: a `.csv` for each stay.

The first column is `Hours` since the stay began, then come the 17 variables; a row has
what was charted at one time, blanks where nothing was.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.adapters import values as cells
from mind_keras.data.adapters.names import variable_numbers
from mind_keras.data.mimic.hourly import Hourly, fill
from mind_keras.data.mimic.parsing import parse_numbers
from mind_keras.data.mimic.variables import NAMES

# The tolerance of the published code, in hours: an event at 3.0 belongs to (2, 3].
TINY = 1e-6
BLOCK = 256


@dataclass(frozen=True, eq=False)
class Events:
    """What was charted, in the order of the stays, then of time.

    Args:
        stay, hours, variable, value: One of each per event, `(events,)`; `hours` since
            the stay began, float64.
    """

    stay: np.ndarray
    hours: np.ndarray
    variable: np.ndarray
    value: np.ndarray


def read_series(
    base: Path,
    samples: pd.DataFrame,
    *,
    hours: int | None,
    clean: bool,
    most_bad: float,
    progress: Callable[[str, int, float], None],
) -> tuple[Hourly, dict[str, int]]:
    """The hourly values of all stays.

    Hour k has the last value charted in (k, k + 1], hour 0 also that of time 0.

    Args:
        base: Where the files are.
        samples: `file`, relative to `base`, and `period`, how long the stay is told
            of, in hours.
        hours: Longest window; None: the whole period.
        clean: Whether implausible values are left out; see `values.clean`.
        most_bad: Share of the cells that may be neither blank nor a value.
        progress: Called as `progress("series", files read, fraction)`.

    Returns:
        The hours, and how many values were `read`, `kept`, `bad`, `implausible` or
        `outside` the window.

    Raises:
        ValueError: If a file or a column is missing, or too many cells are bad.
    """
    files, periods = samples["file"].tolist(), samples["period"].to_numpy()
    rows = (periods + 1 - TINY).astype("int64")
    rows = np.maximum(rows if hours is None else np.minimum(rows, hours), 1)
    counts = dict.fromkeys(("read", "kept", "bad", "implausible", "outside"), 0)
    parts = [np.empty((0, len(NAMES)), "float32")]
    for start in range(0, len(files), BLOCK):
        names = files[start : start + BLOCK]
        found, bad = _read_block(base, names, start)
        counts["bad"] += bad
        counts["read"] += len(found.stay) + bad
        stay, *places = _within(found, rows, periods, clean, counts)
        part = rows[start : start + BLOCK]
        parts.append(fill(part, stay - start, *places).series)
        counts["kept"] += len(stay)
        done = start + len(names)
        progress("series", done, done / len(files))
    if counts["bad"] > most_bad * counts["read"]:
        raise ValueError(
            f"At most {most_bad:.1%} of the values under {base} may be unreadable. "
            f"Received {counts['bad']} of {counts['read']} that are neither a number "
            "nor a known text. If this is right, raise `most_bad`."
        )
    return Hourly(np.concatenate(parts), rows), counts


def _within(
    events: Events,
    rows: np.ndarray,
    periods: np.ndarray,
    clean: bool,
    counts: dict[str, int],
) -> tuple[np.ndarray, ...]:
    """`(stay, hour, variable, value)` of what is plausible and in the window."""
    value = cells.clean(events.variable, events.value) if clean else events.value
    missing = np.isnan(value)
    hour = np.maximum((events.hours - TINY).astype("int64"), 0)
    inside = (events.hours > -TINY) & (events.hours <= periods[events.stay] + TINY)
    inside &= hour < rows[events.stay]
    counts["outside"] += int((~inside).sum())
    counts["implausible"] += int((missing & inside).sum())
    kept = inside & ~missing
    places = (events.stay, hour, events.variable, value)
    return tuple(place[kept] for place in places)


def _read_block(base: Path, names: list[str], start: int) -> tuple[Events, int]:
    """The events of some files that could be read; how many values could not."""
    stays, times, variables, texts = [], [], [], []
    for stay, name in enumerate(names, start):
        time, table = _read_file(base / name)
        # Row by row, so that later rows come later; files are not always sorted.
        row, column = np.nonzero(table != "")
        stays.append(np.full(len(row), stay))
        times.append(time[row])
        variables.append(column)
        texts.append(table[row, column])
    stay, time, variable, text = map(np.concatenate, (stays, times, variables, texts))
    value, bad = cells.parse_values(variable, text)
    bad |= np.isnan(time)
    order = np.flatnonzero(~bad)
    order = order[np.lexsort((time[order], stay[order]))]
    found = Events(stay[order], time[order], variable[order], value[order])
    return found, int(bad.sum())


def _read_file(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The time of each row, NaN where unreadable, and the texts, `(rows, 17)`."""
    if not path.is_file():
        raise ValueError(
            f"Every listed stay must have its series. Received: no file {path}. Was "
            "the extraction copied whole?"
        )
    with path.open(newline="", encoding="utf-8") as file:
        header, *lines = list(csv.reader(file)) or [[]]
    places = variable_numbers(header)
    absent = [name for k, name in enumerate(NAMES) if k not in places]
    if absent or "Hours" not in header:
        raise ValueError(
            f"{path} must have the column Hours and the 17 variables. Received: "
            f"{header}, without {absent or ['Hours']}."
        )
    if any(len(line) != len(header) for line in lines):
        raise ValueError(
            f"Rows of {path} must have {len(header)} cells, as the header. Received "
            f"others among its {len(lines)}. Is the file damaged?"
        )
    table = np.array(lines, object).reshape(len(lines), len(header))
    time = parse_numbers(table[:, header.index("Hours")].tolist())[0]
    table = table[:, [places.tolist().index(k) for k in range(len(NAMES))]]
    stripped = [text.strip() for text in table.ravel().tolist()]
    return time, np.array(stripped, object).reshape(table.shape)
