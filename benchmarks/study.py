"""Does distillation help? Student minus the same student without teachers, paired.

    python -m benchmarks.study run --output runs/study            # hours; resumable
    python -m benchmarks.study table --output runs/study          # docs/study.md

For each task and seed the teachers are trained once, and the joint teacher is made of
them; then, for each fusion operator,
the student with them (`student`) and without (`no_kd`): the same first weights, the
same batches, the same budget. Each of both gets the same search: the learning rates of
`RATES`, on seeds that are not reported (`tuning_seeds`), chosen by the mean of the
headline metric over heads on validation samples. A seed draws split, removal, first
weights and batches; for ICU stays it draws another twin. Test samples are answered
once, by the models of the reported seeds.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import pandas as pd
import typer
import yaml

import mind_keras as mk
from benchmarks import study_table
from mind_keras.balance import MEASURE
from mind_keras.config import Config
from mind_keras.controls import CONTROLS, Bench
from mind_keras.data.atomic import atomic_path
from mind_keras.data.sources import load
from mind_keras.evaluation import score
from mind_keras.spec import FUSION

TASKS = Path(__file__).parent / "study.yaml"
RATES = (1.0, 3.0)  # Factors of the task's learning rate.
ARMS = ("student", "no_kd")

app = typer.Typer(add_completion=False)
Output = Annotated[Path, typer.Option(help="Where results are kept.")]


def tasks() -> dict[str, dict]:
    """What is studied: `{task: {"config": ..., "fusions": [...], "seeds": n}}`."""
    return yaml.safe_load(TASKS.read_text("utf-8"))


@app.command()
def run(
    output: Output = Path("runs/study"),
    only: Annotated[list[str] | None, typer.Option(help="Tasks.")] = None,
) -> None:
    """Train what is not there yet; every model is one JSON file of results."""
    for name, about in tasks().items():
        if only and name not in only:
            continue
        config = Config.model_validate({"name": name, **about["config"]})
        folder = output / name
        pairs = [f"{f}-{arm}" for f, arm in itertools.product(about["fusions"], ARMS)]
        chosen = {name: [RATES[0]] for name in pairs}
        if about["tuning_seeds"]:
            for seed in about["tuning_seeds"]:
                every = dict.fromkeys(pairs, RATES)
                one_seed(config, folder / "tuning", seed, every)
            chosen = choose(folder / "tuning")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "chosen.json").write_text(json.dumps(chosen, indent=1) + "\n")
        for seed in range(about["seeds"]):
            one_seed(config, folder / "seeds", seed, chosen)


@app.command()
def table(
    output: Output = Path("runs/study"), page: Path = Path("docs/study.md")
) -> None:
    """Write the page from the results that are there."""
    with atomic_path(page) as part:
        part.write_text(study_table.page(output, tasks()), "utf-8")
    typer.echo(str(page))


def one_seed(config: Config, folder: Path, seed: int, rates: dict) -> None:
    """All models of a seed; `rates` are the factors of `<fusion>-<arm>`."""
    jobs = [(name, rate) for name, some in rates.items() for rate in some]
    files = {job: folder / f"{seed}-{job[0]}-{job[1]:g}.json" for job in jobs}
    if all(file.is_file() for file in files.values()):
        return
    options = config.data.options
    if "twin_seed" in options:
        options |= {"twin_seed": options["twin_seed"] + seed}
    data = load(config.data.source, seed=seed, **options)
    teachers = trained_teachers(config, data, folder / f"teachers-{seed}", seed)
    teachers |= {FUSION: [mk.fit_joint_teacher(teachers, data)]}
    answers = mk.teacher_logits(teachers, data.train)
    for (name, rate), file in files.items():
        fusion, arm = name.split("-")
        if file.is_file():
            continue
        rows = one_model(config, data, answers, seed, fusion, arm, rate)
        if arm == "student":
            rows += ensemble_rows(config, data, teachers, seed, fusion)
        for row in rows:
            row |= {"fusion": fusion, "rate": rate, "seed": seed}
        with atomic_path(file) as part:
            part.write_text(json.dumps(rows), "utf-8")
        typer.echo(f"{config.name} seed {seed} {name} x{rate:g}")


def trained_teachers(config: Config, data: mk.Splits, folder: Path, seed: int) -> dict:
    """Teachers of a seed, from their files if they are there."""
    teachers = {}
    for modality, encoders in sorted(config.teachers.items()):
        teachers[modality] = []
        for k, encoder in enumerate(encoders):
            file = folder / f"{modality}-{k}.keras"
            if not file.is_file():
                keras.utils.set_random_seed(1000 * seed + k)
                model = mk.build_teacher(data.spec, modality, **encoder)
                budget = config.teacher_training.model_dump()
                mk.fit_teachers({modality: [model]}, data, **budget, seed=seed)
                folder.mkdir(parents=True, exist_ok=True)
                with atomic_path(file) as part:
                    model.save(part)
            teachers[modality].append(keras.saving.load_model(file, compile=False))
    return teachers


def built(config: Config, data: mk.Splits, seed: int, fusion: str) -> keras.Model:
    """A student, not trained."""
    keras.utils.set_random_seed(seed)
    return mk.build_student(data.spec, config.student.encoders, fusion=fusion)


def one_model(
    config: Config,
    data: mk.Splits,
    answers: object,
    seed: int,
    fusion: str,
    arm: str,
    factor: float,
) -> list[dict]:
    """Train a student, with teachers or without, and score it."""
    model = built(config, data, seed, fusion)
    taught = arm == "student"
    teachers = dict.fromkeys([*config.teachers, FUSION], ()) if taught else {}
    distiller = mk.Distiller(model, teachers, task=data.spec.task)
    budget = config.training.model_dump()
    budget["learning_rate"] *= factor
    mk.fit(
        distiller,
        data.train,
        data.validation,
        **budget,
        answers=answers if taught else None,
        seed=seed,
    )
    answer = partial(mk.predict, model)
    return scored(arm, answer, data, parameters=model.count_params())


def bench_of(
    config: Config, data: mk.Splits, teachers: dict, seed: int, fusion: str
) -> Bench:
    """Teachers and a student side by side, to ask; nothing is trained on it."""
    return Bench(
        data,
        built(config, data, seed, fusion),
        teachers,
        pool="probability",
        joint_target="product",
        build=None,
        distil=None,
        train=None,
    )


def ensemble_rows(
    config: Config, data: mk.Splits, teachers: dict, seed: int, fusion: str
) -> list[dict]:
    """The ensemble as it teaches."""
    bench = bench_of(config, data, teachers, seed, fusion)
    ensemble = CONTROLS["teachers"](bench)["teachers"]
    parameters = sum(model.count_params() for model in ensemble.models.values())
    return scored("teachers", ensemble.answer, data, parameters=parameters)


def scored(
    model: str,
    answer: Callable[[mk.Samples], dict],
    data: mk.Splits,
    splits: Sequence[str] = ("validation", "test"),
    **about: object,
) -> list[dict]:
    """The headline metric of each head, on all samples that it answers."""
    metric = MEASURE[data.spec.task.kind]
    rows = []
    for split in splits:
        part = getattr(data, split)
        table = score(answer(part), part, metrics=[metric], replicates=0)
        table = table[(table["pattern"] == "all") & table["label"].isna()]
        for head, value, n in table[["head", "value", "n"]].itertuples(index=False):
            known = None if np.isnan(value) else float(value)
            row = {"model": model, "split": split, "head": head, "metric": metric}
            rows.append(row | {"value": known, "n": int(n), **about})
    return rows


def choose(folder: Path) -> dict[str, list[float]]:
    """The factor with the best validation metric, for each operator and arm alike."""
    rows = [
        row for file in folder.glob("*.json") for row in json.loads(file.read_text())
    ]
    table = pd.DataFrame(rows).query("split == 'validation' and head != 'best'")
    table = table[table["model"].isin(ARMS)]
    mean = table.groupby(["fusion", "model", "rate"])["value"].mean().reset_index()
    best = mean.loc[mean.groupby(["fusion", "model"])["value"].idxmax()]
    return {f"{r.fusion}-{r.model}": [r.rate] for r in best.itertuples()}


if __name__ == "__main__":
    app()
