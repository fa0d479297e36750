"""What a run found, as files: contenders, asked once, and everything told of them.

Numbers come from `evaluation` and `balance`. `summary.json` holds the terms of the
numbers and what each model costs; it is written last, since with it a run is finished.
To add a table: a function here that takes `Evidence`, and a line in `TABLES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from mind_keras import report
from mind_keras.artifact import (
    BALANCE,
    CALIBRATION,
    CALIBRATIONS,
    COMPARISONS,
    CURVES,
    PREDICTIONS,
    SUBGROUPS,
    Run,
)
from mind_keras.balance import MEASURE, balance_table
from mind_keras.controls import Contender
from mind_keras.costs import costs
from mind_keras.data.atomic import atomic_path
from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits
from mind_keras.evaluation.calibration import calibration_table, fit_temperatures
from mind_keras.evaluation.comparison import compare
from mind_keras.evaluation.curves import curves
from mind_keras.evaluation.subgroups import subgroups
from mind_keras.evaluation.table import score
from mind_keras.evaluation.temperatures import Temperatures
from mind_keras.longtable import long_table
from mind_keras.submodels import heads

COLUMNS = ["model", "id", "group", "pattern", "head", "label", "y", "probability"]
STUDENT, ENSEMBLE = "student", "teachers"

Said = Mapping[str, Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Terms:
    """How numbers are made, the same for all of a run.

    Args:
        seed, replicates, level: Of the bootstrap.
        margin: Of non-inferiority, in the unit of the headline metric.
        subgroups: `{column of the metadata: edges of bands, or None}`.
    """

    seed: int
    replicates: int
    level: float
    margin: float
    subgroups: Mapping[str, list[float] | None]

    @property
    def bootstrap(self) -> dict:
        """As arguments of `evaluation`."""
        return {"replicates": self.replicates, "level": self.level, "seed": self.seed}


@dataclass(frozen=True)
class Evidence:
    """What contenders say of validation and test samples.

    Args:
        data: Of the run.
        validation, test: `{model: {head: (n, labels)}}`.
        terms: How numbers are made.
    """

    data: Splits
    validation: Said
    test: Said
    terms: Terms

    @property
    def metric(self) -> str:
        """The headline metric."""
        return MEASURE[self.data.spec.task.kind]

    @property
    def rivals(self) -> list[str]:
        """All models but each teacher by itself, which has one head and is of many."""
        return [name for name in self.test if not name.startswith("teacher:")]

    def of_rivals(self, said: Said) -> Said:
        """What the rivals say."""
        return {name: said[name] for name in self.rivals}

    @cached_property
    def temperatures(self) -> dict[str, Temperatures]:
        """Of each rival, fitted on validation samples."""
        said, samples = self.of_rivals(self.validation), self.data.validation
        return {name: fit_temperatures(p, samples) for name, p in said.items()}


def write_results(
    run: Run,
    data: Splits,
    contenders: Mapping[str, Contender],
    *,
    about: Mapping,
    terms: Terms,
) -> None:
    """Ask all contenders, score them on the test split, and write what came of it.

    Args:
        run: The folder, with all models in it.
        data: Of the run.
        contenders: `{name: contender}`, `"student"` among them.
        about: What else `summary.json` is to say.
        terms: How numbers are made.
    """
    answers = [
        {name: contender.answer(part) for name, contender in contenders.items()}
        for part in (data.validation, data.test)
    ]
    evidence = Evidence(data, *answers, terms)
    _write_predictions(run, evidence)
    run.write_metrics(_metrics(evidence))
    for name, table in TABLES.items():
        run.write_csv(name, table(evidence))
    run.write(CALIBRATION, evidence.temperatures[STUDENT].to_json() + "\n")
    run.write_json(CURVES, curves(evidence.of_rivals(evidence.test), data.test))
    summary = _summary(run, evidence, contenders) | dict(about)
    report.write(run, summary)
    run.finish(summary)


def _metrics(evidence: Evidence) -> pd.DataFrame:
    options, test = evidence.terms.bootstrap, evidence.data.test
    scored = [
        score(said, test, **options).assign(model=name, seed=options["seed"])
        for name, said in evidence.test.items()
    ]
    metrics = pd.concat(scored, ignore_index=True)
    return metrics[["model", *metrics.columns.drop("model")]]


def _comparisons(evidence: Evidence) -> pd.DataFrame:
    """The student less each rival."""
    others = [name for name in evidence.rivals if name != STUDENT]
    options = {"margin": {evidence.metric: evidence.terms.margin}}
    options |= {"reference": others, **evidence.terms.bootstrap}
    said, test = evidence.of_rivals(evidence.test), evidence.data.test
    table = compare(said, test, **options) if others else pd.DataFrame()
    return table.assign(seed=evidence.terms.seed)


def _calibration(evidence: Evidence) -> pd.DataFrame:
    said = evidence.of_rivals(evidence.test)
    return calibration_table(evidence.temperatures, said, evidence.data.test)


def _balance(evidence: Evidence) -> pd.DataFrame:
    parts = {
        "validation": (evidence.validation, evidence.data.validation),
        "test": (evidence.test, evidence.data.test),
    }
    tables = []
    for split, (said, samples) in parts.items():
        rivals, ensemble = evidence.of_rivals(said), said.get(ENSEMBLE)
        tables.append(balance_table(rivals, samples, split=split, teachers=ensemble))
    return pd.concat(tables, ignore_index=True)


def _subgroups(evidence: Evidence) -> pd.DataFrame:
    said = evidence.of_rivals(evidence.test)
    columns, options = evidence.terms.subgroups, evidence.terms.bootstrap
    metrics = [evidence.metric]
    return subgroups(said, evidence.data.test, columns, metrics=metrics, **options)


TABLES = {
    COMPARISONS: _comparisons,
    CALIBRATIONS: _calibration,
    BALANCE: _balance,
    SUBGROUPS: _subgroups,
}


def _summary(run: Run, evidence: Evidence, contenders: Mapping[str, Contender]) -> dict:
    models = []
    for name, contender in contenders.items():
        files = {part: run.file_of(part) for part in contender.models}
        models.append({"model": name, **costs(contender.models, files)})
    needs = heads(contenders[STUDENT].models[STUDENT])
    return {
        **evidence.terms.bootstrap,
        "margin": evidence.terms.margin,
        "task": evidence.data.spec.to_dict()["task"],
        "heads": {head: sorted(modalities) for head, modalities in needs.items()},
        "split": "test",
        "metric": evidence.metric,
        "availability": evidence.data.availability().to_dict("records"),
        "models": models,
    }


def _write_predictions(run: Run, evidence: Evidence) -> None:
    """Model by model: of many models and labels they are millions of rows."""
    with (
        atomic_path(run.path / PREDICTIONS) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        for number, (name, said) in enumerate(evidence.test.items()):
            table = _predictions(said, evidence.data.test, name)[COLUMNS]
            table.to_csv(file, index=False, header=not number)


def _predictions(
    probabilities: Mapping[str, np.ndarray], test: Samples, model: str
) -> pd.DataFrame:
    """Probabilities beside 0/1 for each label or class, NaN where it is unknown."""
    task, y = test.spec.task, test.y
    if task.kind == "multiclass":
        y = np.eye(task.outputs)[y]
    table = long_table(probabilities, test, task, group=test.group, y=y)
    return table.assign(model=model)
