"""Many students of one config, compared on validation samples; test samples stay shut.

    OUT/sweep.csv best.yaml config.yaml environment.json teachers-<digest>/

Teachers are trained once for all trials that share them, and asked once. To sweep in
another way: `space` says which settings are tried, `tuning` hands them to KerasTuner.
"""

import hashlib
import json
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from rich.console import Console

from mind_keras import __version__
from mind_keras.artifact import Run
from mind_keras.claim import claim, environment
from mind_keras.config import Config, validated
from mind_keras.data.answers import Answers
from mind_keras.data.splits import Splits
from mind_keras.progress import Progress
from mind_keras.run import is_stacked, prepare, read_data, school
from mind_keras.space import draws, grid, place
from mind_keras.teachers import teacher_logits
from mind_keras.training import fit
from mind_keras.verdict import verdict

SWEEP, BEST_CONFIG = "sweep.csv", "best.yaml"
RESULTS = ["metric", "value", "val_loss", "epochs", "seconds", "note"]


def sweep(
    config: Config,
    output: str | Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Train a student for each setting of `sweep:`, and write `sweep.csv`.

    `best.yaml` is the config of the best trial, for `mind-keras run`, which trains the
    same student again. Choosing among many by a number flatters that number: only the
    test samples of that run say how good the student is.

    Args:
        config: The experiment; its controls and its evaluation are not used.
        output: The folder to make.
        resume: Go on in the same folder; trials and teachers that are there are kept.
        progress: As in `run`.

    Returns:
        A row per trial: `trial`, a column per setting, the headline `metric` of the
        validation samples and its `value`, the lowest `val_loss`, the `epochs` that
        were trained, `seconds`, and a `note` where training failed.

    Raises:
        ValueError: Before training, if there is no `sweep:`, a trial cannot be built,
            or the folder is in use.
    """
    progress = progress or Progress(Console(quiet=True))
    trials = trials_of(config)
    data = read_data(config, progress)
    for _, one in trials:
        prepare(one, Progress(Console(quiet=True)), data)  # or says why not
    folder = _claimed(config, output, resume)
    rows = _rows(folder)
    done = {int(row["trial"]) for row in rows}
    said: dict[tuple, Answers | None] = {}
    for number, (settings, one) in enumerate(trials):
        if number in done:
            continue
        taught = teaching(one), is_stacked(one, data.spec)
        if taught not in said:
            said[taught] = _answers(one, data, folder, progress)
        with progress.stage(f"trial {number + 1} of {len(trials)}"):
            found = _trial(one, data, said[taught], progress)
        named = {name: _plain(value) for name, value in settings.items()}
        rows.append({"trial": number, **named, **found})
        folder.write_csv(SWEEP, pd.DataFrame(rows))
    table = pd.read_csv(folder.path / SWEEP).astype({"note": object})
    table = table.fillna({"note": ""})
    best = table["value"].idxmax() if table["value"].notna().any() else None
    if best is not None:
        folder.write(BEST_CONFIG, trials[table["trial"][best]][1].to_yaml())
    return table


def trials_of(config: Config) -> list[tuple[dict, Config]]:
    """The settings that a config asks to try, and the config of each trial.

    Raises:
        ValueError: If it asks for none, for several seeds, or a setting is not one.
    """
    if config.sweep is None or config.seeds:
        raise ValueError(
            "A sweep needs a section `sweep:` with `over:`, and one seed. Received: "
            f"{'no `sweep:`' if config.sweep is None else f'seeds {config.seeds}'}. "
            "Run the best trial with several `seeds:` afterwards."
        )
    over, count = config.sweep.over, config.sweep.trials
    every = grid(over) if count is None else draws(over, count, config.seed)
    plain = config.model_dump(exclude={"sweep"})
    return [(s, validated(place(plain, s), {(): "`sweep`"})) for s in every]


def teaching(config: Config) -> str:
    """A digest of what decides which teachers a student has.

    Example:
        >>> from mind_keras.config import read_config
        >>> one = read_config("configs/diabetes.yaml")
        >>> other = read_config("configs/diabetes.yaml", ["student.fusion=sum"])
        >>> teaching(one) == teaching(other)
        True
    """
    parts = config.model_dump(include={"teachers", "teacher_training"})
    parts |= {"pool": config.distillation.ensemble}
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _claimed(config: Config, output: str | Path, resume: bool) -> Run:
    output = Path(output)
    if output.is_dir() and any(output.iterdir()) and not resume:
        raise ValueError(
            f"The output folder must be empty. Received: {output}, which holds files. "
            "Go on with the same sweep by --resume, or choose another --output."
        )
    versions = environment(__version__, seed=config.seed, config_digest=config.digest)
    return claim(output, config.to_yaml(), versions, resume=resume)


def _rows(folder: Run) -> list[dict]:
    """The trials that are in the folder, as text: numbers read again might change."""
    if not (folder.path / SWEEP).is_file():
        return []
    table = pd.read_csv(folder.path / SWEEP, dtype=str, keep_default_na=False)
    return table.to_dict("records")


def _answers(
    config: Config, data: Splits, folder: Run, progress: Progress
) -> Answers | None:
    """What the teachers of a trial say, trained unless the folder holds them."""
    _, models = prepare(config, Progress(Console(quiet=True)), data)
    if not models.teachers:
        return None
    home = Run(folder.path / f"teachers-{teaching(config)}")
    home.path.mkdir(exist_ok=True)
    _, teachers = school(config, data, models, home, progress)
    return teacher_logits(teachers, data.train)


def _trial(
    config: Config, data: Splits, answers: Answers | None, progress: Progress
) -> dict:
    """One student, and how good it is; as `run` would train it."""
    began = time.perf_counter()
    keras.utils.clear_session()  # The students before are done with.
    _, models = prepare(config, Progress(Console(quiet=True)), data)
    found = dict.fromkeys(RESULTS, np.nan) | {"metric": "", "epochs": 0, "note": ""}
    try:
        history = fit(
            models.distiller,
            data.train,
            data.validation,
            **config.training.model_dump(),
            answers=answers,
            seed=config.seed,
            callbacks=[progress],
        )
    except ValueError as fault:
        found["note"] = str(fault)
    else:
        losses = history.loc[history["metric"] == "val_loss", "value"]
        found |= {"val_loss": float(losses.min()), "epochs": len(losses)}
        student = models.distiller.student
        found["metric"], found["value"] = verdict(student, data.validation)
    return found | {"seconds": round(time.perf_counter() - began, 2)}


def _plain(value: object) -> object:
    """A value as a cell of a table."""
    nested = isinstance(value, dict | list)
    return json.dumps(value) if nested else value
