"""The tables of text that page, card and terminal share."""

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from mind_keras import report

MODELS = ("student", "unimodal:serum", "teachers")


def row(model, head, pattern, value, n, metric="auroc", label=None):
    low, high = value - 0.1, value + 0.1
    return (model, head, pattern, metric, label, value, low, high, n, "", 0)


def frame(rows):
    names = "model head pattern metric label value low high n note seed".split()
    return pd.DataFrame(rows, columns=names)


@pytest.fixture
def metrics():
    return frame(
        [
            row("student", "best", "all", 0.8123, 88),
            row("student", "best", "serum", 0.7, 30),
            row("student", "best", "serum+vitals", 0.75, 58),
            row("student", "serum", "all", 0.61, 70),
            row("student", "fusion", "all", 0.9, 58),
            row("student", "fusion", "serum+vitals", 0.9, 58),
            row("unimodal:serum", "best", "all", 0.66, 70),
            row("unimodal:serum", "best", "serum", 0.66, 30),
            row("teachers", "fusion", "all", np.nan, 58),
            row("<u>odd</u>", "serum", "all", 0.5, 60),
            row("unimodal:serum", "serum", "all", 0.6, 60),
            row("student", "best", "all", 0.123, 88, metric="brier"),
            row("student", "best", "all", 0.456, 88, label="death"),
        ]
    )


@pytest.fixture
def summary():
    costs = {"parameters": 12345, "size_bytes": 67890, "latency_ms": 1.5}
    return {
        "name": "<b>small</b>",
        "config_digest": "0123456789abcdef",
        "seed": 7,
        "mind_keras": "0.1.0",
        "backend": "jax",
        "source": "diabetes",
        "task": {"name": "death", "kind": "binary", "labels": ["<i>death</i>"]},
        "heads": {"serum": ["serum"], "fusion": ["serum", "vitals"]},
        "split": "test",
        "metric": "auroc",
        "level": 0.95,
        "availability": [{"split": "test", "pattern": "serum", "samples": 30}],
        "models": [{"model": name, **costs} for name in MODELS],
    }


def test_a_head_has_a_table_of_its_headline_numbers(summary, metrics):
    tables = report.headline(summary, metrics)
    assert list(tables) == ["best", "fusion", "serum"]
    best = tables["best"]
    assert best.columns.tolist() == [
        "all (n=88)",
        "serum (n=30)",
        "serum+vitals (n=58)",
    ]
    assert best.loc["student", "all (n=88)"] == "0.812 [0.71, 0.91]"


def test_a_pattern_that_is_all_there_is_is_shown_once(summary, metrics):
    fusion = report.headline(summary, metrics)["fusion"]
    assert fusion.columns.tolist() == ["serum+vitals (n=58)"]


def test_a_number_for_fewer_people_does_not_stand_beside_the_others(summary, metrics):
    tables = report.headline(summary, metrics)
    assert tables["best"].index.tolist() == ["student"]
    assert tables["serum"].index.tolist() == ["student"]


def test_an_undefined_number_is_absent(summary, metrics):
    rows = frame([row("student", "serum", "all", np.nan, 70)])
    table = report.headline(summary, pd.concat([metrics, rows]).tail(1))["serum"]
    assert table.loc["student"].tolist() == ["-"]


def test_models_stand_in_the_order_of_the_run(summary):
    assert report.models_table(summary).index.tolist() == list(MODELS)
    costs = report.models_table(summary).loc["student"].tolist()
    assert costs == ["12,345", "67.9", "1.50"]
    known = summary["models"][0] | {"macs": 5e6, "latency_p95_ms": 2.25}
    costs = report.models_table({"models": [known]})
    assert costs.loc["student"].tolist() == ["12,345", "5.0 M", "67.9", "1.50", "2.25"]


def test_a_model_whose_number_is_undefined_stays_among_those_that_answer_all(summary):
    rows = [row("student", "best", p, 0.8, 50) for p in ("all", "serum", "vitals")]
    rows += [row("no_kd", "best", p, np.nan, 50) for p in ("all", "serum", "vitals")]
    summary["models"][1] = summary["models"][1] | {"model": "no_kd"}
    table = report.headline(summary, frame(rows))["best"]
    assert table.loc["no_kd"].tolist() == ["-"] * 3


def test_the_tables_fit_into_100_columns_with_three_modalities(summary, capsys):
    names = ["error", "mean", "worst", "error+mean", "error+worst", "mean+worst"]
    patterns = ["all", *names, "error+mean+worst"]
    rows = [
        row(f"modality:model:{k}", "best", pattern, 0.8, 50)
        for k in range(3)
        for pattern in patterns
    ]
    summary["models"] = [
        m | {"model": "modality:model:0"} for m in summary["models"][:1]
    ]
    report.show(summary, frame(rows), Console(width=100))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    assert text.count("0.800") == 8 and text.count("0.70-0.90") == 8
    assert "…" not in text and "\x1b" not in text
