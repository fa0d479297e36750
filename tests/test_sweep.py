"""A sweep: many students of the same teachers, judged by validation samples alone."""

import numpy as np
import pandas as pd
import pytest
import tiny_run
from typer.testing import CliRunner

import mind_keras as mk
from mind_keras import sweep as module
from mind_keras.cli import app
from mind_keras.config import Config, read_config
from mind_keras.evaluation.table import score
from mind_keras.run import run
from mind_keras.space import grid
from mind_keras.sweep import RESULTS, sweep, trials_of
from mind_keras.verdict import verdict

OVER = {"distillation.temperature": [1.0, 4.0], "student.encoders.serum.units": [4, 6]}


def config(over=OVER, trials=None, **changes):
    asked = {"over": over} | ({} if trials is None else {"trials": trials})
    values = tiny_run.CONFIG.model_dump() | {"controls": [], "sweep": asked}
    return Config(**values | changes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A sweep that was interrupted after two trials and gone on with."""
    path, asked, trained = tmp_path_factory.mktemp("sweep") / "s", [], []
    ask, trial = module.teacher_logits, module._trial

    def counted(*args):
        asked.append(1)
        return ask(*args)

    def crash(*args):
        trained.append(1)
        if len(trained) == 3:
            raise RuntimeError("power")
        return trial(*args)

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(module, "teacher_logits", counted)
        broken.setattr(module, "_trial", crash)
        with pytest.raises(RuntimeError, match="power"):
            sweep(config(), path)
        assert len(asked) == 1
        (home,) = path.glob("teachers-*")
        before = {p: p.stat().st_mtime_ns for p in home.rglob("*.keras")}
        first = (path / "sweep.csv").read_text()
        table = sweep(config(), path, resume=True)
        assert len(trained) == 5 and len(asked) == 2
    assert (path / "sweep.csv").read_text().startswith(first)
    assert {p: p.stat().st_mtime_ns for p in home.rglob("*.keras")} == before
    assert sorted(p.name for p in before) == [
        "fusion-0.keras",
        "serum-0.keras",
        "serum-1.keras",
        "vitals-0.keras",
    ]
    return path, table


def test_a_trial_is_a_row_with_its_settings(whole):
    path, table = whole
    assert list(table.columns) == ["trial", *OVER, *RESULTS]
    assert table["trial"].tolist() == [0, 1, 2, 3]
    assert table[list(OVER)].to_dict("records") == grid(OVER)
    assert set(table["metric"]) == {"auroc"} and table["note"].eq("").all()
    assert table["value"].between(0, 1).all() and table["value"].nunique() > 1
    assert (table["epochs"] == 2).all()
    read = pd.read_csv(path / "sweep.csv").drop(columns="note")
    pd.testing.assert_frame_equal(read, table.drop(columns="note"))


def test_the_best_config_trains_the_same_student_again(whole, tmp_path):
    path, table = whole
    best = read_config(path / "best.yaml")
    top = table.loc[table["value"].idxmax()]
    assert best.distillation.temperature == top["distillation.temperature"]
    units = top["student.encoders.serum.units"]
    assert best.student.encoders["serum"]["units"] == units
    assert best.sweep is None
    done = run(best, tmp_path / "run")
    data = mk.load("diabetes", seed=best.seed, **best.data.options)
    metric, value = verdict(done.model("student"), data.validation)
    assert metric == "auroc" and value == pytest.approx(top["value"], abs=1e-6)
    history = done.history()
    rows = (history["model"] == "student") & (history["metric"] == "val_loss")
    assert history[rows]["value"].min() == pytest.approx(top["val_loss"], abs=1e-5)


def test_test_samples_are_never_looked_at(whole, tmp_path, monkeypatch):
    _, table = whole
    data = mk.load("diabetes", seed=3, **tiny_run.CONFIG.data.options)
    wrong = {m: rows * np.float32(0) + 77 for m, rows in data.test.x.items()}
    object.__setattr__(data.test, "x", wrong)
    object.__setattr__(data.test, "y", 1 - data.test.y)
    monkeypatch.setattr(module, "read_data", lambda *_: data)
    again = sweep(config(), tmp_path / "s")
    pd.testing.assert_series_equal(again["value"], table["value"])


def test_teachers_are_trained_for_each_kind_of_teachers():
    over = {"teachers.serum.0.units": [8, 9], "distillation.temperature": [1.0, 2.0]}
    kinds = [module.teaching(one) for _, one in trials_of(config(over))]
    assert kinds[0] == kinds[1] != kinds[2] == kinds[3]
    for setting, choices in {
        "teacher_training.epochs": [1, 2],
        "distillation.ensemble": ["probability", "logit"],
    }.items():
        kinds = [
            module.teaching(one) for _, one in trials_of(config({setting: choices}))
        ]
        assert kinds[0] != kinds[1]
    over = {"training.epochs": [1, 2], "student.fusion": ["sum", {"fusion": "sum"}]}
    assert len({module.teaching(one) for _, one in trials_of(config(over))}) == 1


def test_a_training_that_fails_is_a_note_and_the_others_go_on(tmp_path):
    over = {"training.learning_rate": [1e30, 0.01]}
    table = sweep(config(over, teachers={}), tmp_path / "s")
    assert "finite validation loss" in table["note"][0] and table["note"][1] == ""
    assert np.isnan(table["value"][0]) and table["value"][1] > 0
    best = read_config(tmp_path / "s" / "best.yaml")
    assert best.training.learning_rate == 0.01
    assert not list((tmp_path / "s").glob("teachers-*"))


def test_trials_are_drawn_by_the_seed_of_the_config():
    over = {"distillation.temperature": {"low": 1.0, "high": 4.0}}
    found = [settings for settings, _ in trials_of(config(over, trials=3))]
    assert len(found) == 3
    more = [settings for settings, _ in trials_of(config(over, trials=5))]
    assert more[:3] == found
    other = [settings for settings, _ in trials_of(config(over, trials=3, seed=4))]
    assert other != found


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"data.seed": [1, 2]}, "`sweep.over` must name settings of student"),
        ({"seed": [1, 2]}, "not `seed`"),
        ({"student": [1]}, "not `student`"),
        ({}, "must be a mapping of settings"),
        ({"training.epochs": []}, "`sweep.over` must be a list of values.*`training"),
    ],
)
def test_a_section_that_compares_nothing_is_refused(over, message, tmp_path):
    file = tmp_path / "c.yaml"
    text = config().model_copy(update={"sweep": None}).to_yaml()
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_config(file, [f"sweep={{over: {over}}}"])


def test_what_cannot_be_trained_is_refused_before_any_training(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_answers", lambda *_: pytest.fail("trained"))
    for over, message in [
        ({"training.epochs": [3, "x"]}, "`sweep`: `training.epochs` must.*'x'"),
        ({"student.fusion": ["sum", "glue"]}, "Unknown fusion 'glue'"),
        ({"training.epoch": [1]}, "unknown key `training.epoch`. Did you mean"),
        ({"teachers.serum.7.units": [1]}, "leads nowhere"),
    ]:
        with pytest.raises(ValueError, match=message):
            sweep(config(over), tmp_path / "s")
        assert not (tmp_path / "s").exists()
    for changed in (config(seeds=[1, 2]), tiny_run.CONFIG):
        with pytest.raises(ValueError, match=r"needs a section `sweep:`.*one seed"):
            sweep(changed, tmp_path / "s")


def test_a_folder_in_use_is_not_touched(whole):
    path, _ = whole
    with pytest.raises(ValueError, match=r"must be empty.*--resume"):
        sweep(config(), path)
    other = config({"training.epochs": [1]})
    with pytest.raises(ValueError, match=r"same experiment.*`sweep.over"):
        sweep(other, path, resume=True)


def test_a_sweep_and_a_tracker_change_no_result():
    plain = tiny_run.CONFIG
    assert config(controls=plain.controls).digest == plain.digest
    told = plain.model_dump() | {"tracking": {"wandb": True}}
    assert Config(**told).digest == plain.digest


def test_the_verdict_is_the_headline_of_the_report():
    data = mk.load("diabetes", missing={"mechanism": "mcar", "rate": {"serum": 0.3}})
    student = mk.build_student(data.spec, {"serum": "mlp", "vitals": "mlp"})
    said = mk.predict(student, data.validation)
    table = score(said, data.validation, metrics=["auroc"], replicates=2)
    row = table[(table["head"] == "best") & (table["pattern"] == "all")]
    assert verdict(student, data.validation) == ("auroc", row["value"].iloc[0])
    joined = mk.build_student(
        data.spec, {"serum": "mlp", "vitals": "mlp"}, heads=["fusion"]
    )
    with pytest.raises(ValueError, match=r"cannot answer \d+ of 89"):
        verdict(joined, data.validation)


def test_the_command_shows_the_best_first_and_how_to_run_it(whole, monkeypatch):
    path, table = whole
    asked = ["--set", f"sweep={{over: {OVER}}}", "--output", str(path), "--resume"]
    file = path.parent / "c.yaml"
    file.write_text(config().model_copy(update={"sweep": None}).to_yaml())
    done = CliRunner().invoke(app, ["sweep", str(file), *asked])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    order = [int(line.split()[0]) for line in lines if line.split()[0].isdecimal()]
    values = table.set_index("trial")["value"][order].tolist()
    assert values == sorted(values, reverse=True) and len(order) == 4
    assert f"mind-keras run {path / 'best.yaml'}" in done.output
