"""Small tables of events with every kind of dirt, and many rows that tie."""

import csv
import gzip
import io
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from data.mimic.slow_reference import (
    CHART,
    CRT,
    EYE,
    HEIGHT,
    LAB,
    MOTOR,
    PH,
    VERBAL,
)

DAY = datetime(2150, 1, 1)
# Two stays of one subject, of the same second as a third; one of a single minute.
STAYS = [
    {"stay_id": 30000003, "subject_id": 10000001, "start": 0, "hours": 3.5},
    {"stay_id": 30000001, "subject_id": 10000001, "start": 10, "hours": 2},
    {"stay_id": 30000002, "subject_id": 10000002, "start": 0, "hours": 9},
    {"stay_id": 30000009, "subject_id": 10000000, "start": 1, "hours": 1 / 60},
]
CHART_COLUMNS = (
    *("subject_id", "hadm_id", "stay_id", "caregiver_id", "charttime", "storetime"),
    *("itemid", "value", "valuenum", "valueuom", "warning"),
)
LAB_COLUMNS = (
    *("labevent_id", "subject_id", "hadm_id", "specimen_id", "itemid", "charttime"),
    *("value", "valuenum", "valueuom", "comments"),
)
NUMBERS = (
    "0.21",
    "0.5",
    "0.97",
    "1",
    "1.5",
    "6.3",
    "7.4",
    "9",
    "14",
    "19.9",
    "20",
    "21",
)
NUMBERS += (
    "33",
    "37",
    "45",
    "78.9",
    "79",
    "98.6",
    "100",
    "101",
    "150",
    "375",
    "825070",
)
NUMBERS += (
    "0",
    "-5",
    "1e2",
    "+72",
    ".5",
    "98.",
    "3",
    "4",
    "5",
    "6",
    "2.5",
    "7.40",
    "62",
)
WORDS = (
    "",
    " ",
    "ERROR",
    "120/80",
    "120 / 80.5",
    "1xx/xx",
    "12/",
    "inf",
    "nan",
    "0x1F",
)
WORDS += (
    "1_000",
    "9" * 30,
    "1.2.3",
    "-",
    "12,5",
    'said "no"',
    "two\nlines",
    "Ä°C",
    "-inf",
)
# Right for some item of the variable.
RIGHT = {
    CRT: ("Brisk", "Delayed"),
    EYE: ("None", "To Pain", "To Speech", "Spontaneously"),
    MOTOR: ("No response", "Flex-withdraws", "Obeys Commands"),
    VERBAL: ("No Response-ETT", "Oriented", "Confused"),
    HEIGHT: ("170", "67", "66.5"),
    PH: ("7.4", "7.31"),
}
COMA = ("None", "To Pain", "to  speech", "Spontaneously", "No response", "No Response")
COMA += ("Obeys Commands ", "Flex-withdraws", "No Response-ETT", "Oriented", "Confused")
REFILL = ("Normal <3 Seconds", "abnormal >3 secs", "Brisk", "Delayed", "Other/Remarks")
IDS = ("", "x", "31111111", "30000001.0", "10000001.0", " 30000002")
STRANGE_ITEMS = ("", "x", "999", "220045.0", " 220045", "51478", "50831", "220045x")
TIMES = ("", "soon", "2150-01-01", "2150-02-29 00:00:00", "2150-01-01 24:00:00")
TIMES += (" 2150-01-01 01:00:00 ", "2150-01-01T01:00:00", "2150-1-1 01:00:00", "Ä")


def stays() -> list[dict]:
    """For the slow reference."""
    return [
        {
            "stay_id": stay["stay_id"],
            "subject_id": stay["subject_id"],
            "intime": (start := DAY + timedelta(hours=stay["start"])),
            "end": start + timedelta(hours=stay["hours"]),
        }
        for stay in STAYS
    ]


def stay_frame(rows: list[dict] | None = None) -> pd.DataFrame:
    """For the package."""
    frame = pd.DataFrame(stays() if rows is None else rows)
    times = {name: frame[name].astype("datetime64[s]") for name in ("intime", "end")}
    return frame.assign(**times)


def write(path, rows, columns, *, end="\n") -> None:
    """A `.csv` or `.csv.gz`, quoted where necessary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)


def chart_rows(seed: int, size: int) -> list[dict]:
    """Rows of chartevents, most of them of our stays and items."""
    return _rows(seed, size, CHART, "stay_id")


def lab_rows(seed: int, size: int) -> list[dict]:
    """Rows of labevents."""
    return _rows(seed, size, LAB, "subject_id")


def _rows(seed: int, size: int, variables: dict, key: str) -> list[dict]:
    draw = np.random.default_rng(seed)
    pick = lambda options: options[draw.integers(len(options))]  # noqa: E731
    pairs = [(item, name) for name, items in variables.items() for item in items]
    rows = []
    for _ in range(size):
        item, variable = pick(pairs)
        rows.append(
            {
                key: pick(IDS) if draw.random() < 0.1 else pick(STAYS)[key],
                "charttime": pick(TIMES) if draw.random() < 0.05 else _time(draw),
                "itemid": pick(STRANGE_ITEMS) if draw.random() < 0.1 else item,
                "value": _value(draw, pick, variable),
                "valuenum": _valuenum(draw, pick),
            }
        )
    return rows


def _time(draw) -> str:
    """Mostly at the edges of hours, so that rows tie in time."""
    second = int(draw.integers(-1, 14)) * 3600 + int(draw.integers(-1, 2))
    day = timedelta(days=int(draw.choice([0, 365, -365], p=[0.98, 0.01, 0.01])))
    return str(DAY + timedelta(seconds=second) + day)


def _value(draw, pick, variable) -> str:
    if variable in RIGHT and draw.random() < 0.3:
        return pick(RIGHT[variable])
    special = {EYE: COMA, MOTOR: COMA, VERBAL: COMA, CRT: REFILL}
    if variable in special and draw.random() < 0.8:
        return pick(special[variable])
    return pick(WORDS) if draw.random() < 0.4 else pick(NUMBERS)


def _valuenum(draw, pick) -> str:
    return pick(WORDS) if draw.random() < 0.4 else pick(NUMBERS)
