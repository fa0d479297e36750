"""Who comes to intensive care, when, how ill, and how it ends.

A block is always drawn whole, 32 subjects with one or two stays each; a twin of fewer
stays cuts its last block. So stay k of a seed is the same in a twin of any size.
"""

from functools import cache

import numpy as np
import pandas as pd
from scipy.special import expit

from mind_keras.data.twin.draws import intercepts, stream

SUBJECTS = 32
LATENTS = ("shared", "ehr", "image")
ERAS = ("2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019")
UNITS = (
    "Medical Intensive Care Unit (MICU)",
    "Surgical Intensive Care Unit (SICU)",
    "Medical/Surgical Intensive Care Unit (MICU/SICU)",
    "Cardiac Vascular Intensive Care Unit (CVICU)",
    "Coronary Care Unit (CCU)",
    "Trauma SICU (TSICU)",
    "Neuro Surgical Intensive Care Unit (Neuro SICU)",
)
START, YEARS = np.datetime64("2120-01-01", "s"), 70
MORTALITY, EFFECTS, AGE_EFFECT = 0.125, (0.8, 1.1, 1.3), 0.02
# Shares of subjects, but for the last three: of stays.
BACK_IN_ICU, AGAIN, MINORS, DONORS, DIES_AT_HOME = 0.05, 0.18, 0.02, 0.01, 0.08
TRANSFERRED, SILENT, DIES_EARLY = 0.05, 0.04, 0.003
HOUR, DAY = 3600, 86400
_FIRST = {"subject": 10_000_000, "hadm": 20_000_000, "stay": 30_000_000}
_FIRST["study"] = 50_000_000


def identifiers(kind: str, index: np.ndarray) -> np.ndarray:
    """Ids of eight digits in MIMIC's form, scattered, all different below 10 million.

    Args:
        kind: `"subject"` (from 1), `"hadm"` (2), `"stay"` (3) or `"study"` (5).
        index: Running numbers, from 0.

    Example:
        >>> identifiers("stay", np.arange(3))
        array([30000000, 36180339, 32360678])
    """
    # The factor has no divisor in common with 10^7, so no two numbers meet.
    return _FIRST[kind] + index * 6_180_339 % 10_000_000


def draw_block(seed: int, number: int) -> pd.DataFrame:
    """The ICU stays of a block of subjects, a row per stay, in order of time.

    Columns: ids; `subject` (running number); the latents, N(0, 1) each; `age`,
    `gender`, `era`, `anchor_age`, `anchor_year`; `dod`; times of the admission and the
    stay (`datetime64[s]`); `end` of charting; `dies` (in hospital); `silent` (nothing
    is charted); care units. Two stays of a subject have latents that correlate 0.5.

    Args:
        seed: Of the twin.
        number: Of the block, from 0.

    Example:
        >>> block = draw_block(0, 0)
        >>> bool((block["intime"] < block["outtime"]).all())
        True
        >>> block["subject"].nunique()
        32
    """
    rng = stream(seed, "people", number)
    subject = number * SUBJECTS + np.arange(SUBJECTS)
    z = rng.normal(size=(SUBJECTS, 1, 3)) + rng.normal(size=(SUBJECTS, 2, 3))
    z /= np.sqrt(2)
    age = rng.normal(64, 16, SUBJECTS).clip(18, 91).round()
    # One of each rare kind comes for certain, so that a small twin shows all there is.
    minor = (rng.random(SUBJECTS) < MINORS) | (subject == 1)
    age = np.where(minor, rng.integers(14, 18, SUBJECTS), age).astype(int)
    dies = rng.random((SUBJECTS, 2)) < _risk(z, age)
    kind = rng.random(SUBJECTS)
    back = kind < BACK_IN_ICU
    exists = np.ones((SUBJECTS, 2), bool)
    exists[:, 1] = back | ((kind < BACK_IN_ICU + AGAIN) & ~dies[:, 0])
    # One admission, one outcome: that of its last stay.
    dies[back, 0] = dies[back, 1]
    table = _times(rng, z[..., 0], dies, back)
    table |= _persons(rng, subject, age, table["intime"][:, 0])
    table["dod"] = _dod(rng, table, dies & exists, exists)
    table |= dict(zip(LATENTS, np.moveaxis(z, 2, 0), strict=True))
    table |= _places(rng) | {"dies": dies}
    slot = np.arange(2)[None]
    table["hadm_id"] = identifiers("hadm", 2 * subject[:, None] + slot * ~back[:, None])
    table["stay_id"] = identifiers("stay", 2 * subject[:, None] + slot)
    shape = (SUBJECTS, 2)
    full = {k: np.broadcast_to(v.T, shape[::-1]).T for k, v in table.items()}
    return pd.DataFrame({name: array[exists] for name, array in full.items()})


