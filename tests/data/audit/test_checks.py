"""The audit: nothing on clean data, each planted fault by the check meant for it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from data.audit.planted import HOUR, at, changed, clean, of_split

from mind_keras.data.audit.checks import CHECKS, audit
from mind_keras.data.mimic import partition
from mind_keras.data.mimic.extraction import read_extraction, write_extraction
from mind_keras.data.mimic.variables import NAMES


def fired(extraction, **options):
    return {finding.check for finding in audit(extraction, **options).violations}


def found(extraction, check, **options):
    (finding,) = (f for f in audit(extraction, **options).findings if f.check == check)
    return finding


@pytest.mark.parametrize("task", ["mortality", "phenotyping"])
@pytest.mark.parametrize("seed", range(8))
def test_clean_data_pass_every_check(task, seed):
    findings = audit(clean(task, seed)).findings
    assert [f.check for f in findings] == [*CHECKS]
    assert [f for f in findings if not f.passed] == []
    assert [f.check for f in findings if not f.checked] == ["pretraining"]


@pytest.mark.parametrize("stays", [12, 40, 120])
def test_few_stays_raise_no_alarm(stays):
    assert fired(clean(stays=stays)) == set()


def test_whole_stays_pass_where_the_label_is_no_end_of_the_stay():
    assert fired(clean("phenotyping", hours=None)) == set()


def second_stay(extraction, split):
    """The position of a stay of a patient of a split who has another one."""
    samples = extraction.samples
    again = samples["subject_id"].duplicated() & (samples["split"] == split)
    return int(np.flatnonzero(again)[0])


def patient_in_two_splits(e):
    return changed(e, split=at(e.samples["split"], second_stay(e, "train"), "test"))


def patient_as_number_and_text(e):
    e = patient_in_two_splits(e)
    k = second_stay(e, "test")
    subject = e.samples["subject_id"].astype(object)
    return changed(e, subject_id=at(subject, k, str(subject[k])))


def test_a_patient_of_two_types_is_one_patient():
    e = clean()
    k = second_stay(e, "train")
    subject = at(
        e.samples["subject_id"].astype(object), k, str(e.samples.subject_id[k])
    )
    e = changed(e, subject_id=subject, split=at(e.samples["split"], k, "test"))
    assert fired(e) == {"patients", "split_rule"}


def unknown_split(e):
    return changed(e, split=e.samples["split"].replace("validation", "val"))


def other_split_than_the_rule(e):
    samples = e.samples
    moved = samples["subject_id"] == samples["subject_id"][of_split(e, "test")[0]]
    return changed(e, split=samples["split"].mask(moved, "train"))


def no_validation(e):
    return changed(e, split=e.samples["split"].replace("test", "train"))


def stay_twice(e):
    stay = at(e.samples["stay_id"], 5, e.samples["stay_id"][6])
    return replace(changed(e, stay_id=stay), labels=e.labels.assign(stay_id=stay))


def image_of_the_future(e):
    k = of_split(e, "test")[0]
    image = e.samples["image"][k]
    late = e.samples["prediction_time"][k] + np.timedelta64(1, "s")
    table = e.image_table.assign(time=at(e.image_table["time"], image, late))
    return replace(e, image_table=table)


def image_of_another(e):
    subject = at(e.image_table["subject_id"], 3, 10_000_000 + 10**6)
    return replace(e, image_table=e.image_table.assign(subject_id=subject))


def image_of_two_patients(e):
    first, second = of_split(e, "train")[:2]
    image = e.samples["image"]
    e = changed(e, image=at(image, second, image[first]))
    early = e.samples[["intime"]].min().iloc[0]
    time = at(e.image_table["time"], image[first], early)
    return replace(e, image_table=e.image_table.assign(time=time))


def image_nowhere(e):
    k = of_split(e, "train")[0]
    return changed(e, image=at(e.samples["image"], k, len(e.images)))


def image_below_nowhere(e):
    return changed(e, image=at(e.samples["image"], 0, -2))


def image_unlisted(e):
    return replace(e, image_table=e.image_table[1:])


def image_listed_twice(e):
    table = e.image_table
    return replace(e, image_table=pd.concat([table, table[:1]]))


def image_lost(e):
    return replace(e, images=e.images[:-1])


def hours_after_prediction(e):
    """Five more hours of one stay, and rows for them."""
    k, more = 10, 5
    samples = e.samples
    hours = at(samples["hours"], k, samples["hours"][k] + more)
    end = samples["first_row"][k] + samples["hours"][k]
    series = np.insert(e.series, [end] * more, e.series[end - more : end], axis=0)
    e = changed(e, hours=hours, first_row=hours.cumsum() - hours)
    return replace(e, series=series)


def prediction_after_the_stay(e):
    early = e.samples["prediction_time"][7] - np.timedelta64(1, "s")
    return changed(e, outtime=at(e.samples["outtime"], 7, early))


def shorter_window_without_reason(e):
    k = int(np.flatnonzero(e.samples["hours"] == 48)[0])
    end = e.samples["prediction_time"]
    return changed(
        e, prediction_time=at(end, k, end[k] - HOUR + np.timedelta64(1, "s"))
    )


def one_hour_less(e):
    k = int(np.flatnonzero(e.samples["has_ehr"])[0])
    hours = at(e.samples["hours"], k, 47)
    series = np.delete(e.series, e.samples["first_row"][k] + 47, axis=0)
    e = changed(e, hours=hours, first_row=hours.cumsum() - hours)
    return replace(e, series=series)


def death_in_the_window(e):
    time = at(e.samples["label_time"], 4, e.samples["prediction_time"][4])
    return changed(e, label_time=time)


def same_image_in_two_splits(e):
    images = e.images.copy()
    first, second = (e.samples["image"][of_split(e, s)[0]] for s in ("train", "test"))
    images[first] = images[second]
    return replace(e, images=images)


def labels_of_others(e):
    return replace(e, labels=e.labels.sample(frac=1, random_state=0))


def label_of_two(e):
    return replace(e, labels=e.labels.assign(death=at(e.labels["death"], 3, 2)))


def label_blank(e):
    death = e.labels["death"].astype(float)
    return replace(e, labels=e.labels.assign(death=at(death, 3, np.nan)))


def labels_in_another_order(e):
    return replace(e, labels=e.labels[["stay_id", *e.labels.columns[:0:-1]]])


def label_of_another_name(e):
    return replace(e, labels=e.labels.rename(columns={"Shock": "shock"}))


def last_value_that_tells(e):
    """The last pH of a stay is low in those who die, though plausible."""
    series = e.series.copy()
    last = (e.samples["first_row"] + e.samples["hours"] - 1).to_numpy()
    series[last, NAMES.index("pH")] = 7.4 - 0.3 * e.labels["death"]
    return replace(e, series=series)


def mean_that_tells(e):
    series = e.series.copy()
    owner = np.repeat(e.labels["death"].to_numpy(), e.samples["hours"])
    series[:, NAMES.index("Temperature")] -= 3 * owner
    return replace(e, series=series)


def measured_in_those_who_die(e):
    series = e.series.copy()
    owner = np.repeat(e.labels["death"].to_numpy(), e.samples["hours"])
    series[owner == 0, NAMES.index("Height")] = np.nan
    dying = (e.samples["first_row"])[e.labels["death"] == 1].to_numpy()
    series[dying, NAMES.index("Height")] = np.linspace(160, 180, len(dying))
    return replace(e, series=series)


def pictured_if_survived(e):
    death = e.labels["death"] == 1
    return changed(
        e, image=e.samples["image"].mask(death, -1), has_ehr=np.ones(len(death), bool)
    )


def marked_corner(e):
    images = e.images.copy()
    has = e.samples["image"] >= 0
    images[:, -4:, :4] = 120
    images[e.samples["image"][has & (e.labels["death"] == 1)], -4:, :4] = 130
    return replace(e, images=images)


def everyone_dies(e):
    death = np.arange(len(e.labels)) % 5 > 0
    return replace(e, labels=e.labels.assign(death=death.astype(int)))


def nobody_dies(e):
    return replace(e, labels=e.labels.assign(death=0))


def phenotype_that_nobody_has(e):
    return replace(e, labels=e.labels.assign(Shock=0))


def exclusions_that_do_not_add_up(e):
    steps = [dict(step) for step in e.manifest["exclusions"]]
    steps[1]["removed"] = 21
    return replace(e, manifest={**e.manifest, "exclusions": steps})


def stays_that_came_back(e):
    steps = [dict(step) for step in e.manifest["exclusions"]]
    steps[1] |= {"left": 290, "removed": 60}
    steps[2]["removed"] = -10
    return replace(e, manifest={**e.manifest, "exclusions": steps})


def samples_that_vanished(e):
    steps = e.manifest["exclusions"][:-1]
    return replace(e, manifest={**e.manifest, "exclusions": steps})


def two_stays_share_rows(e):
    return changed(e, first_row=at(e.samples["first_row"], 9, 0))


def rows_beyond_the_series(e):
    last = len(e.samples) - 1
    return changed(e, first_row=at(e.samples["first_row"], last, len(e.series)))


def rows_of_nobody(e):
    return replace(e, series=np.concatenate([e.series, e.series[:3]]))


def charted_without_hours(e):
    last = len(e.samples) - 1
    cut = len(e.series) - e.samples["hours"][last]
    e = changed(e, hours=at(e.samples["hours"], last, 0))
    e = changed(e, has_ehr=at(e.samples["has_ehr"], last, True))
    return replace(e, series=e.series[:cut])


def other_variables(e):
    return replace(e, manifest={**e.manifest, "variables": sorted(NAMES)[::-1]})


BOTH, DEATH, GROUPS = ("mortality", "phenotyping"), ("mortality",), ("phenotyping",)
PLANTED = [
    (patient_in_two_splits, BOTH, {"patients", "split_rule"}),
    (unknown_split, BOTH, {"patients", "split_rule", "counts"}),
    (other_split_than_the_rule, BOTH, {"split_rule"}),
    (no_validation, BOTH, {"split_rule", "counts"}),
    (stay_twice, BOTH, {"sample_ids"}),
    (image_of_the_future, BOTH, {"image_time"}),
    (image_of_another, BOTH, {"image_patient"}),
    (image_of_two_patients, BOTH, {"image_patient", "rows"}),
    (image_nowhere, BOTH, {"rows"}),
    (image_below_nowhere, BOTH, {"rows"}),
    (image_unlisted, BOTH, {"rows"}),
    (image_listed_twice, BOTH, {"rows"}),
    (image_lost, BOTH, {"rows"}),
    (hours_after_prediction, GROUPS, {"measurement_time"}),
    # One stay of 53 hours among stays of 48.
    (hours_after_prediction, DEATH, {"measurement_time", "window"}),
    (prediction_after_the_stay, BOTH, {"measurement_time", "window"}),
    (shorter_window_without_reason, BOTH, {"window"}),
    (one_hour_less, DEATH, {"window"}),
    (death_in_the_window, BOTH, {"label_time"}),
    (same_image_in_two_splits, BOTH, {"duplicate_images"}),
    (labels_of_others, BOTH, {"labels"}),
    (label_of_two, DEATH, {"labels"}),
    (label_blank, DEATH, {"labels"}),
    (labels_in_another_order, GROUPS, {"labels"}),
    (label_of_another_name, GROUPS, {"labels"}),
    (last_value_that_tells, DEATH, {"label_leak"}),
    (mean_that_tells, DEATH, {"label_leak"}),
    (measured_in_those_who_die, DEATH, {"label_leak"}),
    (marked_corner, DEATH, {"label_leak"}),
    (everyone_dies, DEATH, {"counts"}),
    (nobody_dies, DEATH, {"counts"}),
    (phenotype_that_nobody_has, GROUPS, {"counts"}),
    (exclusions_that_do_not_add_up, BOTH, {"counts"}),
    (stays_that_came_back, BOTH, {"counts"}),
    (samples_that_vanished, BOTH, {"counts"}),
    (two_stays_share_rows, BOTH, {"rows"}),
    (rows_beyond_the_series, BOTH, {"rows"}),
    (rows_of_nobody, BOTH, {"rows"}),
    (charted_without_hours, GROUPS, {"rows"}),
    (other_variables, BOTH, {"channels"}),
]
CASES = [(plant, task, checks) for plant, tasks, checks in PLANTED for task in tasks]


@pytest.mark.parametrize(
    ("plant", "task", "checks"), CASES, ids=[f"{p.__name__}-{t}" for p, t, _ in CASES]
)
def test_each_fault_is_found_by_its_check_alone(plant, task, checks):
    assert fired(plant(clean(task, seed=1))) == checks


def test_what_each_fault_comes_to_is_told_with_numbers_and_examples():
    e = clean(seed=1)
    k = second_stay(e, "train")
    told = found(patient_in_two_splits(e), "patients")
    subject = e.samples["subject_id"][k]
    assert told.found == f"1 patients in both train and test, e.g. {subject}."
    assert "subject_id" in told.cure
    told = found(image_of_the_future(e), "image_time").found
    stay = e.samples["stay_id"][of_split(e, "test")[0]]
    assert told == f"1 images up to 0 days 00:00:01 later, e.g. {stay}."
    told = found(hours_after_prediction(e), "measurement_time").found
    assert told == "1 stays have later hours, e.g. 30000010."
    told = found(death_in_the_window(e), "label_time").found
    assert told == "1 labels were known before, e.g. 30000004."
    told = found(marked_corner(e), "label_leak").found
    assert told.startswith("lower left corner of the image tells 'death' (1.000)")
    told = found(last_value_that_tells(e), "label_leak").found
    assert told.startswith("the last value of pH tells 'death' (1.000)")
    told = found(mean_that_tells(e), "label_leak").found
    assert told.startswith("the mean of Temperature tells 'death' (")
    told = found(measured_in_those_who_die(e), "label_leak").found
    assert told.startswith("how often there is Height tells 'death'")
    assert "whether there is Height" in told
    told = found(same_image_in_two_splits(e), "duplicate_images").found
    assert told.startswith("2 images, e.g. 3000")
    told = found(exclusions_that_do_not_add_up(e), "counts").found
    assert told == "350 less 21 is not 330 (age)."


def test_what_is_measured_at_all_can_tell():
    # 60 % of the survivors have an image, nobody else: not enough to tell all.
    assert "label_leak" not in fired(pictured_if_survived(clean(seed=1)))
    e = clean(seed=1)
    e = changed(e, has_ehr=e.labels["death"].to_numpy() == 1)
    assert fired(e) == {"label_leak"}
    assert "having hourly values tells 'death' (1.000)" in found(e, "label_leak").found


def test_a_leak_is_one_in_train_with_twenty_of_each_kind():
    e = marked_corner(clean(seed=1))
    test = (e.samples["split"] != "train").to_numpy()
    # Found in train, so whatever the test patients' labels are.
    death = e.labels["death"].where(~test, 0)
    assert "label_leak" in fired(replace(e, labels=e.labels.assign(death=death)))
    train = e.labels["death"][~test]
    for kept, status in ((20, "violation"), (19, "not checked")):
        dying = train.index[train == 1][:kept]
        death = pd.Series(0, e.labels.index).where(~e.labels.index.isin(dying), 1)
        images = e.images.copy()
        images[:, -4:, :4] = 120
        pictured = changed(e, image=np.arange(len(death)))
        many = np.repeat(images[:1], len(death), axis=0)
        many[death == 1, :4, -4:] = 130
        table = e.image_table.reindex(range(len(death))).assign(image=range(len(death)))
        labelled = e.labels.assign(death=death)
        again = replace(pictured, images=many, image_table=table, labels=labelled)
        assert found(again, "label_leak").status == status


@pytest.mark.parametrize(("positive", "leaks"), [(20, True), (19, False)])
def test_a_rare_label_is_not_judged_beside_frequent_ones(positive, leaks):
    e = clean("phenotyping", seed=1)
    train = of_split(e, "train")
    shock = np.zeros(len(e.labels), int)
    shock[train[:positive]] = 1
    images = e.images.copy()
    images[:, :4, :4] = 120
    images[e.samples["image"].iloc[train[:positive]], :4, :4] = 130
    e = replace(e, images=images, labels=e.labels.assign(Shock=shock))
    assert ("label_leak" in fired(e)) == leaks


def test_a_whole_stay_or_a_window_by_outcome_tells_who_dies():
    assert fired(clean("mortality", hours=None)) == {"window"}
    told = found(clean("mortality", survivor_hours=24), "window").found
    assert "windows end elsewhere" in told
    assert "length of the window: 24.0 to 48.0 h" in told
    assert "hours of the record: 24.0 to 48.0 h" in told
    assert told.count("AUROC of 1.00") == 2
    assert fired(clean("mortality", survivor_hours=24)) == {"window"}


def test_a_window_tells_as_much_when_survivors_have_the_longer_one():
    e = clean("mortality", hours=24, survivor_hours=48)
    assert found(e, "window").found.count("AUROC of 1.00") == 2


def without_hours(e, gone):
    """Some stays with no hour, and the others' rows."""
    owner = np.repeat(gone, e.samples["hours"])
    hours = e.samples["hours"].mask(gone, 0)
    e = changed(e, hours=hours, first_row=hours.cumsum() - hours)
    return replace(e, series=e.series[~owner])


