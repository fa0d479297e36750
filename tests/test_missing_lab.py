"""The missing-modality lab: its numbers are those of its runs, asked by hand."""

import numpy as np
import pandas as pd
import pytest
import tiny_run
from scipy.stats import ttest_rel
from typer.testing import CliRunner

import mind_keras as mk
from mind_keras import cli, missing_lab
from mind_keras import run as story
from mind_keras.artifact import Run, load_run
from mind_keras.config import Config
from mind_keras.data.filling import filled, means
from mind_keras.data.sources import load
from mind_keras.evaluation import compare
from mind_keras.evaluation.table import score
from mind_keras.missing_lab import CONTRASTS, Removal
from mind_keras.missing_tables import (
    COLUMNS,
    SEED_COLUMNS,
    apart,
    areas,
    areas_under,
    spread,
)

RATES = (0.0, 0.5)
MAR = {"mechanism": "mar", "on": "age"}
REMOVAL = Removal("serum", **MAR, rates=RATES)
MODELS = ["student", "single_head", "no_kd", "mean_fill"]
BOOTSTRAP = {"replicates": 10, "level": 0.9, "seed": 3, "metrics": ["auroc"]}
CONFIG = Config(
    name="lab",
    seed=3,
    data={
        "source": "diabetes",
        # The lab's own removal takes the place of this.
        "missing": {"mechanism": "mcar", "rate": {"vitals": 0.9}},
    },
    teachers={"vitals": [tiny_run.ONE]},
    student={"encoders": {"serum": tiny_run.ONE, "vitals": tiny_run.ONE}},
    training={"epochs": 1, "batch_size": 256},
    teacher_training={"epochs": 1, "batch_size": 256},
    controls=["single_head"],
    evaluation={"replicates": 10, "level": 0.9},
)


@pytest.fixture(scope="module")
def reads():
    """The removal of each time that the lab has read data."""
    return []


