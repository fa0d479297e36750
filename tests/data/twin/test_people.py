"""Who is in the twin: shares, times and outcomes, of 2,000 subjects."""

import functools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest
from twin import assert_share

from mind_keras.data.twin.draws import PURPOSES, intercepts, stream
from mind_keras.data.twin.people import draw_block, identifiers

HOUR, DAY = pd.Timedelta("1h"), pd.Timedelta("1D")
BLOCKS = 64


@functools.cache
def people():
    return pd.concat([draw_block(0, k) for k in range(BLOCKS)], ignore_index=True)


def test_latents_are_standard_normal_independent_and_alike_within_a_subject():
    first = people().drop_duplicates("subject_id")
    for name in ("shared", "ehr", "image"):
        assert kstest(first[name], "norm").pvalue > 1e-3
    r = np.corrcoef(first[["shared", "ehr", "image"]].to_numpy().T)
    assert np.abs(r - np.eye(3)).max() < 0.08
    two = people().groupby("subject_id").filter(lambda s: len(s) == 2)
    for name in ("shared", "ehr", "image"):
        pair = two.groupby("subject_id")[name].agg(["first", "last"])
        assert abs(pair.corr().iloc[0, 1] - 0.5) < 0.15


def test_an_eighth_dies_and_more_of_those_whom_each_latent_says():
    stays = people()
    assert_share(stays["dies"], 0.125, slack=0.01)
    dead = stays[stays["dies"]]
    # Of log-odds b per standard deviation: the shift of the mean grows with b.
    shift = dead[["shared", "ehr", "image"]].mean()
    assert 0.3 < shift["shared"] < shift["ehr"] < shift["image"] < 1.1
    assert dead["age"].mean() > stays["age"].mean() + 1


def test_more_than_half_stay_two_days_and_the_iller_stay_longer():
    stays = people()
    days = (stays["outtime"] - stays["intime"]) / DAY
    assert_share(days >= 2, 0.57, slack=0.02)
    assert days.between(0.1499, 25).all()
    assert 0.05 < np.corrcoef(np.log(days), stays["shared"])[0, 1] < 0.25


def test_times_are_in_order_and_agree_with_the_outcome():
    s = people()
    assert (s["admittime"] < s["intime"]).all() and (s["intime"] < s["outtime"]).all()
    assert (s["deathtime"].notna() == s["dies"]).all()
    dead = s[s["dies"]]
    assert (dead["deathtime"] == dead["dischtime"]).all()
    assert (dead["dod"] == dead["deathtime"].dt.normalize()).sum() == len(dead)
    early = s["dischtime"] <= s["outtime"]
    assert (s["dies"] | ~early).all()
    assert (s["end"] == s[["outtime", "dischtime"]].min(axis=1)).all()


def test_a_few_die_within_48_hours_of_a_stay_recorded_as_longer():
    s = people()
    early = s["dies"] & (s["deathtime"] - s["intime"] < 48 * HOUR)
    early &= s["outtime"] - s["intime"] >= 48 * HOUR
    assert_share(early, 0.003, slack=0.001)
    assert early.any()


def test_subjects_have_one_stay_two_in_an_admission_or_two_admissions():
    groups = people().groupby("subject_id")
    stays, admissions = groups.size(), groups["hadm_id"].nunique()
    assert stays.max() == 2
    assert_share((stays == 2) & (admissions == 1), 0.05)
    assert_share((stays == 2) & (admissions == 2), 0.155, slack=0.01)
    first = groups.first()
    again = (stays == 2) & (admissions == 2)
    assert not first.loc[again, "dies"].any()
    gap = groups["intime"].last() - groups["outtime"].first()
    assert (gap[stays == 2] > 2 * HOUR - DAY / 1e6).all()
    gap = groups["admittime"].last() - groups["dischtime"].first()
    assert (gap[again] >= 10 * DAY).all()