def _risk(z: np.ndarray, age: np.ndarray) -> np.ndarray:
    older = AGE_EFFECT * (age - 64)[:, None]
    return expit(_base() + z @ np.array(EFFECTS) + older)


@cache
def _base() -> np.ndarray:
    spread = np.sqrt(np.sum(np.square(EFFECTS)) + (AGE_EFFECT * 16) ** 2)
    return intercepts(np.array([spread]), np.array([MORTALITY]))


def _times(
    rng: np.random.Generator, severity: np.ndarray, dies: np.ndarray, back: np.ndarray
) -> dict[str, np.ndarray]:
    shape = severity.shape
    los = np.exp(0.85 + 0.12 * severity + 0.8 * rng.normal(size=shape)).clip(0.15, 25)
    stay = _seconds(los * DAY)
    before = _seconds(rng.exponential(9 * HOUR, shape) + 60)
    after = _seconds(rng.exponential(np.where(dies, 12 * HOUR, 4 * DAY)) + 60)
    home = _seconds(10 * DAY + rng.exponential(200 * DAY, len(back)))
    ward = _seconds(2 * HOUR + rng.exponential(DAY, len(back)))
    intime = np.empty(shape, "datetime64[s]")
    intime[:, 0] = START + _seconds(rng.uniform(0, YEARS * 365.25 * DAY, len(back)))
    left = intime[:, 0] + stay[:, 0]
    again = left + after[:, 0] + home + before[:, 1]
    intime[:, 1] = np.where(back, left + ward, again)
    admittime, outtime = intime - before, intime + stay
    dischtime = outtime + after
    early = dies & (los > 2.1) & (rng.random(shape) < DIES_EARLY / 0.07)
    soon = intime + _seconds(rng.uniform(6 * HOUR, 47 * HOUR, shape))
    dischtime = np.where(early, soon, dischtime)
    admittime[back, 1], dischtime[back, 0] = admittime[back, 0], dischtime[back, 1]
    never = np.datetime64("NaT", "s")
    deathtime = np.where(dies, dischtime, never)
    end = np.minimum(outtime, dischtime)
    return {
        **{"intime": intime, "outtime": outtime, "end": end},
        **{"admittime": admittime, "dischtime": dischtime, "deathtime": deathtime},
    }


def _persons(
    rng: np.random.Generator, subject: np.ndarray, age: np.ndarray, first: np.ndarray
) -> dict[str, np.ndarray]:
    # Years between the anchor and the stay: `anchor_age` is not the age at the stay.
    lag = np.where(rng.random(SUBJECTS) < 0.7, 0, rng.integers(1, 4, SUBJECTS))
    anchor_age = np.where(age - lag > 89, 91, age - lag)
    return {
        "subject": subject,
        "subject_id": identifiers("subject", subject),
        "gender": np.where(rng.random(SUBJECTS) < 0.56, "M", "F"),
        "age": age,
        "anchor_age": anchor_age,
        "anchor_year": first.astype("datetime64[Y]").astype(int) + 1970 - lag,
        "era": rng.integers(0, len(ERAS), SUBJECTS),
    }


def _dod(
    rng: np.random.Generator, table: dict, dies: np.ndarray, exists: np.ndarray
) -> np.ndarray:
    """The day of death, also at home within a year, also before an organ donation."""
    day, one = "datetime64[D]", np.timedelta64(1, "D")
    last = exists.sum(axis=1) - 1
    rows = np.arange(SUBJECTS)
    left = table["dischtime"][rows, last]
    later = rng.exponential(120, SUBJECTS).clip(1, 365).astype(int) * one
    luck = rng.random(SUBJECTS)
    alone = (last == 0) & ~dies.any(axis=1)
    luck[table["subject"] == np.flatnonzero(alone)[0]] = 0.0
    donor = (luck < DONORS) & alone
    home = (luck >= DONORS) & (luck < DONORS + DIES_AT_HOME)
    dod = np.where(home, left.astype(day) + later, np.datetime64("NaT", "D"))
    dod = np.where(donor, table["admittime"][:, 0].astype(day) - one, dod)
    return np.where(dies.any(axis=1), left.astype(day), dod).astype("datetime64[s]")


def _places(rng: np.random.Generator) -> dict[str, np.ndarray]:
    shape = (SUBJECTS, 2)
    first = rng.integers(0, len(UNITS), shape)
    moved = rng.random(shape) < TRANSFERRED
    last = (first + moved * rng.integers(1, len(UNITS), shape)) % len(UNITS)
    return {
        "first_careunit": np.array(UNITS)[first],
        "last_careunit": np.array(UNITS)[last],
        "silent": rng.random(shape) < SILENT,
    }


def _seconds(amount: np.ndarray) -> np.ndarray:
    return amount.astype("int64").astype("timedelta64[s]")
