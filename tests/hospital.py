"""Small hospitals for tests: tables of a few columns, plain or full of odd rows."""

import csv
import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

FOLDERS = {"icustays": "icu"}
START = datetime(2150, 1, 1, 8)


def at(hours: float, start: datetime = START) -> str:
    """The time so many hours after the start, as tables have it."""
    return str(start + timedelta(seconds=round(3600 * hours)))


def write_table(path: Path, rows: Iterable[Mapping]) -> Path:
    """A CSV of dicts with the same keys."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_hospital(root: Path, tables: Mapping[str, Iterable[Mapping]]) -> Path:
    """Tables by name, in the folders of MIMIC-IV."""
    for name, rows in tables.items():
        write_table(root / FOLDERS.get(name, "hosp") / f"{name}.csv", rows)
    return root


def stay(k: int = 1, **changes) -> dict[str, list[dict]]:
    """One patient with one admission and one stay of 72 hours, in four tables."""
    ids = {"subject_id": 10_000_000 + k, "hadm_id": 20_000_000 + k}
    icustay = {
        **ids,
        **{"stay_id": 30_000_000 + k, "first_careunit": "MICU"},
        **{"last_careunit": "MICU", "intime": at(0), "outtime": at(72), "los": 3},
    }
    admission = {
        **ids,
        **{"admittime": at(-5), "dischtime": at(100), "deathtime": ""},
        "hospital_expire_flag": 0,
    }
    patient = {
        **{"subject_id": ids["subject_id"], "gender": "F", "anchor_age": 60},
        **{"anchor_year": 2150, "dod": ""},
    }
    diagnosis = {**ids, "seq_num": 1, "icd_code": "4280 ", "icd_version": 9}
    rows = {
        **{"icustays": icustay, "admissions": admission},
        **{"patients": patient, "diagnoses_icd": diagnosis},
    }
    for name, value in changes.items():
        owner = next(row for row in rows.values() if name in row)
        owner[name] = value
    return {name: [row] for name, row in rows.items()}


def merged(*parts: Mapping[str, list[dict]]) -> dict[str, list[dict]]:
    """The tables of several stays together."""
    return {name: [row for part in parts for row in part[name]] for name in parts[0]}


def odd_hospital(seed: int, stays: int = 300) -> dict[str, list[dict]]:
    """Stays at and around every limit of the rules, in any order."""
    rng = random.Random(seed)
    tables = merged(*(_odd_stay(rng, k) for k in range(1, stays + 1)))
    for name in ("patients", "admissions", "icustays"):
        table = tables[name]
        del table[rng.randrange(len(table))]
        table.append(dict(rng.choice(table)))  # An identical row, to be counted once.
        rng.shuffle(table)
    rng.shuffle(tables["diagnoses_icd"])
    return tables


def _odd_stay(rng: random.Random, k: int) -> dict[str, list[dict]]:
    start = START + timedelta(days=rng.randrange(400), seconds=rng.randrange(86_400))
    length = rng.choice([-1, 0, 10, 47.9997, 48, 48.5, 72, 72, 72, 200])
    leaves = length + rng.choice([-30, 0, 20, 20, 20, 300])
    died = rng.random() < 0.4
    death = rng.choice([leaves, 20, 48, 48.0003, 47.9997]) if died else None
    year = start.year - rng.choice([0, 0, 1, 2])
    part = stay(
        k,
        intime=at(0, start) if rng.random() < 0.97 else "",
        outtime=at(length, start) if rng.random() < 0.97 else "",
        los=rng.choice([length / 24, length / 24, 2 - 1e-8, 1.9, ""]),
        last_careunit=rng.choice(["MICU"] * 9 + ["SICU"]),
        admittime=at(-rng.choice([1, 30]), start),
        dischtime=at(leaves, start) if rng.random() < 0.97 else "",
        deathtime=at(death, start) if died and rng.random() < 0.9 else "",
        hospital_expire_flag=int(died) if rng.random() < 0.97 else "",
        anchor_age=rng.choice([16, 17, 18, 60, 91, ""]),
        anchor_year=year,
        gender=rng.choice("FM"),
        dod=rng.choice(["", at(leaves, start)[:10], at(leaves + 24, start)[:10]]),
    )
    if rng.random() < 0.1:
        part["diagnoses_icd"] = []
    if k > 1 and rng.random() < 0.15:  # The admission before has one more stay.
        before = {name: 10_000_000 * n + k - 1 for n, name in enumerate(IDS, start=1)}
        part["icustays"][0] |= before
        part["admissions"], part["patients"] = [], []
    return part


IDS = ("subject_id", "hadm_id")