def test_hours_of_stays_without_measurements_are_of_no_concern():
    e = clean("mortality", seed=1)
    gone = ~e.samples["has_ehr"].to_numpy()
    assert gone.any()
    assert fired(without_hours(e, gone)) == set()


def test_a_stay_of_no_length_has_one_hour():
    e = clean("phenotyping", seed=1)
    k = int(e.samples["hours"].argmin())
    begin = e.samples["intime"][k]
    ends = {
        name: at(e.samples[name], k, begin) for name in ("outtime", "prediction_time")
    }
    e = changed(e, **ends, image=at(e.samples["image"], k, -1))
    hours = np.arange(len(e.samples)) == k
    owner = np.repeat(hours, e.samples["hours"])
    owner[np.flatnonzero(owner)[0]] = False
    kept = e.samples["hours"].mask(hours, 1)
    e = changed(e, hours=kept, first_row=kept.cumsum() - kept)
    assert fired(replace(e, series=e.series[~owner])) == set()


def test_all_stays_inside_a_long_one_share_its_rows():
    e = clean("phenotyping", seed=1)
    first = e.samples["first_row"]
    e = changed(
        e, first_row=[0, 5, 20, *first[3:]], hours=[40, 9, 9, *e.samples.hours[3:]]
    )
    told = found(e, "rows").found
    assert told.startswith("2 stays with rows of another, e.g. 30000001, 30000002;")