@pytest.fixture(scope="module")
def lab(tmp_path_factory, reads):
    """The folder, and the table that came back."""
    path = tmp_path_factory.mktemp("lab") / "lab"

    def counted(*args, missing, **options):
        reads.append(missing)
        return load(*args, missing=missing, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(story, "load", counted)
        patch.setattr(missing_lab, "CONTRASTS", ("no_kd", "mean_fill"))
        return path, missing_lab.missing_lab(CONFIG, path, REMOVAL)


def data(rate):
    how = MAR | {"rate": {"serum": rate}} if rate else None
    return load("diabetes", seed=3, missing=how)


def said(path, train_rate, samples):
    """What the models of a run say of samples, by hand."""
    done = load_run(path / f"train-{train_rate:g}-seed-3")
    found = {
        name: mk.predict(done.model(name), samples)["best"]
        for name in ("student", "no_kd")
    }
    whole = filled(samples, means(data(train_rate).train))
    found["mean_fill"] = mk.predict(done.model("mean_fill"), whole)["best"]
    return found


def rows_of(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    return table


@pytest.mark.parametrize("rows", ["all", "incomplete"])
@pytest.mark.parametrize("train_rate", RATES)
def test_numbers_are_those_of_the_saved_models_on_samples_removed_by_hand(
    lab, train_rate, rows
):
    path, table = lab
    table = rows_of(table, train_rate=train_rate, rows=rows, metric="auroc")
    table = table[table["test_rate"] == 0.5]
    # As the models of this share read them: standardised by their training rows.
    raw = data(0.5).preprocessing.undo(data(0.5).test)
    test = data(train_rate).preprocessing.apply(raw)
    if rows == "incomplete":
        test = test.take(np.flatnonzero(~test.has("serum")))
        assert 20 < len(test) < 70
    answers = said(path, train_rate, test)
    keys = ["value", "low", "high", "n"]
    for model, p in answers.items():
        expected = score({"best": p}, test, **BOOTSTRAP)
        expected = expected[(expected["pattern"] == "all") & expected["label"].isna()]
        found = table[table["reference"].isna() & (table["model"] == model)]
        np.testing.assert_allclose(
            found[keys].astype(float), expected[keys].astype(float), rtol=1e-5
        )
    pair = {name: {"best": answers[name]} for name in ("student", "no_kd")}
    expected = compare(pair, test, reference="no_kd", **BOOTSTRAP)
    expected = expected[(expected["pattern"] == "all") & expected["label"].isna()]
    expected = expected[expected["method"] == "bootstrap"]
    found = table[table["reference"] == "no_kd"]
    assert found["model"].tolist() == ["student"]
    np.testing.assert_allclose(
        found[[*keys, "p"]].astype(float),
        expected[[*keys, "p"]].astype(float),
        rtol=1e-5,
        atol=1e-7,
    )


def test_data_of_a_share_are_read_for_its_test_samples_and_once_for_its_run(lab, reads):
    none, half = None, MAR | {"rate": {"serum": 0.5}}
    assert reads == [none, half, none, half]


def test_each_contender_is_asked_at_each_share_in_each_run(lab):
    _, table = lab
    assert table.columns.tolist() == COLUMNS
    own = table[table["reference"].isna() & (table["metric"] == "auroc")]
    everybody = rows_of(own, rows="all")
    assert len(everybody) == len(MODELS) * len(RATES) ** 2
    assert set(everybody["model"]) == set(MODELS)
    assert set(rows_of(own, rows="incomplete")["test_rate"]) == {0.5}
    less = table[table["reference"].notna()]
    assert set(less["model"]) == {"student"}
    assert set(less["reference"]) == set(MODELS) - {"student"}
    assert set(table["mechanism"]) == {"mar"} and set(table["modality"]) == {"serum"}
    assert set(table["seed"]) == {3}


def test_who_cannot_answer_has_a_note_and_no_number(lab):
    _, table = lab
    # A single head needs both; nobody of the incomplete has both.
    rows = rows_of(table, model="single_head", rows="incomplete", metric="auroc")
    assert len(rows) == len(RATES)
    assert rows["value"].isna().all() and (rows["note"] != "").all()
    whole = rows_of(table, model="single_head", rows="all", test_rate=0.5)
    whole = rows_of(whole, metric="auroc")
    assert set(whole["n"]) == {int(data(0.5).test.has("serum").sum())}


def test_the_area_is_the_mean_height_of_the_curve(lab):
    _, table = lab
    curves = rows_of(table, rows="all")
    for train_rate in RATES:
        part = rows_of(curves, train_rate=train_rate, model="student")
        for reference in (None, "no_kd"):
            one = (
                part["reference"].isna()
                if reference is None
                else (part["reference"] == reference)
            )
            heights = rows_of(part[one], metric="auroc")["value"]
            area = rows_of(part[one], metric="auc_auroc")
            assert len(heights) == 2 and len(area) == 1
            assert area["value"].item() == pytest.approx(heights.mean())
            assert area[["low", "high", "p", "test_rate"]].isna().all(axis=None)
    # One share is no curve.
    assert not set(rows_of(table, rows="incomplete")["metric"]) & {"auc_auroc"}


def test_the_area_by_hand_of_three_shares_in_any_order_and_of_holes():
    where = {"model": "student", "reference": None, "mechanism": "mcar"}
    where |= {"modality": "cxr", "train_rate": 0.0, "rows": "all", "seed": 0}
    points = [(0.8, 0.5, 10), (0.0, 0.9, 30), (0.2, 0.8, 20), (0.9, np.nan, 0)]
    table = pd.DataFrame(points, columns=["test_rate", "value", "n"])
    (row,) = areas_under(table.assign(metric="auroc", **where)).to_dict("records")
    assert row["value"] == pytest.approx((0.2 * 0.85 + 0.6 * 0.65) / 0.8)
    assert (row["metric"], row["n"], row["reference"]) == ("auc_auroc", 10, None)


def test_areas_are_shown_by_model_rows_and_share(lab):
    _, table = lab
    shown = areas(table)
    assert set(shown.index) == set(MODELS)
    assert shown.columns.tolist() == [("all", 0.0), ("all", 0.5)]
    row = rows_of(table, metric="auc_auroc", model="no_kd", train_rate=0.5)
    assert shown.loc["no_kd", ("all", 0.5)] == row["value"].item()
    twice = pd.concat([table, table.assign(value=table["value"] + 0.2, seed=4)])
    np.testing.assert_allclose(areas(twice), shown + 0.1)


def test_seeds_are_told_as_paired_differences_of_each_cell(lab):
    path, table = lab
    assert not (path / "missing_seeds.csv").exists()  # Of one seed there is none.
    random = np.random.default_rng(0)
    noisy = [
        table.assign(seed=k, value=table["value"] + random.normal(0, 0.1, len(table)))
        for k in range(4)
    ]
    several = pd.concat(noisy, ignore_index=True)
    found = spread(several, level=0.9)
    assert list(found.columns) == SEED_COLUMNS
    for where in (
        {"rows": "incomplete", "train_rate": 0.5, "test_rate": 0.5, "metric": "auroc"},
        {"rows": "all", "train_rate": 0.0, "metric": "auc_auroc"},
    ):
        own = [
            rows_of(part[part["reference"].isna()], model=model, **where)[
                "value"
            ].item()
            for part in noisy
            for model in ("student", "mean_fill")
        ]
        student, filled_ = own[::2], own[1::2]
        test = ttest_rel(student, filled_)
        row = rows_of(found, model="student", reference="mean_fill", **where)
        ends = test.confidence_interval(0.9)
        np.testing.assert_allclose(
            row[["mean", "low", "high", "p"]].to_numpy(float)[0],
            [np.subtract(student, filled_).mean(), *ends, test.pvalue],
        )
        alone = rows_of(found, model="mean_fill", **where)
        np.testing.assert_allclose(alone["mean"].item(), np.mean(filled_))
        assert row["seeds"].item() == 4
    shown = apart(several)
    assert shown.columns.tolist() == [("all", 0.0), ("all", 0.5), ("incomplete", 0.5)]
    row = rows_of(spread(several), model="student", reference="mean_fill", rows="all")
    row = row[(row["train_rate"] == 0.5) & (row["test_rate"] == 0.5)].squeeze()
    told = f"{row['mean']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
    assert shown.loc["mean_fill", ("all", 0.5)] == told
    assert apart(table).empty


def test_the_file_is_the_table_and_each_run_tells_its_part(lab):
    path, table = lab
    whole = pd.read_csv(path / "missing.csv")
    np.testing.assert_allclose(whole["value"], table["value"])
    parts = []
    for rate in RATES:
        done = load_run(path / f"train-{rate:g}-seed-3")
        parts.append(pd.read_csv(done.path / "missing.csv"))
        assert set(parts[-1]["train_rate"]) == {rate}
        assert "Missing modalities" in done.read("report.html")
        assert done.summary()["heads"]
    pd.testing.assert_frame_equal(
        pd.concat(parts, ignore_index=True), whole, check_dtype=False
    )


def test_the_removal_takes_the_place_of_the_configs_own_in_all_splits(lab):
    path, _ = lab
    config = load_run(path / "train-0.5-seed-3").read("config.yaml")
    assert "mar" in config and "vitals: 0.9" not in config
    rows = Run(path / "train-0.5-seed-3").summary()["availability"]
    assert {row["pattern"] for row in rows} == {"serum+vitals", "vitals"}
    rows = Run(path / "train-0-seed-3").summary()["availability"]
    assert {row["pattern"] for row in rows} == {"serum+vitals"}
    applied = REMOVAL.applied(CONFIG, 0.5)
    assert applied.controls == ["single_head", *CONTRASTS]
    assert applied.data.options["missing"] == MAR | {"rate": {"serum": 0.5}}
    assert REMOVAL.applied(CONFIG, 0.0).data.options["missing"] is None


def test_it_goes_on_where_it_was_and_says_the_same(lab, monkeypatch):
    path, table = lab
    monkeypatch.setattr(missing_lab, "CONTRASTS", ("no_kd", "mean_fill"))
    (path / "missing.csv").unlink()
    models = sorted(path.rglob("*.keras"))
    kept = [file.stat().st_mtime_ns for file in models]
    with pytest.raises(ValueError, match=r"must be empty\. Received: .*--resume"):
        missing_lab.missing_lab(CONFIG, path, REMOVAL)
    again = missing_lab.missing_lab(CONFIG, path, REMOVAL, resume=True)
    assert [file.stat().st_mtime_ns for file in models] == kept
    pd.testing.assert_frame_equal(again, table)
    assert (path / "missing.csv").is_file()


@pytest.mark.parametrize(
    ("removal", "message"),
    [
        (Removal("serum", rates=()), r"must rise from 0 up to below 1.*Received: \[\]"),
        (Removal("serum", rates=(0.5, 0.25)), "must rise"),
        (Removal("serum", rates=(0.0, 0.0)), "must rise"),
        (Removal("serum", rates=(0.0, 1.0)), "leave it out of the config"),
        (Removal("serum", rates=(-0.1, 0.5)), "must rise"),
        (Removal("serum", rates=(0.0, float("nan"))), "must rise"),
        (Removal("urine", rates=(0.0, 0.5)), "'urine'"),
        (Removal("urine", rates=(0.0,)), "'urine'"),
        (Removal("serum", "mcr", rates=(0.5,)), "'mcr'"),
        (Removal("serum", "mar", "shoe_size", rates=(0.5,)), "'shoe_size'"),
    ],
    ids=lambda value: "" if isinstance(value, str) else None,
)
def test_what_cannot_be_removed_is_refused_before_there_is_a_folder(
    removal, message, tmp_path
):
    with pytest.raises(ValueError, match=message):
        missing_lab.missing_lab(CONFIG, tmp_path / "lab", removal)
    assert not (tmp_path / "lab").exists()


def test_the_command_hands_on_what_it_is_told_and_shows_the_areas(
    lab, tmp_path, monkeypatch
):
    seen = {}

    def pretend(config, output, removal, **options):
        seen.update(options, config=config, output=str(output), removal=removal)
        return lab[1]

    monkeypatch.setattr(missing_lab, "missing_lab", pretend)
    (tmp_path / "lab.yaml").write_text(CONFIG.to_yaml())
    command = ["missing", str(tmp_path / "lab.yaml"), "--modality", "serum"]
    done = CliRunner().invoke(cli.app, command)
    assert done.exit_code == 0, done.output
    assert seen["removal"] == Removal("serum", "mcar", None, [0, 0.25, 0.5, 0.75])
    assert seen["output"] == "runs/lab-missing-serum" and seen["resume"] is False
    assert seen["config"] == CONFIG
    for word in ("student", "mean_fill", "all", "0.5"):
        assert word in done.stdout
    more = ["--mechanism", "mar", "--on", "age", "--rates", "0,0.5", "--resume"]
    more += ["--output", "there", "--set", "training.epochs=2"]
    assert CliRunner().invoke(cli.app, [*command, *more]).exit_code == 0
    assert seen["removal"] == Removal("serum", "mar", "age", [0, 0.5])
    assert (seen["output"], seen["resume"]) == ("there", True)
    assert seen["config"].training.epochs == 2
    done = CliRunner().invoke(cli.app, [*command, "--rates", "0;0.5"])
    assert done.exit_code == 2
    assert "error: `--rates` must be numbers, as 0,0.25,0.5" in done.stderr
