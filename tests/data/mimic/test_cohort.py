"""The cohort: equal to a slow reading of the rules, counted, and never guessing."""

import csv
import gzip
import itertools
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hospital import at, merged, odd_hospital, stay, write_hospital
from twin import twin

from mind_keras.data.mimic.cohort import COLUMNS, build_cohort
from mind_keras.data.mimic.phenotypes import NAMES
from mind_keras.data.mimic.tasks import ICUTask

CASES = [
    {"task": "mortality"},
    {"task": "mortality", "hours": 24, "min_age": 60},
    {"task": "mortality", "alive": False, "death": "dates"},
    {"task": "mortality", "reference": "medfuse"},
    {"task": "mortality", "labelled": False},
    {"task": "phenotyping"},
    {"task": "phenotyping", "hours": None},
    {"task": "phenotyping", "hours": None, "reference": "medfuse"},
    {"task": "phenotyping", "hours": None, "labelled": False},
]


def read(root: Path, table: str) -> list[dict]:
    (path,) = root.glob(f"*/{table}.csv*")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
        rows = list(csv.DictReader(file))
    return [dict(t) for t in dict.fromkeys(tuple(row.items()) for row in rows)]


def time(text: str) -> datetime | None:
    if not text:
        return None
    text = text if " " in text else f"{text} 00:00:00"
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")


def within(moment: datetime | None, begin: datetime, end: datetime) -> bool:
    return moment is not None and begin <= moment <= end


def slow_cohort(
    root: Path,
    task: str,
    hours: int | None = 48,
    reference: str | None = None,
    death: str = "expire_flag",
    min_age: int = 18,
    alive: bool = True,
    labelled: bool = True,
) -> dict[int, tuple]:
    """The rules, stay by stay: `{stay_id: (prediction, label time, age, died)}`."""
    admissions = {row["hadm_id"]: row for row in read(root, "admissions")}
    patients = {row["subject_id"]: row for row in read(root, "patients")}
    coded = {row["hadm_id"] for row in read(root, "diagnoses_icd")}
    stays = read(root, "icustays")
    theirs = reference == "medfuse"
    one_unit = [s for s in stays if s["first_careunit"] == s["last_careunit"]]
    joined = [
        s
        for s in (one_unit if theirs and labelled else stays)
        if s["subject_id"] in patients
        and admissions.get(s["hadm_id"], {}).get("subject_id") == s["subject_id"]
    ]
    counted = [s["hadm_id"] for s in (joined if theirs else stays)]
    found = {}
    for s in joined:
        admission, patient = admissions[s["hadm_id"]], patients[s["subject_id"]]
        if labelled and counted.count(s["hadm_id"]) > 1:
            continue
        if labelled and s["first_careunit"] != s["last_careunit"]:
            continue
        begin, end = time(s["intime"]), time(s["outtime"])
        if begin is None or (end is None and (labelled or hours is None)):
            continue
        if end is not None and end <= begin:
            continue
        if not patient["anchor_age"]:
            continue
        age = int(patient["anchor_age"])
        if not theirs:
            age += begin.year - int(patient["anchor_year"])
        if age < min_age:
            continue
        limit = end if hours is None else begin + timedelta(hours=hours)
        predicted = limit if end is None else min(limit, end)
        left, dead = time(admission["dischtime"]), time(admission["deathtime"])
        if theirs or death == "dates":
            stayed = time(admission["admittime"]), left
            died = None if left is None else within(time(patient["dod"]), *stayed)
            died = died or (left is not None and within(dead, *stayed)) or died
        else:
            flag = admission["hospital_expire_flag"]
            died = None if flag == "" else flag == "1"
        if task == "mortality":
            told = dead if died and dead is not None else left
            if theirs and s["los"] and float(s["los"]) * 24 < hours - 1e-6:
                continue
            if not theirs and end is not None and end - begin < timedelta(hours=hours):
                continue
            if not theirs and labelled and (died is None or told is None):
                continue
            if theirs and labelled and died is None:
                continue
            if not theirs and alive:
                if any(t is not None and t <= predicted for t in (dead, told)):
                    continue
        else:
            told = left
            if told is not None and end is not None and told <= end:
                told = end + timedelta(seconds=1)
            if labelled and not theirs and s["hadm_id"] not in coded:
                continue
        found[int(s["stay_id"])] = (predicted, told, age, died)
    return found