def test_lengths_of_windows_are_of_no_concern_without_labels():
    e = replace(clean("mortality", hours=None), labels=None)
    assert fired(e) == set()


def test_teachers_must_not_know_patients_of_validation_or_test():
    e = clean(seed=1)
    of = {s: e.samples["subject_id"][of_split(e, s)] for s in ("train", "test")}
    of["validation"] = e.samples["subject_id"][of_split(e, "validation")]
    assert fired(e, pretraining={"cxr": set(of["train"])}) == set()
    assert fired(e, pretraining={"cxr": {1, 2}, "ehr": of["test"][:1]}) == {
        "pretraining"
    }
    for ids in (
        of["validation"][:1],
        [str(of["test"].iloc[0])],
        of["test"].astype(float),
    ):
        assert fired(e, pretraining={"cxr": ids}) == {"pretraining"}
    told = found(e, "pretraining", pretraining={"cxr-encoder": of["test"][:1]}).found
    assert told == f"1 patients of test in cxr-encoder, e.g. {of['test'].iloc[0]}."
    told = found(e, "pretraining", pretraining={"cxr": of["train"][:1]}).found
    assert told == "cxr: 1 of ours, all train."


def lists(e, folder):
    files = []
    for split in ("test", "validation"):
        table = e.samples[["subject_id"]].drop_duplicates()
        of = e.samples["subject_id"][e.samples["split"] == split]
        table = table.assign(flag=table["subject_id"].isin(of).astype(int))
        files.append(folder / f"{split}.csv")
        table.to_csv(files[-1], index=False, header=False)
    return tuple(files)


