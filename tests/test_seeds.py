"""An experiment over seeds: whole runs, and what they have in common."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tiny_run
from scipy import stats

from mind_keras import seeds
from mind_keras.artifact import Run, load_run
from mind_keras.claim import claim
from mind_keras.config import Config
from mind_keras.data.sources import load
from mind_keras.new_samples import predict_file
from mind_keras.progress import Progress
from mind_keras.run import read_data, run
from mind_keras.seeds import experiment
from mind_keras.verification import verify

SEEDS = [3, 5]
CONFIG = Config(
    name="seeds",
    seeds=SEEDS,
    data={"source": "diabetes", "seed": 7},
    teachers={"serum": [tiny_run.ONE]},
    student={"encoders": {"serum": tiny_run.ONE, "vitals": tiny_run.ONE}},
    training={"epochs": 1, "batch_size": 256},
    teacher_training={"epochs": 1, "batch_size": 256},
    controls=["no_kd"],
    evaluation={"replicates": 5},
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The experiment, during whose second run the power went out once."""
    path, kept = tmp_path_factory.mktemp("seeds") / "run", {}

    def crash(config, output, **options):
        if config.seed == SEEDS[1]:
            raise RuntimeError("the power went out")
        done = run(config, output, **options)
        kept["at"] = (done.path / "summary.json").stat().st_mtime_ns
        return done

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(seeds, "run", crash)
        with pytest.raises(RuntimeError, match="power"):
            experiment(CONFIG, path)
    assert not Run(path).finished
    done = experiment(CONFIG, path, resume=True)
    assert (done.path / "seed-3" / "summary.json").stat().st_mtime_ns == kept["at"]
    return done


@pytest.fixture
def copy(whole, tmp_path):
    shutil.copytree(whole.path, tmp_path / "run")
    return Run(tmp_path / "run")


def numbers(done, model):
    """`(seeds, cells)` of each seed's own metrics, and what the cells are."""
    tables = []
    for seed in SEEDS:
        rows = pd.DataFrame(
            json.loads(done.of_seed(seed).joinpath("metrics.json").read_text())
        )
        assert set(rows["seed"]) == {seed}
        rows = rows[rows["model"] == model].assign(label=rows["label"].fillna(""))
        keys = ["head", "pattern", "metric", "label"]
        tables.append(rows.set_index(keys)["value"].astype(float))
    return pd.concat(tables, axis=1)


def test_means_and_differences_are_those_of_the_runs_by_hand(whole):
    found = pd.read_csv(whole.path / "seeds.csv", keep_default_na=False)
    pairs = found[["model", "reference"]].drop_duplicates().values.tolist()
    assert pairs == [["student", ""], ["no_kd", ""], ["student", "no_kd"]]
    keys = ["head", "pattern", "metric", "label"]
    student = numbers(whole, "student")
    for other in ("", "no_kd"):
        values = student - numbers(whole, other) if other else student
        rows = found[(found["model"] == "student") & (found["reference"] == other)]
        rows = rows.set_index(keys)
        assert sorted(rows.index) == sorted(values.index)
        rows = rows.loc[values.index]
        known = values.notna().all(axis=1)
        mean = rows["mean"].replace("", np.nan).astype(float)
        sd = rows["sd"].replace("", np.nan).astype(float)
        np.testing.assert_allclose(mean[known], values[known].mean(axis=1))
        np.testing.assert_allclose(
            sd[known], values[known].std(axis=1, ddof=1), atol=1e-12
        )
        assert known.sum() > 5
    # Two seeds are too few to say more.
    assert set(found["low"]) == {""} and set(found["p"]) == {""}


def test_all_rows_of_all_seeds_are_in_the_metrics_of_the_folder(whole):
    parts = [Run(whole.of_seed(seed)).metrics() for seed in SEEDS]
    expected = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(whole.metrics(), expected)


