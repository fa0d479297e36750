"""Discharge diagnoses: which codes, of whom, how often."""

import functools

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from mind_keras.data.twin.conditions import CONDITIONS, OTHER_CODES, draw_diagnoses
from mind_keras.data.twin.people import draw_block

BLOCKS = 100
# CCS group, a code in ICD-9 and in ICD-10, prevalence, weights of shared, ehr,
# image; in the benchmark's order.
STATED = """
157 5849 N179 .21 .6 .7 0
109 43491 I6350 .075 .1 1.1 0
100 41071 I214 .10 .3 .5 .2
106 42731 I4891 .32 .3 .6 .3
158 5859 N189 .13 .2 .6 0
127 496 J449 .13 .2 .1 .8
238 99811 I9581 .21 .3 .3 .2
105 42611 I440 .07 .1 .6 .1
108 4280 I509 .27 .5 .2 .9
101 41401 I2510 .32 .1 .4 .4
50 25060 E1140 .095 .1 .8 0
49 25000 E119 .19 0 .7 0
53 2724 E785 .29 -.1 .3 0
98 4019 I10 .42 -.2 .5 0
55 2761 E871 .27 .5 .4 0
153 5789 K922 .07 .3 .8 -.1
99 40390 I129 .13 .2 .5 .1
151 5715 K7469 .09 .4 .6 0
133 515 J8410 .05 .2 0 1.0
134 47874 J398 .04 .1 .1 .6
130 5119 J918 .09 .3 0 1.2
122 486 J189 .14 .6 .1 1.2
131 51881 J9600 .18 .8 .2 .8
2 0389 A419 .14 .9 .6 .2
249 78552 R6521 .08 .9 .9 0
"""


@functools.cache
def drawn():
    blocks = [draw_block(0, k) for k in range(BLOCKS)]
    tables = [draw_diagnoses(0, k, block) for k, block in enumerate(blocks)]
    admissions = pd.concat(blocks).drop_duplicates("hadm_id", keep="last")
    return admissions.set_index("hadm_id"), pd.concat(tables, ignore_index=True)


@functools.cache
def labels():
    """Admissions x conditions, by the codes alone."""
    admissions, table = drawn()
    group = {(9, c.icd9): k for k, c in enumerate(CONDITIONS)}
    group |= {(10, c.icd10): k for k, c in enumerate(CONDITIONS)}
    keys = zip(table["icd_version"], table["icd_code"].str.strip(), strict=True)
    table = table.assign(group=[group.get(key, -1) for key in keys])
    found = table[table["group"] >= 0]
    y = np.zeros((len(admissions), 25), int)
    y[admissions.index.get_indexer(found["hadm_id"]), found["group"]] = 1
    return y, table


def test_the_conditions_are_the_25_groups_in_order_as_stated():
    rows = [row.split() for row in STATED.strip().splitlines()]
    assert len(rows) == 25
    for condition, (ccs, icd9, icd10, *numbers) in zip(CONDITIONS, rows, strict=True):
        assert condition[:3] == (int(ccs), icd9, icd10)
        assert (condition.prevalence, *condition.weights) == tuple(map(float, numbers))


def test_each_code_is_one_of_the_50_or_of_none_of_the_groups():
    _, table = labels()
    for version, own in table.groupby("icd_version"):
        others = own.loc[own["group"] < 0, "icd_code"].str.strip()
        assert set(others) == set(OTHER_CODES[version])
        known = {c.icd9 if version == 9 else c.icd10 for c in CONDITIONS}
        assert set(own.loc[own["group"] >= 0, "icd_code"].str.strip()) == known
        assert not known & set(OTHER_CODES[version])


def test_prevalences_are_as_stated():
    y, _ = labels()
    stated = np.array([c.prevalence for c in CONDITIONS])
    noise = np.sqrt(stated * (1 - stated) / len(y))
    assert (np.abs(y.mean(axis=0) - stated) < 4 * noise + 0.01).all()


def test_a_condition_follows_the_latents_by_its_weights():
    y, _ = labels()
    z = drawn()[0][["shared", "ehr", "image"]].to_numpy()
    for k, condition in enumerate(CONDITIONS):
        found = LogisticRegression(C=1e3).fit(z, y[:, k]).coef_[0]
        np.testing.assert_allclose(found, 1.8 * np.array(condition.weights), atol=0.5)
    fitted = [LogisticRegression(C=1e3).fit(z, column).coef_[0] for column in y.T]
    error = np.array(fitted) - [1.8 * np.array(c.weights) for c in CONDITIONS]
    assert np.abs(error.mean(axis=0)).max() < 0.06


def test_eras_before_2014_are_in_icd_9_and_later_ones_in_icd_10():
    admissions, table = drawn()
    era = table["hadm_id"].map(admissions["era"])
    assert (table["icd_version"] == np.where(era < 2, 9, 10)).all()


def test_admissions_have_3_to_12_other_codes_numbered_from_1_in_any_order():
    admissions, _ = drawn()
    _, table = labels()
    others = (table["group"] < 0).groupby(table["hadm_id"]).sum()
    assert len(others) == len(admissions)
    assert sorted(others.unique()) == [*range(3, 13)]
    for _, own in table.groupby("hadm_id"):
        assert sorted(own["seq_num"]) == [*range(1, len(own) + 1)]
        assert own["icd_code"].str.strip().is_unique
    positive = table[table["group"] >= 0]
    size = table.groupby("hadm_id").size()
    place = (positive["seq_num"] - 0.5) / positive["hadm_id"].map(size)
    assert abs(place.mean() - 0.5) < 0.02


def test_some_codes_carry_blanks_behind_up_to_seven_characters():
    _, table = drawn()
    padded = table["icd_code"].str.endswith(" ")
    assert 0.015 < padded.mean() < 0.025
    assert (table.loc[padded, "icd_code"].str.len() == 7).all()


def test_an_admission_of_two_stays_has_the_conditions_of_the_last():
    block = pd.concat([draw_block(0, k) for k in range(3)], ignore_index=True)
    block = block[block["hadm_id"].duplicated(keep=False)]
    last = ~block["hadm_id"].duplicated(keep="last")
    assert len(block) == 2 * last.sum() > 4
    table = draw_diagnoses(0, 0, block.assign(shared=np.where(last, 50.0, -50.0)))
    shock = table["icd_code"].str.strip().isin(["78552", "R6521"])
    assert shock.sum() == last.sum()
