"""The first table: whom it shows, against whom, and what is said about it."""

import pandas as pd
import pytest
from report import made_up

from mind_keras import report
from mind_keras.artifact import Run
from mind_keras.report.gathered import Results
from mind_keras.report.standing import in_short, standing


@pytest.fixture
def results(tmp_path):
    return report.gather(Run(made_up.write(tmp_path)))


def compared(results, low, high, metric="auroc", **more):
    """The results with one difference of the fusion head: no_kd minus student."""
    row = {"model": "no_kd", "reference": "student", "head": "fusion", "pattern": "all"}
    row |= {"metric": metric, "label": None, "value": (low + high) / 2, "low": low}
    row |= {"high": high, "p": 0.2, "n": 40, "method": "bootstrap", "note": ""}
    rows = pd.DataFrame([row | more])
    return Results(
        summary=results.summary | {"metric": metric},
        metrics=results.metrics,
        comparisons=rows,
    )


def test_only_models_that_answer_the_same_samples_stand_in_a_column(results):
    table = standing(results)
    assert table.index.tolist() == ["student", "no_kd", "teachers"]
    assert table.columns[0] == "AUROC, fusion (n=40)"
    assert "AUROC, best (n=90)" in table.columns


def test_a_single_teacher_is_not_in_the_first_table(results):
    rows = results.metrics
    alone = rows[rows["model"] == "teachers"].assign(model="teacher:ehr:0")
    rows = pd.concat([rows[rows["model"] != "teacher:ehr:0"], alone])
    table = standing(Results(summary=results.summary, metrics=rows))
    assert table.index.tolist() == ["student", "no_kd", "teachers"]


def test_numbers_are_those_of_the_files(results):
    table, rows = standing(results), results.metrics
    row = rows[(rows["head"] == "fusion") & (rows["metric"] == "auroc")].iloc[0]
    value = f"{row['value']:.3f} [{row['low']:.2f}, {row['high']:.2f}]"
    assert table.loc["student", "AUROC, fusion (n=40)"] == value
    rows = results.comparisons.query("method == 'bootstrap'")
    rows = rows.set_index(["model", "reference", "head", "metric"])
    for name in ("teachers", "no_kd"):
        row = rows.loc[("student", name, "fusion", "auroc")]
        said = f"{row['value']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
        assert table.loc[name, "student minus it, fusion"] == said
    assert table.loc["student", "student minus it, fusion"] == "-"


def test_differences_to_the_student_stand_beside_whom_they_are_of(results):
    table = standing(compared(results, 0.01, 0.03))
    assert table.loc["no_kd", "fusion minus student"] == "+0.020 [+0.010, +0.030]"
    assert table.loc["student", "fusion minus student"] == "-"


def test_costs_are_counts_ratios_to_the_teachers_and_twice_the_macs(results):
    table = standing(results)
    assert table["parameters"].tolist() == ["1,000", "4,000", "16,000"]
    assert table["compression"].tolist() == ["16 times", "4.0 times", "1.0 times"]
    assert table["MACs"].tolist() == ["4.3 M", "8.6 M", "-"]
    assert table["FLOPs"].tolist() == ["8.6 M", "17.3 M", "-"]
    assert table["latency p50 (ms)"].tolist() == ["1.25"] * 3
    assert table["p95 (ms)"].tolist() == ["3.50"] * 3


def test_without_teachers_there_is_no_ratio(results):
    models = [m for m in results.summary["models"] if m["model"] != "teachers"]
    table = standing(
        Results(summary=results.summary | {"models": models}, metrics=results.metrics)
    )
    assert "compression" not in table.columns
    assert table.index.tolist() == ["student", "no_kd"]


@pytest.mark.parametrize(
    ("low", "high", "metric", "verdict"),
    [
        (0.01, 0.03, "auroc", "better, the interval excludes 0"),
        (-0.03, -0.01, "auroc", "worse, the interval excludes 0"),
        (-0.01, 0.03, "auroc", "the interval includes 0, so they are not told apart"),
        (0.01, 0.03, "brier", "worse, the interval excludes 0"),
        (-0.03, -0.01, "brier", "better, the interval excludes 0"),
        (0.0, 0.03, "auroc", "the interval includes 0, so they are not told apart"),
    ],
)
def test_only_an_interval_beyond_0_tells_models_apart(
    results, low, high, metric, verdict
):
    _, said, *_ = in_short(compared(results, low, high, metric))
    assert said.startswith("no_kd (the same student, without teachers) minus student: ")
    assert said.endswith(f"; {verdict}.")


def test_a_difference_without_an_interval_has_no_verdict(results):
    _, said, *_ = in_short(compared(results, float("nan"), float("nan"), value=0.1))
    assert said.endswith(" minus student: +0.100; no interval, so no verdict.")


def test_non_inferiority_is_told_with_its_margin(results):
    told = {"margin": 0.01, "reference": "teachers", "model": "student"}
    for text in ("True", True):
        found = compared(results, -0.005, 0.02, non_inferior=text, **told)
        assert "(non-inferior, margin 0.01)" in in_short(found)[1]
    found = compared(results, -0.05, 0.02, non_inferior="False", **told)
    assert "(not shown to be non-inferior, margin 0.01)" in in_short(found)[1]
    found = compared(results, -0.05, 0.02, non_inferior=float("nan"), **told)
    assert "non-inferior" not in in_short(found)[1]


def test_non_inferiority_is_asked_of_the_teachers_alone(results):
    found = compared(results, -0.005, 0.02, non_inferior=True, margin=0.01)
    assert "non-inferior" not in in_short(found)[1]


def test_what_the_student_costs_is_told_with_what_the_teachers_do(results):
    assert in_short(results)[-1] == (
        "The student has 1,000 parameters, the teachers 16 times as many; an answer "
        "takes 1.25 ms here (median)."
    )


def test_a_difference_is_told_once_whichever_is_subtracted(results):
    once = results.comparisons
    turned = once.rename(columns={"model": "reference", "reference": "model"})
    twice = Results(
        summary=results.summary,
        metrics=results.metrics,
        comparisons=pd.concat([once, turned], ignore_index=True),
    )
    said = [line for line in in_short(twice) if " minus " in line]
    assert [line.split(":")[0] for line in said] == [
        "student minus no_kd (the same student, without teachers)",
        "student minus teachers",
    ]


def test_of_several_methods_the_bootstrap_is_in_the_table(results):
    both = compared(results, 0.01, 0.03)
    other = both.comparisons.assign(method="delong", value=0.9, low=0.8, high=0.99)
    rows = pd.concat([other, both.comparisons], ignore_index=True)
    table = standing(
        Results(summary=results.summary, metrics=results.metrics, comparisons=rows)
    )
    assert table.loc["no_kd", "fusion minus student"] == "+0.020 [+0.010, +0.030]"


def test_without_paired_differences_the_reader_is_warned(results):
    said = in_short(Results(summary=results.summary, metrics=results.metrics))
    assert "Paired differences were not computed" in said[1]
