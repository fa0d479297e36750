"""What makes distillation pay? One change at a time, judged on validation samples.

    python -m benchmarks.ablation run --output runs/ablation     # resumable
    python -m benchmarks.ablation table --output runs/ablation   # docs/ablation.md

The tasks, teachers and students are those of `benchmarks.study`, the seeds others
(from 200 on), and no test sample is looked at: this is where defaults come from.
Each variant differs from the defaults by what its name says.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Annotated, NamedTuple

import keras
import pandas as pd
import typer

import mind_keras as mk
from benchmarks import study
from benchmarks.study_table import markdown, shown_interval
from mind_keras.config import Config
from mind_keras.controls.watch import watch
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
        adaptive: What `AdaptiveWeights` goes by; None for weights that stay.
    """

    settings: dict = {}  # noqa: RUF012 - never changed
    teachers: slice = slice(None)
    joint: str | None = "stacked"
    share: float = 1.0
    adaptive: str | None = None


CHANGES = {
    "defaults": Change(),
    "temperature 1": Change({"temperature": 1.0}),
    "temperature 4": Change({"temperature": 4.0}),
    "task_weight 0.5": Change({"task_weight": 0.5}),
    "task_weight 1": Change({"task_weight": 1.0}),
    "distance mse": Change({"distance": "mse"}),
    "ensemble logit": Change({"ensemble": "logit"}),
    "fusion: product": Change(joint="product"),
    "fusion: mean": Change(joint="mean"),
    "fusion: labels alone": Change(joint=None),
    "adaptive by utilisation": Change(adaptive="utilisation"),
    "adaptive by teacher gap": Change(adaptive="teacher_gap"),
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

    @cache
    def no_kd(share: float) -> list[dict]:
        return trained("no_kd", config, _with_labels(data, share), {}, seed)

    for name, file in wanted.items():
        if not file.is_file():
            change = CHANGES[name]
            rows = taught(config, data, teachers, seed, change) + no_kd(change.share)
            rows = [{"variant": name, "seed": seed, **row} for row in rows]
            with atomic_path(file) as part:
                part.write_text(json.dumps(rows), "utf-8")
            typer.echo(f"{config.name} seed {seed}: {name}")


def _with_labels(data: mk.Splits, share: float) -> mk.Splits:
    """The data, of which students see a share of the training samples."""
    return replace(data, train=data.train.take(range(int(len(data.train) * share))))


def taught(
    config: Config, data: mk.Splits, teachers: dict, seed: int, change: Change
) -> list[dict]:
    """Rows of the student with the change."""
    chosen = {name: some[change.teachers] for name, some in teachers.items()}
    settings = dict(change.settings)
    if change.joint == "stacked":
        chosen |= {FUSION: [mk.fit_joint_teacher(chosen, data)]}
    elif change.joint:
        settings["joint_target"] = change.joint
    else:
        settings["distillation_weight"] = {FUSION: 0.0} | dict.fromkeys(chosen, 1.0)
    data = _with_labels(data, change.share)
    callbacks = []
    if change.adaptive:
        bench = study.bench_of(config, data, teachers, seed, "concat")
        callbacks = [*watch(bench), mk.AdaptiveWeights(by=change.adaptive)]
    return trained("student", config, data, chosen, seed, callbacks, **settings)


def trained(
    arm: str,
    config: Config,
    data: mk.Splits,
    teachers: dict,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **settings: object,
) -> list[dict]:
    """Train a student with these teachers, or with none, and score it."""
    model = study.built(config, data, seed, "concat")
    heads = dict.fromkeys(teachers, ())
    mk.fit(
        mk.Distiller(model, heads, task=data.spec.task, **settings),
        data.train,
        data.validation,
        **config.training.model_dump(),
        answers=mk.teacher_logits(teachers, data.train) if teachers else None,
        seed=seed,
        callbacks=callbacks,
    )
    return study.scored(arm, partial(mk.predict, model), data, ["validation"])


def _table(rows: pd.DataFrame) -> str:
    """Each variant's student less `no_kd`, and less the student of the defaults."""
    rows = rows.assign(pattern="all", label=None)
    heads = [FUSION, *sorted(set(rows["head"]) - {FUSION, "best"})]
    default = rows[(rows["variant"] == "defaults") & (rows["model"] == "student")]
    lines = []
    for name in CHANGES:
        some = rows[rows["variant"] == name]
        if some.empty:
            continue
        found = _differences(some, "no_kd")
        cells = {head: shown_interval(found.loc[head]) for head in heads}
        mine = some[some["model"] == "student"].assign(model="changed")
        other = _differences(pd.concat([mine, default]), "student")
        cells |= {
            f"{head}, less the defaults": shown_interval(other.loc[head])
            for head in heads
            if name != "defaults"
        }
        lines.append({"variant": name, **cells, "seeds": found.loc[FUSION, "seeds"]})
    metric = rows["metric"].iloc[0]
    columns = pd.DataFrame(lines).fillna("")
    seeds = columns.pop("seeds")
    told = f"Student minus `no_kd`, then minus the student of the defaults, {metric}."
    return f"{told}\n\n" + markdown(columns.assign(seeds=seeds))


def _differences(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Of the other model in the rows, paired over seeds, by head."""
    found = over_seeds(rows, reference)
    return found[found["reference"].notna()].set_index("head")


HEAD = """\
# What makes distillation pay

One change at a time from the defaults, on **validation** samples of seeds that the
[study](study.md) does not report: a check of the defaults. Written by
`python -m benchmarks.ablation table` (mind_keras {version}); method and settings are in
`benchmarks/ablation.py`, tasks in `benchmarks/study.yaml`. Means over seeds of the
paired difference to the same student without teachers, with 95 % t-intervals over
seeds, bold where above 0.

What it says:

* **Scarce labels are where distillation pays.** Students that see a quarter of the
  labels, and teachers that saw all rows of their modality, gain by far the most.
* Temperature, the weight of the labels, the pool of an ensemble and what the fusion
  head is taught make little difference: most intervals of *less the defaults* hold 0.
  `distance: mse` is worse for classes.
* Three sizes of teachers are not better than two, or than the largest alone: the
  smallest teaches worst. On `spoken_digits` the two larger ones would do better.
* **`AdaptiveWeights` does not help the fusion head** on either task, by utilisation or
  by the gap to the teachers; a unimodal head gains a little. It is off by default.
"""


if __name__ == "__main__":
    app()
