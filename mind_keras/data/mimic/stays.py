"""All ICU stays with their admission and patient, before any is left out.

An id that comes twice with different rows is an error; identical rows count once. Which
stays are kept: `cohort`.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mind_keras.data.mimic.layout import find_table
from mind_keras.data.mimic.reading import read_table

TABLES = {
    "icustays": {
        **dict.fromkeys(("subject_id", "hadm_id", "stay_id"), "int"),
        **dict.fromkeys(("first_careunit", "last_careunit"), "text"),
        **dict.fromkeys(("intime", "outtime"), "time"),
        "los": "float",
    },
    "admissions": {
        **dict.fromkeys(("subject_id", "hadm_id"), "int"),
        **dict.fromkeys(("admittime", "dischtime", "deathtime"), "time"),
        "hospital_expire_flag": "int",
    },
    "patients": {
        **{"subject_id": "int", "gender": "text"},
        **{"anchor_age": "int", "anchor_year": "int", "dod": "date"},
    },
}
# What names a row, and what else joins it.
KEYS = {"icustays": "stay_id", "admissions": "hadm_id", "patients": "subject_id"}
IDS = ("subject_id", "hadm_id", "stay_id")


@dataclass(frozen=True, eq=False)
class Stays:
    """ICU stays as the tables have them.

    Args:
        frame: A row per stay, by `stay_id`: the columns of `TABLES`, `known` (whether
            admission and patient are in their tables) and `stays_of_admission`.
        dropped: Rows of icustays that lack an id.
        counts: `unreadable` cells by `table.column`; `repeated` rows by table.
    """

    frame: pd.DataFrame
    dropped: int
    counts: dict[str, dict[str, int]]


def read_stays(root: str | Path) -> Stays:
    """Read `icustays`, `admissions` and `patients`, and join them.

    Args:
        root: Folder of MIMIC-IV.

    Raises:
        ValueError: If a table or column is missing or damaged, or an id comes twice
            with different rows.

    Example:
        >>> import tempfile
        >>> from mind_keras.data.twin.generate import generate
        >>> root = Path(tempfile.mkdtemp()) / "twin"
        >>> _ = generate(root, stays=5, seed=0, image_height=32)
        >>> stays = read_stays(root / "mimic-iv").frame
        >>> len(stays), bool(stays["known"].all())
        (5, True)
    """
    frames, counts, dropped = {}, {"unreadable": {}, "repeated": {}}, 0
    for table, columns in TABLES.items():
        read = read_table(find_table(Path(root), table, [*columns]), columns)
        ids = [name for name in IDS if name in columns]
        frame = read.frame.dropna(subset=ids)
        frame = frame.astype(dict.fromkeys(ids, "int64"))
        frames[table] = _unique(frame, table)
        counts["unreadable"] |= {f"{table}.{c}": n for c, n in read.bad.items()}
        counts["repeated"][table] = len(frame) - len(frames[table])
        dropped += len(read.frame) - len(frame) if table == "icustays" else 0
    stays = frames["icustays"].sort_values("stay_id", ignore_index=True)
    stays["stays_of_admission"] = stays.groupby("hadm_id")["stay_id"].transform("size")
    joined = stays.merge(
        frames["admissions"], "left", ["subject_id", "hadm_id"], indicator="admitted"
    ).merge(frames["patients"], "left", "subject_id", indicator="registered")
    both = (joined["admitted"] == "both") & (joined["registered"] == "both")
    joined = joined.drop(columns=["admitted", "registered"])
    return Stays(joined.assign(known=both), dropped, counts)


def _unique(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    frame, key = frame.drop_duplicates(), KEYS[table]
    twice = frame.loc[frame[key].duplicated(), key].unique()
    if len(twice):
        raise ValueError(
            f"{table} must have one row per {key}. Received different rows for "
            f"{len(twice)}, such as {twice[:3].tolist()}. Was a table joined to it, or "
            "two releases together?"
        )
    return frame
