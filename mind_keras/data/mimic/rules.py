"""The steps by which ICU stays become the samples of a task.

A step is a function `(stays, rules) -> (who is left out, kept)`; `steps` gives them in
order. To change the cohort: a step, named there. `"medfuse"` has the published rules
[1] where they differ from ours:

* age: ours is that at the stay, theirs that in the patient's anchor year;
* one stay per admission: ours counts all stays of the admission; theirs counts after
  transfers are left out, so that one of two stays passes for the only one;
* death: ours is the hospital's flag; theirs compares times, so that a patient who died
  at home on the day of discharge died in hospital;
* length: ours is outtime - intime, theirs the column `los`;
* who has died or left when the prediction is made is none of our samples;
* an admission without a diagnosis has unknown phenotypes, theirs has none.

[1] https://github.com/nyuad-cai/MedFuse, in `mimic4extract`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mind_keras.data.mimic.tasks import ICUTask

MEDFUSE = "medfuse"
REFERENCES = (None, MEDFUSE)
DEATHS = ("expire_flag", "dates")
EPSILON = 1e-6  # Hours, of the published rule.
SECOND, HOUR = np.timedelta64(1, "s"), np.timedelta64(3600, "s")


@dataclass(frozen=True)
class Rules:
    """What decides who is in a cohort. See `cohort.build_cohort`.

    Raises:
        ValueError: If a name is unknown or a number out of range.

    Example:
        >>> Rules("mortality", reference="medfuse").death
        'dates'
    """

    task: str
    hours: int | None = 48
    reference: str | None = None
    death: str = "expire_flag"
    min_age: int = 18
    alive: bool = True
    labelled: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "task", ICUTask(self.task))
        for name, known in (("reference", REFERENCES), ("death", DEATHS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"`{name}` must be one of {known}. Received: "
                    f"{getattr(self, name)!r}."
                )
        if self.hours is None and self.task is ICUTask.MORTALITY:
            raise ValueError(
                "`hours` must be a number for mortality: who has seen the whole stay "
                "knows its end. Received: None. Use 48, or the task 'phenotyping'."
            )
        if self.hours is not None and not self.hours >= 1:
            raise ValueError(
                "`hours` must be at least 1, or None for the whole stay. Received: "
                f"{self.hours!r}."
            )
        if self.reference == MEDFUSE:
            object.__setattr__(self, "death", "dates")
            object.__setattr__(self, "alive", False)


Step = Callable[[pd.DataFrame, Rules], tuple[str, pd.Series]]


def derive(stays: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Stays of `stays.read_stays` with what follows from their columns.

    Returns:
        More columns: `prediction_time`, `label_time`, `age_years`, `death` (1, 0, or
        NaN if unknown).

    Example:
        >>> times = ["2150-01-02", "2150-01-05", "2150-01-09"]
        >>> row = pd.DataFrame([pd.to_datetime(times).astype("datetime64[s]")])
        >>> row.columns = ["intime", "outtime", "dischtime"]
        >>> row = row.assign(deathtime=row["dischtime"], hospital_expire_flag=0)
        >>> row = row.assign(anchor_age=63, anchor_year=2148)
        >>> stay = derive(row, Rules("mortality", hours=24)).iloc[0]
        >>> str(stay["prediction_time"]), int(stay["age_years"]), int(stay["death"])
        ('2150-01-03 00:00:00', 65, 0)
    """
    age = stays["anchor_age"].astype("float64")
    if rules.reference != MEDFUSE:
        age += stays["intime"].dt.year - stays["anchor_year"].astype("float64")
    end = stays["outtime"]
    if rules.hours is not None:
        limit = stays["intime"] + rules.hours * HOUR
        end = limit.where(~(end < limit), end)
    death = DEATH[rules.death](stays)
    stays = stays.assign(prediction_time=end, age_years=age, death=death)
    return stays.assign(label_time=LABEL_TIME[rules.task](stays))


def _by_flag(stays: pd.DataFrame) -> pd.Series:
    return stays["hospital_expire_flag"].astype("float64")


