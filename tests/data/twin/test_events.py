"""Charts and laboratory: the body's signals, their items and texts, and the dirt."""

import functools

import numpy as np
import pandas as pd
import pytest
from twin import assert_share

from mind_keras.data.twin.charting import ITEMS, chart
from mind_keras.data.twin.dirt import soil
from mind_keras.data.twin.labs import draw_labs
from mind_keras.data.twin.people import draw_block
from mind_keras.data.twin.signals import SIGNALS, Course, draw_course

BLOCKS = 24
# Items of the 17 variables in MIMIC-IV's chartevents, and of its labevents.
CHARTED = {
    "Heart rate": {220045},
    "Systolic blood pressure": {220050, 220179, 225309, 224167, 227243},
    "Diastolic blood pressure": {220051, 220180, 225310, 224643, 227242},
    "Mean blood pressure": {220052, 220181, 225312, 224322},
    "Respiratory rate": {220210, 224690, 224689, 224422},
    "Oxygen saturation": {220277, 220227},
    "Temperature": {223761, 223762},
    "Fraction inspired oxygen": {223835},
    "Glucose": {220621, 225664, 226537},
    "pH": {223830, 220274},
    "Weight": {226512, 224639, 226531},
    "Height": {226730, 226707},
}
GCS = {
    220739: ("None", "To Pain", "To Speech", "Spontaneously"),
    223901: (
        *("No response", "Abnormal extension", "Abnormal Flexion"),
        *("Flex-withdraws", "Localizes Pain", "Obeys Commands"),
    ),
    223900: (
        *("No Response", "Incomprehensible sounds", "Inappropriate Words"),
        *("Confused", "Oriented"),
    ),
}
REFILL = {223951, 224308}
USED = {item for items in CHARTED.values() for item in items} | {*GCS} | REFILL
# Mean, spread, loads of shared, ehr, image, mean gap (hours), share of stays.
STATED = {
    "Heart rate": (86, 16, 0.45, 0.45, 0.05, 1.0, 1),
    "Systolic blood pressure": (118, 18, -0.25, -0.5, 0, 1.3, 1),
    "Diastolic blood pressure": (60, 11, -0.2, -0.4, 0, 1.3, 1),
    "Mean blood pressure": (77, 12, -0.25, -0.5, 0, 1.3, 1),
    "Respiratory rate": (19, 5, 0.35, 0.1, 0.15, 1.0, 1),
    "Oxygen saturation": (97, 2.3, -0.3, -0.05, -0.2, 1.0, 1),
    "Temperature": (36.9, 0.6, 0.3, 0.1, 0, 4, 1),
    "Fraction inspired oxygen": (48, 13, 0.35, 0.1, 0.2, 5, 0.55),
    "Glucose": (140, 42, 0.1, 0.4, 0, 6, 0.95),
    "pH": (7.38, 0.07, -0.3, -0.3, -0.05, 11, 0.6),
    "Weight": (82, 20, 0, 0, 0.05, 30, 0.95),
    "Height": (170, 10, 0, 0, 0, None, 0.55),
}
LOADS = {name: np.array(signal.loads) for name, signal in SIGNALS.items()}


def table(rows, number, size):
    return pd.DataFrame(rows).assign(stay=rows["stay"] + 100 * number)


@functools.cache
def drawn():
    """Stays, clean and soiled rows; `stay` counts over all blocks."""
    stays, clean, dirty = [], [], []
    for number in range(BLOCKS):
        block = draw_block(0, number)
        course, rng = draw_course(0, number, block), np.random.default_rng(number)
        seconds = (block["outtime"] - block["intime"]).dt.total_seconds()
        rows = chart(course, rng)
        soiled = soil(rows, seconds.to_numpy() / 60, rng)
        block = block.assign(hours=course.hours, full=seconds / 3600)
        stays.append(block.set_index(100 * number + np.arange(len(block))))
        clean.append(table(rows, number, len(block)))
        dirty.append(table(soiled, number, len(block)))
    return pd.concat(stays), pd.concat(clean), pd.concat(dirty)


@functools.cache
def laboratory():
    rows = []
    for number in range(BLOCKS):
        block = draw_block(0, number)
        course, rng = draw_course(0, number, block), np.random.default_rng(number)
        rows.append(table(draw_labs(block, course, rng), number, len(block)))
    return pd.concat(rows, ignore_index=True)


