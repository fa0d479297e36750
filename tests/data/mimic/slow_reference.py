"""The hourly grid once more, by `csv.DictReader` and plain Python, a row at a time.

Written from the published rules, not from the package, of which it imports nothing.
Clear and slow: what the package gives must be the same cell by cell.
"""

import csv
import gzip
import math
import re
from collections import Counter
from datetime import datetime

VARIABLES = 17
CRT, DBP, FIO2, EYE, MOTOR, TOTAL, VERBAL, GLUCOSE, HR = range(9)
HEIGHT, MBP, SPO2, RR, SBP, TEMP, WEIGHT, PH = range(9, 17)

CHART = {
    CRT: [223951, 224308],
    DBP: [220051, 220180, 225310, 224643, 227242],
    FIO2: [223835],
    EYE: [220739],
    MOTOR: [223901],
    VERBAL: [223900],
    GLUCOSE: [220621, 225664, 226537],
    HR: [220045],
    HEIGHT: [226730, 226707],
    MBP: [220052, 220181, 225312, 224322],
    SPO2: [220277, 220227],
    RR: [220210, 224690, 224689, 224422],
    SBP: [220050, 220179, 225309, 224167, 227243],
    TEMP: [223762, 223761],
    WEIGHT: [226512, 224639, 226531],
    PH: [223830, 220274],
}
LAB = {FIO2: [50816], GLUCOSE: [50931, 50809], SPO2: [50817], PH: [50820]}

EYES = ["None", "To Pain", "To Speech", "Spontaneously"]
MOTORS = [
    *("No response", "Abnormal extension", "Abnormal Flexion"),
    *("Flex-withdraws", "Localizes Pain", "Obeys Commands"),
]
VERBALS = [
    *("No Response-ETT", "No Response", "Incomprehensible sounds"),
    *("Inappropriate Words", "Confused", "Oriented"),
]
REFILLS = {
    **dict.fromkeys(["Normal <3 Seconds", "Normal <3 secs", "Brisk"], 0),
    **dict.fromkeys(["Abnormal >3 Seconds", "Abnormal >3 secs", "Delayed"], 1),
}

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", re.ASCII)


class Dropped(Exception):  # noqa: N818 (it is no error)
    """A row that does not count, and why."""


def extract(root, stays, *, labs=False, intubated="minimum"):
    """Grids, one per stay: a list of hours, each a list of 17 values, None: missing.

    `stays` are dicts of stay_id, subject_id, intime and end (datetimes).
    """
    state = [{} for _ in stays]
    counts = {}
    counts["chartevents"] = scatter(find(root, "chartevents"), CHART, stays, state)
    if labs:
        counts["labevents"] = scatter(find(root, "labevents"), LAB, stays, state)
    grids = [to_grid(stay, cells) for stay, cells in zip(stays, state, strict=True)]
    for grid in grids:
        add_totals(grid, intubated)
    return grids, counts


def find(root, table):
    for folder in ("hosp", "icu", "core", "."):
        for name in (f"{table}.csv.gz", f"{table}.csv"):
            if (root / folder / name).exists():
                return root / folder / name
    raise AssertionError(table)


def scatter(path, variables, stays, state):
    owner_of = {item: name for name, items in variables.items() for item in items}
    place = {item: (CHART.get(v, []) + LAB.get(v, [])).index(item)
             for item, v in owner_of.items()}  # fmt: skip
    wanted = {str(item) for item in owner_of}
    by_stay = {stay["stay_id"]: number for number, stay in enumerate(stays)}
    by_subject = {}
    for number, stay in enumerate(stays):
        by_subject.setdefault(stay["subject_id"], []).append(number)
    count = Counter()
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            count["rows"] += 1
            if row["itemid"].removesuffix(".0") not in wanted:
                continue
            count["rows of our items"] += 1
            item = int(row["itemid"].removesuffix(".0"))
            variable = owner_of[item]
            try:
                time = read_time(row["charttime"])
                value = understand(item, variable, row["value"], row["valuenum"])
                if "stay_id" in row:
                    number = by_stay.get(read_id(row["stay_id"]))
                else:
                    known = by_subject.get(read_id(row["subject_id"]))
                    number = latest(stays, known, time)
                if number is None:
                    raise Dropped("other stay")
                stay = stays[number]
                second = int((time - stay["intime"]).total_seconds())
                if second < 0 or time > stay["end"]:
                    raise Dropped("outside window")
            except Dropped as reason:
                count[str(reason)] += 1
                continue
            count["kept"] += 1
            cell = (hour(second), variable)
            entry = (second, place[item], value)
            state[number][cell] = max(entry, state[number].get(cell, entry))
    return count