@pytest.fixture(scope="module", params=["twin", "odd 0", "odd 1"])
def root(request, tmp_path_factory) -> Path:
    if request.param == "twin":
        return twin() / "mimic-iv"
    tables = odd_hospital(int(request.param[-1]))
    return write_hospital(tmp_path_factory.mktemp("hospital"), tables)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_cohort_equals_a_slow_reading_of_the_rules(root, case):
    cohort = build_cohort(root, **case)
    wanted = slow_cohort(root, **case)
    stays = cohort.stays.set_index("stay_id")
    assert [*stays.index] == sorted(wanted)
    assert len(wanted) > 10
    times = stays[["prediction_time", "label_time"]].astype(object)
    times = times.where(times.notna(), None)
    died = [None] * len(stays)
    if case["task"] == "mortality" and case.get("labelled", True):
        assert list(cohort.labels["stay_id"]) == [*stays.index]
        died = list(cohort.labels["death"])
    for k, key in enumerate(stays.index):
        predicted, told, age, fate = wanted[key]
        assert (times.iloc[k, 0], times.iloc[k, 1]) == (predicted, told)
        assert stays["age_years"].iloc[k] == age
        assert died[k] in (None, fate)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_step_is_counted_from_all_stays_to_those_left(root, case):
    cohort = build_cohort(root, **case)
    steps = cohort.exclusions
    assert steps[0]["left"] == len(read(root, "icustays"))
    for before, after in itertools.pairwise(steps):
        assert before["left"] - after["removed"] == after["left"]
        assert after["removed"] >= 0
    assert steps[-1]["left"] == len(cohort.stays) == cohort.counts["stays"]
    assert cohort.counts["subjects"] == len(set(cohort.stays["subject_id"]))


def test_every_step_of_our_rules_leaves_somebody_out(tmp_path):
    root = write_hospital(tmp_path, odd_hospital(2))
    removed = {}
    for case in CASES:
        for step in build_cohort(root, **case).exclusions[1:]:
            removed[step["step"]] = removed.get(step["step"], 0) + step["removed"]
    assert [step for step, count in removed.items() if not count] == []


def test_stays_have_the_columns_and_types_they_are_said_to_have(tmp_path):
    root = write_hospital(tmp_path, merged(stay(2), stay(1, deathtime="")))
    cohort = build_cohort(root, task="phenotyping")
    assert tuple(cohort.stays) == COLUMNS
    assert [*cohort.stays["stay_id"]] == [30_000_001, 30_000_002]
    kinds = cohort.stays.dtypes.astype(str)
    times = [name for name in COLUMNS if name.endswith("time")]
    assert set(kinds[times]) == {"datetime64[s]"}
    numbers = ["subject_id", "hadm_id", "stay_id", "age_years"]
    assert set(kinds[numbers]) == {"int64"}
    first = cohort.stays.iloc[0]
    assert (first["gender"], first["care_unit"]) == ("F", "MICU")


