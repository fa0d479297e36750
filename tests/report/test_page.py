"""The page: whole, safe to open anywhere, and as complete as the files are."""

import json
import re

import pandas as pd
import pytest
from report import made_up
from report.documents import Document, drawings

from mind_keras import report
from mind_keras.artifact import Run
from mind_keras.report.page import SECTIONS, name_of
from mind_keras.report.sections.numbers import ARROW

EVIL = '<script>alert("1")</script>&$x_1$'
OUTSIDE = re.compile(
    r"<script|https?:|//|\bsrc=|<link|<base|<iframe|@import|url\((?!#)|javascript:"
    r"|\bon\w+=",
    re.I,
)
# Nine curves, six of balance, four of missing modalities, two of training.
PLOTS = 19
# Which file a section needs; the others are made of summary.json and metrics.json.
NEEDS = {
    "Paired differences": "comparisons.csv",
    "Curves": "curves.json",
    "Calibration": "calibration.csv",
    "Missing modalities": "missing.csv",
    "Subgroups": "subgroups.csv",
    "Training": "history.csv",
    "Settings": "config.yaml",
    "Environment": "environment.json",
    "Headline": "metrics.json",
    "All metrics": "metrics.json",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_up.write(tmp_path_factory.mktemp("made_up") / "run")


@pytest.fixture(scope="module")
def page(folder):
    return report.page(report.gather(Run(folder)))


@pytest.fixture(scope="module")
def evil(folder):
    """The same, every name of which is markup and formula."""
    results = report.gather(Run(folder))
    text = json.dumps(results.summary).replace('"no_kd"', json.dumps(EVIL))
    summary = json.loads(text)
    summary["task"]["labels"] = [EVIL, EVIL + "2"]

    def spoilt(table):
        names = [n for n in ("model", "note", "subgroup") if n in table]
        changed = {
            n: table[n].replace({"no_kd": EVIL, "F": EVIL, "": EVIL}) for n in names
        }
        return table.assign(**changed)

    tables = (
        "metrics",
        "history",
        "comparisons",
        "calibration",
        "subgroups",
        "missing",
    )
    return report.Results(
        summary=summary | {"name": EVIL, "source": EVIL},
        **{name: spoilt(getattr(results, name)) for name in tables},
        curves=[
            c | {"model": c["model"].replace("no_kd", EVIL)} for c in results.curves
        ],
        config=EVIL,
        environment={EVIL: EVIL},
        extraction={"exclusions": [{"step": EVIL, "removed": 1, "left": 2}]},
    )


def sections(page):
    return [a["id"] for a in Document(page).of("section")]


def test_the_page_is_well_formed_and_refers_to_nothing_outside(page):
    assert page.startswith("<!doctype html>") and page.endswith("</html>\n")
    assert not OUTSIDE.search(page)
    links = [a["href"] for a in Document(page).of("a")]
    assert {link for link in links if not link.startswith("#")} == {"audit.html"}


def test_names_from_outside_are_text_and_never_markup(evil):
    shown = report.page(evil)
    document = Document(shown)
    assert not OUTSIDE.search(shown.replace("//", "")) and document.of("script") == []
    assert document.text.count(EVIL) > 20
    titles = [
        svg.find("title").text
        for svg in drawings(shown)
        if svg.find("title") is not None
    ]
    assert len(titles) > 10


def test_every_link_leads_somewhere_and_every_id_is_one(page):
    document = Document(page)
    ids = [a["id"] for _, a in document.elements if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"][1:] for a in document.of("a") if a["href"].startswith("#")]
    used = [a["href"][1:] for a in document.of("use")]
    used += re.findall(r"url\(#(.*?)\)", page)
    assert len(links) == len(document.of("section"))
    assert set(links) | set(used) <= set(ids)


def test_all_files_give_all_sections_in_the_order_of_the_list(page):
    expected = [name_of(title) for title in SECTIONS]
    assert sections(page) == [
        name for name in expected if name not in ("over-the-seeds", "labels")
    ]


@pytest.mark.parametrize("title", NEEDS)
def test_a_section_is_left_out_where_its_file_is_absent(folder, tmp_path, title):
    for path in folder.iterdir():
        if path.name != NEEDS[title]:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert not SECTIONS[title](report.gather(Run(tmp_path)))


def test_a_run_of_the_first_files_alone_has_a_page(folder, tmp_path):
    for name in ("summary.json", "metrics.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    page = report.page(report.gather(Run(tmp_path)))
    assert sections(page)[:3] == ["headline", "what-was-asked", "data-and-cohort"]
    absent = [t for t in NEEDS if NEEDS[t] != "metrics.json"]
    assert not set(sections(page)) & set(map(name_of, absent))
    assert "Paired differences were not computed" in page
    assert "audit.html" not in page


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_every_number_of_the_metrics_is_in_the_page(tmp_path, kind):
    folder = made_up.write(tmp_path, kind=kind)
    rows = pd.DataFrame(json.loads((folder / "metrics.json").read_text()))
    shown = SECTIONS["All metrics"](report.gather(Run(folder)))
    # A row of the table is one model, head, pattern and label, with all its metrics.
    assert f"{len(rows) // len(made_up.METRICS)} rows of metrics.json" in shown
    known = rows["value"].notna().sum()
    assert known == len(rows) - 1
    assert shown.count('class="ci"') == known
    for value in rows["value"].dropna():
        assert f"{value:.3f}" in shown
    assert "undefined: one class" in shown


def test_every_model_and_head_is_in_the_page(page):
    text = Document(page).text
    for name in (*made_up.MODELS, "Head fusion", "Head cxr", "Head ehr"):
        assert name in text


def test_the_same_files_give_the_same_page(folder, page):
    assert report.page(report.gather(Run(folder))) == page


def test_every_drawing_is_xml_and_every_plot_says_what_it_is(page):
    found = drawings(page)
    plots = [svg for svg in found if svg.get("class") == "plot"]
    assert len(plots) == PLOTS
    assert all(svg.get("role") == "img" and svg.find("title").text for svg in plots)
    others = [svg for svg in found if svg.get("class") != "plot"]
    assert others and all(svg.get("aria-hidden") == "true" for svg in others)
    captions = Document(page).of("figcaption")
    assert len(captions) == len(Document(page).of("figure")) == 7
    assert page.count("Numbers of these plots") == 7


def test_the_exclusions_the_availability_and_the_audit_are_told(page):
    text = Document(page).text
    assert "stay shorter than 48 h 1,491 2,509" in text
    assert "ehr 40 (39 groups)" in text and "all 90 90 90" in text
    assert "audit.html" in text


def test_calibration_is_before_and_after(folder, page):
    row = pd.read_csv(folder / "calibration.csv").iloc[0]
    assert f"{row['ece']:.3f}{ARROW}{row['ece_calibrated']:.3f}" in page
    assert f"<td>{row['temperature']:.3f}</td>" in page


def test_a_label_that_looks_like_nothing_is_a_label(tmp_path):
    folder = made_up.write(tmp_path, kind="multilabel")
    shown = SECTIONS["Labels"](report.gather(Run(folder)))
    rows = re.findall(r'<th scope="row">(.*?)</th>', shown)
    assert rows == made_up.LABELS["multilabel"]


def test_each_subgroup_has_its_count_its_number_and_a_drawing(folder, page):
    rows = pd.read_csv(folder / "subgroups.csv")
    row = rows[(rows["model"] == "student") & (rows["metric"] == "auroc")].iloc[0]
    shown = page[page.index("<h3>By gender</h3>") : page.index("<h3>By age</h3>")]
    first = re.search(r'<tr><th scope="row">F</th>(.*?)</tr>', shown)[1]
    cells = re.findall(r"<td>(.*?)</td>", first)
    assert cells[:2] == ["30", "7"] and cells[2].startswith("<svg")
    assert cells[3].startswith(f"{row['value']:.3f} <span")
    assert re.findall(r'<th scope="row">(.*?)</th>', shown) == ["F", "M"]
    gap = rows[(rows["subgroup"] == "gap") & (rows["metric"] == "auroc")].iloc[0]
    assert f"Highest less lowest number: {gap['value']:.3f}" in shown


def test_labels_and_subgroups_of_very_many_rows_do_not_swell_the_page(folder):
    results = report.gather(Run(folder))
    rows = pd.concat([results.comparisons.assign(label=f"l{k}") for k in range(90)])
    many = report.Results(
        summary=results.summary, metrics=results.metrics, comparisons=rows
    )
    page = report.page(many)
    assert f"{len(rows):,} rows of comparisons.csv, the first 500 of them" in page
    assert page.count("<tr>") < 700


def test_the_diagonal_and_the_intervals_are_in_the_plots_they_belong_to(folder):
    shown = SECTIONS["Curves"](report.gather(Run(folder)))
    parts = re.split("<h3>", shown)[1:]
    assert [part.split("<")[0] for part in parts] == [
        *("ROC", "Precision and recall", "Reliability"),
    ]
    assert [part.count("#999999") for part in parts] == [3, 0, 3]
    # Of nine known intervals each: three models in three panels.
    assert [part.count("stroke-width: 0.7") for part in parts] == [0, 0, 81]


def test_models_of_other_samples_are_not_drawn_beside_those_of_all(folder):
    results = report.gather(Run(folder))
    curves = [
        {**c, "n": 9} if c["kind"] == "roc" and c["model"] == "no_kd" else c
        for c in results.curves
    ]
    fewer = report.Results(summary=results.summary, curves=curves)
    roc, pr, *_ = SECTIONS["Curves"](fewer).split("<h3>")[1:]
    assert "no_kd" not in roc and "no_kd" in pr
    assert "Head fusion, 60 answers" in roc


def test_a_point_of_a_few_answers_is_told_and_not_drawn(folder):
    results = report.gather(Run(folder))
    rows = [c for c in results.curves if c["kind"] == "reliability"]
    first = next(row for row in rows if row["model"] == "no_kd")
    alone = report.Results(summary=results.summary, curves=[first])
    shown = SECTIONS["Curves"](alone)
    drawn, told = shown.split("<details>")
    # Of eleven points one stands for four answers.
    assert len(re.findall("<use [^>]*fill: #d55e00; s", drawn)) == 10
    assert drawn.count("stroke-width: 0.7") == 9
    assert told.count("<tr>") == 12


def test_the_first_table_has_a_few_rows_and_the_others_are_on_demand(folder):
    results = report.gather(Run(folder))
    names = [f"c{k}" for k in range(9)]
    student = results.metrics[results.metrics["model"] == "student"]
    rows = pd.concat([results.metrics, *(student.assign(model=n) for n in names)])
    costs = results.summary["models"][0]
    models = [*results.summary["models"], *({**costs, "model": n} for n in names)]
    many = report.Results(summary=results.summary | {"models": models}, metrics=rows)
    shown = SECTIONS["Headline"](many)
    first, rest = shown.split("<details>")
    found = re.findall(r'<th scope="row">(.*?)</th>', first)
    assert found == ["student", "no_kd", "teachers", *names[:5]]
    assert "More models (4)" in rest
    assert re.findall(r'<th scope="row">(.*?)</th>', rest) == names[5:]


def test_balance_is_a_column_per_split(folder, page):
    rows = pd.read_csv(folder / "balance.csv").query("model == 'student'")
    shown = page[page.index('id="balance-of-modalities"') :]
    first = re.search("<tbody>(.*?)</tbody>", shown, re.DOTALL)[1]
    found = [re.findall("<td>(.*?)</td>", row) for row in first.split("</tr>")][:-1]
    assert [row[:2] for row in found[:3]] == [
        *(["utilisation", "cxr"], ["utilisation", "ehr"], ["imbalance", ""])
    ]
    values = rows["value"].map("{:.3f}".format).tolist()
    assert [row[2] for row in found] + [row[3] for row in found] == values
    assert "5 more rows" not in shown and "10 more rows of balance.csv" in shown


def test_teachers_have_a_plot_of_their_own(page):
    shown = page[page.index('id="plots-training-0"') : page.index('id="all-metrics"')]
    first, teachers = shown.split('id="plots-training-1"')
    assert "teacher:ehr:0" not in first and "no_kd" not in teachers
    assert "teacher:ehr:0" in teachers