def of(name, rows=None):
    rows = drawn()[1] if rows is None else rows
    return rows[rows["itemid"].isin(CHARTED[name])]


def rows_of_pair():
    """What `soil` made of each clean row: the order stays."""
    _, clean, dirty = drawn()
    return clean.reset_index(drop=True), dirty.reset_index(drop=True)


def test_signals_are_as_stated():
    rows = {n: (s.mean, s.spread, *s.loads, s.gap, s.ever) for n, s in SIGNALS.items()}
    assert rows == STATED
    twofold = {name for name, signal in SIGNALS.items() if signal.other}
    gases = {"Temperature", "Fraction inspired oxygen", "Glucose", "pH"}
    assert twofold == gases | {"Weight", "Height"}


def test_items_are_those_of_the_17_variables_with_their_names():
    clean = drawn()[1]
    assert set(SIGNALS) == set(ITEMS) == set(CHARTED)
    assert set(clean["itemid"]) >= USED
    others = ~clean["itemid"].isin(USED)
    # Half as many rows again that no variable uses.
    assert abs(others.sum() / (~others).sum() - 0.5) < 0.01
    known = clean["itemid"].isin({227969, 220046, 220047, 220048, 223986, 228096})
    assert not (known & ~others).any()


@pytest.mark.parametrize("name", [n for n in SIGNALS if SIGNALS[n].gap])
def test_a_signal_is_measured_at_its_gap_and_more_often_the_iller(name):
    stays, signal = drawn()[0], SIGNALS[name]
    counts = of(name).groupby("stay").size().reindex(stays.index, fill_value=0)
    z = stays["shared"]
    expected = signal.ever * stays["hours"] / signal.gap * np.exp(0.15 * z)
    ratio = counts.sum() / expected.sum()
    assert abs(ratio - 1) < 0.03 + 0.2 * (signal.ever < 0.9)
    if signal.ever == 1 and signal.gap < 2:
        rate = np.log(counts[counts > 50] / stays["hours"][counts > 50])
        assert abs(np.polyfit(z[counts > 50], rate, 1)[0] - 0.15) < 0.01


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_is_seen_in_its_share_of_stays(name):
    stays, signal = drawn()[0], SIGNALS[name]
    long = stays[stays["hours"] > min(5 * (signal.gap or 1), 100)]
    seen = long.index.isin(of(name)["stay"])
    # A Poisson count may be 0, too: of weights, every 30 hours, it often is.
    gap = signal.gap or 0.1
    some = 1 - np.exp(-long["hours"] / gap * np.exp(0.15 * long["shared"])).mean()
    assert_share(seen, min(signal.ever * some, 0.999), slack=0.005)


def in_our_unit(rows):
    number = rows["number"].to_numpy().copy()
    item = rows["itemid"].to_numpy()
    number = np.where(item == 223761, (number - 32) / 1.8, number)
    number = np.where(item == 226531, number * 0.45359237, number)
    return np.where(item == 226707, number * 2.54, number)


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_shows_the_latents_by_its_loads(name):
    stays, signal = drawn()[0], SIGNALS[name]
    rows = of(name)
    rows = rows.assign(x=in_our_unit(rows), hour=rows["minutes"] / 60)
    means = rows.groupby("stay")[["x", "hour"]].mean()
    z = stays.loc[means.index, ["shared", "ehr", "image"]].to_numpy()
    z = z * (1 + 0.3 / 48 * means[["hour"]].to_numpy())
    design = np.column_stack([np.ones(len(z)), z])
    fit, residual = np.linalg.lstsq(design, means["x"].to_numpy(), rcond=None)[:2]
    noise = np.sqrt(residual[0] / len(z))
    error = 4.5 * noise / np.sqrt(len(z))
    expected = [signal.mean, *(signal.spread * LOADS[name])]
    # A ceiling (SpO2) and a floor (FiO2) shrink what they cut.
    cut = 0.35 * signal.spread * (name in {"Oxygen saturation"})
    shrink = 0.35 * np.abs(expected[1:]) * (name == "Oxygen saturation")
    assert abs(fit[0] - expected[0]) < error + cut + signal.step / 2
    assert (np.abs(fit[1:] - expected[1:]) < error + shrink).all()
    personal = np.hypot(0.7, 0.75 * signal.other) * signal.spread
    assert 0.8 * personal < noise < 1.5 * personal


