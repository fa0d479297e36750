"""Drawn stays and rows as the columns of the hospital's tables.

Each function takes a block and returns columns for `tables.table_file`; those that
nobody reads are filled as far as they are cheap.
"""

import numpy as np
import pandas as pd

from mind_keras.data.twin import charting, labs
from mind_keras.data.twin.people import ERAS
from mind_keras.data.twin.rows import Rows
from mind_keras.data.twin.tables import numbers_as_text

RACES = ("WHITE", "BLACK/AFRICAN AMERICAN", "ASIAN", "HISPANIC/LATINO - PUERTO RICAN")
KINDS = ("EW EMER.", "URGENT", "OBSERVATION ADMIT", "SURGICAL SAME DAY ADMISSION")
INSURANCES = ("Medicare", "Medicaid", "Other")
MOST_LABS = 100_000
MARRIED = ("MARRIED", "SINGLE", "WIDOWED", "DIVORCED")


def patients(stays: pd.DataFrame) -> dict:
    """A row per subject: `patients`.

    Args:
        stays: Rows of `people.draw_block`.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> patients(draw_block(0, 0))["anchor_year_group"][0].item()
        '2011 - 2013'
    """
    subjects = stays.drop_duplicates("subject_id")
    group = np.array(ERAS)[subjects["era"]]
    dod = subjects["dod"].to_numpy("datetime64[D]")
    # In a mapping, since a frame has no whole days.
    return {**dict(subjects.items()), "anchor_year_group": group, "dod": dod}


def admissions(stays: pd.DataFrame) -> pd.DataFrame:
    """A row per admission: `admissions`.

    Args:
        stays: Rows of `people.draw_block`.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> table = admissions(draw_block(0, 0))
        >>> table.loc[table["deathtime"].isna(), "hospital_expire_flag"].sum().item()
        0
    """
    rows = stays.drop_duplicates("hadm_id")
    # By the id: nothing depends on who else is there.
    pick = rows["subject_id"].to_numpy() // 7
    emergency = rows["admittime"].to_numpy() - np.timedelta64(4, "h")
    leave = rows["admittime"].to_numpy() + np.timedelta64(1, "h")
    home = np.where(pick % 3 == 0, "HOME", "SKILLED NURSING FACILITY")
    return rows.assign(
        admission_type=np.array(KINDS)[pick % len(KINDS)],
        admit_provider_id=[f"P{p % 90 + 10}XYZ" for p in pick.tolist()],
        admission_location="EMERGENCY ROOM",
        discharge_location=np.where(rows["dies"], "DIED", home),
        insurance=np.array(INSURANCES)[pick % len(INSURANCES)],
        language="English",
        marital_status=np.array(MARRIED)[pick % len(MARRIED)],
        race=np.array(RACES)[pick // 2 % len(RACES)],
        edregtime=emergency,
        edouttime=leave,
        hospital_expire_flag=rows["dies"].astype(int),
    )


def icustays(stays: pd.DataFrame) -> pd.DataFrame:
    """A row per stay: `icustays`, with `los` in days.

    Args:
        stays: Rows of `people.draw_block`.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> bool(icustays(draw_block(0, 0))["los"].max() <= 25)
        True
    """
    seconds = (stays["outtime"] - stays["intime"]).dt.total_seconds()
    return stays.assign(los=seconds / 86400)


def chartevents(rows: Rows, stays: pd.DataFrame, rng: np.random.Generator) -> dict:
    """A row per charted value: `chartevents`, in the order of `rows`.

    Args:
        rows: Of `dirt.soil`.
        stays: The block that `rows["stay"]` counts.
        rng: For who wrote it, and how long after.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> from mind_keras.data.twin.rows import rows_of
        >>> row = rows_of(np.array([0]), np.array([5.0]), 220045, 80)
        >>> row["blank"] = np.array([False])
        >>> rng = np.random.default_rng(0)
        >>> chartevents(row, draw_block(0, 0), rng)["value"].item()
        '80'
    """
    size = len(rows["stay"])
    ids = {c: stays[c].to_numpy()[rows["stay"]] for c in ("subject_id", "hadm_id")}
    nurse = rng.integers(10_000, 99_999, size).astype(object)
    nurse[rng.random(size) < 0.02] = ""
    warning = (rng.random(size) < 0.01).astype(int)
    return {
        **ids,
        **_times(rows, stays, rng),
        **_values(rows),
        "stay_id": stays["stay_id"].to_numpy()[rows["stay"]],
        "caregiver_id": nurse,
        **_units(rows, charting.UNITS),
        "warning": warning,
    }


def labevents(
    rows: Rows, stays: pd.DataFrame, number: int, rng: np.random.Generator
) -> dict:
    """A row per laboratory value: `labevents`.

    Args:
        rows: Of `labs.draw_labs`.
        stays: The block that `rows["stay"]` counts.
        number: Of the block.
        rng: For how long it took.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> from mind_keras.data.twin.rows import rows_of
        >>> row = rows_of(np.array([0]), np.array([5.0]), 50820, 7.4)
        >>> row |= {"blank": np.array([False]), "outside": np.array([True])}
        >>> rng = np.random.default_rng(0)
        >>> labevents(row, draw_block(0, 0), 0, rng)["hadm_id"].item()
        ''
    """
    count = number * MOST_LABS + np.arange(len(rows["stay"]))
    hadm = stays["hadm_id"].to_numpy()[rows["stay"]].astype(object)
    hadm[rows["outside"]] = ""
    return {
        "labevent_id": count,
        "subject_id": stays["subject_id"].to_numpy()[rows["stay"]],
        "hadm_id": hadm,
        "specimen_id": 10_000_000 + count * 7 % 90_000_000,
        **_times(rows, stays, rng),
        **_values(rows),
        **_units(rows, labs.UNITS),
        "priority": _objects(["ROUTINE", "STAT"])[count % 2],
    }


def _times(rows: Rows, stays: pd.DataFrame, rng: np.random.Generator) -> dict:
    start = stays["intime"].to_numpy()[rows["stay"]].astype("datetime64[m]")
    charttime = start + rows["minutes"].astype("timedelta64[m]")
    wait = rng.integers(1, 120, len(charttime)).astype("timedelta64[m]")
    seconds = "datetime64[s]"
    stored = (charttime + wait).astype(seconds)
    return {
        **{"itemid": rows["itemid"], "charttime": charttime.astype(seconds)},
        "storetime": stored,
    }


def _values(rows: Rows) -> dict:
    number = _objects(numbers_as_text(rows["number"]))
    value = np.where(rows["text"] == "", number, rows["text"])
    return {"value": value, "valuenum": np.where(rows["blank"], "", number)}


def _units(rows: Rows, units: dict[int, str]) -> dict:
    return {"valueuom": _objects([units.get(i, "") for i in rows["itemid"].tolist()])}


def _objects(texts: list[str]) -> np.ndarray:
    return np.array(texts, object)