def _by_dates(stays: pd.DataFrame) -> pd.Series:
    stay = stays["admittime"], stays["dischtime"]
    died = stays["dod"].between(*stay) | stays["deathtime"].between(*stay)
    return died.astype("float64").where(stays["dischtime"].notna())


def _fate_known(stays: pd.DataFrame) -> pd.Series:
    death = stays["deathtime"].where(stays["death"] == 1)
    return death.fillna(stays["dischtime"])


def _codes_known(stays: pd.DataFrame) -> pd.Series:
    """At discharge, but after the stay: who dies in it may be discharged before."""
    left, end = stays["dischtime"], stays["outtime"]
    return left.where(~(left <= end), end + SECOND)


DEATH = {"expire_flag": _by_flag, "dates": _by_dates}
LABEL_TIME = {ICUTask.MORTALITY: _fate_known, ICUTask.PHENOTYPING: _codes_known}


def in_tables(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """Admission and patient are known."""
    return "not in admissions and patients", stays["known"]


def timed(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """The stay has a window."""
    begin, end = stays["intime"], stays["outtime"]
    kept = begin.notna() & stays["prediction_time"].notna() & ~(end <= begin)
    kept &= end.notna() | (not rules.labelled)
    return "times missing, or outtime not after intime", kept


def alone(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """The labels of the admission are those of this stay."""
    return "several ICU stays in the admission", stays["stays_of_admission"] == 1


def left_alone(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """Published: counted among the stays that are left."""
    again = stays["hadm_id"].duplicated(keep=False)
    return "several ICU stays left in the admission", ~again


def in_one_unit(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """First and last care unit are one; transfers in between are not looked at."""
    kept = stays["first_careunit"] == stays["last_careunit"]
    return "transferred to another care unit", kept


def of_age(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """An unknown age is none."""
    step = f"younger than {rules.min_age} years, or of unknown age"
    return step, stays["age_years"] >= rules.min_age


def long_enough(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """The whole window is in the stay: who left it earlier is told apart by it."""
    kept = ~(stays["outtime"] - stays["intime"] < rules.hours * HOUR)
    return f"stay shorter than {rules.hours} h", kept


def long_by_column(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """Published: by `los`, in days."""
    kept = ~(stays["los"] * 24 < rules.hours - EPSILON)
    return f"stay (los) shorter than {rules.hours} h", kept


def told(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """It can be shown that the outcome was not known when it was predicted."""
    return "time of the outcome unknown", stays["label_time"].notna()


def undecided(stays: pd.DataFrame, rules: Rules) -> tuple[str, pd.Series]:
    """There is something left to predict."""
    limit = stays["prediction_time"]
    decided = (stays["deathtime"] <= limit) | (stays["label_time"] <= limit)
    kept = ~decided | (not rules.alive)
    return "dead or discharged by the prediction time", kept


STEPS: dict[tuple[str | None, ICUTask], tuple[Step, ...]] = {
    (None, ICUTask.MORTALITY): (
        *(in_tables, timed, alone, in_one_unit, of_age),
        *(long_enough, told, undecided),
    ),
    (None, ICUTask.PHENOTYPING): (in_tables, timed, alone, in_one_unit, of_age),
    (MEDFUSE, ICUTask.MORTALITY): (
        *(in_one_unit, in_tables, left_alone, of_age),
        *(long_by_column, timed),
    ),
    (MEDFUSE, ICUTask.PHENOTYPING): (
        *(in_one_unit, in_tables, left_alone, of_age, timed),
    ),
}
# They look at what comes after the prediction, which is not known of present patients.
LATER = (alone, left_alone, in_one_unit, told)


def steps(rules: Rules) -> list[Step]:
    """The steps in order, without the later ones if outcomes are not known yet.

    Example:
        >>> [step.__name__ for step in steps(Rules("phenotyping", labelled=False))]
        ['in_tables', 'timed', 'of_age']
    """
    chosen = STEPS[rules.reference, rules.task]
    return [step for step in chosen if rules.labelled or step not in LATER]
