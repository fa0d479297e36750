"""Charted events of ICU stays to an hourly grid: one pass over each table.

layout > engines > cleaning > grid > gcs, for chartevents and, if asked, labevents. To
add a table of events: write it into `TABLES`, and its items into `variables.py`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.cleaning import REASONS, Items, clean
from mind_keras.data.mimic.engines import ITEM, check_engine, read_rows
from mind_keras.data.mimic.gcs import add_total, check_rule
from mind_keras.data.mimic.grid import Grid, hours_between
from mind_keras.data.mimic.layout import find_table
from mind_keras.data.mimic.owners import OUTSIDE, OWNERS, UNKNOWN, Owner
from mind_keras.data.mimic.parsing import NUMBER_WIDTH, TIME, parse_numbers, parse_times
from mind_keras.data.mimic.reading import MOST_BAD, check_rate
from mind_keras.data.mimic.variables import ITEMS, LAB_ITEMS

# Which items a table has, and by which column its rows belong to a stay.
TABLES = {
    "chartevents": (Items(ITEMS), "stay_id"),
    "labevents": (Items(LAB_ITEMS), "subject_id"),
}
STAY_COLUMNS = ("stay_id", "subject_id", "intime", "end")
# Why a row is dropped; the first that holds is counted.
DROPPED = ("unparsable time", *REASONS, "other stay", "outside window")
_COUNTED = ("rows", "rows of our items", "kept")
_NUMERIC, _ID = "rows where a number is expected", "unreadable ids"
CHUNK_ROWS = 100_000  # Fits the cache of a processor.
FEW_STAYS = 20  # So few may have no measurement at all.
# Bytes that are read of a cell: one more than what can have a meaning.
_ID_WIDTH = 18
_WIDTHS = {
    ITEM: 12,
    "charttime": TIME + 1,
    "value": NUMBER_WIDTH + 2,
    "valuenum": NUMBER_WIDTH + 1,
}

# What each table must have.
EVENT_COLUMNS = {table: (key, *_WIDTHS) for table, (_, key) in TABLES.items()}

Progress = Callable[[str, int, float], None]


@dataclass(frozen=True, eq=False)
class Series:
    """Hourly values of some stays.

    Args:
        grid: `(sum of hours, 17)`, float32, in the units of `variables.RANGES`, NaN
            where nothing was measured. The stays are one below the other.
        first_row: Of each stay in `grid`, `(n,)`, int64.
        hours: Rows of each stay, `(n,)`, int64.
        counts: `{table: {"rows", "rows of our items", "kept", *DROPPED}}`. Rows of our
            items are either kept or dropped.
    """

    grid: np.ndarray
    first_row: np.ndarray
    hours: np.ndarray
    counts: dict[str, dict[str, int]]


def extract_series(
    root: Path,
    stays: pd.DataFrame,
    *,
    labs: bool = False,
    engine: str | None = None,
    chunk_rows: int = CHUNK_ROWS,
    intubated: str = "minimum",
    most_bad: float = MOST_BAD,
    progress: Progress = lambda stage, done, fraction: None,
) -> Series:
    """The hourly grid of some stays, from the tables of MIMIC-IV.

    Hour k holds what was charted in (k, k + 1] hours after `intime`, hour 0 from the
    start on: the latest value; at the same second that of the later item in the lists
    of `variables.py`, and of one item the larger. The result depends neither on the
    order of rows nor on engine or chunks. The coma scale's total is derived (`gcs.py`).

    Args:
        root: The folder with `hosp/` and `icu/`.
        stays: `STAY_COLUMNS`, a row per stay; `end` is the prediction time, until which
            events count. There are ceil(end - intime) hours, at least one.
        labs: Also take glucose, pH, saturation and oxygen from labevents. A sample
            belongs to the latest stay of its subject that had begun.
        engine: A name in `engines.ENGINES`; None: the fastest that is installed.
        chunk_rows: Rows in memory at a time, about.
        intubated: What the coma scale's total is then; see `gcs.INTUBATION_RULES`.
        most_bad: Share of unreadable times, or of unreadable numbers where one is
            expected, among rows of our items, up to which a table is accepted.
        progress: Called with the table's name, rows read and the fraction of the file.

    Raises:
        ValueError: If a table or column is absent, cut off or has too many unreadable
            cells, or the stays or an option are not as they should be.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> _ = (root / "chartevents.csv").write_text(
        ...     "stay_id,charttime,itemid,value,valuenum\\n"
        ...     "30000001,2150-01-01 09:30:00,220045,88,88\\n"
        ... )
        >>> times = pd.to_datetime(["2150-01-01 08:00:00", "2150-01-01 10:00:00"])
        >>> stay = {"stay_id": 30000001, "subject_id": 1}
        >>> stays = pd.DataFrame([stay | dict(zip(["intime", "end"], times))])
        >>> extract_series(root, stays).grid[:, 8].tolist()
        [nan, 88.0]
    """
    check_engine(engine)
    check_rule(intubated)
    start, end = _check_stays(stays)
    grid, counts = Grid(hours_between(start, end)), {}
    for table in [*TABLES] if labs else ["chartevents"]:
        items, key = TABLES[table]
        path = find_table(root, table, EVENT_COLUMNS[table])
        owner = OWNERS[key](stays[key].to_numpy("int64"), start, end)
        widths = {key: _ID_WIDTH, **_WIDTHS}
        tally = Counter(dict.fromkeys((*_COUNTED, *DROPPED, _NUMERIC, _ID), 0))
        for rows, cells, fraction in read_rows(
            path, widths, items.number.tolist(), engine=engine, chunk_rows=chunk_rows
        ):
            tally["rows"] += rows
            _enter(grid, items, owner, cells, key, tally)
            progress(table, tally["rows"], fraction)
        _check_rates(path, key, tally, most_bad)
        counts[table] = {name: tally[name] for name in (*_COUNTED, *DROPPED)}
    kept = sum(count["kept"] for count in counts.values())
    if not kept and len(stays) >= FEW_STAYS:
        raise ValueError(
            f"Some events in {root} must be of the {len(stays):,} stays asked for. "
            f"Received none: {counts}. Are the tables of one release, and whole?"
        )
    add_total(grid.values, grid.first_row, intubated=intubated)
    return Series(grid.values, grid.first_row, grid.hours, counts)


def _enter(
    grid: Grid,
    items: Items,
    owner: Owner,
    cells: np.ndarray,
    key: str,
    tally: Counter,
) -> None:
    """Put rows of events into the grid, and count what became of them."""
    time = parse_times(cells["charttime"])[0]
    cleaned = clean(items, cells[ITEM], cells["value"], cells["valuenum"])
    ids, unreadable = parse_numbers(cells[key])
    tally[_ID] += int(unreadable.sum())
    ids = np.nan_to_num(ids, nan=-1).astype("int64")
    stay, second = owner.find(ids, time.astype("int64"))
    reason = np.zeros(len(cells), "int8")
    # From the last to the first, so that the first that holds remains.
    reason[stay == OUTSIDE] = 1 + DROPPED.index("outside window")
    reason[stay == UNKNOWN] = 1 + DROPPED.index("other stay")
    unclean = cleaned.reason > 0
    reason[unclean] = cleaned.reason[unclean] + DROPPED.index(REASONS[0])
    reason[np.isnat(time)] = 1 + DROPPED.index("unparsable time")
    kept = reason == 0
    grid.put(
        stay[kept],
        second[kept],
        cleaned.variable[kept],
        cleaned.rank[kept],
        cleaned.value[kept],
    )
    tally["rows of our items"] += len(cells)
    tally[_NUMERIC] += int(cleaned.numeric.sum())
    for name, count in zip(("kept", *DROPPED), np.bincount(reason), strict=False):
        tally[name] += int(count)


def _check_rates(path: Path, key: str, tally: Counter, most_bad: float) -> None:
    for column, reason, of in (
        (key, _ID, "rows of our items"),
        ("charttime", "unparsable time", "rows of our items"),
        ("valuenum", "unparsable number", _NUMERIC),
    ):
        check_rate(path, column, tally[reason], tally[of], (), most_bad)


def _check_stays(stays: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """When stays begin and end, in seconds since 1970."""
    absent = [name for name in STAY_COLUMNS if name not in stays]
    if absent:
        raise ValueError(
            f"`stays` must have the columns {STAY_COLUMNS}. Received none named "
            f"{absent}; it has {stays.columns.tolist()}."
        )
    ids = stays["stay_id"]
    if not len(ids):
        raise ValueError("`stays` must have at least one stay. Received none.")
    if ids.duplicated().any():
        raise ValueError(
            "`stays` must have one row per stay. Received repeated stay_id, e.g. "
            f"{ids[ids.duplicated()].unique()[:3].tolist()}."
        )
    wrong = ~(stays["intime"] <= stays["end"]).to_numpy()
    if wrong.any():
        raise ValueError(
            "`stays` must have an `intime`, and an `end` that is not before it. "
            f"Received {wrong.sum()} others, e.g. stay_id {ids[wrong].tolist()[:3]}. "
            "Leave such stays out."
        )
    times = (stays[name].to_numpy("datetime64[s]") for name in ("intime", "end"))
    return tuple(time.astype("int64") for time in times)
