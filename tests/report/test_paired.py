"""Differences by head: those of the files, and no two methods mixed."""

import re

import pandas as pd
import pytest
from report import made_up

from mind_keras import report
from mind_keras.artifact import Run
from mind_keras.report.sections.paired import comparisons


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return report.gather(Run(made_up.write(tmp_path_factory.mktemp("paired"))))


HEADS = ("best", "fusion", "cxr", "ehr")


def only(results, rows):
    return report.Results(
        summary=results.summary, metrics=results.metrics, comparisons=rows
    )


def cells(shown, name):
    """The cells of a row of the first table."""
    row = re.search(rf'<th scope="row">{name}</th>(.*?)</tr>', shown)[1]
    return re.findall("<td>(.*?)</td>", row)


def test_a_row_is_a_model_and_a_column_a_head(results):
    shown = comparisons(results)
    head = re.search("<thead>(.*?)</thead>", shown)[1]
    assert re.findall('col">(.*?)</th>', head) == [
        *("student minus", "best (n=40)", "fusion (n=40)"),
        *("cxr (n=40)", "ehr (n=40)"),
    ]
    rows = results.comparisons.query("method == 'bootstrap' and metric == 'auroc'")
    for name in ("no_kd", "teachers"):
        values = rows[rows["reference"] == name].set_index("head")["value"]
        found = [
            re.sub("<.*?>", "", cell).split(" [")[0] for cell in cells(shown, name)
        ]
        assert found == [f"{values[head]:+.3f}" for head in HEADS]
    assert cells(shown, "unimodal:ehr")[1:3] == ["-", "-"]  # It has no such head.


def test_only_a_difference_beyond_0_is_bold(results):
    rows = results.comparisons.query("reference == 'no_kd' and metric == 'auroc'")
    rows = rows[rows["method"] == "bootstrap"].assign(value=0.02)
    rows = rows.set_index("head").loc[list(HEADS)].reset_index()
    rows = rows.assign(low=[0.01, -0.01, -0.03, 0.0], high=[0.04, 0.05, -0.01, 0.04])
    found = ["<b>" in cell for cell in cells(comparisons(only(results, rows)), "no_kd")]
    assert found == [True, False, True, False]


def test_fewer_samples_than_others_are_named_in_the_cell(results):
    rows = results.comparisons
    rows = rows.assign(n=rows["reference"].map({"no_kd": 30}).fillna(40).astype(int))
    shown = comparisons(only(results, rows))
    assert all(cell.endswith(" n=30") for cell in cells(shown, "no_kd"))
    assert not any(" n=" in cell for cell in cells(shown, "teachers"))


def test_only_against_the_teachers_non_inferiority_is_told(results):
    rows = results.comparisons.assign(non_inferior="True")
    shown = comparisons(only(results, rows))
    assert all(cell.endswith(" non-inferior") for cell in cells(shown, "teachers"))
    assert not any("non-inferior" in cell for cell in cells(shown, "no_kd"))
    assert "<td>shown</td>" in shown


def test_pairs_of_several_models_are_written_out(results):
    rows = results.comparisons
    other = rows[rows["reference"] == "teachers"].assign(model="no_kd")
    shown = comparisons(only(results, pd.concat([rows, other], ignore_index=True)))
    names = re.findall('<th scope="row">(.*?)</th>', shown)
    assert [re.sub("<wbr>", "", name) for name in names] == [
        *("student minus no_kd", "student minus unimodal:ehr"),
        *("student minus teachers", "no_kd minus teachers"),
    ]


def test_every_row_is_in_the_table_on_demand_each_method_by_itself(results):
    shown = comparisons(results)
    assert f"{len(results.comparisons)} rows of comparisons.csv" in shown
    assert shown.count("<td>delong</td>") == 10  # Pairs and heads.
    assert shown.count("<td>0.123</td>") == 10


def test_adjusted_p_values_are_shown_where_they_differ(results):
    rows = results.comparisons
    assert "adjusted" not in comparisons(results)
    assert "p adjusted" in comparisons(only(results, rows.assign(p_adjusted=1.0)))
