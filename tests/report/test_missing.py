"""The section of missing modalities: curves, areas and differences kept apart."""

import re

import numpy as np
import pandas as pd
import pytest
from report import made_up
from report.documents import drawings

from mind_keras import report
from mind_keras.artifact import Run
from mind_keras.report.page import SECTIONS
from mind_keras.report.sections import missing


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return report.gather(Run(made_up.write(tmp_path_factory.mktemp("missing"))))


@pytest.fixture(scope="module")
def shown(results):
    return SECTIONS["Missing modalities"](results)


def panels_of(results, monkeypatch):
    """What is handed to be drawn."""
    found = []

    def figure(name, panels, *rest, **more):
        found.extend(panels)
        return "drawn"

    monkeypatch.setattr(missing, "figure", figure)
    missing.missing(results)
    return found


def test_only_numbers_of_models_are_drawn(results, monkeypatch):
    rows = results.missing
    own = rows[(rows["reference"] == "") & (rows["metric"] == "auroc")]
    panels = panels_of(results, monkeypatch)
    assert [panel.title for panel in panels] == [
        f"cxr missing (mcar), {which} rows; in training: {share}"
        for which in ("all", "incomplete")
        for share in ("0%", "50%")
    ]
    assert {panel.y for panel in panels} == {"AUROC"}
    drawn = [value for panel in panels for line in panel.lines for value in line.y]
    assert sorted(drawn) == sorted(own["value"])
    for panel in panels:
        assert [line.name for line in panel.lines] == [
            *("student", "zero_fill", "modality_dropout")
        ]
        assert all(list(line.x) == [0.0, 0.25, 0.5, 0.75] for line in panel.lines)


def test_areas_are_a_table_with_what_the_student_gains(results, shown):
    rows = results.missing[results.missing["metric"] == "auc_auroc"]
    keys = ["model", "reference", "rows", "train_rate"]
    area = rows.set_index(keys)["value"]
    tables = re.split("<p class=.note.>Area of AUROC", shown)[1:]
    assert len(tables) == 2
    for which, text in zip(("all", "incomplete"), tables, strict=True):
        assert text.startswith(f", cxr missing (mcar), {which} rows.")
        row = re.search(r'<th scope="row">zero_fill</th>(.*?)</tr>', text)[1]
        assert re.findall("<td>(.*?)</td>", row) == [
            f"{area['zero_fill', '', which, rate]:.3f} "
            f"({area['student', 'zero_fill', which, rate]:+.3f})"
            for rate in (0.0, 0.5)
        ]
        row = re.search(r'<th scope="row">student</th>(.*?)</tr>', text)[1]
        values = [f"{area['student', '', which, rate]:.3f}" for rate in (0.0, 0.5)]
        assert re.findall("<td>(.*?)</td>", row) == values


def test_differences_are_shown_where_test_is_as_training(results, shown):
    rows = results.missing
    rows = rows[(rows["reference"] == "zero_fill") & (rows["metric"] == "auroc")]
    rows = rows[rows["train_rate"] == rows["test_rate"]]
    row = re.findall(r'<th scope="row">student minus zero_.*?</th>(.*?)</tr>', shown)
    found = [re.findall(r"<td>([-+][\d.]+) <span", cells) for cells in row]
    assert found == [
        [f"{value:+.3f}" for value in part["value"]]
        for _, part in rows.groupby("rows", sort=False)
    ]


def test_every_row_is_in_the_table_on_demand(results, shown):
    assert f"{len(results.missing)} rows of missing.csv" in shown
    assert len(drawings(shown)) == 4 + 3  # The panels, and the key.


def test_of_several_seeds_one_is_drawn_and_all_are_told(results, monkeypatch):
    once = results.missing
    twice = pd.concat([once, once.assign(seed=1, value=once["value"] + 1)])
    several = report.Results(
        summary=results.summary, missing=twice.reset_index(drop=True)
    )
    page = missing.missing(several)
    assert "Seed 0 is drawn" in page and "50% missing, seed 1" in page
    for panel in panels_of(several, monkeypatch):
        assert all(len(line.x) == 4 and np.max(line.y) < 1.2 for line in panel.lines)


def test_a_curve_without_areas_or_differences_has_no_tables_of_them(results):
    rows = results.missing
    own = rows[(rows["reference"] == "") & (rows["metric"] == "auroc")]
    page = missing.missing(report.Results(summary=results.summary, missing=own))
    assert "area of" not in page and "less each model" not in page
    assert page.count('<svg class="plot"') == 4
