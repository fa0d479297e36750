"""Trackers hear of the settings, the student's epochs and the results, offline."""

import sys
from types import ModuleType

import keras
import pytest
import tiny_run

from mind_keras import run as module
from mind_keras.artifact import Run
from mind_keras.config import Config, read_config
from mind_keras.run import run
from mind_keras.tracking import TRACKERS, asked, flat, headlines, told

ALL = {"tensorboard": True, "mlflow": {"experiment": "icu"}, "wandb": {"group": "a"}}


class Epochs(keras.callbacks.Callback):
    """Counts the epochs that it hears of."""

    def __init__(self, *args, **options):
        super().__init__()
        self.made, self.heard = (args, options), []

    def on_epoch_end(self, epoch, logs=None):
        self.heard.append(dict(logs))


class Opened:
    """A run of a tracker that remembers how it ended."""

    def __init__(self, heard):
        self.heard, self.summary = heard, heard.setdefault("summary", {})
        self.log = heard.setdefault("epochs", []).append

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.heard["ended"] = kind

    def save(self, path, base_path, policy):
        self.heard.setdefault("files", []).append(path)


@pytest.fixture
def heard(monkeypatch):
    """What fake trackers hear, in place of those that may be installed."""
    found = {"mlflow": {"uri": ["before"]}, "wandb": {}, "tensorboard": []}
    mlflow, of_keras, wandb = (ModuleType(n) for n in ("mlflow", "mlflow.keras", "w"))
    of_mlflow = found["mlflow"]
    mlflow.get_tracking_uri = lambda: of_mlflow["uri"][-1]
    mlflow.set_tracking_uri = of_mlflow["uri"].append
    mlflow.get_experiment_by_name = lambda name: None

    def create(name, artifact_location):
        of_mlflow["made"] = name, artifact_location

    def start(run_name):
        of_mlflow["name"] = run_name
        return Opened(of_mlflow)

    def own():
        of_mlflow["callback"] = Epochs()
        return of_mlflow["callback"]

    def init(**options):
        found["wandb"]["init"] = options
        return Opened(found["wandb"])

    def board(*args, **options):
        found["tensorboard"].append(Epochs(*args, **options))
        return found["tensorboard"][-1]

    mlflow.create_experiment, mlflow.start_run = create, start
    mlflow.set_experiment = lambda name: of_mlflow.update(experiment=name)
    mlflow.log_params = lambda values: of_mlflow.update(params=values)
    mlflow.log_metrics = lambda values: of_mlflow.update(metrics=values)
    mlflow.log_artifact = lambda path: of_mlflow.setdefault("files", []).append(path)
    of_keras.MlflowCallback, wandb.init = own, init
    fakes = {"mlflow": mlflow, "mlflow.keras": of_keras, "wandb": wandb}
    fakes |= {"tensorboard": ModuleType("t")}
    if keras.config.backend() != "tensorflow":
        fakes["tensorflow"] = ModuleType("t")
    for name, fake in fakes.items():
        monkeypatch.setitem(sys.modules, name, fake)
    monkeypatch.setattr(keras.callbacks, "TensorBoard", board)
    return found


def config(tracking, **changes):
    return Config(**tiny_run.CONFIG.model_dump() | {"tracking": tracking} | changes)


def test_a_run_tells_every_tracker_the_same(heard, tmp_path):
    asked_of = config(ALL, controls=["unimodal"])
    done = run(asked_of, tmp_path / "run")
    history, metrics = done.history(), done.metrics()
    losses = history[(history["model"] == "student") & (history["metric"] == "loss")]
    for epochs in (
        heard["tensorboard"][0].heard,
        heard["mlflow"]["callback"].heard,
        heard["wandb"]["epochs"],
    ):
        # Of the student alone, after `Balance` has had its say.
        assert len(epochs) == len(losses)
        name = "epoch/" if "epoch/epoch" in epochs[0] else ""
        told_of = [float(logs[f"{name}loss"]) for logs in epochs]
        assert told_of == pytest.approx(losses["value"].tolist())
        assert f"{name}imbalance" in epochs[0]
    assert [logs["epoch/epoch"] for logs in heard["wandb"]["epochs"]] == [0, 1]
    best = metrics[(metrics["head"] == "best") & (metrics["pattern"] == "all")]
    best = best[(best["metric"] == "auroc") & (best["model"] == "student")]
    expected = {"student.auroc": best["value"].item()}
    assert heard["mlflow"]["metrics"] == heard["wandb"]["summary"] == expected
    settings = heard["mlflow"]["params"]
    assert settings == heard["wandb"]["init"]["config"]
    assert settings["training.epochs"] == 2 and settings["controls"] == '["unimodal"]'
    files = [str(done.path / name) for name in ("report.html", "card.md")]
    assert heard["mlflow"]["files"] == heard["wandb"]["files"] == files
    assert heard["mlflow"]["ended"] is heard["wandb"]["ended"] is None
    assert heard["mlflow"]["name"] == heard["wandb"]["init"]["name"] == "tiny"
    # Finished is finished: nobody is told twice.
    heard["wandb"].clear()
    run(asked_of, done.path, resume=True)
    assert heard["wandb"] == {}