def test_stays_of_an_admission_share_its_times_and_outcome():
    same = people().groupby("hadm_id")
    columns = ["admittime", "dischtime", "deathtime", "dies", "subject_id"]
    assert same[columns].nunique().max().max() == 1
    inside = people()
    assert (inside["outtime"] <= inside["dischtime"]).sum() >= len(inside) * 0.99


def test_edge_cases_have_their_rates():
    s = people()
    first = s.drop_duplicates("subject_id")
    assert_share(s["first_careunit"] != s["last_careunit"], 0.05)
    assert_share(s["silent"], 0.04)
    assert_share(first["age"] < 18, 0.02)
    before = s["dod"] < s["admittime"].dt.normalize()
    assert_share(before, 0.01, slack=0.005)
    assert before.any() and not s.loc[before, "dies"].any()
    last = s.drop_duplicates("subject_id", keep="last")
    home = last["dod"].notna() & ~before[last.index] & ~last["dies"]
    assert_share(home, 0.07, slack=0.01)
    later = (last["dod"] - last["dischtime"].dt.normalize())[home]
    assert DAY <= later.min() and later.max() <= 365 * DAY


def test_nobody_dies_before_a_later_stay_but_organ_donors():
    s = people()
    two = s.groupby("subject_id").filter(lambda g: len(g) == 2)
    late = two.groupby("subject_id").last()
    assert not (late["dod"] < late["admittime"].dt.normalize()).any()


def test_the_anchor_is_up_to_three_years_before_and_old_age_is_hidden():
    s = people().drop_duplicates("subject_id")
    lag = s["intime"].dt.year - s["anchor_year"]
    assert set(lag) == {0, 1, 2, 3}
    assert_share(lag == 0, 0.7)
    age = s["age"] - lag
    assert (s["anchor_age"] == np.where(age > 89, 91, age)).all()
    assert (s["anchor_age"] == 91).any() and s["age"].max() == 91
    assert abs(s["age"].mean() - 63) < 1.5 and 13 < s["age"].std() < 18


def test_stays_spread_over_70_years_and_all_eras():
    s = people().drop_duplicates("subject_id")
    years = (s["intime"] - pd.Timestamp("2120-01-01")) / (365.25 * DAY)
    assert kstest(years / 70, "uniform").pvalue > 1e-3
    for era in range(4):
        assert_share(s["era"] == era, 0.25)


def test_ids_never_meet():
    index = np.arange(100_000)
    # A factor with a divisor of 10^7 = 2^7 5^7 would come back to the start here.
    index = np.append(index, [2_000_000, 5_000_000])
    for kind, digit in {"subject": 1, "hadm": 2, "stay": 3, "study": 5}.items():
        ids = identifiers(kind, index)
        assert len(np.unique(ids)) == len(ids)
        assert (ids // 10_000_000 == digit).all()
    s = people()
    assert s["stay_id"].is_unique
    assert len(s.groupby(["subject_id", "hadm_id"])) == s["hadm_id"].nunique()
    # Folders p10 to p19 are all in use.
    assert s["subject_id"].floordiv(1_000_000).nunique() == 10


def test_purposes_and_blocks_have_streams_of_their_own():
    keys = [(seed, p, k) for seed in (0, 1) for p in PURPOSES for k in (0, 1)]
    draws = [stream(*key).random() for key in keys]
    assert len(set(draws)) == len(draws)
    child = np.random.SeedSequence(5).spawn(1)[0].spawn(4)[3]
    expected = np.random.default_rng(child).random()
    assert stream(5, "people", 3).random() == expected
    with pytest.raises(ValueError, match=r"Unknown purpose 'x'. Known: \('people'"):
        stream(0, "x")


def test_intercepts_give_the_prevalence_in_a_large_population():
    spread, prevalence = np.array([0.5, 2.0, 3.0]), np.array([0.1, 0.3, 0.9])
    score = np.random.default_rng(0).normal(size=(200_000, 1)) * spread
    share = 1 / (1 + np.exp(-intercepts(spread, prevalence) - score))
    np.testing.assert_allclose(share.mean(axis=0), prevalence, atol=0.004)