def test_splits_by_files_are_those_of_the_files(tmp_path):
    e = clean(seed=1)
    files = lists(e, tmp_path)
    other = partition.assign(e.samples["subject_id"], salt="another").to_numpy()
    by_files = {**e.manifest, "options": {"files": {"split_files": ["a", "b"]}}}
    e, wrong = replace(e, manifest=by_files), replace(e, manifest=by_files)
    wrong = changed(wrong, split=other)
    assert found(e, "split_rule").status == "not checked"
    assert "split_files" in found(e, "split_rule").found
    assert found(e, "split_rule", split_files=files).status == "passed"
    assert fired(wrong, split_files=files) == {"split_rule"}
    nothing = replace(e, manifest={**e.manifest, "options": {}})
    assert found(nothing, "split_rule").status == "not checked"


def test_shares_of_the_users_files_are_the_users_affair():
    e = no_validation(clean(seed=1))
    by_files = {**e.manifest, "options": {"files": {"split_files": ["a", "b"]}}}
    assert fired(replace(e, manifest=by_files)) == set()


def test_violations_can_be_accepted_by_name():
    e = death_in_the_window(clean(seed=1))
    (finding,) = audit(e).violations
    assert (finding.check, finding.status) == ("label_time", "violation")
    accepted = audit(e, accept=["label_time", "window"])
    assert accepted.violations == ()
    status = {f.check: f.status for f in accepted.findings}
    # What passes is not said to be accepted.
    assert (status["label_time"], status["window"]) == ("accepted", "passed")
    assert [f.check for f in accepted.findings if f.accepted] == ["label_time"]


