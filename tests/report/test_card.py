"""The card: a front matter that the Hub reads, and the numbers of the page."""

import re

import pytest
import yaml
from report import made_up

from mind_keras import report
from mind_keras.artifact import Run
from mind_keras.report.standing import standing

EVIL = "a|b <script>\n# no heading"


@pytest.fixture
def results(tmp_path):
    return report.gather(Run(made_up.write(tmp_path)))


def front_of(card):
    _, front, body = card.split("---\n", 2)
    return yaml.safe_load(front), body


def test_the_front_matter_is_what_the_hub_reads(results):
    front, _ = front_of(report.card(results))
    assert front["library_name"] == "keras"
    assert "multimodal" in front["tags"] and front["metrics"] == ["roc_auc"]
    (entry,) = front["model-index"]
    (measured,) = entry["results"]
    assert entry["name"] == "odd"
    assert {"task", "dataset", "metrics"} == set(measured)
    assert measured["task"]["type"] and measured["dataset"]["type"] == "made_up"
    rows = results.metrics
    rows = rows[(rows["model"] == "student") & (rows["metric"] == "auroc")]
    rows = rows[rows["pattern"] == "all"].set_index("head")["value"]
    values = [m["value"] for m in measured["metrics"]]
    assert values == [round(rows["fusion"], 4), round(rows["best"], 4)]


def test_a_number_that_is_undefined_is_not_announced(results):
    rows = results.metrics.assign(value=float("nan"))
    card = report.card(report.Results(summary=results.summary, metrics=rows))
    assert "model-index" not in front_of(card)[0]


def test_the_card_has_the_numbers_of_the_page(results):
    card = report.card(results)
    for model, cells in standing(results).iterrows():
        assert f"| {model} | {' | '.join(cells)} |" in card.replace("\\_", "_")


def test_the_card_says_what_it_is_for_and_where_it_ends(results):
    titles = re.findall("^## (.*)$", report.card(results), re.MULTILINE)
    assert titles == [
        *("Intended use", "Out of scope", "How to load", "Training data"),
        *("Evaluation", "Calibration", "Subgroups", "Limits"),
    ]
    assert "Not a medical device" in report.card(results)


def test_parts_without_files_are_left_out(results):
    plain = report.Results(summary=results.summary, metrics=results.metrics)
    card = report.card(plain)
    assert "## Calibration" not in card and "## Subgroups" not in card
    assert "Who was left out" not in card


def test_the_code_that_loads_is_python_and_needs_keras_only(results):
    (code,) = re.findall("```python\n(.*?)```", report.card(results), re.DOTALL)
    compile(code, "card", "exec")
    assert re.findall(r"^import (\w+)", code, re.MULTILINE) == ["keras"]
    assert "'cxr': rows['cxr'], 'ehr': rows['ehr']" in code


def test_names_from_outside_stay_text_in_the_card(results):
    task = dict(results.summary["task"], name=EVIL, labels=[EVIL])
    summary = results.summary | {"name": EVIL, "task": task, "source": EVIL}
    card = report.card(report.Results(summary=summary, metrics=results.metrics))
    front, body = front_of(card)
    assert front["model-index"][0]["name"] == EVIL
    assert "<script>" not in body and "\n# no heading" not in body
    assert body.count("a\\|b &lt;script&gt; # no heading") >= 4
