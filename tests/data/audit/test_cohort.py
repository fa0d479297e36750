"""The cohort in tables: counted by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
from data.audit.planted import HOUR, changed, clean

from mind_keras.data.audit.cohort import cohort_tables
from mind_keras.data.audit.context import Context
from mind_keras.data.mimic.variables import NAMES


def tables(extraction):
    return cohort_tables(extraction, Context(extraction))


def eight():
    """Eight stays of 2 hours; the first four train, 4 and 5 validate, 6 and 7 test."""
    e = clean("phenotyping", stays=8)
    begin = e.samples["intime"]
    e = changed(
        e,
        subject_id=[1, 1, 2, 3, 4, 5, 6, 6],
        split=["train"] * 4 + ["validation"] * 2 + ["test"] * 2,
        has_ehr=[True, True, True, False, True, False, True, True],
        image=[0, -1, 1, 2, 3, -1, -1, -1],
        hours=2,
        first_row=np.arange(8) * 2,
    )
    time = begin[[0, 2, 3, 4]].to_numpy() + np.array([1, 2, 6, 5]) * HOUR
    table = pd.DataFrame({"image": range(4), "time": time}).reindex(
        columns=e.image_table.columns
    )
    series = np.full((16, 17), np.nan, "float32")
    series[[0, 1, 2, 12], NAMES.index("pH")] = 7.4
    labels = e.labels.assign(Shock=[1, 0, 0, 0, 1, 0, 1, 1])
    labels["Stroke"] = [1, np.nan, 1, 0, np.nan, np.nan, 0, 0]
    images = np.zeros((4, 32, 32), "uint8")
    return replace(e, image_table=table, series=series, labels=labels, images=images)


def test_samples_and_patients_are_counted_by_what_they_have():
    table = tables(eight())["Samples by what they have"]
    assert table.to_numpy().tolist() == [
        ["train", "cxr", 1, 1],
        ["train", "cxr+ehr", 2, 2],
        ["train", "ehr", 1, 1],
        ["validation", "cxr+ehr", 1, 1],
        ["validation", "neither", 1, 1],
        ["test", "ehr", 2, 1],
    ]


def test_positive_labels_are_shares_of_the_known_ones():
    table = tables(eight())["Positive labels"].set_index("label")
    assert table.loc["Shock"].tolist() == [4, "25.0 %", "50.0 %", "100.0 %"]
    assert table.loc["Stroke"].tolist() == [2, "66.7 %", "", "0.0 %"]


def test_missing_values_are_shares_of_the_charted_hours_and_stays():
    table = tables(eight())["Missing values"].set_index("variable")
    # 6 charted stays of 2 hours: 4 hours, 3 stays have a pH.
    assert table.loc["pH"].tolist() == ["66.7 %", "50.0 %"]
    assert table.loc["Height"].tolist() == ["100.0 %", "100.0 %"]


def test_image_times_are_hours_after_the_begin():
    table = tables(eight())["Images: hours after the begin of the stay"]
    assert table.to_numpy().tolist() == [
        ["train", 3, 1.0, 1.5, 2.0, 4.0, 6.0],
        ["validation", 1, 5.0, 5.0, 5.0, 5.0, 5.0],
    ]


def test_exclusions_are_those_of_the_manifest():
    table = tables(eight())["Exclusions"]
    assert table["removed"].tolist() == [0, 20, 30]
    assert list(table.columns) == ["step", "removed", "left"]


def test_published_counts_are_said_to_be_published():
    (title,) = (title for title in tables(clean()) if "MedFuse" in title)
    assert "published, not verified by us" in title
    table = tables(clean())[title]
    assert table.set_index("pattern").loc["cxr+ehr"].tolist() == [4485, 488, 1242]


def test_expected_ranges_stand_beside_what_is_there():
    e = clean()
    row = tables(e)["Expected ranges"].iloc[0]
    assert row["at least"] == "2.0 %" and row["at most"] == "40.0 %"
    assert row["here"] == f"{100 * e.labels['death'].mean():.1f} %"


def test_what_is_unknown_has_no_table():
    e = replace(clean(), labels=None)
    e = replace(e, manifest={**e.manifest, "exclusions": []})
    e = changed(e, image=-1)
    assert list(tables(e))[:2] == ["Samples by what they have", "Missing values"]
    assert len(tables(e)) == 3
