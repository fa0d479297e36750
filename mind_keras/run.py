"""The whole story: data, teachers, student, controls, numbers, a folder for others.

Validation samples stop the training; test samples are answered once, at the end. The
config ends here: everything below takes plain values.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
from rich.console import Console

from mind_keras import __version__
from mind_keras.artifact import Run
from mind_keras.claim import claim, environment
from mind_keras.config import Config
from mind_keras.controls import CONTROLS, LEARNS_FROM, Bench, Contender, check_joining
from mind_keras.controls.watch import watch
from mind_keras.data.batches import batches
from mind_keras.data.sources import load
from mind_keras.data.splits import Splits
from mind_keras.distiller import Distiller
from mind_keras.evaluation.bands import check_columns
from mind_keras.models import build_student, build_teacher
from mind_keras.progress import Progress
from mind_keras.results import Terms, write_results
from mind_keras.seeding import fresh
from mind_keras.spec import FUSION, Spec
from mind_keras.stacking import STACKED, check_rows, of_distiller
from mind_keras.tracking import asked, documents, headlines, told
from mind_keras.trainer import Trainer
from mind_keras.training import check_stops, having


def run(
    config: Config,
    output: str | Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
    data: Splits | None = None,
) -> Run:
    """Train teachers, student and controls, and write the run folder.

    Args:
        config: The experiment.
        output: The run folder to make.
        overwrite: Write anew where a run is.
        resume: Go on with the same run after a crash; finished models are kept.
        progress: What shows how far it is; nothing by default.
        data: Of the config, by whoever has read them; else they are read here.

    Raises:
        ValueError: Before training, if config, data and models do not fit together or
            the folder is in use.
    """
    progress = progress or Progress(Console(quiet=True))
    trackers = asked(config.tracking and config.tracking.model_dump())
    data, models = prepare(config, progress, data)
    versions = environment(__version__, seed=config.seed, config_digest=config.digest)
    folder = claim(
        output, config.to_yaml(), versions, overwrite=overwrite, resume=resume
    )
    if not folder.finished:
        with told(trackers, folder, config.name, config.model_dump()) as listener:
            bench = train(config, data, models, folder, progress, listener.callbacks)
            contenders = compete(config, bench, progress)
            with progress.stage("results"):
                _write(config, folder, bench, contenders)
            listener.finish(headlines(folder), documents(folder))
    return folder


def read_data(config: Config, progress: Progress) -> Splits:
    """The data of a config."""
    return load(
        config.data.source,
        seed=config.seed if config.data.seed is None else config.data.seed,
        progress=progress.reading,
        **config.data.options,
    )


def prepare(
    config: Config, progress: Progress, data: Splits | None = None
) -> tuple[Splits, "Models"]:
    """Data, read unless given, and models, not trained, checked to fit together."""
    unknown = sorted(set(config.controls) - set(CONTROLS))
    if unknown:
        raise ValueError(f"Unknown control {unknown}. Known: {sorted(CONTROLS)}.")
    with progress.stage("data"):
        data = read_data(config, progress) if data is None else data
        check_joining(config.controls, data.spec)
        models = _models(config, data.spec)
        _check_rows(config, data)
        check_columns(config.evaluation.subgroups, data.test)
    return data, models


class Models(NamedTuple):
    """What is to be trained, and how a student of the same size is built anew."""

    teachers: dict[str, list[keras.Model]]
    distiller: Distiller
    build: Callable[..., keras.Model]
    distil: Callable[..., Distiller]


def _models(config: Config, spec: Spec) -> Models:
    """All models, built first, so that what does not fit shows before training."""
    teachers = {
        # Another seed for each: equal teachers would say the same thing twice.
        modality: [
            fresh(config.seed + k, build_teacher, spec, modality, **encoder)
            for k, encoder in enumerate(encoders)
        ]
        for modality, encoders in sorted(config.teachers.items())
    }
    build = partial(
        fresh, config.seed, build_student, spec, **config.student.model_dump()
    )
    settings = of_distiller(config.distillation.model_dump())
    distil = partial(Distiller, task=spec.task, **settings)
    taught = [*teachers, FUSION] if is_stacked(config, spec) else teachers
    # No teachers: their answers come with the batches.
    distiller = distil(build(), dict.fromkeys(taught, ()))
    check_stops(distiller)
    return Models(teachers, distiller, build, distil)


def is_stacked(config: Config, spec: Spec) -> bool:
    """Whether the fusion head is to have a teacher made of the unimodal ones."""
    weight = config.distillation.distillation_weight
    weight = weight.get(FUSION, 0.0) if isinstance(weight, dict) else weight
    several = len(set(config.teachers) & set(spec.names)) > 1
    return several and weight > 0 and config.distillation.joint_target == STACKED


def _check_rows(config: Config, data: Splits) -> None:
    """Make all batches once, so that a lack of rows or room shows before training."""
    size, teacher_size = config.training.batch_size, config.teacher_training.batch_size
    wanted = {(frozenset([modality]), teacher_size) for modality in config.teachers}
    for name in config.controls:
        if name in LEARNS_FROM:
            wanted |= {(needs, size) for needs in LEARNS_FROM[name](data.spec)}
    if is_stacked(config, data.spec):
        check_rows(data, sorted(config.teachers))
    for part in (data.train, data.validation):
        batches(part, size)
        for needs, rows in sorted(wanted, key=lambda want: sorted(want[0])):
            batches(having(part, needs), rows)


def school(
    config: Config, data: Splits, models: Models, folder: Run, progress: Progress
) -> tuple[Trainer, dict[str, list[keras.Model]]]:
    """Who trains, and the teachers by head, trained unless the folder holds them."""
    trainer = Trainer(
        data,
        folder,
        budget=config.training.model_dump(),
        teacher_budget=config.teacher_training.model_dump(),
        seed=config.seed,
        callbacks=[progress],
    )
    with progress.stage("teachers", models=sum(map(len, models.teachers.values()))):
        teachers = trainer.teachers(models.teachers)
        if is_stacked(config, data.spec):
            pool = config.distillation.ensemble
            teachers |= {FUSION: [trainer.joint_teacher(teachers, pool)]}
    return trainer, teachers


def train(
    config: Config,
    data: Splits,
    models: Models,
    folder: Run,
    progress: Progress,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Bench:
    """Teachers and student, trained unless the folder holds them, on their bench.

    The callbacks are of the student, after those that watch it.
    """
    trainer, teachers = school(config, data, models, folder, progress)
    bench = Bench(
        data,
        models.distiller.student,
        teachers,
        pool=config.distillation.ensemble,
        joint_target=models.distiller.ensembles.joint_target,
        build=models.build,
        distil=models.distil,
        train=trainer.train,
    )
    with progress.stage("student"):
        student = trainer.student(
            models.distiller, teachers, [*watch(bench), *callbacks]
        )
    return replace(bench, student=student)


def compete(config: Config, bench: Bench, progress: Progress) -> dict[str, Contender]:
    """The student and all controls, trained."""
    contenders = {"student": bench.contender("student", bench.student)}
    for number, name in enumerate(config.controls, 1):
        with progress.stage(f"control {number} of {len(config.controls)}: {name}"):
            contenders |= CONTROLS[name](bench)
    return contenders


def _write(
    config: Config, folder: Run, bench: Bench, contenders: dict[str, Contender]
) -> None:
    data = bench.data
    for name, text in data.documents.items():
        folder.write(name, text)
    folder.write_student(bench.student, data.spec, data.preprocessing, config.seed)
    about = {
        "name": config.name,
        "config_digest": config.digest,
        "mind_keras": __version__,
        "backend": keras.config.backend(),
        "source": config.data.source,
    }
    terms = Terms(seed=config.seed, **config.evaluation.model_dump())
    write_results(folder, data, contenders, about=about, terms=terms)