def test_an_unknown_check_cannot_be_accepted():
    message = r"names of checks. Received: \['label_tine'\]. Known: \['patients', "
    with pytest.raises(ValueError, match=message):
        audit(clean(), accept=["label_tine"])


@pytest.mark.parametrize(
    ("table", "column", "name"),
    [("samples", "has_ehr", "samples"), ("image_table", "time", "images")],
)
def test_a_table_without_a_column_is_refused(table, column, name):
    e = clean()
    e = replace(e, **{table: getattr(e, table).drop(columns=column)})
    with pytest.raises(ValueError, match=rf"The {name} must.*without \['{column}'\]"):
        audit(e)


def test_what_an_extraction_does_not_hold_is_not_checked():
    e = clean(seed=1)
    times = ("intime", "outtime", "prediction_time", "label_time")
    blank = pd.Series(pd.NaT, e.samples.index).astype("datetime64[s]")
    e = changed(e, **dict.fromkeys(times, blank), image=-1)
    e = replace(e, labels=None, images=e.images[:0], image_table=e.image_table[:0])
    e = replace(e, manifest={**e.manifest, "options": {}, "exclusions": []})
    unchecked = [f.check for f in audit(e).findings if f.status == "not checked"]
    assert unchecked == [
        *("pretraining", "split_rule", "labels", "image_patient", "image_time"),
        *("label_time", "duplicate_images", "label_leak"),
    ]
    assert fired(e) == set()
    reasons = [f.found for f in audit(e).findings if not f.checked]
    assert all(reason.startswith("not checked: ") for reason in reasons)
    # With unknown times and without a fixed window, nothing limits the hours.
    e = replace(e, manifest={**e.manifest, "hours": None})
    assert found(e, "measurement_time").status == "not checked"
    nothing = changed(e, has_ehr=False)
    assert found(nothing, "window").status == "not checked"


