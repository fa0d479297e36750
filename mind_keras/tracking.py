"""Telling TensorBoard, MLflow and Weights & Biases of a run, as it goes on.

    tracking: {tensorboard: true, mlflow: {experiment: icu}, wandb: {project: icu}}

They hear of the settings, of the student's epochs, and at the end of the headline
metric of every model and of the report (TensorBoard of epochs alone). Nothing leaves
the machine unless an option says so: their files are in the run folder. To add a
tracker: a context manager that gives a `Listener`, and a line in `TRACKERS`.
"""

import importlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import keras

from mind_keras.artifact import CARD, REPORT, Run
from mind_keras.evaluation.table import ALL
from mind_keras.spec import BEST

Settings = Mapping[str, object]


def _nothing(metrics: Mapping[str, float], files: Sequence[Path]) -> None:
    pass


class Listener(NamedTuple):
    """Callbacks of the student's training, and what hears of the results."""

    callbacks: list[keras.callbacks.Callback]
    finish: Callable[[Mapping[str, float], Sequence[Path]], None] = _nothing


@contextmanager
def tensorboard(
    folder: Path, name: str, settings: Settings, *, histogram_freq: int = 0
) -> Iterator[Listener]:
    """Event files, for `tensorboard --logdir RUN/tensorboard`.

    Args:
        folder: Of the run.
        name, settings: Of the run; they are in its config.
        histogram_freq: As in `keras.callbacks.TensorBoard`.
    """
    for module in MODULES["tensorboard"]:
        needed(module)
    yield Listener(
        [
            keras.callbacks.TensorBoard(
                str(folder / "tensorboard"),
                histogram_freq=histogram_freq,
                write_graph=False,
            )
        ]
    )


@contextmanager
def mlflow(
    folder: Path,
    name: str,
    settings: Settings,
    *,
    uri: str | None = None,
    experiment: str = "mind_keras",
) -> Iterator[Listener]:
    """A run of an MLflow experiment, by `mlflow.keras.MlflowCallback`.

    Args:
        folder: Of the run.
        name: Of the run.
        settings: Its parameters.
        uri: A tracking server, or a store that runs share. Default: a data base in the
            folder, for `mlflow ui --backend-store-uri sqlite:///RUN/mlflow.db`,
            whatever the environment says.
        experiment: Its name; made if it is not there.
    """
    api, own = needed("mlflow"), needed("mlflow.keras")
    before = api.get_tracking_uri()
    api.set_tracking_uri(uri or f"sqlite:///{(folder / 'mlflow.db').resolve()}")
    try:
        if api.get_experiment_by_name(experiment) is None:
            place = (folder / "mlflow").resolve().as_uri() if uri is None else None
            api.create_experiment(experiment, artifact_location=place)
        api.set_experiment(experiment)

        def finish(metrics: Mapping[str, float], files: Sequence[Path]) -> None:
            api.log_metrics(dict(metrics))
            for file in files:
                api.log_artifact(str(file))

        with api.start_run(run_name=name):  # Failed, if training fails.
            api.log_params(dict(settings))
            yield Listener([own.MlflowCallback()], finish)
    finally:
        api.set_tracking_uri(before)


@contextmanager
def wandb(
    folder: Path,
    name: str,
    settings: Settings,
    *,
    project: str = "mind_keras",
    mode: str = "offline",
    entity: str | None = None,
    group: str | None = None,
) -> Iterator[Listener]:
    """A run of a Weights & Biases project.

    Args:
        folder: Of the run; `wandb sync RUN/wandb/offline-run-*` sends it later.
        name: Of the run.
        settings: Its config.
        project, entity, group: As in `wandb.init`.
        mode: `"offline"`, or `"online"`: it leaves the machine at once.
    """
    options = {"project": project, "mode": mode, "entity": entity, "group": group}
    api = needed("wandb")
    with api.init(dir=str(folder), name=name, config=dict(settings), **options) as run:

        def finish(metrics: Mapping[str, float], files: Sequence[Path]) -> None:
            run.summary.update(dict(metrics))
            for file in files:
                run.save(str(file), base_path=str(file.parent), policy="now")

        yield Listener([_Epochs(run.log)], finish)


