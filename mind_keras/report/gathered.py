"""What a report is made of, read from the files of a run folder once.

`Results` holds plain values and tables in the columns below; a file that is absent is
an empty table, and its section is left out of the report. To show a new file: a field
here, its line in `TABLES`, a function in `page.SECTIONS`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mind_keras.artifact import (
    AUDIT,
    CONFIG,
    ENVIRONMENT,
    EXTRACTION,
    METRICS,
    Run,
)

WHERE = ("head", "pattern", "metric", "label")
RANGE = ("value", "low", "high")
SCORES = ("model", *WHERE, *RANGE, "n", "note", "seed")
COMPARISONS = (
    *("model", "reference", *WHERE, *RANGE),
    *("p", "n", "method", "note", "seed"),
)
SEEDS = (
    *("model", "reference", *WHERE),
    *("mean", "sd", "low", "high", "p", "seeds", "note"),
)
# The least that each table must hold; what else is there is kept.
TABLES = {
    "history": ("model", "epoch", "metric", "value"),
    "comparisons": COMPARISONS,
    "calibration": (
        *("model", "head", "pattern", "temperature", "n_validation"),
        *("ece", "ece_calibrated", "log_loss", "log_loss_calibrated"),
        *("brier", "brier_calibrated", "n", "note"),
    ),
    "subgroups": (
        *("model", "column", "subgroup", "head", "metric", "label", *RANGE),
        *("n", "positives", "note"),
    ),
    "balance": ("model", "split", "quantity", "modality", "metric", "value"),
    "missing": (
        *("model", "reference", "mechanism", "modality", "train_rate", "test_rate"),
        *("rows", "metric", *RANGE, "p", "n", "note", "seed"),
    ),
    "seeds": SEEDS,
}
# Words that may look like numbers (`0`), or like nothing (`NA`).
TEXT = (
    *("model", "reference", "head", "pattern", "metric", "label", "method", "note"),
    *("column", "subgroup", "split", "quantity", "modality", "mechanism", "rows"),
)
CURVES = "curves.json"


def empty(columns: Sequence[str]) -> pd.DataFrame:
    """A table of no rows."""
    return pd.DataFrame({name: [] for name in columns}, dtype=object)


@dataclass(frozen=True, eq=False)
class Results:
    """The files of one run folder, read.

    Args:
        summary: `summary.json`.
        metrics: `metrics.json`.
        history: `history.csv`.
        comparisons: `comparisons.csv`: paired differences, as all tables below in
            the columns of `TABLES`.
        calibration: `calibration.csv`.
        subgroups: `subgroups.csv`.
        balance: `balance.csv`.
        missing: `missing.csv`.
        seeds: `seeds.csv`, of a folder of several seeds; it has a column `samples`
            besides, how many test samples stand behind a row in the first seed.
        curves: `curves.json`.
        config: `config.yaml`.
        environment: `environment.json`.
        extraction: `extraction.json`.
        audited: Whether `audit.html` is beside the report.
        folder: The name of the folder.
    """

    summary: Mapping
    metrics: pd.DataFrame = field(default_factory=lambda: empty(SCORES))
    history: pd.DataFrame = field(default_factory=lambda: empty(TABLES["history"]))
    comparisons: pd.DataFrame = field(default_factory=lambda: empty(COMPARISONS))
    calibration: pd.DataFrame = field(
        default_factory=lambda: empty(TABLES["calibration"])
    )
    subgroups: pd.DataFrame = field(default_factory=lambda: empty(TABLES["subgroups"]))
    balance: pd.DataFrame = field(default_factory=lambda: empty(TABLES["balance"]))
    missing: pd.DataFrame = field(default_factory=lambda: empty(TABLES["missing"]))
    seeds: pd.DataFrame = field(default_factory=lambda: empty((*SEEDS, "samples")))
    curves: Sequence[Mapping] = ()
    config: str = ""
    environment: Mapping = field(default_factory=dict)
    extraction: Mapping = field(default_factory=dict)
    audited: bool = False
    folder: str = ""

    @property
    def models(self) -> list[str]:
        """The names of all models, the student first, as `summary.json` has them."""
        return [row["model"] for row in self.summary.get("models", ())]

    @property
    def scores(self) -> pd.DataFrame:
        """The numbers of the models, in `SCORES`: of several seeds their means."""
        if self.seeds.empty:
            return self.metrics
        rows = self.seeds[self.seeds["reference"] == ""]
        named = rows.rename(columns={"mean": "value", "samples": "n"})
        return named.assign(seed=None).reset_index(drop=True)

    @property
    def differences(self) -> pd.DataFrame:
        """Paired differences, in `COMPARISONS`: of several seeds over the seeds."""
        if self.seeds.empty:
            return self.comparisons
        rows = self.seeds[self.seeds["reference"] != ""]
        named = rows.rename(columns={"mean": "value", "samples": "n"})
        return named.assign(method="paired over seeds").reset_index(drop=True)


def gather(run: Run, summary: Mapping | None = None) -> Results:
    """Read what a run folder holds.

    Args:
        run: Its folder, or that of several seeds.
        summary: What `summary.json` is going to say, where it is not there yet
            because it is written last.

    Returns:
        The results. Of several seeds, what `summary.json` does not say, config and
        environment are those of the first seed.

    Raises:
        ValueError: If there is no summary, or a file is damaged or lacks a column.
    """
    summary = run.summary() if summary is None else summary
    first = run
    if summary.get("seeds"):
        first = Run(run.path / f"seed-{summary['seeds'][0]}")
        if first.finished:
            summary = {**first.summary(), **summary}
    tables = {name: _table(run, f"{name}.csv", TABLES[name]) for name in TABLES}
    if _has(run, METRICS):
        tables["metrics"] = _scores(run)
    tables["seeds"] = _with_samples(tables["seeds"], first)
    return Results(
        summary=summary,
        **tables,
        curves=run.read_json(CURVES) if _has(run, CURVES) else (),
        config=_either(run, first, CONFIG, Run.read, ""),
        environment=_either(run, first, ENVIRONMENT, Run.read_json, {}),
        extraction=_either(run, first, EXTRACTION, Run.read_json, {}),
        audited=_has(run, AUDIT),
        folder=run.path.resolve().name,
    )


def _has(run: Run, name: str) -> bool:
    return (run.path / name).is_file()


def _either(run: Run, first: Run, name: str, read: object, absent: object) -> object:
    """A file of the folder, or else of its first seed."""
    for place in (run, first):
        if _has(place, name):
            return read(place, name)
    return absent


def _scores(run: Run) -> pd.DataFrame:
    table = run.metrics()
    _check(table, run.path / METRICS, SCORES[:-1])
    return table


def _table(run: Run, name: str, columns: Sequence[str]) -> pd.DataFrame:
    if not _has(run, name):
        return empty(columns)
    if not run.read(name).strip():
        return empty(columns)
    # Only nothing at all is missing: a subgroup may be called NA.
    table = pd.read_csv(
        run.path / name,
        dtype=dict.fromkeys(TEXT, object),
        keep_default_na=False,
        na_values=[""],
    )
    if table.empty:
        return empty(columns)
    _check(table, run.path / name, columns)
    words = [n for n in TEXT if n in table.columns and n != "label"]
    return table.assign(**{name: table[name].fillna("") for name in words})


def _check(table: pd.DataFrame, path: Path, columns: Sequence[str]) -> None:
    lacking = [name for name in columns if name not in table.columns]
    if lacking:
        raise ValueError(
            f"{path} must have the columns {', '.join(columns)}. Received: a table "
            f"without {', '.join(lacking)}. Was it written by another version of this "
            "package? Run the experiment again."
        )


def _with_samples(seeds: pd.DataFrame, first: Run) -> pd.DataFrame:
    """How many samples of the first seed stand behind a row; NaN if unknown.

    Only to tell models apart that answer different samples.
    """
    if seeds.empty or not _has(first, METRICS):
        return seeds.assign(samples=float("nan"))
    keys = ["model", *WHERE]
    known = _scores(first)[[*keys, "n"]].rename(columns={"n": "samples"})
    return seeds.merge(known.astype({"label": object}), on=keys, how="left")