def test_nothing_leaves_the_folder_unless_it_is_said(heard, tmp_path):
    with told(asked({**ALL, "wandb": True}), Run(tmp_path), "x", {}):
        pass
    assert heard["mlflow"]["uri"] == [
        "before",
        f"sqlite:///{tmp_path}/mlflow.db",
        "before",
    ]
    assert heard["mlflow"]["made"] == ("icu", (tmp_path / "mlflow").as_uri())
    assert heard["mlflow"]["experiment"] == "icu"
    first = heard["wandb"]["init"]
    assert first["mode"] == "offline" and first["dir"] == str(tmp_path)
    assert first["project"] == "mind_keras" and first["group"] is None
    assert heard["tensorboard"][0].made[0] == (str(tmp_path / "tensorboard"),)
    said = {
        "mlflow": {"uri": "http://there"},
        "wandb": {"mode": "online", "project": "p", "entity": "e", "group": "g"},
        "tensorboard": {"histogram_freq": 2},
    }
    with told(asked(said), Run(tmp_path), "x", {}):
        pass
    assert heard["mlflow"]["uri"][-2:] == ["http://there", "before"]
    assert heard["mlflow"]["made"] == ("mind_keras", None)
    online = heard["wandb"]["init"]
    assert {k: online[k] for k in said["wandb"]} == said["wandb"]
    assert heard["tensorboard"][1].made[1]["histogram_freq"] == 2


def test_a_run_that_fails_is_told_as_failed(heard, tmp_path, monkeypatch):
    def crash(*_):
        raise RuntimeError("power")

    monkeypatch.setattr(module, "train", crash)
    with pytest.raises(RuntimeError, match="power"):
        run(config(ALL), tmp_path / "run")
    assert heard["mlflow"]["ended"] is heard["wandb"]["ended"] is RuntimeError
    assert heard["mlflow"]["uri"][-1] == "before"
    assert "metrics" not in heard["mlflow"]


@pytest.mark.parametrize("name", sorted(TRACKERS))
def test_what_is_not_installed_shows_before_anything_is_made(
    name, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"needs {name}.*'mind_keras\[track\]'"):
        run(config({name: True}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_tensorboard_says_that_it_needs_tensorflow(heard, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"needs tensorflow.*\[tensorflow\]"):
        asked({"tensorboard": True})


def test_unknown_trackers_and_options_are_refused(heard, tmp_path):
    with pytest.raises(ValueError, match=r"Unknown option \['url'\].*\['uri', 'exp"):
        run(config({"mlflow": {"url": "x"}}), tmp_path / "run")
    with pytest.raises(ValueError, match=r"'neptune'. Known: \['mlflow', 'tensor"):
        asked({"neptune": True})
    with pytest.raises(ValueError, match=r"`tracking.wand`. Did you mean `wandb`\?"):
        read_config("configs/diabetes.yaml", ["tracking.wand=true"])


def test_who_is_off_is_not_asked():
    off = Config(**tiny_run.CONFIG.model_dump() | {"tracking": {"wandb": False}})
    assert asked(off.tracking.model_dump()) == {} == asked(None)


def test_headlines_are_of_models_that_answer_everybody():
    found = headlines(tiny_run.finished())
    metrics = tiny_run.finished().metrics()
    rows = metrics[(metrics["head"] == "best") & (metrics["pattern"] == "all")]
    rows = rows[(rows["metric"] == "auroc") & rows["label"].isna()]
    known = rows[rows["n"] == rows.set_index("model")["n"]["student"]]
    names = {f"{model.replace(':', '.')}.auroc" for model in known["model"]}
    assert set(found) == names >= {"student.auroc", "no_kd.auroc"}
    assert "unimodal.serum.auroc" not in found
    value = rows.set_index("model")["value"]["student"]
    assert found["student.auroc"] == value


def test_settings_are_flat():
    values = {"a": {"b": {"c": 1}, "d": [1, {"e": 2}]}, "f": None}
    assert flat(values) == {"a.b.c": 1, "a.d": '[1, {"e": 2}]', "f": None}
