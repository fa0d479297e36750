"""Several runs on a page: beside each other, and never subtracted."""

import re

import pytest
from report import made_up
from report.documents import Document
from report.test_page import OUTSIDE

from mind_keras import report
from mind_keras.artifact import Run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    top = tmp_path_factory.mktemp("runs")
    return [
        report.gather(Run(made_up.write(top / "first", seed=1))),
        report.gather(Run(made_up.write(top / "second", seed=2, name="<i>other</i>"))),
        report.gather(Run(made_up.write(top / "labels", seed=3, kind="multilabel"))),
    ]


def cell(results, model, head="fusion"):
    rows = results.metrics
    rows = rows[(rows["model"] == model) & (rows["head"] == head)]
    rows = rows[(rows["pattern"] == "all") & (rows["metric"] == "auroc")]
    return f"{rows[rows['label'].isna()]['value'].iloc[0]:.3f}"


def test_a_task_is_a_block_and_its_runs_are_columns(runs):
    page = report.side_by_side(runs)
    blocks = page.split("<section")[1:]
    assert len(blocks) == 2
    first, other = blocks
    head = re.search(r"<thead>(.*?)</thead>", first)[1]
    assert re.findall(r'col">(.*?)</th>', head) == [
        *("model", "first (n=40)", "second (n=40)"),
    ]
    row = re.search(r'<th scope="row">no_kd</th>(.*?)</tr>', first)[1]
    numbers = re.findall(r"<td>([\d.]+) <span", row)
    assert numbers == [cell(runs[0], "no_kd"), cell(runs[1], "no_kd")]
    assert "gout, flu, NA" in other and "labels (n=40)" in other


def test_the_page_is_safe_and_well_formed(runs):
    page = report.side_by_side(runs)
    assert not OUTSIDE.search(page) and "<i>" not in page
    assert "&lt;i&gt;other&lt;/i&gt;" in page
    assert Document(page).text


def test_differences_are_only_those_within_a_run(runs):
    page = report.side_by_side(runs[:2])
    found = re.findall(r'<th scope="row">(first|second), (\w+)</th>', page)
    assert found == [(n, h) for n in ("first", "second") for h in ("fusion", "best")]
    assert "nothing is subtracted across runs" in page
    assert not re.search("first minus second|second minus first", page)


def test_runs_tested_on_other_samples_are_said_to_be(runs):
    first, second = runs[:2]
    counts = [dict(row) for row in second.summary["availability"]]
    counts[-1]["samples"] += 1
    other = report.Results(
        summary=second.summary | {"availability": counts},
        metrics=second.metrics,
        folder="second",
    )
    assert "tested on different samples" in report.side_by_side([first, other])
    assert "tested on different samples" not in report.side_by_side([first, second])
    assert "does not show that they are the same" in report.side_by_side(runs[:2])


def test_settings_that_differ_are_listed_and_others_are_not(runs):
    page = report.side_by_side(runs[:2])
    assert "2 settings that differ" in page
    row = re.search(r'<th scope="row">seed</th>(.*?)</tr>', page)[1]
    assert re.findall("<td>(.*?)</td>", row) == ["1", "2"]


def test_runs_of_one_name_are_numbered(runs):
    page = report.side_by_side([runs[0], runs[0]])
    assert "first (1) (n=40)" in page and "first (2) (n=40)" in page


def test_a_page_is_written_of_one_or_of_several(tmp_path):
    runs = [Run(made_up.write(tmp_path / name)) for name in ("a", "b")]
    report.write_page(runs, tmp_path / "both.html")
    assert "Runs side by side" in (tmp_path / "both.html").read_text("utf-8")
    report.write_page(runs[:1], tmp_path / "one.html")
    report.write(runs[0])
    one = (tmp_path / "one.html").read_text("utf-8")
    assert one == runs[0].read("report.html")
    with pytest.raises(ValueError, match=r"must end with \.html\. Received: 'x\.txt'"):
        report.write_page(runs, tmp_path / "x.txt")
