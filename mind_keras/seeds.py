"""An experiment over several seeds: one run each, in one folder, and their spread.

    RUN/seed-0/ RUN/seed-1/ ...   whole run folders
    RUN/metrics.json seeds.csv summary.json report.html card.md

A seed changes everything that is drawn: the split and the removal of modalities of
sources that draw them, first weights, order of batches, dropout. `data.seed` keeps the
data the same.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from mind_keras import __version__, report
from mind_keras.artifact import CONFIG, SEEDS, Run
from mind_keras.claim import claim, environment
from mind_keras.config import Config
from mind_keras.evaluation.seeds import over_seeds
from mind_keras.progress import Progress
from mind_keras.run import prepare, run

STUDENT = "student"


def experiment(
    config: Config,
    output: str | Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """The run of a config, or the runs of its `seeds` and what they have in common.

    Args:
        config: The experiment.
        output: The folder to make.
        overwrite, resume, progress: As in `run`; finished seeds are kept.

    Raises:
        ValueError: As in `run`.
    """
    options = {"overwrite": overwrite, "resume": resume, "progress": progress}
    if not config.seeds:
        return run(config, output, **options)
    each = {seed: _of_seed(config, seed) for seed in config.seeds}
    # What does not fit shows before there is a folder, or one is overwritten.
    data, _ = prepare(each[config.seeds[0]], Progress(Console(quiet=True)))
    versions = environment(__version__, seed=config.seeds, config_digest=config.digest)
    folder = claim(
        output, config.to_yaml(), versions, overwrite=overwrite, resume=resume
    )
    if folder.finished:
        return folder
    runs = []
    for seed, one in each.items():
        path = folder.of_seed(seed)
        begun = (path / CONFIG).is_file()
        runs.append(run(one, path, resume=begun, progress=progress, data=data))
        if config.data.seed is None:
            data = None  # Of the first seed: each has its own.
    _write(folder, runs, config)
    return folder


def _of_seed(config: Config, seed: int) -> Config:
    return config.model_copy(update={"seed": seed, "seeds": []})


def _write(folder: Run, runs: Sequence[Run], config: Config) -> None:
    metrics = pd.concat([one.metrics() for one in runs], ignore_index=True)
    folder.write_metrics(metrics)
    folder.write_csv(SEEDS, seeds_table(metrics, level=config.evaluation.level))
    summaries = [one.summary() for one in runs]
    about = {
        **summaries[0],
        "seed": None,
        "seeds": list(config.seeds),
        "config_digest": config.digest,
        "models": _mean_costs(summaries),
        # That of the first seed is `availability`, as in a run of one.
        "availability_of_seeds": _availability(summaries),
    }
    report.write(folder, about)
    folder.finish(about)


def seeds_table(metrics: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Each model over seeds, and the student less each other model, as `seeds.csv`.

    Args:
        metrics: Rows of `metrics.json` of several runs.
        level: Of confidence.

    Returns:
        The columns of `evaluation.seeds.COLUMNS`.

    Example:
        >>> rows = [("student", 0.8), ("student", 0.9), ("no_kd", 0.7), ("no_kd", 0.7)]
        >>> metrics = pd.DataFrame(rows, columns=["model", "value"])
        >>> metrics = metrics.assign(head="best", pattern="all", metric="auroc")
        >>> table = seeds_table(metrics.assign(label=None, seed=[0, 1, 0, 1]))
        >>> table[["model", "reference", "mean"]].round(2).values.tolist()
        [['student', None, 0.85], ['no_kd', None, 0.7], ['student', 'no_kd', 0.15]]
    """
    tables = [over_seeds(metrics, level=level)]
    others = [name for name in metrics["model"].unique() if name != STUDENT]
    for name in others if STUDENT in set(metrics["model"]) else ():
        pair = metrics[metrics["model"].isin([STUDENT, name])]
        found = over_seeds(pair, name, level=level)
        tables.append(found[found["reference"].notna()])
    return pd.concat(tables, ignore_index=True)


def _availability(summaries: Sequence[Mapping]) -> list[dict]:
    """The availability of each run: a seed may decide who lacks what."""
    return [
        {"seed": summary["seed"], **row}
        for summary in summaries
        for row in summary["availability"]
    ]


def _mean_costs(summaries: Sequence[Mapping]) -> list[dict]:
    """What each model costs, the mean over runs: sizes agree, times do not."""
    found = []
    for rows in zip(*(summary["models"] for summary in summaries), strict=True):
        costs = {key: [row[key] for row in rows] for key in rows[0] if key != "model"}
        means = {key: _mean(values) for key, values in costs.items()}
        found.append({"model": rows[0]["model"], **means})
    return found


def _mean(values: Sequence) -> float | int | None:
    if None in values:
        return None
    return values[0] if len(set(values)) == 1 else round(float(np.mean(values)), 3)
