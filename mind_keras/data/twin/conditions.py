"""Discharge diagnoses: 25 phenotypes by severity, and codes that are none of them.

To change a phenotype, change its row of `CONDITIONS`. The prevalences follow
Harutyunyan et al. (2019), Multitask learning and benchmarking with clinical time series
data, Scientific Data 6. https://doi.org/10.1038/s41597-019-0103-9
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from mind_keras.data.twin.draws import intercepts, stream
from mind_keras.data.twin.people import LATENTS

STRENGTH = 1.8
FIRST_ICD10_ERA = 2
NOISE = (3, 12)
PADDED = 0.02


class Condition(NamedTuple):
    """A group of the Clinical Classifications Software, and a code of each version.

    Args:
        ccs: Number of the group.
        icd9, icd10: One code of the group, without a dot.
        prevalence: Share of ICU stays.
        weights: Of the latents shared, ehr, image.
    """

    ccs: int
    icd9: str
    icd10: str
    prevalence: float
    weights: tuple[float, float, float]


# In the order of the benchmark's list of phenotypes.
CONDITIONS = tuple(
    Condition(*row)
    for row in (
        (157, "5849", "N179", 0.21, (0.6, 0.7, 0)),
        (109, "43491", "I6350", 0.075, (0.1, 1.1, 0)),
        (100, "41071", "I214", 0.10, (0.3, 0.5, 0.2)),
        (106, "42731", "I4891", 0.32, (0.3, 0.6, 0.3)),
        (158, "5859", "N189", 0.13, (0.2, 0.6, 0)),
        (127, "496", "J449", 0.13, (0.2, 0.1, 0.8)),
        (238, "99811", "I9581", 0.21, (0.3, 0.3, 0.2)),
        (105, "42611", "I440", 0.07, (0.1, 0.6, 0.1)),
        (108, "4280", "I509", 0.27, (0.5, 0.2, 0.9)),
        (101, "41401", "I2510", 0.32, (0.1, 0.4, 0.4)),
        (50, "25060", "E1140", 0.095, (0.1, 0.8, 0)),
        (49, "25000", "E119", 0.19, (0, 0.7, 0)),
        (53, "2724", "E785", 0.29, (-0.1, 0.3, 0)),
        (98, "4019", "I10", 0.42, (-0.2, 0.5, 0)),
        (55, "2761", "E871", 0.27, (0.5, 0.4, 0)),
        (153, "5789", "K922", 0.07, (0.3, 0.8, -0.1)),
        (99, "40390", "I129", 0.13, (0.2, 0.5, 0.1)),
        (151, "5715", "K7469", 0.09, (0.4, 0.6, 0)),
        (133, "515", "J8410", 0.05, (0.2, 0, 1.0)),
        (134, "47874", "J398", 0.04, (0.1, 0.1, 0.6)),
        (130, "5119", "J918", 0.09, (0.3, 0, 1.2)),
        (122, "486", "J189", 0.14, (0.6, 0.1, 1.2)),
        (131, "51881", "J9600", 0.18, (0.8, 0.2, 0.8)),
        (2, "0389", "A419", 0.14, (0.9, 0.6, 0.2)),
        (249, "78552", "R6521", 0.08, (0.9, 0.9, 0)),
    )
)
OTHER_CODES = {
    9: (
        *("2449", "2749", "27800", "2859", "2851", "2875", "30000", "3051", "311"),
        *("32723", "33829", "53081", "5990", "60000", "71590", "73300", "7840"),
        *("V5861", "V1582", "E8788"),
    ),
    10: (
        *("E039", "M109", "E669", "D649", "D62", "D696", "F419", "F17210", "F329"),
        *("G4733", "G8929", "K219", "N390", "N400", "M1990", "M810", "R51"),
        *("Z7901", "Z87891", "Y838"),
    ),
}


def draw_diagnoses(seed: int, number: int, stays: pd.DataFrame) -> pd.DataFrame:
    """The diagnoses of the admissions of a block, by the latents of their last stay.

    A row per code: `subject_id`, `hadm_id`, `seq_num` (from 1, in any order),
    `icd_code` (without a dot; some with blanks behind, as in a `char(7)` column),
    `icd_version`. Eras before 2014 are in ICD-9, later ones in ICD-10.

    Args:
        seed: Of the twin.
        number: Of the block.
        stays: A whole block of `people.draw_block`.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> table = draw_diagnoses(0, 0, draw_block(0, 0))
        >>> sorted(table["icd_version"].unique().tolist())
        [9, 10]
    """
    rng = stream(seed, "conditions", number)
    admissions = stays.drop_duplicates("hadm_id", keep="last")
    positive = rng.random((len(admissions), len(CONDITIONS))) < _risk(admissions)
    version = np.where(admissions["era"] < FIRST_ICD10_ERA, 9, 10)
    rows = []
    for row, own in enumerate(version.tolist()):
        known = [c.icd9 if own == 9 else c.icd10 for c in CONDITIONS]
        codes = [known[k] for k in np.flatnonzero(positive[row])]
        size = rng.integers(NOISE[0], NOISE[1], endpoint=True)
        codes += rng.choice(OTHER_CODES[own], size, replace=False).tolist()
        order = rng.permutation(len(codes)).tolist()
        padded = (rng.random(len(codes)) < PADDED).tolist()
        for place, (k, blanks) in enumerate(zip(order, padded, strict=True), start=1):
            rows.append((row, place, codes[k].ljust(7) if blanks else codes[k], own))
    names = ["row", "seq_num", "icd_code", "icd_version"]
    table = pd.DataFrame(rows, columns=names)
    ids = admissions[["subject_id", "hadm_id"]].take(table.pop("row"))
    return pd.concat([ids.reset_index(drop=True), table], axis=1)


def _risk(admissions: pd.DataFrame) -> np.ndarray:
    base, weights = _model()
    return expit(base + admissions[[*LATENTS]].to_numpy() @ weights.T)


@cache
def _model() -> tuple[np.ndarray, np.ndarray]:
    weights = STRENGTH * np.array([c.weights for c in CONDITIONS])
    prevalence = np.array([c.prevalence for c in CONDITIONS])
    return intercepts(np.linalg.norm(weights, axis=1), prevalence), weights