def test_the_summary_is_of_the_experiment_and_costs_are_means(whole):
    summary = load_run(whole.path).summary()
    assert (summary["seeds"], summary["seed"]) == (SEEDS, None)
    assert summary["config_digest"] == CONFIG.digest
    each = [Run(whole.of_seed(seed)).summary()["models"] for seed in SEEDS]
    for k, row in enumerate(summary["models"]):
        assert {row["model"]} == {one[k]["model"] for one in each}
        assert row["parameters"] == each[0][k]["parameters"]
        times = [one[k]["latency_p50_ms"] for one in each]
        assert row["latency_p50_ms"] == pytest.approx(np.mean(times), abs=1e-3)
    for seed in SEEDS:
        rows = [dict(row) for row in summary["availability_of_seeds"]]
        own = [row for row in rows if row.pop("seed") == seed]
        assert own == Run(whole.of_seed(seed)).summary()["availability"]
    page = whole.read("report.html")
    assert "no_kd" in page and whole.read("card.md")
    assert whole.read_json("environment.json")["seed"] == SEEDS


def test_the_run_of_a_seed_is_a_run_of_its_own(whole):
    for seed in SEEDS:
        one = load_run(whole.of_seed(seed))
        config = Config.model_validate(
            CONFIG.model_dump() | {"seed": seed, "seeds": []}
        )
        assert one.read("config.yaml") == config.to_yaml()
        assert one.summary()["seed"] == seed
    first, second = (Run(whole.of_seed(seed)).model("student") for seed in SEEDS)
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    assert max(np.abs(a - b).max() for a, b in pairs) > 1e-3


def test_the_seed_of_the_data_fixes_the_data_and_by_default_is_the_runs(whole):
    ids = [
        pd.read_csv(whole.of_seed(seed) / "predictions.csv")["id"].unique().tolist()
        for seed in SEEDS
    ]
    assert ids[0] == ids[1] == load("diabetes", seed=7).test.id.tolist()
    own = CONFIG.model_copy(
        update={"data": CONFIG.data.model_copy(update={"seed": None}), "seed": 3}
    )
    found = read_data(own, Progress()).test.id.tolist()
    assert found == load("diabetes", seed=3).test.id.tolist() != ids[0]


def test_a_finished_experiment_is_not_begun_again(whole, monkeypatch):
    monkeypatch.setattr(seeds, "run", None)
    assert experiment(CONFIG, whole.path, resume=True) == whole


def test_what_was_lost_of_a_finished_experiment_comes_again(copy, whole, monkeypatch):
    for name in ("summary.json", "seeds.csv", "metrics.json", "report.html"):
        (copy.path / name).unlink()
    experiment(CONFIG, copy.path, resume=True)
    for name in ("seeds.csv", "metrics.json", "summary.json"):
        assert copy.read(name) == whole.read(name)


def test_overwriting_clears_the_runs_of_seeds_and_nothing_else(copy):
    (copy.path / "seed-notes").mkdir()
    mine = [copy.path / "seed-notes" / "a.txt", copy.of_seed(5) / "mine.txt"]
    for file in mine:
        file.write_text("mine")
    claim(copy.path, "name: x\n", {"seed": 0}, overwrite=True)
    left = {str(f.relative_to(copy.path)) for f in copy.path.rglob("*") if f.is_file()}
    assert left == {
        *("config.yaml", "environment.json", "seed-notes/a.txt", "seed-5/mine.txt")
    }
    assert not copy.of_seed(3).exists()


def test_another_experiment_is_not_gone_on_with(whole):
    other = CONFIG.model_copy(update={"seeds": [3, 5, 6]})
    with pytest.raises(ValueError, match=r"`seeds` was \[3, 5\] and is \[3, 5, 6\]"):
        experiment(other, whole.path, resume=True)


def test_what_does_not_fit_is_said_before_there_is_a_folder(copy, tmp_path):
    wrong = CONFIG.model_copy(update={"controls": ["no-kd"]})
    with pytest.raises(ValueError, match="Unknown control"):
        experiment(wrong, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match="Unknown control"):
        experiment(wrong, copy.path, overwrite=True)
    assert copy.finished and load_run(copy.of_seed(5)).finished