class _Epochs(keras.callbacks.Callback):
    """What `WandbMetricsLogger` logs, under its names; that one needs TensorFlow."""

    def __init__(self, log: Callable[[dict], None]) -> None:
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """One epoch further."""
        named = {f"epoch/{name}": value for name, value in (logs or {}).items()}
        self.log({"epoch/epoch": epoch, **named})


TRACKERS = {"tensorboard": tensorboard, "mlflow": mlflow, "wandb": wandb}
# What each needs; Keras writes TensorBoard's files by TensorFlow, on any backend.
MODULES = {
    "tensorboard": ("tensorboard", "tensorflow"),
    "mlflow": ("mlflow", "mlflow.keras"),
    "wandb": ("wandb",),
}


def needed(module: str) -> ModuleType:
    """A module that is imported only where it is asked for.

    Raises:
        ImportError: If it is not installed, with the extra that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        message = str(fault)
    extra = "tensorflow" if module == "tensorflow" else "track"
    raise ImportError(
        f"This tracker needs {module}, which cannot be imported ({message}). Run: "
        f"pip install 'mind_keras[{extra}]', or take it out of `tracking:`."
    )


def asked(tracking: Mapping[str, bool | Mapping] | None) -> dict[str, dict]:
    """`{tracker: options}` of those that are on, checked: options known, modules there.

    Args:
        tracking: `{tracker: True, False, or its options}`.

    Raises:
        ValueError: If a tracker or an option is unknown.
        ImportError: If what one needs is not installed.

    Example:
        >>> asked({"wandb": False}), asked(None)
        ({}, {})
    """
    found = {}
    for name, said in (tracking or {}).items():
        if name not in TRACKERS:
            raise ValueError(f"Unknown tracker {name!r}. Known: {sorted(TRACKERS)}.")
        if said is False:
            continue
        found[name] = {} if said is True else dict(said)
        parameters = inspect.signature(TRACKERS[name]).parameters.values()
        known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        unknown = sorted(set(found[name]) - set(known))
        if unknown:
            raise ValueError(
                f"Unknown option {unknown} of tracker {name!r}. Known: {known}."
            )
        for module in MODULES[name]:
            needed(module)
    return found


@contextmanager
def told(
    trackers: Mapping[str, Mapping], run: Run, name: str, values: Mapping
) -> Iterator[Listener]:
    """All trackers as one listener, open until the run is over or has failed.

    Args:
        trackers: Of `asked`.
        run: Its folder.
        name: Of the run.
        values: The config, nested.
    """
    with ExitStack() as stack:
        settings = flat(values)
        each = [
            stack.enter_context(TRACKERS[one](run.path, name, settings, **options))
            for one, options in trackers.items()
        ]

        def finish(metrics: Mapping[str, float], files: Sequence[Path]) -> None:
            for listener in each:
                listener.finish(metrics, files)

        yield Listener([c for one in each for c in one.callbacks], finish)


def flat(values: Mapping, path: str = "") -> dict[str, object]:
    """Nested values by dotted path; lists as JSON.

    Example:
        >>> flat({"data": {"source": "diabetes"}, "controls": ["no_kd"]})
        {'data.source': 'diabetes', 'controls': '["no_kd"]'}
    """
    found = {}
    for key, value in values.items():
        name = f"{path}.{key}".strip(".")
        if isinstance(value, Mapping):
            found |= flat(value, name)
        else:
            found[name] = json.dumps(value) if isinstance(value, list) else value
    return found


def headlines(run: Run) -> dict[str, float]:
    """The headline metric of each model that answers all test samples, by name."""
    metric, rows = run.summary()["metric"], run.metrics()
    rows = rows[(rows["head"] == BEST) & (rows["pattern"] == ALL)]
    rows = rows[(rows["metric"] == metric) & rows["label"].isna()]
    rows = rows[rows["n"].eq(rows["n"].max()) & rows["value"].notna()]
    # MLflow allows no colon.
    names = rows["model"].str.replace(":", ".") + f".{metric}"
    return dict(zip(names, rows["value"], strict=True))


def documents(run: Run) -> list[Path]:
    """What people read of a run."""
    return [run.path / name for name in (REPORT, CARD) if (run.path / name).is_file()]