def test_hours_beyond_a_fixed_window_are_found_without_times():
    e = clean("phenotyping", seed=1)
    e = changed(e, intime=pd.Series(pd.NaT, e.samples.index).astype("datetime64[s]"))
    assert found(e, "measurement_time").status == "passed"
    e = hours_after_prediction(e)
    longest = int(e.samples["hours"].max())
    for limit, status in ((longest, "passed"), (longest - 1, "violation")):
        e = replace(e, manifest={**e.manifest, "hours": limit})
        assert found(e, "measurement_time").status == status


def test_broken_labels_are_the_fault_of_one_check():
    e = labels_of_others(clean(seed=1))
    assert "see the check `labels`" in found(e, "label_leak").found


def test_classes_exclude_each_other():
    e = clean("phenotyping", seed=1)
    task = {
        "name": "unit",
        "kind": "multiclass",
        "labels": e.manifest["task"]["labels"],
    }
    one = np.eye(4, dtype=int)[np.arange(len(e.labels)) % 4]
    labels = e.labels.assign(**dict(zip(task["labels"], one.T, strict=True)))
    e = replace(e, manifest={**e.manifest, "task": task}, labels=labels)
    assert fired(e) == set()
    two = labels.assign(Shock=1)
    assert fired(replace(e, labels=two)) == {"labels"}