def test_what_runs_do_not_share_is_of_the_first_or_told_seed_by_seed(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(seeds.report, "write", lambda *_: None)
    config = CONFIG.model_copy(
        update={
            "seeds": [3, 5, 6],
            "evaluation": CONFIG.evaluation.model_copy(update={"level": 0.8}),
        }
    )
    headline = {"head": "best", "pattern": "all", "metric": "auroc", "label": None}

    def made_up(seed):
        cost = {"model": "student", "macs": None, "parameters": 7, "ms": seed / 2}
        rows = [{"split": "test", "samples": seed}]
        summary = {"seed": seed, "availability": rows, "models": [cost]}
        table = pd.DataFrame([{"model": "student", **headline, "value": seed / 10}])
        return SimpleNamespace(
            metrics=lambda: table.assign(seed=seed), summary=lambda: summary
        )

    seeds._write(Run(tmp_path), [made_up(seed) for seed in config.seeds], config)
    found = Run(tmp_path).summary()
    assert found["availability"] == [{"split": "test", "samples": 3}]
    each = [{"seed": s, "split": "test", "samples": s} for s in config.seeds]
    assert found["availability_of_seeds"] == each
    (cost,) = found["models"]
    assert cost == {"model": "student", "macs": None, "parameters": 7, "ms": 2.333}
    (row,) = pd.read_csv(tmp_path / "seeds.csv").to_dict("records")
    expected = stats.ttest_1samp([0.3, 0.5, 0.6], 0).confidence_interval(0.8)
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected))


@pytest.mark.parametrize(("seed", "given"), [(7, ["it", "it"]), (None, ["it", None])])
def test_data_are_read_once_and_serve_the_runs_whose_data_they_are(
    seed, given, monkeypatch, tmp_path
):
    seen = []
    monkeypatch.setattr(seeds, "prepare", lambda config, progress: ("it", None))
    monkeypatch.setattr(
        seeds, "run", lambda one, path, *, data, **_: seen.append((one.seed, data))
    )
    monkeypatch.setattr(seeds, "_write", lambda *_: None)
    data = CONFIG.data.model_copy(update={"seed": seed})
    experiment(CONFIG.model_copy(update={"data": data}), tmp_path / "run")
    assert seen == list(zip(SEEDS, given, strict=True))


def test_without_seeds_it_is_a_run(monkeypatch, tmp_path):
    seen = {}

    def pretend(config, output, **options):
        seen.update(options, config=config, output=output)
        return Run(output)

    monkeypatch.setattr(seeds, "run", pretend)
    config = CONFIG.model_copy(update={"seeds": []})
    assert experiment(config, tmp_path, overwrite=True) == Run(tmp_path)
    assert (seen["config"], seen["overwrite"], seen["resume"]) == (config, True, False)


def test_models_are_looked_for_in_the_run_of_a_seed(whole, tmp_path):
    """The folder itself can be shown, and names where its models are."""
    done = load_run(whole.path)
    one = rf"Each seed has a run folder of its own.*several seeds.*{done.of_seed(3)}"
    for ask in (
        lambda: done.model("student"),
        lambda: verify(done),
        lambda: predict_file(done, tmp_path / "raw.csv", tmp_path / "out.csv"),
    ):
        with pytest.raises(ValueError, match=one):
            ask()
    assert load_run(done.of_seed(3)).model("student")


def test_over_three_seeds_there_is_an_interval():
    rows = [("student", 0.8), ("student", 0.9), ("student", 0.7)]
    rows += [("no_kd", 0.7), ("no_kd", 0.75), ("no_kd", 0.68)]
    metrics = pd.DataFrame(rows, columns=["model", "value"])
    metrics = metrics.assign(head="best", pattern="all", metric="auroc", label=None)
    metrics["seed"] = [0, 1, 2] * 2
    table = seeds.seeds_table(metrics, level=0.9)
    assert table[["model", "reference"]].values.tolist() == [
        ["student", None],
        ["no_kd", None],
        ["student", "no_kd"],
    ]
    found, gain = table.iloc[2], np.array([0.1, 0.15, 0.02])
    expected = stats.ttest_1samp(gain, 0)
    assert found["mean"] == pytest.approx(gain.mean())
    assert found["p"] == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.9)
    assert (found["low"], found["high"]) == pytest.approx(tuple(interval))
    only = seeds.seeds_table(metrics[metrics["model"] == "no_kd"])
    assert only["reference"].tolist() == [None]