def test_a_value_is_the_sum_of_its_terms_and_the_iller_get_worse():
    zeros = np.zeros((1, 12))
    course = Course(
        *(np.array([[1.0, 0.5, 0.0]]), np.array([144.0])),
        *(zeros + 1.0, zeros + 2.0, np.zeros((1, 144, 12)) + 0.5),
    )
    stay, rng = np.zeros(20_000, int), np.random.default_rng(0)
    for hour, expected in {
        # 118 + 18 (-0.25 1 - 0.5 0.5) (1 + 0.3 t / 48) + 18 (0.7 1 + 0.6 0.5)
        0: 118 - 9 + 18,
        48: 118 - 9 * 1.3 + 18,
        96: 118 - 9 * 1.6 + 18,
    }.items():
        minutes = np.full(len(stay), hour * 60.0)
        found = course.values("Systolic blood pressure", stay, minutes, rng)
        assert abs(found.mean() - expected) < 0.2
    # 36.9 + 0.6 (0.3 1 + 0.1 0.5 + 0.7 1 + 0.75 2 + 0.6 0.5)
    found = course.values("Temperature", stay, minutes * 0, rng)
    assert abs(found.mean() - (36.9 + 0.6 * 2.85)) < 0.01


def test_the_noise_within_a_stay_is_drift_and_flicker():
    block = pd.concat([draw_block(0, k) for k in range(3)])
    course, rng = draw_course(0, 0, block), np.random.default_rng(0)
    k, n = [*SIGNALS].index("Heart rate"), len(block)
    stay, hours = np.repeat(np.arange(n), 144), np.tile(np.arange(144.0), n)
    twice = [course.values("Heart rate", stay, hours * 60, rng) for _ in range(2)]
    # Two measurements at one time differ by the flicker alone (and rounding).
    flicker = np.std(twice[0] - twice[1]) / np.sqrt(2)
    assert abs(flicker - 16 * 0.25) < 0.2
    drift = course.drift[:, :, k]
    assert abs(drift.std() - 1) < 0.05
    lag = np.corrcoef(drift[:, :-1].ravel(), drift[:, 1:].ravel())[0, 1]
    assert abs(lag - 0.9) < 0.02
    assert abs(drift[:, 0].std() - drift[:, -1].std()) < 0.25


def test_values_stay_within_what_is_shown_and_on_its_steps():
    for name, signal in SIGNALS.items():
        rows = of(name)
        x = in_our_unit(rows[rows["itemid"] != 226531])
        slack = 1.5 if name == "Height" else 0.06
        assert signal.low - slack <= x.min() and x.max() <= signal.high + slack
    fio2 = of("Fraction inspired oxygen")["number"]
    assert (fio2.isin([21, 100]) | (fio2 % 5 == 0)).all()


def test_an_arterial_line_replaces_the_cuff_and_the_iller_have_one():
    rows, stays = drawn()[1], drawn()[0]
    line = rows[rows["itemid"].isin({220050, 220051, 220052})]["stay"].unique()
    cuff = rows[rows["itemid"].isin({220179, 220180, 220181})]["stay"].unique()
    assert not set(line) & set(cuff)
    has = stays.index.isin(line)
    chance = 1 / (1 + np.exp(1.2 - 0.8 * stays["shared"]))
    heard = stays["hours"] > 6
    assert abs(has[heard].mean() - chance[heard].mean()) < 0.05
    assert stays.loc[has, "shared"].mean() > stays.loc[~has, "shared"].mean() + 0.4


def test_units_are_mixed_at_their_rates():
    for name, item, share in (
        *[("Temperature", 223761, 0.88), ("Weight", 226531, 0.5)],
        *[("Oxygen saturation", 220277, 0.97), ("pH", 223830, 0.8)],
    ):
        assert_share(of(name)["itemid"] == item, share)


def test_heights_are_a_pair_of_inches_and_cm_at_one_time_once_in_a_stay():
    rows = of("Height")
    pair = rows.pivot(index=["stay", "minutes"], columns="itemid", values="number")
    assert pair.notna().all().all()
    assert pair.index.get_level_values("stay").is_unique
    assert (pair[226730] == np.round(pair[226707] * 2.54)).all()


