"""Which X-rays are taken of whom, when, and what a report says about them.

Images see the latents `shared` and `image` with noise of their own. To add a finding:
a line in `_findings`; its column is already in `tables.FINDINGS`.
"""

import numpy as np
import pandas as pd
from scipy.special import expit

from mind_keras.data.twin.draws import stream
from mind_keras.data.twin.people import DAY, START, SUBJECTS, YEARS, identifiers
from mind_keras.data.twin.tables import FINDINGS

IMAGED, SICKER_IMAGED, LONGEST_DAYS = 0.6, 0.4, 6
BEFORE, AFTER, AGAIN, ONLY_IMAGED = 0.12, 0.10, 0.05, 0.31
VIEWS = {"AP": 0.86, "PA": 0.08, "LATERAL": 0.05, "LL": 0.005, "": 0.005}
UNREPORTED, MISSING, CUT, UNCERTAIN, UNMENTIONED = 0.02, 0.02, 0.001, 0.12, 0.55
SPLITS = {"train": 0.97, "validate": 0.01, "test": 0.02}
SEEN = 0.3
MOST_STUDIES = 1000
FAR = 5_000_000


def draw_studies(seed: int, number: int, stays: pd.DataFrame) -> pd.DataFrame:
    """The images of a block, a row each.

    Columns: `subject` (running number), ids, `time`, `ViewPosition`, `split`; what the
    film shows (`severity`, `focal`, `heart`, `effusion`, `device`); `reported`; the
    findings; `state` of the file; `tall` and `wide`, relative to others.
    About 30 % of the subjects have no stay.

    Args:
        seed: Of the twin.
        number: Of the block.
        stays: A whole block of `people.draw_block`.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> images = draw_studies(0, 0, draw_block(0, 0))
        >>> len(images["dicom_id"].iloc[0])
        44
    """
    rng = stream(seed, "studies", number)
    table = pd.concat([_of_stays(rng, stays), _of_others(rng, number)])
    table = table.reset_index(drop=True)
    size = len(table)
    study = number * MOST_STUDIES + np.arange(size)
    table["study_id"] = identifiers("study", study)
    for name, effect, noise in (("severity", "shared", SEEN), ("focal", "image", SEEN)):
        table[name] = table[effect] + rng.normal(0, noise, size)
    table["heart"] = 0.5 * table["severity"] + 0.5 * table["focal"]
    table["heart"] += 0.7 * rng.normal(size=size)
    table["effusion"] = 0.7 * table["focal"] + 0.7 * rng.normal(size=size)
    table["device"] = rng.random(size) < 0.5
    table["reported"] = rng.random(size) >= UNREPORTED
    subject, luck = np.unique(table["subject"]), rng.random(2 * SUBJECTS)
    part = np.digitize(luck, np.cumsum([*SPLITS.values()])[:-1])
    place = np.searchsorted(subject, table["subject"])
    table["split"] = np.array([*SPLITS])[part][place]
    table = pd.concat([table, _findings(rng, table)], axis=1)
    # A second exposure of the same study, at the same time.
    table = table.loc[table.index.repeat(1 + (rng.random(size) < AGAIN))]
    table = table.reset_index(drop=True)
    size = len(table)
    table["ViewPosition"] = rng.choice([*VIEWS], size, p=[*VIEWS.values()])
    table["state"] = _states(rng, size, number)
    table["tall"], table["wide"] = rng.uniform(0.96, 1.04, (2, size))
    groups = rng.integers(0, 2**32, (size, 5)).tolist()
    table["dicom_id"] = ["-".join(f"{g:08x}" for g in five) for five in groups]
    return table


def _of_stays(rng: np.random.Generator, stays: pd.DataFrame) -> pd.DataFrame:
    severity = stays["shared"].to_numpy()
    seconds = (stays["end"] - stays["intime"]).dt.total_seconds().to_numpy()
    days = np.minimum(seconds / DAY, LONGEST_DAYS)
    chance = np.log(IMAGED / (1 - IMAGED)) + SICKER_IMAGED * severity
    # Without charts an image is nearly sure: else nobody would know of the stay.
    has = rng.random(len(stays)) < expit(chance + 3 * stays["silent"].to_numpy())
    counts = has * (1 + rng.poisson(0.4 * days))
    inside = np.repeat(np.arange(len(stays)), counts)
    before = np.flatnonzero(rng.random(len(stays)) < BEFORE)
    after = rng.random(len(stays)) < AFTER
    after = np.flatnonzero(after & ~stays["dies"].to_numpy())
    moment = rng.random(len(inside)) * days[inside] * DAY
    early = -rng.uniform(0, 5 * DAY, len(before))
    late = seconds[after] + rng.uniform(0, 10 * DAY, len(after))
    row = np.concatenate([inside, before, after])
    millis = np.concatenate([moment, early, late]) * 1000
    time = stays["intime"].to_numpy().astype("datetime64[ms]")[row]
    names = ["subject", "subject_id", "stay_id", "shared", "image"]
    return stays[names].take(row).assign(time=time + millis.astype("timedelta64[ms]"))


def _of_others(rng: np.random.Generator, number: int) -> pd.DataFrame:
    """Subjects whom the hospital X-rayed but who never came to intensive care."""
    some = np.flatnonzero(rng.random(SUBJECTS) < ONLY_IMAGED)
    rows = np.repeat(some, 1 + rng.poisson(0.5, len(some)))
    subject = FAR + number * SUBJECTS + rows
    millis = (rng.uniform(0, YEARS * 365 * DAY, len(rows)) * 1000).astype("int64")
    z = rng.normal(size=(2, SUBJECTS))[:, rows]
    table = {"subject": subject, "subject_id": identifiers("subject", subject)}
    table |= {"stay_id": -1, "shared": z[0], "image": z[1]}
    time = START.astype("datetime64[ms]") + millis.astype("timedelta64[ms]")
    return pd.DataFrame(table | {"time": time})


def _states(rng: np.random.Generator, size: int, number: int) -> np.ndarray:
    """Of the files: `"whole"`, `"missing"`, `"cut"` (short) or `"broken"` (no JPEG)."""
    luck = rng.random(size)
    state = np.where(luck < MISSING, "missing", "whole").astype(object)
    state[luck > 1 - CUT] = "cut"
    # Each twin has one of both, so that a small one shows all there is.
    if number == 0:
        state[[2, 5]] = "cut", "broken"
    return state


def _findings(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """The labels of a report: 1, 0, -1 (uncertain), NaN (not mentioned)."""
    size, severity, focal = len(table), table["severity"], table["focal"]
    found = {name: rng.random(size) < 0.05 for name in FINDINGS}
    found["Edema"] = severity > 0.7
    found["Lung Opacity"] = severity + focal > 0.9
    found["Cardiomegaly"] = table["heart"] > 0.7
    found["Pleural Effusion"] = table["effusion"] > 0.7
    found["Pneumonia"], found["Consolidation"] = focal > 1.2, focal > 1.0
    found["Atelectasis"] = table["effusion"] + rng.normal(size=size) > 0.9
    found["Support Devices"] = table["device"]
    ill = np.any([found[n] for n in FINDINGS if n != "No Finding"], axis=0)
    found["No Finding"] = ~ill
    values = pd.DataFrame(found, index=table.index)[[*FINDINGS]].astype(float)
    luck = rng.random(values.shape)
    values = values.mask(luck < UNCERTAIN, -1.0)
    return values.mask(luck > 1 - UNMENTIONED)
