"""Writes an extraction in the form of MedFuse and mimic3-benchmarks, for tests.

All of it is made up by a seed. The texts of a stay's file are returned beside, so that
a test can read them in plain Python.
"""

import csv
from pathlib import Path

import numpy as np

from mind_keras.data.mimic.phenotypes import PHENOTYPES

HEADER = (
    "Hours,Capillary refill rate,Diastolic blood pressure,Fraction inspired oxygen,"
    "Glascow coma scale eye opening,Glascow coma scale motor response,"
    "Glascow coma scale total,Glascow coma scale verbal response,Glucose,Heart Rate,"
    "Height,Mean blood pressure,Oxygen saturation,Respiratory rate,"
    "Systolic blood pressure,Temperature,Weight,pH"
).split(",")
TEXTS = {
    1: {"0.0": 0, "1.0": 1},
    4: {"None": 1, "To Pain": 2, "2 To pain": 2, "Spontaneously": 4, "3 To speech": 3},
    5: {"No response": 1, "6 Obeys Commands": 6, "Abnormal Flexion": 3, "5": 5},
    6: {"15": 15, "3.0": 3, "11": 11},
    7: {"No Response-ETT": 0, "1.0 ET/Trach": 0, "5 Oriented": 5, "Confused": 4},
}
BEGIN = np.datetime64("2150-01-01T08:00:00")


def stay_rows(rng, length):
    """Rows of a stay's file: `Hours`, then 17 texts; times with ties at full hours."""
    count = rng.choice([0, 1, 5, 20, 40])
    hours = np.sort(np.round(rng.uniform(0, length + 1, count), rng.integers(0, 3)))
    rows = []
    for hour in hours:
        row = [repr(float(hour))]
        for k in range(1, 18):
            filled = rng.random() < 0.3
            known = [*TEXTS[k]] if k in TEXTS else [f"{rng.uniform(30, 160):.2f}"]
            row.append(str(rng.choice(known)) if filled else "")
        rows.append(row)
    return rows


def write(
    folder: Path,
    task: str,
    *,
    stays: int = 40,
    seed: int = 0,
    with_id: bool = True,
    validation: bool = True,
    table: bool = True,
) -> list[dict]:
    """A task's folder; a dict per stay, in the order of the listfiles."""
    rng = np.random.default_rng(seed)
    place = {"mortality": "in-hospital-mortality", "phenotyping": "phenotyping"}[task]
    base = folder / place
    for part in ("train", "test"):
        (base / part).mkdir(parents=True)
    made = [made_stay(rng, number, task) for number in range(stays)]
    for stay in made:
        part = "test" if stay["split"] == "test" else "train"
        write_csv(base / part / stay["file"], [HEADER, *stay["rows"]])
        if stay["split"] == "validation" and not validation:
            stay["split"] = "train"
    names = ["y_true"] if task == "mortality" else phenotypes()
    for split, short in {"train": "train", "validation": "val", "test": "test"}.items():
        lines = [["stay", "period_length", *(["stay_id"] * with_id), *names]]
        for stay in made:
            if stay["split"] == split:
                ids = [stay["stay_id"]] * with_id
                lines.append([stay["file"], stay["period"], *ids, *stay["labels"]])
        if validation or split != "validation":
            write_csv(base / f"{short}_listfile.csv", lines)
    if table:
        (folder / "root").mkdir()
        lines = [[stay[k] for k in STAY] for stay in made]
        order = rng.permutation(len(lines))
        write_csv(folder / "root/all_stays.csv", [STAY, *(lines[k] for k in order)])
    return sorted(made, key=lambda s: ["train", "validation", "test"].index(s["split"]))


STAY = ("subject_id", "stay_id", "intime", "outtime", "deathtime", "dischtime")
STAY += ("gender", "anchor_age", "first_careunit")


def made_stay(rng, number, task):
    """Two stays for each third patient, in the order of their begin."""
    patient, episode = (number - 1, 2) if number % 3 == 1 else (number, 1)
    length = float(np.round(rng.uniform(48, 140), rng.choice([0, 4])))
    begin = BEGIN + np.timedelta64(int(rng.integers(1000)) + 500_000 * episode, "m")
    end = begin + np.timedelta64(int(length * 3600), "s")
    dead = rng.random() < 0.3
    leave = end + np.timedelta64(5, "h")
    count = len(PHENOTYPES) if task == "phenotyping" else 1
    labels = rng.integers(0, 2, count).tolist() if count > 1 else [int(dead)]
    subject = 10_000_000 + patient
    return {
        "subject_id": subject,
        "stay_id": 30_000_000 + (number * 7919) % 1000,
        "file": f"{subject}_episode{episode}_timeseries.csv",
        "rows": stay_rows(rng, length if task == "phenotyping" else 48),
        "period": length if task == "phenotyping" else 0,
        "labels": labels,
        "split": ["train", "train", "validation", "test"][patient % 4],
        "intime": text(begin),
        "outtime": text(end),
        "deathtime": text(leave) if dead else "",
        "dischtime": text(leave),
        "gender": "F",
        "anchor_age": 60 + number % 20,
        "first_careunit": "MICU",
    }


def text(time):
    return str(time.astype("datetime64[s]")).replace("T", " ")


def write_csv(path, lines):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)


def phenotypes():
    return [phenotype.name for phenotype in PHENOTYPES]
