"""What a run found, as files: every number of it comes from `evaluation.table.score`.

`summary.json` holds the terms of the numbers and what each model costs; it is written
last, since with it a run is finished.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mind_keras import report
from mind_keras.artifact import CARD, PREDICTIONS, REPORT, Run
from mind_keras.controls import Contender
from mind_keras.costs import costs
from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits
from mind_keras.evaluation.table import score
from mind_keras.longtable import long_table
from mind_keras.submodels import heads

# The number shown first, for each kind of task; metrics.json has all of them.
HEADLINE = {"binary": "auroc", "multilabel": "auroc", "multiclass": "accuracy"}
COLUMNS = ["model", "id", "group", "pattern", "head", "label", "y", "probability"]


def write_results(
    run: Run,
    data: Splits,
    contenders: Mapping[str, Contender],
    *,
    about: Mapping,
    replicates: int,
    level: float,
    seed: int,
) -> None:
    """Score all contenders on the test split, and write what came of it.

    Args:
        run: The folder, with all models in it.
        data: Of the run.
        contenders: `{name: contender}`, `"student"` among them.
        about: What else `summary.json` is to say.
        replicates, level, seed: As in `evaluation.table.score`.
    """
    said, scored, models = [], [], []
    options = {"replicates": replicates, "level": level, "seed": seed}
    for name, contender in contenders.items():
        p = contender.answer(data.test)
        said.append(_predictions(p, data.test).assign(model=name))
        scored.append(score(p, data.test, **options).assign(model=name, seed=seed))
        files = {part: run.file_of(part) for part in contender.models}
        models.append({"model": name, **costs(contender.models, files)})
    metrics = pd.concat(scored, ignore_index=True)
    metrics = metrics[["model", *metrics.columns.drop("model")]]
    needs = heads(contenders["student"].models["student"])
    summary = {
        **about,
        **options,
        "task": data.spec.to_dict()["task"],
        "heads": {head: sorted(modalities) for head, modalities in needs.items()},
        "split": "test",
        "metric": HEADLINE[data.spec.task.kind],
        "availability": data.availability().to_dict("records"),
        "models": models,
    }
    run.write_csv(PREDICTIONS, pd.concat(said)[COLUMNS])
    run.write_metrics(metrics)
    run.write(REPORT, report.page(summary, metrics, run.history()))
    run.write(CARD, report.card(summary, metrics))
    run.finish(summary)


def _predictions(
    probabilities: Mapping[str, np.ndarray], test: Samples
) -> pd.DataFrame:
    """Probabilities beside 0/1 for each label or class, NaN where it is unknown."""
    task, y = test.spec.task, test.y
    if task.kind == "multiclass":
        y = np.eye(task.outputs)[y]
    return long_table(probabilities, test, task, group=test.group, y=y)