def test_the_order_of_rows_changes_nothing(tmp_path):
    tables = odd_hospital(3, stays=60)
    one = build_cohort(write_hospital(tmp_path / "a", tables), task="phenotyping")
    turned = {name: rows[::-1] for name, rows in tables.items()}
    two = build_cohort(write_hospital(tmp_path / "b", turned), task="phenotyping")
    pd.testing.assert_frame_equal(one.stays, two.stays)
    pd.testing.assert_frame_equal(one.labels, two.labels)
    assert one.exclusions == two.exclusions


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"outtime": at(48)}, True),
        ({"outtime": at(47.9997)}, False),
        ({"deathtime": at(48), "hospital_expire_flag": 1}, False),
        ({"deathtime": at(48.001), "hospital_expire_flag": 1}, True),
        ({"deathtime": at(48), "hospital_expire_flag": 0}, False),
        ({"dischtime": at(48)}, False),
        ({"dischtime": at(48.001)}, True),
        ({"hospital_expire_flag": ""}, False),
        ({"dischtime": ""}, False),
        ({"anchor_age": 16, "anchor_year": 2148}, True),
        ({"anchor_age": 18, "anchor_year": 2151}, False),
        ({"anchor_age": ""}, False),
        ({"last_careunit": "SICU"}, False),
        ({"intime": ""}, False),
        ({"outtime": ""}, False),
        ({"outtime": at(-1)}, False),
    ],
    ids=str,
)
def test_limits_of_the_mortality_cohort(tmp_path, changes, kept):
    root = write_hospital(tmp_path, merged(stay(1, **changes), stay(2)))
    cohort = build_cohort(root, task="mortality")
    assert (30_000_001 in set(cohort.stays["stay_id"])) == kept


def test_published_rules_keep_the_survivor_of_two_stays_and_ours_neither(tmp_path):
    twice = stay(1)
    transferred = twice["icustays"][0] | {"stay_id": 7, "last_careunit": "SICU"}
    twice["icustays"].append(transferred)
    root = write_hospital(tmp_path, merged(twice, stay(2)))
    ours = build_cohort(root, task="mortality").stays["stay_id"]
    theirs = build_cohort(root, task="mortality", reference="medfuse").stays["stay_id"]
    assert set(ours) == {30_000_002}
    assert set(theirs) == {30_000_001, 30_000_002}


def test_published_death_by_dates_errs_on_the_days_of_admission_and_discharge(tmp_path):
    first_day = {"admittime": at(-7), "dischtime": at(60), "dod": at(0)[:10]}
    at_home = {"dischtime": at(100), "dod": at(100)[:10]}
    flagged = {"hospital_expire_flag": 1, "deathtime": at(60), "dischtime": at(60)}
    parts = stay(1, **at_home), stay(2, **flagged), stay(3, **first_day)
    root = write_hospital(tmp_path, merged(*parts))
    ours = build_cohort(root, task="mortality").labels["death"]
    dates = build_cohort(root, task="mortality", death="dates").labels["death"]
    assert list(ours) == [0, 1, 0]
    # admittime is 01:00 of that day, and the date stands for midnight.
    assert list(dates) == [1, 1, 0]


def test_who_dies_in_the_stay_has_phenotypes_told_after_it(tmp_path):
    died = {"deathtime": at(70), "dischtime": at(70), "hospital_expire_flag": 1}
    root = write_hospital(tmp_path, merged(stay(1, **died), stay(2)))
    stays = build_cohort(root, task="phenotyping", hours=None).stays
    assert [str(t) for t in stays["label_time"]] == [at(72 + 1 / 3600), at(100)]


def test_present_patients_need_no_outcome_no_end_and_no_diagnosis(tmp_path):
    changes = {"outtime": "", "dischtime": "", "hospital_expire_flag": "", "los": ""}
    tables = merged(stay(1, **changes), stay(2, **changes, last_careunit=""))
    del tables["diagnoses_icd"]
    root = write_hospital(tmp_path, tables)
    for task in ("mortality", "phenotyping"):
        cohort = build_cohort(root, task=task, labelled=False)
        assert cohort.labels is None
        assert [str(t) for t in cohort.stays["prediction_time"]] == [at(48)] * 2
        assert cohort.stays["label_time"].isna().all()


def test_only_the_patients_asked_for_whatever_the_type_of_their_ids(tmp_path):
    root = write_hospital(tmp_path, merged(stay(1), stay(2), stay(3)))
    for asked in ([10_000_001, 10_000_003], ["10000001", "10000003"]):
        cohort = build_cohort(root, task="mortality", subjects=asked)
        assert [*cohort.stays["subject_id"]] == [10_000_001, 10_000_003]
        assert cohort.exclusions[1]["removed"] == 1