def hour(second):
    """[0, 1 h] is hour 0, (k, k + 1] is hour k."""
    return 0 if second == 0 else math.ceil(second / 3600) - 1


def latest(stays, numbers, time):
    """Of a subject's stays the last that had begun."""
    if numbers is None:
        return None
    begun = [n for n in numbers if stays[n]["intime"] <= time]
    if not begun:
        raise Dropped("outside window")
    return max(begun, key=lambda n: stays[n]["intime"])


def read_id(text):
    number = read_number(text)
    return number if number == number else None


def read_time(text):
    text = (text or "").strip()
    try:
        if not TIME.fullmatch(text):
            raise ValueError
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise Dropped("unparsable time") from None


def read_number(text):
    """A finite number or NaN."""
    text = (text or "").strip()
    if len(text) > 24 or not NUMBER.fullmatch(text):
        return math.nan
    return float(text) if math.isfinite(float(text)) else math.nan


def understand(item, variable, value, valuenum):
    value, valuenum = " ".join((value or "").split()), (valuenum or "").strip()
    if not value and not valuenum:
        raise Dropped("no value")
    if variable == CRT:
        table = {text.lower(): score for text, score in REFILLS.items()}
        if value.lower() not in table:
            raise Dropped("unknown text")
        return float(table[value.lower()])
    number = read_number(valuenum)
    if math.isnan(number):
        number = read_number(value)
    if variable in (EYE, MOTOR, VERBAL):
        return understand_coma(variable, value, number)
    if math.isnan(number) and variable in (SBP, DBP):
        both = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?/ ?([0-9]+(?:\.[0-9]+)?)", value)
        if both:
            number = float(both[1] if variable == SBP else both[2])
    if math.isnan(number):
        raise Dropped("unparsable number")
    return in_range(variable, to_unit(item, variable, number))


def understand_coma(variable, value, number):
    texts = {EYE: EYES, MOTOR: MOTORS, VERBAL: VERBALS}[variable]
    lowest = 0 if variable == VERBAL else 1
    for score, text in enumerate(texts, start=lowest):
        if text.lower() == value.lower():
            return float(score)
    if math.isnan(number):
        raise Dropped("unknown text")
    if number not in range(1, {EYE: 4, MOTOR: 6, VERBAL: 5}[variable] + 1):
        raise Dropped("out of range")
    return number


def to_unit(item, variable, x):
    if item == 226707:
        return x * 2.54
    if item == 226531:
        return x * 0.45359237
    if variable == TEMP and (item == 223761 or x >= 79):
        return (x - 32) * 5 / 9
    if variable == FIO2 and 1 < x < 20:
        raise Dropped("out of range")
    if variable == FIO2 and x > 1:
        return x / 100
    if variable == SPO2 and x <= 1:
        return x * 100
    return x


def in_range(variable, x):
    good = {
        DBP: 0 <= x <= 375,
        FIO2: 0.21 <= x <= 1,
        GLUCOSE: 33 <= x <= 2000,
        HR: 0 <= x <= 350,
        HEIGHT: 120 <= x <= 230,
        MBP: 14 <= x <= 330,
        SPO2: 0 < x <= 100,
        RR: 0 <= x <= 300,
        SBP: 0 <= x <= 375,
        TEMP: 26 <= x <= 45,
        WEIGHT: 20 <= x <= 250,
        PH: 6.3 <= x <= 8.4,
    }
    if not good[variable]:
        raise Dropped("out of range")
    return x


def to_grid(stay, cells):
    seconds = (stay["end"] - stay["intime"]).total_seconds()
    hours = max(1, math.ceil(seconds / 3600))
    grid = [[None] * VARIABLES for _ in range(hours)]
    for (row, variable), (_, _, value) in cells.items():
        grid[row][variable] = value
    return grid


def add_totals(grid, intubated):
    last = {}
    for hour, row in enumerate(grid):
        charted = False
        for part in (EYE, MOTOR, VERBAL):
            if row[part] is not None:
                last[part], charted = (hour, row[part]), True
        near = all(p in last and hour - last[p][0] <= 6 for p in (EYE, MOTOR, VERBAL))
        if charted and near:
            eye, motor, verbal = (last[part][1] for part in (EYE, MOTOR, VERBAL))
            row[TOTAL] = eye + motor + (verbal or 1)
            if intubated == "fifteen" and verbal == 0:
                row[TOTAL] = 15.0