def test_images_much_alike_are_a_note_and_empty_ones_nothing():
    e = clean(seed=1)
    images = e.images.copy()
    first, second, third, fourth = (
        e.samples["image"][of_split(e, split)[k]]
        for k in (0, 1)
        for split in ("train", "test")
    )
    images[first] = images[second]
    images[first, 0, 0] ^= 1
    images[third] = images[fourth] = 0
    finding = found(replace(e, images=images), "duplicate_images")
    assert finding.passed
    assert "of which 2 are much like one of another split" in finding.found
    assert "2 empty ones left out" in finding.found


def test_copies_within_a_split_are_allowed():
    e = clean(seed=1)
    images = e.images.copy()
    first, second = e.samples["image"][of_split(e, "train")[:2]]
    images[first] = images[second]
    assert "duplicate_images" not in fired(replace(e, images=images))


@pytest.mark.parametrize("labelled", [True, False])
def test_a_folder_gives_what_memory_gives(tmp_path, labelled):
    e = image_of_the_future(clean("phenotyping", seed=1))
    parts = {name: getattr(e, name) for name in ("samples", "series", "images")}
    write_extraction(
        tmp_path,
        manifest=e.manifest,
        labels=e.labels if labelled else None,
        image_table=e.image_table,
        **parts,
    )
    written = audit(read_extraction(tmp_path))
    expected = audit(replace(e, labels=e.labels if labelled else None))
    pd.testing.assert_frame_equal(written.table(), expected.table())
    assert written.markdown() == expected.markdown()


def test_a_folder_without_images_can_be_audited(tmp_path):
    e = clean(seed=1)
    e = changed(e, image=-1, has_ehr=True)
    parts = {name: getattr(e, name) for name in ("manifest", "samples", "labels")}
    nothing = {"images": e.images[:0], "image_table": e.image_table[:0]}
    write_extraction(tmp_path, series=e.series, **parts, **nothing)
    assert fired(read_extraction(tmp_path)) == set()


def test_rows_may_be_numbered_in_any_way():
    e = clean(seed=1)
    odd = np.arange(len(e.samples))[::-1] * 3
    e = replace(e, samples=e.samples.set_axis(odd), labels=e.labels.set_axis(odd + 1))
    assert fired(e) == set()


def test_the_table_has_a_row_per_check():
    table = audit(death_in_the_window(clean(seed=1))).table()
    assert list(table.columns) == ["check", "status", "rule", "found", "cure"]
    assert list(table["check"]) == [*CHECKS]
    assert (table["status"] == "violation").sum() == 1
    assert table["cure"].ne("").sum() == 1
