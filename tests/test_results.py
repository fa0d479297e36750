"""The tables of a run are what `evaluation` says of the answers of its models."""

import io

import numpy as np
import pandas as pd
import pytest
import tiny_run

import mind_keras as mk
from mind_keras.artifact import load_run
from mind_keras.balance import balance_table
from mind_keras.data.sources import load
from mind_keras.evaluation import compare
from mind_keras.evaluation.calibration import calibration_table, fit_temperatures
from mind_keras.evaluation.curves import curves
from mind_keras.evaluation.subgroups import subgroups
from mind_keras.evaluation.temperatures import Temperatures
from mind_keras.results import TABLES, Evidence, Terms

RIVALS = ["no_kd", "single_head", "unimodal:serum", "unimodal:vitals", "late_fusion"]
RIVALS += ["teachers"]
BOOTSTRAP = {"replicates": 20, "level": 0.95, "seed": 3}


@pytest.fixture(scope="module")
def data():
    return load("diabetes", seed=3, **tiny_run.CONFIG.data.options)


@pytest.fixture(scope="module")
def said(data):
    """`{model: {head: (n, 1)}}` of the test samples, as `predictions.csv` has them."""
    found = {}
    rows = pd.read_csv(tiny_run.finished().path / "predictions.csv")
    for (model, head), part in rows.groupby(["model", "head"], sort=False):
        p = part.set_index("id")["probability"].reindex(data.test.id)
        found.setdefault(model, {})[head] = p.to_numpy()[:, None]
    return found


@pytest.fixture(scope="module")
def evidence(data, said):
    student = tiny_run.finished().model("student")
    validation = {"student": mk.predict(student, data.validation)}
    terms = Terms(**BOOTSTRAP, margin=0.01, subgroups={"sex": None})
    return Evidence(data, validation, said, terms)


def table(name):
    return pd.read_csv(tiny_run.finished().path / name, keep_default_na=True)


def assert_same(found, expected):
    """As a file has it: what is None there is nothing here."""
    # Both through a file: a column of no values has the type of the rows around it.
    found, expected = (
        pd.read_csv(io.StringIO(one.to_csv(index=False))) for one in (found, expected)
    )
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5, atol=1e-7)


def test_comparisons_are_the_student_less_each_rival(said, data):
    found = table("comparisons.csv")
    assert list(found["reference"].unique()) == RIVALS
    assert set(found["model"]) == {"student"} and set(found["seed"]) == {3}
    for rival in RIVALS:
        pair = {"student": said["student"], rival: said[rival]}
        expected = compare(
            pair, data.test, reference=rival, margin={"auroc": 0.01}, **BOOTSTRAP
        )
        rows = found[found["reference"] == rival].reset_index(drop=True)
        assert_same(rows, expected.assign(seed=3))
    whole = found[(found["head"] == "best") & (found["pattern"] == "all")]
    means = tiny_run.finished().metrics()
    means = means[(means["head"] == "best") & (means["pattern"] == "all")]
    means = means[means["label"].isna()].set_index(["model", "metric"])["value"]
    # Late fusion answers everybody, as the student does.
    row = whole.query("reference == 'late_fusion' and method == 'bootstrap'")
    for _, one in row[row["label"].isna()].iterrows():
        less = means["student", one["metric"]] - means["late_fusion", one["metric"]]
        assert one["value"] == pytest.approx(less)


def test_non_inferiority_is_judged_in_the_headline_metric_alone():
    found = table("comparisons.csv")
    judged = found[found["margin"].notna()]
    assert set(judged["metric"]) == {"auroc"} and set(judged["margin"]) == {0.01}


def test_the_temperatures_that_predict_applies_are_the_students(data):
    done = tiny_run.finished()
    said = mk.predict(done.model("student"), data.validation)
    expected = fit_temperatures(said, data.validation)
    found = Temperatures.from_json(done.read("calibration.json"))
    assert found.kind == expected.kind and set(found.values) == set(expected.values)
    for head, by_pattern in expected.values.items():
        for pattern, one in by_pattern.items():
            assert found.values[head][pattern].value == pytest.approx(
                one.value, rel=1e-3
            )
    others = fit_temperatures(
        mk.predict(done.model("no_kd"), data.validation), data.validation
    )
    assert others.to_json() != expected.to_json()


def test_calibration_is_fitted_on_validation_and_told_on_test(said, data):
    done, names = tiny_run.finished(), ["student", "no_kd"]
    temperatures = {
        name: fit_temperatures(
            mk.predict(done.model(name), data.validation), data.validation
        )
        for name in names
    }
    known = {name: said[name] for name in names}
    expected = calibration_table(temperatures, known, data.test)
    found = table("calibration.csv")
    assert list(found["model"].unique()) == ["student", *RIVALS]
    found = found[found["model"].isin(names)].reset_index(drop=True)
    expected = pd.read_csv(io.StringIO(expected.to_csv(index=False)))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-3, atol=1e-5)


def test_subgroups_are_of_the_columns_that_the_config_names(said, data):
    known = {name: said[name] for name in ["student", *RIVALS]}
    expected = subgroups(
        known, data.test, {"sex": None}, metrics=["auroc"], **BOOTSTRAP
    )
    assert len(expected)
    assert_same(table("subgroups.csv"), expected)


def test_balance_is_of_both_splits_beside_the_ensemble(said, data):
    found = table("balance.csv")
    known = {name: said[name] for name in ["student", *RIVALS]}
    teachers = said["teachers"]
    expected = balance_table(known, data.test, split="test", teachers=teachers)
    rows = found[found["split"] == "test"].reset_index(drop=True)
    assert_same(rows, expected)
    assert "teacher_gap" in set(rows["quantity"])
    student = tiny_run.finished().model("student")
    alone = {"student": mk.predict(student, data.validation)}
    expected = balance_table(alone, data.validation, split="validation", teachers=None)
    rows = found[(found["split"] == "validation") & (found["model"] == "student")]
    rows = rows[rows["quantity"] != "teacher_gap"].reset_index(drop=True)
    assert_same(rows, expected)


def test_curves_are_of_the_test_samples_and_of_no_single_teacher(said, data):
    known = {name: said[name] for name in ["student", *RIVALS]}
    found = tiny_run.finished().read_json("curves.json")
    expected = curves(known, data.test)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        keys = ("model", "head", "label", "kind")
        assert [one[key] for key in keys] == [other[key] for key in keys]
        for axis in ("x", "y"):
            np.testing.assert_allclose(one[axis], other[axis], atol=1e-6)


def test_the_summary_says_the_terms_of_the_numbers(data):
    summary = load_run(tiny_run.finished().path).summary()
    assert {key: summary[key] for key in BOOTSTRAP} == BOOTSTRAP
    assert (summary["margin"], summary["metric"]) == (0.01, "auroc")
    assert summary["split"] == "test"
    assert summary["heads"] == {
        "fusion": ["serum", "vitals"],
        "serum": ["serum"],
        "vitals": ["vitals"],
    }
    assert summary["availability"] == data.availability().to_dict("records")
    for model in summary["models"]:
        assert 0 < model["latency_p50_ms"] <= model["latency_p95_ms"]


def test_a_student_without_rivals_is_compared_with_nobody(evidence):
    alone = Evidence(
        evidence.data,
        evidence.validation,
        {"student": evidence.test["student"]},
        evidence.terms,
    )
    assert TABLES["comparisons.csv"](alone).empty
    assert set(TABLES["balance.csv"](alone)["model"]) == {"student"}