def test_labels_are_those_of_the_task_in_its_order(tmp_path):
    root = write_hospital(tmp_path, merged(stay(1, icd_code="R65.21", icd_version=10)))
    labels = build_cohort(root, task="phenotyping").labels
    assert tuple(labels) == ("stay_id", *ICUTask("phenotyping").task.labels)
    assert labels.iloc[0, 1:].to_dict() == {
        name: int(name == "Shock") for name in NAMES
    }
    labels = build_cohort(root, task="mortality").labels
    assert tuple(labels) == ("stay_id", *ICUTask("mortality").task.labels)


def test_an_admission_without_a_diagnosis_is_left_out_or_has_none(tmp_path):
    uncoded = stay(1)
    uncoded["diagnoses_icd"] = []
    root = write_hospital(tmp_path, merged(uncoded, stay(2)))
    ours = build_cohort(root, task="phenotyping")
    theirs = build_cohort(root, task="phenotyping", reference="medfuse")
    assert list(ours.labels["stay_id"]) == [30_000_002]
    assert ours.exclusions[-1] == {"step": "labels unknown", "removed": 1, "left": 1}
    assert theirs.labels.iloc[:, 1:].sum(axis=1).tolist() == [0, 1]
    assert ours.counts["positive"]["Congestive heart failure; nonhypertensive"] == 1


@pytest.mark.parametrize(
    ("table", "change", "key"),
    [
        ("icustays", {"outtime": at(73)}, "stay_id"),
        ("admissions", {"dischtime": at(101)}, "hadm_id"),
        ("patients", {"anchor_age": 61}, "subject_id"),
    ],
)
def test_an_id_with_two_different_rows_is_an_error_that_names_it(
    tmp_path, table, change, key
):
    tables = merged(stay(1), stay(2))
    tables[table].append(tables[table][0] | change)
    root = write_hospital(tmp_path, tables)
    name = str(tables[table][0][key])
    message = f"(?s){table} must have one row per {key}.*Received.*{name}"
    with pytest.raises(ValueError, match=message):
        build_cohort(root, task="mortality")


def test_rows_without_ids_and_identical_rows_are_counted(tmp_path):
    tables = merged(*(stay(k) for k in range(1, 31)))
    tables["icustays"].append(tables["icustays"][0])
    tables["icustays"].append(tables["icustays"][0] | {"stay_id": ""})
    tables["admissions"][0]["deathtime"] = "last Monday"
    tables["admissions"].append(tables["admissions"][1] | {"hadm_id": ""})
    cohort = build_cohort(write_hospital(tmp_path, tables), task="mortality")
    assert cohort.exclusions[0]["removed"] == 1
    assert cohort.exclusions[0]["left"] == 30
    assert cohort.counts["repeated"] == {"icustays": 1, "admissions": 0, "patients": 0}
    assert cohort.counts["unreadable"] == {"admissions.deathtime": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "sepsis"}, r"Unknown task 'sepsis'. Known: \['mortality', 'pheno"),
        ({"task": "mortality", "death": "guess"}, "`death` must be one of .'expire_f"),
        ({"task": "mortality", "reference": "x"}, "`reference` must be one of .None"),
        ({"task": "mortality", "hours": None}, "`hours` must be a number for mort"),
        ({"task": "phenotyping", "hours": 0}, "`hours` must be at least 1"),
    ],
    ids=str,
)
def test_unknown_options_are_refused_with_the_known_ones(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        build_cohort(tmp_path, **options)


def test_an_empty_cohort_is_an_error_that_counts_the_steps(tmp_path):
    root = write_hospital(tmp_path, stay(1, outtime=at(20)))
    with pytest.raises(ValueError, match=r"(?s)none for.*1 stay shorter than 48 h"):
        build_cohort(root, task="mortality")
