"""What makes distillation pay? One change at a time, judged on validation samples.

    python -m benchmarks.ablation run --output runs/ablation     # resumable
    python -m benchmarks.ablation table --output runs/ablation   # docs/ablation.md

The tasks, teachers and students are those of `benchmarks.study`, the seeds others
(from 200 on), and no test sample is looked at: this is where defaults come from.
Each variant differs from the defaults by what its name says.
"""

import json
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
import typer

import mind_keras as mk
from benchmarks import study
from benchmarks.study_table import markdown, shown_interval
from mind_keras.config import Config
from mind_keras.data.atomic import atomic_path
from mind_keras.evaluation.seeds import over_seeds
from mind_keras.spec import FUSION

FIRST_SEED = 200
TASKS = {"diabetes": 10, "spoken_digits": 5}  # How many seeds.


class Change(NamedTuple):
    """How a variant differs from the defaults.

    Args:
        settings: Of the Distiller.
        teachers: Which of the teachers of each modality, the largest first.
        joint: What the fusion head is taught: `"stacked"`, `"product"`, `"mean"`, or
            None for the labels alone.
        share: Of the training samples that the students see; teachers saw all.
    """

    settings: dict = {}  # noqa: RUF012 - never changed
    teachers: slice = slice(None)
    joint: str | None = "stacked"
    share: float = 1.0


CHANGES = {
    "defaults": Change(),
    "temperature 1": Change({"temperature": 1.0}),
    "temperature 4": Change({"temperature": 4.0}),
    "task_weight 0": Change({"task_weight": 0.0}),
    "task_weight 0.5": Change({"task_weight": 0.5}),
    "task_weight 1": Change({"task_weight": 1.0}),
    "distance mse": Change({"distance": "mse"}),
    "ensemble logit": Change({"ensemble": "logit"}),
    "fusion: product": Change(joint="product"),
    "fusion: mean": Change(joint="mean"),
    "fusion: labels alone": Change(joint=None),
    "one teacher, the largest": Change(teachers=slice(0, 1)),
    "one teacher, the smallest": Change(teachers=slice(2, 3)),
    "two teachers": Change(teachers=slice(0, 2)),
    "students see a quarter": Change(share=0.25),
}

app = typer.Typer(add_completion=False)


@app.command()
def run(output: study.Output = Path("runs/ablation")) -> None:
    """Train what is not there yet."""
    for name, seeds in TASKS.items():
        config = Config.model_validate({"name": name, **study.tasks()[name]["config"]})
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            one_seed(config, output / name, seed)


@app.command()
def table(
    output: study.Output = Path("runs/ablation"),
    page: Annotated[Path, typer.Option()] = Path("docs/ablation.md"),
) -> None:
    """Write the page from the results that are there."""
    parts = [HEAD.format(version=mk.__version__)]
    for name in TASKS:
        files = sorted((output / name).glob("*.json"))
        rows = [row for file in files for row in json.loads(file.read_text("utf-8"))]
        if rows:
            parts.append(f"## {name}\n\n" + _table(pd.DataFrame(rows)))
    with atomic_path(page) as part:
        part.write_text("\n\n".join(parts) + "\n", "utf-8")
    typer.echo(str(page))


def one_seed(config: Config, folder: Path, seed: int) -> None:
    """All variants of a seed, and `no_kd` on the same labels."""
    wanted = {name: folder / f"{seed}-{k}.json" for k, name in enumerate(CHANGES)}
    if all(file.is_file() for file in wanted.values()):
        return
    data = mk.load(config.data.source, seed=seed, **config.data.options)
    teachers = study.trained_teachers(config, data, folder / f"teachers-{seed}", seed)
    for name, file in wanted.items():
        if not file.is_file():
            rows = [
                {"variant": name, "seed": seed, **row}
                for row in one_variant(config, data, teachers, seed, CHANGES[name])
            ]
            with atomic_path(file) as part:
                part.write_text(json.dumps(rows), "utf-8")
            typer.echo(f"{config.name} seed {seed}: {name}")


def one_variant(
    config: Config, data: mk.Splits, teachers: dict, seed: int, change: Change
) -> list[dict]:
    """Rows of the student with the change, and of `no_kd` on the same labels."""
    train = data.train.take(range(int(len(data.train) * change.share)))
    chosen = {name: some[change.teachers] for name, some in teachers.items()}
    settings = dict(change.settings)
    if change.joint == "stacked":
        chosen |= {FUSION: [mk.fit_joint_teacher(chosen, data)]}
    elif change.joint:
        settings["joint_target"] = change.joint
    else:
        settings["distillation_weight"] = {FUSION: 0.0} | dict.fromkeys(chosen, 1.0)
    answers = mk.teacher_logits(chosen, train)
    rows = []
    for arm, heads in (("student", dict.fromkeys(chosen, ())), ("no_kd", {})):
        model = study.built(config, data, seed, "concat")
        options = settings if heads else {}
        distiller = mk.Distiller(model, heads, task=data.spec.task, **options)
        budget = config.training.model_dump()
        said = answers if heads else None
        mk.fit(distiller, train, data.validation, **budget, answers=said, seed=seed)
        rows += study.scored(arm, partial(mk.predict, model), data, ["validation"])
    return rows


def _table(rows: pd.DataFrame) -> str:
    rows = rows.assign(pattern="all", label=None)
    heads = [FUSION, *sorted(set(rows["head"]) - {FUSION, "best"})]
    lines = []
    for name in CHANGES:
        some = rows[rows["variant"] == name]
        if some.empty:
            continue
        found = over_seeds(some, "no_kd")
        found = found[found["reference"].notna()].set_index("head")
        cells = {head: shown_interval(found.loc[head]) for head in heads}
        lines.append({"variant": name, **cells, "seeds": found.loc[FUSION, "seeds"]})
    metric = rows["metric"].iloc[0]
    return f"Student minus `no_kd`, {metric}.\n\n" + markdown(pd.DataFrame(lines))


HEAD = """\
# What makes distillation pay

One change at a time from the defaults, on **validation** samples of seeds that the
[study](study.md) does not report: what the defaults were chosen by. Written by
`python -m benchmarks.ablation table` (mind_keras {version}); method and settings are in
`benchmarks/ablation.py`, tasks in `benchmarks/study.yaml`. Means over seeds of the
paired difference to the same student without teachers, with 95 % t-intervals over
seeds, bold where above 0."""


if __name__ == "__main__":
    app()
