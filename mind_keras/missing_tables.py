"""The numbers of a missing-modality lab as tables: areas under curves, seeds.

Made of the rows of `missing.csv` alone, and of nothing else.
"""

import numpy as np
import pandas as pd
from scipy.integrate import trapezoid

from mind_keras.evaluation.seeds import over_seeds
from mind_keras.report import words
from mind_keras.report.standing import STUDENT
from mind_keras.report.words import AREA
from mind_keras.spec import BEST

INCOMPLETE = "incomplete"
WHERE = ["mechanism", "modality", "train_rate", "test_rate", "rows", "metric"]
COLUMNS = ["model", "reference", *WHERE, "value", "low", "high", "p", "n", "note"]
COLUMNS += ["seed"]
SEED_COLUMNS = ["model", "reference", *WHERE, "mean", "sd", "low", "high", "p"]
SEED_COLUMNS += ["seeds", "note"]


def areas_under(table: pd.DataFrame) -> pd.DataFrame:
    """The mean of each curve over shares in the test, where it has two points.

    Args:
        table: Numbers and differences of `missing_lab`.
    """
    table = table.assign(reference=table["reference"].fillna(""))
    keys = ["model", "reference", "mechanism", "modality", "train_rate", "rows", "seed"]
    rows = []
    for key, curve in table.groupby([*keys, "metric"], sort=False):
        curve = curve.dropna(subset="value").sort_values("test_rate")
        if len(curve) > 1:
            x, y = curve["test_rate"].to_numpy(), curve["value"].to_numpy()
            named = dict(zip([*keys, "metric"], key, strict=True))
            named |= {"reference": named["reference"] or None}
            named["metric"] = AREA + named["metric"]
            area = float(trapezoid(y, x) / np.ptp(x))
            rows.append(named | {"value": area, "n": int(curve["n"].min()), "note": ""})
    return pd.DataFrame(rows)


def areas(table: pd.DataFrame) -> pd.DataFrame:
    """The areas under the curves, for people.

    Args:
        table: Of `missing_lab`.

    Returns:
        A row per model; a column per set of rows and share in training; means over
        seeds. Empty where only one share was tested.
    """
    area = table["metric"].str.startswith(AREA) & table["reference"].isna()
    return table[area].pivot_table(
        index="model", columns=["rows", "train_rate"], values="value", sort=False
    )


def spread(table: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Each number over seeds; and the student less each rival, paired over seeds.

    Another seed is another removal, another training and, where the source draws it,
    another split. Intervals and p are of paired t-tests, see `evaluation.over_seeds`.

    Args:
        table: Of `missing_lab`, of several seeds.
        level: Of confidence.

    Returns:
        `SEED_COLUMNS`; `reference` is None for a model's own numbers.
    """
    own = table[table["reference"].isna()].reset_index(drop=True)
    cell = own.groupby(WHERE, dropna=False, sort=False).ngroup()
    told = own.assign(head=BEST, label=None, pattern=cell.astype(str))
    parts = [over_seeds(told, level=level)]
    for rival in [name for name in dict.fromkeys(own["model"]) if name != STUDENT]:
        pair = told[told["model"].isin([STUDENT, rival])]
        found = over_seeds(pair, rival, level=level)
        parts.append(found[found["reference"].notna()])
    found = pd.concat(parts, ignore_index=True).drop(columns="metric")
    where = own[WHERE].assign(pattern=cell.astype(str)).drop_duplicates("pattern")
    return found.merge(where, on="pattern", how="left")[SEED_COLUMNS]


def apart(table: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """The student less each rival over seeds, for people.

    Args:
        table: Of `missing_lab`.
        level: Of confidence.

    Returns:
        A row per rival; a column per set of rows and share, the same in training and
        test. Empty where there is one seed.
    """
    if table["seed"].nunique() < 2:
        return pd.DataFrame()
    found = spread(table, level=level)
    found = found[found["reference"].notna()]
    found = found[found["train_rate"] == found["test_rate"]]
    ends = zip(found["mean"], found["low"], found["high"], strict=True)
    found = found.assign(told=[words.difference(*row) for row in ends])
    return found.pivot(
        index="reference", columns=["rows", "train_rate"], values="told"
    ).sort_index(axis=1)
