"""A run: its numbers are those of its models, and an interruption changes nothing."""

import json
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
import tiny
import tiny_run

import mind_keras as mk
from mind_keras import config as config_module
from mind_keras import run as run_module
from mind_keras.artifact import FILES, load_run
from mind_keras.controls import CONTROLS
from mind_keras.data.sources import load
from mind_keras.run import run

COLUMNS = ["model", "head", "pattern", "metric", "label", "value", "low", "high", "n"]
COLUMNS += ["note", "seed"]
MODELS = ["student", "no_kd", "single_head", "unimodal:serum", "unimodal:vitals"]
MODELS += ["late_fusion", "teachers", "teacher:serum:0", "teacher:serum:1"]
MODELS += ["teacher:vitals:0"]


@pytest.fixture(scope="module")
def data():
    return load("diabetes", seed=3, **tiny_run.CONFIG.data.options)


def read_answers(done):
    """`{(model, head): probability of each test sample}`, by id."""
    rows = pd.read_csv(done.path / "predictions.csv")
    return {key: part.set_index("id") for key, part in rows.groupby(["model", "head"])}


@pytest.fixture(scope="module")
def said():
    return read_answers(tiny_run.finished())


def probability(said, model, head):
    return said[model, head]["probability"]


def logit(p):
    return np.log(p / (1 - p))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The same run but for the weight of the teachers (0) and all test labels."""

    def flipped(*args, **options):
        data = load(*args, **options)
        return replace(data, test=replace(data.test, y=1 - data.test.y))

    zero = tiny_run.CONFIG.distillation.model_copy(update={"distillation_weight": 0.0})
    changes = {"controls": ["no_kd", "teachers"], "distillation": zero}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "load", flipped)
        config = tiny_run.CONFIG.model_copy(update=changes)
        return run(config, tmp_path_factory.mktemp("other") / "run")


def test_metrics_are_those_of_the_saved_student_on_the_test_split(data):
    done = tiny_run.finished()
    expected = mk.evaluate(done.model("student"), data.test, replicates=20, seed=3)
    found = done.metrics().query("model == 'student'").reset_index(drop=True)
    pd.testing.assert_frame_equal(
        found[expected.columns], expected, rtol=1e-5, check_dtype=False
    )


def test_metrics_have_the_agreed_rows_with_null_for_what_is_undefined():
    rows = json.loads(tiny_run.finished().read("metrics.json"))
    assert {tuple(row) for row in rows} == {tuple(COLUMNS)}
    assert list(dict.fromkeys(row["model"] for row in rows)) == MODELS
    assert {row["pattern"] for row in rows} == {
        "all",
        "serum",
        "serum+vitals",
        "vitals",
    }
    assert {row["seed"] for row in rows} == {3}
    assert all(row["note"] for row in rows if row["value"] is None)


def test_the_summary_names_the_costs_of_each_model():
    done = tiny_run.finished()
    summary = done.summary()
    assert [model["model"] for model in summary["models"]] == MODELS
    cost = {model.pop("model"): model for model in summary["models"]}
    assert summary["config_digest"] == tiny_run.CONFIG.digest
    assert cost["student"]["parameters"] == done.model("student").count_params()
    assert cost["student"]["size_bytes"] == done.file_of("student").stat().st_size
    assert all(model["latency_ms"] > 0 for model in cost.values())


def test_the_ensemble_is_counted_once_with_the_correction_of_the_joint_teacher():
    done = tiny_run.finished()
    cost = {model.pop("model"): model for model in done.summary()["models"]}
    parts = [cost[f"teacher:{name}"] for name in ("serum:0", "serum:1", "vitals:0")]
    # A kernel from two beliefs to one logit, and a constant.
    single = sum(part["parameters"] for part in parts)
    assert cost["teachers"]["parameters"] == single + 3
    joint = done.file_of("teacher:fusion:0")
    assert joint == done.path / "teachers" / "fusion-0.keras"
    assert cost["teachers"]["size_bytes"] == joint.stat().st_size
    assert "teacher:fusion:0" not in cost


def test_without_a_joint_teacher_the_ensemble_is_the_sum_of_its_teachers(other):
    cost = {model.pop("model"): model for model in other.summary()["models"]}
    parts = [cost[f"teacher:{name}"] for name in ("serum:0", "serum:1", "vitals:0")]
    for what in ("parameters", "size_bytes"):
        assert cost["teachers"][what] == sum(part[what] for part in parts)
    assert not other.file_of("teacher:fusion:0").exists()


def test_an_unimodal_control_has_the_size_of_the_students_part():
    done = tiny_run.finished()
    for name in ("serum", "vitals"):
        part = keras.saving.load_model(done.path / f"student.{name}.keras")
        assert done.model(f"unimodal:{name}").count_params() == part.count_params()


def test_a_single_head_answers_complete_samples_only(said, data):
    complete = data.test.id[data.test.pattern == "serum+vitals"]
    assert set(said["single_head", "fusion"].index) == set(complete)
    assert [h for model, h in said if model == "single_head"] == ["best", "fusion"]


def test_teachers_of_one_size_start_from_different_weights(data):
    twins = {"serum": [tiny_run.ONE, tiny_run.ONE]}
    config = tiny_run.CONFIG.model_copy(update={"teachers": twins})
    teachers = run_module._models(config, data.spec).teachers
    assert tiny.difference(*teachers["serum"]) > 1e-3


def test_late_fusion_is_the_mean_of_the_unimodal_models_at_hand(said, data):
    both = [probability(said, f"unimodal:{m}", m) for m in ("serum", "vitals")]
    expected = pd.concat(both, axis=1).mean(axis=1)
    found = probability(said, "late_fusion", "best")
    assert sorted(found.index) == sorted(data.test.id)
    np.testing.assert_allclose(found, expected[found.index], rtol=1e-6)
    fused = probability(said, "late_fusion", "fusion")
    np.testing.assert_allclose(fused, expected[fused.index], rtol=1e-6)
    assert set(said["late_fusion", "fusion"]["pattern"]) == {"serum+vitals"}


def test_the_ensemble_is_the_mean_of_its_teachers_and_the_pool_of_its_heads(
    other, data
):
    said = read_answers(other)
    mean = (
        probability(said, "teacher:serum:0", "serum")
        + probability(said, "teacher:serum:1", "serum")
    ) / 2
    serum = probability(said, "teachers", "serum")
    np.testing.assert_allclose(serum, mean, rtol=1e-5)
    vitals = probability(said, "teachers", "vitals")
    pool = logit(serum) + logit(vitals) - logit(data.train.prior[0])
    fused = logit(probability(said, "teachers", "fusion"))
    np.testing.assert_allclose(fused, pool[fused.index], rtol=1e-4, atol=1e-5)


def test_the_fusion_head_of_the_ensemble_is_the_joint_teacher(said, data):
    joint = tiny_run.finished().model("teacher:fusion:0")
    complete = data.test.take(data.test.patterns["serum+vitals"])
    fused = probability(said, "teachers", "fusion")
    assert sorted(fused.index) == sorted(complete.id)
    logits = joint.predict(dict(complete.x), verbose=0)[:, 0]
    np.testing.assert_allclose(logit(fused[complete.id]), logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (None, {"fusion": 0.2, "serum": 0.2, "vitals": 1.0}),
        (1.0, {"fusion": 1.0, "serum": 1.0, "vitals": 1.0}),
        ({"fusion": 3.0, "serum": 0.5, "vitals": 0.0}, None),
    ],
    ids=["default", "number", "by head"],
)
def test_the_task_weight_of_a_config_is_that_of_the_distiller(data, weight, expected):
    settings = {"task_weight": weight, "joint_target": "product"}
    about = tiny_run.CONFIG.model_dump()
    about |= {"teachers": {"serum": [tiny_run.ONE]}, "distillation": settings}
    distiller = run_module._models(config_module.Config(**about), data.spec).distiller
    assert distiller.get_config()["task_weight"] == (expected or weight)


def test_predictions_are_of_every_test_sample_with_its_label(said, data):
    best = said["student", "best"]
    assert best.index.tolist() == data.test.id.tolist()
    assert best["y"].tolist() == data.test.y[:, 0].tolist()
    assert best["pattern"].tolist() == data.test.pattern.tolist()
    assert best["group"].tolist() == data.test.group.tolist()


def test_the_history_tells_every_epoch_of_every_trained_model():
    done = tiny_run.finished()
    losses = done.history().query("metric == 'val_loss'")
    found = losses.groupby("model")["epoch"].apply(list).to_dict()
    assert found == {name: [0, 1] for name in set(MODELS) - {"late_fusion", "teachers"}}


def test_without_weight_on_the_teachers_the_student_is_the_control_without(other):
    assert tiny.difference(other.model("student"), other.model("no_kd")) < 1e-6
    taught = tiny_run.finished()
    assert tiny.difference(taught.model("student"), taught.model("no_kd")) > 1e-4


def test_nothing_that_is_trained_depends_on_the_test_split(other):
    for name in ("no_kd", "teacher:serum:0"):
        same = tiny_run.finished().model(name)
        assert tiny.difference(other.model(name), same) < 1e-6
    auroc = "model == 'no_kd' and metric == 'auroc'"
    values = [r.metrics().query(auroc)["value"] for r in (other, tiny_run.finished())]
    np.testing.assert_allclose(values[0], 1 - values[1].to_numpy())


def test_an_interrupted_run_goes_on_to_the_same_result(tmp_path, monkeypatch):
    before = tiny_run.copy(tmp_path)
    for name in set(FILES) - {"config.yaml", "environment.json", "history.csv"}:
        (before.path / name).unlink(missing_ok=True)
    for model in ("teacher:serum:1", "student", "unimodal:vitals"):
        before.file_of(model).unlink()
    kept = before.file_of("no_kd").stat().st_mtime_ns

    def crash(bench):
        raise RuntimeError("the power went out")

    with monkeypatch.context() as broken:
        broken.setitem(CONTROLS, "unimodal", crash)
        with pytest.raises(RuntimeError, match="power"):
            run(tiny_run.CONFIG, before.path, resume=True)
    with pytest.raises(ValueError, match=r"must be finished.*--resume"):
        load_run(before.path)
    after, whole = run(tiny_run.CONFIG, before.path, resume=True), tiny_run.finished()
    assert after.file_of("no_kd").stat().st_mtime_ns == kept
    for file in ("predictions.csv", "history.csv"):
        tables = [pd.read_csv(r.path / file) for r in (after, whole)]
        tables = [_sorted(table) for table in tables]
        pd.testing.assert_frame_equal(*tables, rtol=1e-5, atol=1e-6)
    pd.testing.assert_frame_equal(after.metrics(), whole.metrics(), rtol=1e-4)


def _sorted(table):
    keys = [c for c in ("model", "id", "epoch", "metric", "head") if c in table]
    return table.sort_values(keys, ignore_index=True)


def test_a_finished_run_is_not_trained_again_on_resume(monkeypatch):
    monkeypatch.setattr(run_module, "Trainer", None)
    path = tiny_run.finished().path
    assert run(tiny_run.CONFIG, path, resume=True).path == path


def missing(**rate):
    return {
        "data": {
            "source": "diabetes",
            "missing": {"mechanism": "mcar", "rate": rate, "seed": 0},
        }
    }


RARE = missing(serum=0.98)
PRODUCT = {"distillation": {"joint_target": "product"}}
APART = missing(serum=0.9, vitals=0.9) | {"teachers": {}, "controls": ["single_head"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"source": "nobody"}}, "Unknown source 'nobody'"),
        ({"teachers": {"serum": [{"encoder": "mpl"}]}}, "Unknown encoder 'mpl'"),
        ({"teachers": {"urine": [{"encoder": "mlp"}]}}, "Unknown modality 'urine'"),
        ({"student": {"encoders": {"serum": "mlp"}}}, "one encoder for each modality"),
        ({"distillation": {"distance": "far"}}, "far"),
        ({"controls": ["no-kd"]}, r"Unknown control \['no-kd'\]. Known: .*'no_kd'"),
        ({"training": {"batch_size": 1}}, "must have room.*batch_size=1 for 3"),
        (RARE, r"joint teacher learns from at least 20 samples.*joint_target: product"),
        (RARE | PRODUCT, r"learn from \['serum'\] takes samples.*none in a split"),
        (RARE | {"teachers": {}, "controls": ["unimodal"]}, r"from \['serum'\] takes"),
        (APART, r"learn from \['serum', 'vitals'\] takes.*none in a split"),
    ],
    ids=[
        *("source", "teacher", "modality", "student", "distance", "control", "batch"),
        *("rows of the joint teacher", "rows of a teacher", "rows of a control"),
        "complete rows",
    ],
)
def test_what_does_not_fit_is_said_before_there_is_a_folder(tmp_path, changes, message):
    config = config_module.Config(**tiny_run.CONFIG.model_dump() | changes)
    with pytest.raises(ValueError, match=message):
        run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
