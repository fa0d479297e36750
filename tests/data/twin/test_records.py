"""The hospital's tables say what was drawn: read back from the files, and compared."""

import functools

import numpy as np
import pandas as pd
from twin import twin

from mind_keras.data.twin.people import ERAS, draw_block

TIMES = {
    "icustays": ["intime", "outtime"],
    "admissions": ["admittime", "dischtime", "deathtime"],
    "patients": ["dod"],
    "diagnoses_icd": [],
    "chartevents": ["charttime", "storetime"],
    "labevents": ["charttime", "storetime"],
}


@functools.cache
def read(name):
    folder = "icu" if name in ("icustays", "chartevents") else "hosp"
    return pd.read_csv(
        twin() / "mimic-iv" / folder / f"{name}.csv.gz",
        parse_dates=TIMES[name],
        # "None" is a score of the coma scale, and no missing value.
        keep_default_na=False,
        na_values=[""],
        dtype={"value": str, "valuenum": str, "anchor_year_group": str},
    )


@functools.cache
def drawn():
    return pd.concat([draw_block(0, k) for k in range(5)]).head(120)


def joined():
    admissions = read("admissions").merge(read("patients"), on="subject_id")
    return read("icustays").merge(admissions, on=["subject_id", "hadm_id"])


def test_each_stay_has_one_admission_and_one_patient_as_drawn():
    table, stays = joined(), drawn()
    assert len(table) == 120
    assert read("patients")["subject_id"].is_unique
    assert read("admissions")["hadm_id"].is_unique
    table = table.set_index("stay_id").loc[stays["stay_id"]]
    same = ["subject_id", "hadm_id", "gender", "anchor_age", "anchor_year"]
    for name in [*same, "first_careunit", "last_careunit"]:
        assert table[name].tolist() == stays[name].tolist()
    for name in (*TIMES["icustays"], *TIMES["admissions"], *TIMES["patients"]):
        pd.testing.assert_index_equal(
            pd.DatetimeIndex(table[name]).as_unit("s"),
            pd.DatetimeIndex(stays[name]).as_unit("s"),
            check_names=False,
        )
    groups = [ERAS[era] for era in stays["era"]]
    assert table["anchor_year_group"].tolist() == groups


def test_no_table_speaks_of_stays_that_were_cut():
    admissions = set(read("admissions")["hadm_id"])
    assert set(read("diagnoses_icd")["hadm_id"]) == admissions
    assert set(read("labevents")["hadm_id"].dropna()) <= admissions
    assert set(read("labevents")["subject_id"]) <= set(read("patients")["subject_id"])
    assert set(read("chartevents")["stay_id"]) <= set(read("icustays")["stay_id"])


def test_los_is_the_length_of_the_stay_in_days():
    stays = read("icustays")
    days = (stays["outtime"] - stays["intime"]).dt.total_seconds() / 86400
    np.testing.assert_allclose(stays["los"], days, rtol=1e-12)


def test_the_flag_of_a_death_agrees_with_its_time():
    table = read("admissions")
    assert set(table["hospital_expire_flag"]) == {0, 1}
    dead = table["hospital_expire_flag"] == 1
    assert (dead == table["deathtime"].notna()).all()
    assert (dead == (table["discharge_location"] == "DIED")).all()
    assert (table["edregtime"] < table["admittime"].astype(str)).all()


def test_a_small_twin_has_a_minor_a_donor_a_transfer_and_two_stays_of_an_admission():
    table = joined()
    age = table["anchor_age"] + table["intime"].dt.year - table["anchor_year"]
    assert (age < 18).any()
    donor = table["dod"] < table["admittime"].dt.normalize()
    assert donor.any() and not table.loc[donor, "hospital_expire_flag"].any()
    assert (table["first_careunit"] != table["last_careunit"]).any()
    assert table["hadm_id"].duplicated().any()
    assert table["stay_id"].isin(read("chartevents")["stay_id"]).mean() < 1


def test_charted_values_are_numbers_as_text_blank_where_they_were_lost():
    rows = read("chartevents")
    number = pd.to_numeric(rows["valuenum"])
    text = pd.to_numeric(rows["value"], errors="coerce")
    both = number.notna() & text.notna()
    assert (number[both] == text[both]).all()
    assert rows["value"].notna().all()
    rate = rows["itemid"] == 220045
    assert 0.002 < number[rate].isna().mean() < 0.01
    words = rows["itemid"].isin({220739, 223901, 223900})
    assert text[words].isna().all() and number[words].notna().mean() > 0.99
    assert not rows["valuenum"].dropna().str.endswith(".0").any()
    assert rows.loc[rate, "valueuom"].eq("bpm").all()


def test_rows_are_of_their_stay_and_stored_after_they_were_charted():
    rows = read("chartevents").merge(read("icustays"), on="stay_id")
    assert (rows["subject_id_x"] == rows["subject_id_y"]).all()
    assert (rows["hadm_id_x"] == rows["hadm_id_y"]).all()
    assert (rows["storetime"] > rows["charttime"]).all()
    inside = rows["charttime"].between(rows["intime"].dt.floor("min"), rows["outtime"])
    assert 0.975 < inside.mean() < 0.985
    # Even over the stay, up to six days, a little less where a life ends before.
    place = (rows["charttime"] - rows["intime"])[inside].dt.total_seconds()
    length = rows["los"].clip(upper=6)[inside] * 86400
    assert abs((place / length).mean() - 0.5) < 0.01
    assert rows["caregiver_id"].isna().mean() > 0.01


def test_laboratory_rows_keep_their_subject_and_lose_half_of_the_admissions():
    rows = read("labevents")
    assert 0.42 < rows["hadm_id"].isna().mean() < 0.5
    known = rows.dropna(subset="hadm_id").merge(read("admissions"), on="hadm_id")
    assert (known["subject_id_x"] == known["subject_id_y"]).all()
    assert (known["charttime"] >= known["admittime"].dt.floor("min")).all()
    assert rows["labevent_id"].is_unique
    glucose = rows["itemid"] == 50931
    assert rows.loc[glucose, "valueuom"].eq("mg/dL").all()
    errors = rows["value"] == "ERROR"
    assert errors.any() and rows.loc[errors, "valuenum"].isna().all()
