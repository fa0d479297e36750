"""What the documents say of evaluation, controls and fusion is so."""

import inspect

import keras
import numpy as np
import pandas as pd
import pytest
from pages import ROOT, code, table_of

from mind_keras import artifact, balance, missing_lab, missing_tables, results, spec
from mind_keras.config import Evaluation
from mind_keras.controls import CONTROLS, LEARNS_FROM
from mind_keras.costs import REPEATS
from mind_keras.data.mechanisms import MECHANISMS
from mind_keras.data.samples import Samples
from mind_keras.evaluation import (
    METRICS,
    bands,
    bootstrap,
    calibration,
    comparison,
    score,
    seeds,
    subgroups,
)
from mind_keras.evaluation.curves import BINS, KINDS, MOST_POINTS, curves
from mind_keras.fusion import EXCHANGES, FUSIONS
from mind_keras.report.page import SECTIONS

EVALUATION, CONTROL = (
    (ROOT / "docs" / name).read_text("utf-8")
    for name in ("evaluation.md", "controls.md")
)
TASK = spec.Task("death", "binary", ("death",))
# Of several files each, so that no constant names them.
MODELS = ["`student.keras`, `student.<modality>.keras`", "`teachers/`, `controls/`"]


def test_metrics_are_those_of_the_code():
    rows = table_of(EVALUATION, "metric", "is", "tasks", "better")
    told = {
        code(row["metric"])[0]: (row["tasks"].split(", "), row["better"])
        for row in rows
    }
    better = {True: "higher", False: "lower"}
    assert told == {
        name: (
            [k for k in spec.KINDS if k in metric.needs],
            better[metric.higher_is_better],
        )
        for name, metric in METRICS.items()
    }
    assert [*told] == [*METRICS]


def test_files_of_a_run_are_those_of_the_code():
    told = [row["file"] for row in table_of(EVALUATION, "file", "holds")]
    plain = [code(cell)[0] for cell in told if cell not in MODELS]
    assert len(plain) + len(MODELS) == len(told) == len({*told})
    assert {*plain} == {*artifact.FILES, *artifact.DOCUMENTS}


@pytest.fixture(scope="module")
def columns(tmp_path_factory) -> dict[str, list[str]]:
    """The columns of each file; of those that no constant names, made once."""
    y = np.arange(40) % 2
    ehr = spec.Spec(TASK, (spec.Modality("ehr", (1,)),))
    samples = Samples(ehr, y, {"ehr": np.zeros((40, 1))})
    said = {"ehr": 0.3 + 0.4 * y[:, None]}
    run = artifact.Run(tmp_path_factory.mktemp("run"))
    rows = keras.Input((1,))
    history = pd.DataFrame([(0, "loss", 1.0)], columns=["epoch", "metric", "value"])
    run.keep("student", keras.Model(rows, keras.layers.Dense(1)(rows)), history)
    return {
        "metrics.json": ["model", *score(said, samples, replicates=0), "seed"],
        "comparisons.csv": [*comparison.COLUMNS, "seed"],
        "calibration.csv": [*calibration.COLUMNS],
        "curves.json": [*curves({"student": said}, samples)[0]],
        "balance.csv": balance.COLUMNS,
        "subgroups.csv": [*subgroups.COLUMNS],
        "missing.csv": missing_tables.COLUMNS,
        "missing_seeds.csv": missing_tables.SEED_COLUMNS,
        "seeds.csv": [*seeds.COLUMNS],
        "predictions.csv": results.COLUMNS,
        "history.csv": [*run.history()],
    }


def test_columns_of_the_files_of_a_run_are_those_of_the_code(columns):
    rows = table_of(EVALUATION, "file", "columns")
    assert {code(row["file"])[0]: code(row["columns"]) for row in rows} == columns


def test_kinds_of_curves_quantities_and_sections_are_those_of_the_code():
    rows = table_of(EVALUATION, "kind", "x", "y")
    assert [code(row["kind"])[0] for row in rows] == [*KINDS]
    values = {"fusion": 0.8, "ehr": 0.7, "cxr": 0.6}
    found = balance.quantities(values, teachers={"ehr": 0.7})
    rows = table_of(EVALUATION, "quantity", "is")
    told = [code(row["quantity"])[0] for row in rows]
    assert told == [*dict.fromkeys(quantity for quantity, _ in found)]
    rows = table_of(EVALUATION, "section", "answers")
    assert [row["section"] for row in rows] == [*SECTIONS]


def test_bounds_of_evaluation_are_those_of_the_code():
    prose = " ".join(EVALUATION.split())
    for sentence in (
        f"fewer than {bootstrap.FEWEST_GROUPS} patients | resampling",
        f"A subgroup of fewer than {bootstrap.FEWEST_GROUPS} patients",
        f"With fewer than {seeds.FEWEST_SEEDS} seeds",
        f"fewer than {calibration.FEWEST_SAMPLES} validation samples, or fewer than "
        f"{calibration.FEWEST_OF_EACH} of an outcome",
        f"between {calibration.LOWEST:g} and {calibration.HIGHEST:g}, per head",
        f"have at most {MOST_POINTS} points",
        f"A column of more than {bands.MOST} texts",
        f"(`evaluation.margin`, {Evaluation().margin} unless",
        f"{Evaluation().replicates:,} times (`evaluation.replicates`)",
        f"{REPEATS} times after a warm-up",
    ):
        assert sentence in prose, sentence
    assert bands.FEW == 6 and "more than six values are cut" in prose
    assert bootstrap.FINITE_SHARE == 0.8 and "more than a fifth" in prose
    assert BINS == 15 and "Σ over 15 bins" in prose and "the 15 bins of" in prose


def test_contrasts_and_mechanisms_of_the_lab_are_those_of_the_code():
    text = EVALUATION.split("## The missing-modality lab")[1].split("\n## ")[0]
    assert {*missing_lab.CONTRASTS} | {*MECHANISMS} <= {*code(text)}


def test_controls_are_those_of_the_code_and_need_the_samples_that_run_asks_for():
    rows = table_of(CONTROL, "control", "what it is", "the question")
    assert [code(row["control"])[0] for row in rows] == [*CONTROLS]
    a, b = frozenset("a"), frozenset("b")
    words = {"complete": {a | b}, "each": {a, b}}
    both = spec.Spec(TASK, (spec.Modality("a", (1,)), spec.Modality("b", (1,))))
    for row in rows:
        name = code(row["control"])[0]
        needs = LEARNS_FROM[name](both) if name in LEARNS_FROM else ()
        told = [words[word] for word in filter(None, row["needs"].split(", "))]
        assert set().union(*told) == {*needs}, name
    sources = table_of(CONTROL, "control", "formula", "source")
    assert {code(row["control"])[0] for row in sources} <= {*CONTROLS}


def test_fusion_operators_and_their_options_are_those_of_the_code():
    rows = table_of(CONTROL, "operator", "formula", "options and defaults")
    told = {code(r["operator"])[0]: code(r["options and defaults"]) for r in rows}
    assert [*told] == [*FUSIONS, *EXCHANGES]
    for name, function in (FUSIONS | EXCHANGES).items():
        options = [
            p.name if p.default is None else f"{p.name}={p.default}"
            for p in inspect.signature(function).parameters.values()
            if p.kind is p.KEYWORD_ONLY and p.name != "name"
        ]
        assert told[name] == options, name