def test_coma_scores_have_their_texts_and_follow_the_latents():
    stays, rows, _ = drawn()
    for item, texts in GCS.items():
        own = rows[rows["itemid"] == item]
        ett = own["text"] == "No Response-ETT"
        level = own["number"].astype(int)
        shown = own["text"].where(~ett, "No Response")
        assert (shown == [texts[k - 1] for k in level]).all()
        assert set(level) == set(range(1, len(texts) + 1))
        z = stays.loc[own["stay"], ["shared", "ehr", "image"]].to_numpy()
        r = [np.corrcoef(z[:, k], level)[0, 1] for k in range(3)]
        assert r[1] < -0.35 and -0.4 < r[0] < -0.05 and abs(r[2]) < 0.1
        assert ett.any() == (item == 223900)
    verbal = rows[rows["itemid"] == 223900]
    assert_share(verbal.loc[verbal["number"] == 1, "text"].str.endswith("ETT"), 0.6)
    at_once = rows[rows["itemid"].isin(GCS)].groupby(["stay", "minutes"]).size()
    assert (at_once % 3 == 0).all()


def test_the_cuts_of_the_coma_scores_give_their_shares():
    # q ~ N(0, 1.1^2 + 0.4^2 + 0.6^2 + 0.3^2) over stays of like length.
    stays, rows, _ = drawn()
    rng = np.random.default_rng(0)
    own = rows[rows["itemid"] == 220739]
    z = stays.loc[own["stay"]]
    q = -1.1 * z["ehr"] - 0.4 * z["shared"] + rng.normal(0, np.hypot(0.6, 0.3), len(z))
    expected = 1 + sum((q > cut).astype(int) for cut in (-2.2, -1.5, -0.6))
    for level in (1, 2, 3, 4):
        assert_share(own["number"] == level, (expected == level).mean(), slack=0.01)


def test_capillary_refill_is_text_and_slower_by_the_private_latent():
    stays, rows, _ = drawn()
    own = rows[rows["itemid"].isin(REFILL)]
    assert own["number"].isna().all()
    assert_share(own["text"] == "Other/Remarks", 0.01)
    slow = own["text"] == "Abnormal >3 Seconds"
    assert (slow | own["text"].isin(["Normal <3 Seconds", "Other/Remarks"])).all()
    z = stays.loc[own["stay"], "ehr"].to_numpy()
    assert_share(slow, (0.99 / (1 + np.exp(2.2 - 0.9 * z))).mean())
    long = stays[stays["hours"] > 25]
    assert_share(long.index.isin(own["stay"]), 0.795, slack=0.01)


def test_silent_stays_have_no_rows_and_charts_end_with_life_and_after_six_days():
    stays, rows, _ = drawn()
    silent = stays.index[stays["silent"]]
    assert len(silent) and not rows["stay"].isin(silent).any()
    assert not laboratory()["stay"].isin(silent).any()
    hours = stays.loc[rows["stay"], "hours"].to_numpy()
    assert (rows["minutes"] >= 0).all() and (rows["minutes"] <= hours * 60).all()
    assert stays["hours"].max() == 144


DIRT = {
    "fraction": ({223835}, 0.05 * 0.995, lambda c, d: d["number"] * 100 == c["number"]),
    "flow": (
        {223835},
        0.005,
        lambda c, d: d["number"].between(2, 15) & (c["number"] > 20),
    ),
    "fahrenheit": ({223762}, 0.005, lambda c, d: d["number"] > 79),
    "no pulse": ({220045}, 0.001, lambda c, d: d["number"] == 0),
    "pressure": ({220179, 220050}, 0.001, lambda c, d: d["number"] == 1200),
    "saturation": ({220277}, 0.001, lambda c, d: d["number"] == 0),
    "error": (
        {220277, 220621, 225664, 223830},
        0.001,
        lambda c, d: d["text"] == "ERROR",
    ),
    "pair": (
        {220179, 220180, 224167, 224643, 227242, 227243},
        0.01,
        lambda c, d: d["text"].str.fullmatch(r"-?\d+/-?\d+"),
    ),
    "blank": (USED - REFILL, 0.005, lambda c, d: d["blank"] & (d["text"] == "")),
    "year": (USED, 0.0001, lambda c, d: (d["minutes"] - c["minutes"]).abs() > 400_000),
}


