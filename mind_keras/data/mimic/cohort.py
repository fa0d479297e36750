"""Which ICU stays are samples of a task, and what is known of each.

Stays are left out step by step, and every step is counted. Which steps, in which
order, and how the published ones differ: `rules`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mind_keras.data.mimic.codes import Codes, load_codes
from mind_keras.data.mimic.diagnoses import label_phenotypes
from mind_keras.data.mimic.partition import as_ids
from mind_keras.data.mimic.rules import MEDFUSE, Rules, derive, steps
from mind_keras.data.mimic.stays import read_stays
from mind_keras.data.mimic.tasks import ICUTask

COLUMNS = (
    *("subject_id", "hadm_id", "stay_id", "intime", "outtime", "dischtime"),
    *("deathtime", "prediction_time", "label_time", "age_years", "gender", "care_unit"),
)


@dataclass(frozen=True, eq=False)
class Cohort:
    """The stays of a task.

    Args:
        stays: `COLUMNS`, a row per stay, by `stay_id`; times are `datetime64[s]`, NaT
            where unknown. `prediction_time` ends what may be known of the stay, at
            `label_time` its outcome is known.
        labels: `stay_id` and a column of 0 and 1 per label, in the order of `stays`;
            None if they were not asked for.
        exclusions: `{"step", "removed", "left"}` of each step, in order.
        counts: `stays`, `subjects`, `positive` stays by label, and what was odd in the
            tables: `unreadable` cells by column, `repeated` rows by table.
    """

    stays: pd.DataFrame
    labels: pd.DataFrame | None
    exclusions: list[dict]
    counts: dict


def build_cohort(
    root: str | Path,
    *,
    task: str,
    hours: int | None = 48,
    reference: str | None = None,
    death: str = "expire_flag",
    min_age: int = 18,
    alive: bool = True,
    subjects: Sequence | None = None,
    labelled: bool = True,
    codes: Codes | None = None,
) -> Cohort:
    """The stays of a task, from the tables of MIMIC-IV.

    Args:
        root: Folder of MIMIC-IV.
        task: `"mortality"` (death in hospital) or `"phenotyping"`.
        hours: The prediction is made so long after `intime`, or at the stay's end if
            that is earlier; None: at its end.
        reference: None: our rules; `"medfuse"`: the published ones, in which `death`
            is by dates and `alive` is False.
        death: `"expire_flag"`: the hospital's flag; `"dates"`: a time or date of death
            between admission and discharge.
        min_age: Years at the stay.
        alive: Leave out who has died or was discharged when death is predicted.
        subjects: Only these patients.
        labelled: False for stays whose outcome is not known yet; steps that look at
            what comes after the prediction are not taken.
        codes: Groups of diagnoses; None: the table that is shipped.

    Raises:
        ValueError: If an option is unknown, a table or column is missing or damaged, an
            id comes twice with different rows, or no stay is left.

    Example:
        >>> import tempfile
        >>> from mind_keras.data.twin.generate import generate
        >>> root = Path(tempfile.mkdtemp()) / "twin"
        >>> _ = generate(root, stays=20, seed=0, image_height=32)
        >>> cohort = build_cohort(root / "mimic-iv", task="mortality")
        >>> cohort.exclusions[0]["left"], cohort.counts["stays"] == len(cohort.labels)
        (20, True)
    """
    rules = Rules(task, hours, reference, death, min_age, alive, labelled)
    tables = read_stays(root)
    stays = derive(tables.frame, rules)
    exclusions = [_step("ICU stays; left out: without ids", tables.dropped, len(stays))]
    if subjects is not None:
        asked = as_ids(stays["subject_id"]).isin(as_ids(subjects))
        stays = _keep(stays, "patients who were not asked for", asked, exclusions)
    for step in steps(rules):
        stays = _keep(stays, *step(stays, rules), exclusions)
    labels = None
    if labelled:
        codes = load_codes() if codes is None else codes
        labels = LABELS[rules.task](root, stays, codes, rules)
        kept = stays["stay_id"].isin(labels["stay_id"])
        stays = _keep(stays, "labels unknown", kept, exclusions)
    if not len(stays):
        raise ValueError(
            f"A cohort must have a stay. Received none for {rules}; "
            f"{_told(exclusions)}. Are the rules too strict, or the tables cut?"
        )
    stays = stays.rename(columns={"first_careunit": "care_unit"})[[*COLUMNS]]
    stays = stays.astype({"age_years": "int64"})
    return Cohort(stays, labels, exclusions, _counts(stays, labels) | tables.counts)


def _death(
    root: str | Path, stays: pd.DataFrame, codes: Codes, rules: Rules
) -> pd.DataFrame:
    known = stays[stays["death"].notna()].reset_index(drop=True)
    died = (known["death"] == 1).astype("int8")
    return pd.DataFrame({"stay_id": known["stay_id"], "death": died})


def _phenotypes(
    root: str | Path, stays: pd.DataFrame, codes: Codes, rules: Rules
) -> pd.DataFrame:
    admissions = stays["hadm_id"]
    labels = label_phenotypes(root, admissions, codes)
    if rules.reference == MEDFUSE:
        labels = labels.reindex(admissions.unique(), fill_value=0)
    coded = stays[admissions.isin(labels.index)]
    labels = labels.loc[coded["hadm_id"]].reset_index(drop=True)
    labels.insert(0, "stay_id", coded["stay_id"].to_numpy())
    return labels


LABELS = {ICUTask.MORTALITY: _death, ICUTask.PHENOTYPING: _phenotypes}


def _keep(
    stays: pd.DataFrame, step: str, kept: pd.Series, exclusions: list[dict]
) -> pd.DataFrame:
    left = stays[kept.to_numpy(bool)].reset_index(drop=True)
    exclusions.append(_step(step, len(stays) - len(left), len(left)))
    return left


def _step(step: str, removed: int, left: int) -> dict:
    return {"step": step, "removed": removed, "left": left}


def _told(exclusions: list[dict]) -> str:
    return ", ".join(f"{step['removed']} {step['step']}" for step in exclusions)


def _counts(stays: pd.DataFrame, labels: pd.DataFrame | None) -> dict:
    counts = {"stays": len(stays), "subjects": int(stays["subject_id"].nunique())}
    if labels is None:
        return counts
    positive = labels.drop(columns="stay_id").sum()
    return counts | {"positive": {name: int(n) for name, n in positive.items()}}
