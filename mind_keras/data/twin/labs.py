"""The laboratory: the same body as in the charts, measured elsewhere.

To add a measurement: a row in `LABS` (item, signal, mean gap in hours, unit); one that
no variable of ours uses: in `OTHERS` (item, number, text, unit).
"""

import numpy as np
import pandas as pd

from mind_keras.data.twin.people import HOUR
from mind_keras.data.twin.rows import Rows, join, rows_of
from mind_keras.data.twin.signals import Course

OTHERS_GAP = 24
LABS = (
    (50931, "Glucose", 12, "mg/dL"),
    (50809, "Glucose", 24, "mg/dL"),
    (50820, "pH", 18, "units"),
    (50817, "Oxygen saturation", 24, "%"),
    (50816, "Fraction inspired oxygen", 30, "%"),
)
# Urine, other fluids and other analytes: what must not be taken for blood.
OTHERS = (
    (50971, 4.1, "", "mEq/L"),
    (50912, 1.1, "", "mg/dL"),
    (51478, np.nan, "NEG", "mg/dL"),
    (51478, 1000.0, ">1000", "mg/dL"),
    (51491, 6.0, "", "units"),
    (50831, 7.0, "", "units"),
)
UNITS = {row[0]: row[-1] for row in (*LABS, *OTHERS)}
OUTSIDE, FAILED = 0.46, 0.01


def draw_labs(stays: pd.DataFrame, course: Course, rng: np.random.Generator) -> Rows:
    """Laboratory values of a block, from the admission to the end of each stay.

    Rows with `outside`: whether the sample belongs to no
    admission (46 % of MIMIC-IV's rows have no `hadm_id`).

    Args:
        stays: A whole block of `people.draw_block`.
        course: Of the same block.
        rng: For times and noise.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> from mind_keras.data.twin.signals import draw_course
        >>> block = draw_block(0, 0)
        >>> rows = draw_labs(block, draw_course(0, 0, block), np.random.default_rng(0))
        >>> bool(rows["minutes"].min() < 0 < rows["minutes"].max())
        True
    """
    before = (stays["intime"] - stays["admittime"]).dt.total_seconds().to_numpy() / HOUR
    before = np.where(course.hours > 0, before, 0)
    parts = []
    for item, name, gap, _ in LABS:
        stay, minutes = _times(course.hours, before, gap, rng)
        number = course.values(name, stay, minutes, rng)
        text = np.full(len(stay), "", object)
        failed = rng.random(len(stay)) < FAILED
        text[failed], number[failed] = "ERROR", np.nan
        parts.append(rows_of(stay, minutes, item, number, text))
    for item, number, text, _ in OTHERS:
        stay, minutes = _times(course.hours, before, OTHERS_GAP, rng)
        parts.append(rows_of(stay, minutes, item, number, text))
    rows = join(parts)
    rows["outside"] = rng.random(len(rows["stay"])) < OUTSIDE
    rows["blank"] = np.isnan(rows["number"])
    return rows


def _times(
    hours: np.ndarray, before: np.ndarray, gap: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    stay = np.repeat(np.arange(len(hours)), rng.poisson((hours + before) / gap))
    whole = (hours + before)[stay]
    return stay, np.floor((rng.random(len(stay)) * whole - before[stay]) * 60)