@pytest.mark.parametrize(("items", "rate", "seen"), DIRT.values(), ids=DIRT)
def test_each_kind_of_dirt_has_its_rate(items, rate, seen):
    clean, dirty = rows_of_pair()
    own = clean["itemid"].isin(items)
    found = seen(clean[own], dirty[own])
    assert found.any()
    # Of rows that have no text of their own.
    slack = 0.001 if rate == 0.005 and len(items) > 5 else 0.0
    assert_share(found, rate, slack)


def test_a_height_is_once_in_a_while_impossible():
    rows = {"stay": np.zeros(20_000, int), "minutes": np.zeros(20_000)}
    rows |= {"itemid": np.full(20_000, 226707), "number": np.full(20_000, 68.0)}
    rows |= {"text": np.full(20_000, "", object)}
    dirty = soil(rows, np.array([600.0]), np.random.default_rng(0))
    assert_share(dirty["number"] == 825070, 0.001)
    assert (rows["number"] == 68).all()


def test_two_of_a_hundred_rows_lie_up_to_12_hours_outside_the_stay():
    stays, _, dirty = drawn()
    length = np.ceil(stays.loc[dirty["stay"], "full"].to_numpy() * 60)
    before, after = dirty["minutes"] < 0, dirty["minutes"] > length
    assert_share(before, 0.01, slack=0.0003)
    assert_share(after, 0.01, slack=0.0003)
    year = (dirty["minutes"] < -100_000) | (dirty["minutes"] > length + 100_000)
    assert (dirty["minutes"] >= -720)[~year].all()
    assert (dirty["minutes"] <= length + 720)[~year].all()


def test_pairs_of_pressures_name_the_right_one_first():
    clean, dirty = rows_of_pair()
    paired = dirty["text"].str.fullmatch(r"\d+/\d+") & dirty["itemid"].isin(USED)
    both = dirty.loc[paired, "text"].str.split("/", expand=True).astype(int)
    assert (both[0] >= both[1]).all() and dirty.loc[paired, "blank"].all()
    systolic = clean.loc[paired, "itemid"].isin(CHARTED["Systolic blood pressure"])
    number = dirty.loc[paired, "number"]
    assert (both[0][systolic] == number[systolic]).all()
    ours = (both[1] == number) | (number < 0)
    assert ours[~systolic].all()


def test_soil_touches_no_ids_and_leaves_most_rows_alone():
    clean, dirty = rows_of_pair()
    for column in ("stay", "itemid"):
        pd.testing.assert_series_equal(clean[column], dirty[column])
    same = (clean["number"] == dirty["number"]) | clean["number"].isna()
    same &= (clean["text"] == dirty["text"]) & (clean["minutes"] == dirty["minutes"])
    assert same.mean() > 0.96


def test_the_laboratory_measures_the_same_body_also_before_the_stay():
    stays, _, _ = drawn()
    labs = laboratory()
    for name, item in {"Glucose": 50931, "pH": 50820}.items():
        own = labs[(labs["itemid"] == item) & (labs["text"] == "")]
        pair = pd.concat(
            [
                own.groupby("stay")["number"].mean(),
                of(name).groupby("stay").number.mean(),
            ],
            axis=1,
        ).dropna()
        assert np.corrcoef(pair.to_numpy().T)[0, 1] > 0.7
    before = (stays["admittime"] - stays["intime"]).dt.total_seconds() / 60
    assert (labs["minutes"] < 0).mean() > 0.03
    assert (labs["minutes"] >= np.floor(before[labs["stay"]].to_numpy())).all()
    assert (labs["minutes"] <= stays["hours"][labs["stay"]].to_numpy() * 60).all()


def test_nearly_half_of_the_laboratory_rows_belong_to_no_admission():
    assert_share(laboratory()["outside"], 0.46)


def test_the_laboratory_has_urine_and_errors_too():
    labs = laboratory()
    assert {51478, 51491, 50831, 50971} <= set(labs["itemid"])
    blood = labs["itemid"].isin({50931, 50809, 50820, 50817, 50816})
    assert_share(labs.loc[blood, "text"] == "ERROR", 0.01)
    assert labs.loc[labs["text"] == "ERROR", "blank"].all()
    assert (labs["blank"] == labs["number"].isna()).all()
