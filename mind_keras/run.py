"""The whole story: data, teachers, student, controls, numbers, a folder for others.

Validation samples stop the training; test samples are answered once, at the end. The
config ends here: everything below takes plain values.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
from rich.console import Console

from mind_keras import __version__
from mind_keras.artifact import Run
from mind_keras.claim import claim, environment
from mind_keras.config import Config
from mind_keras.controls import CONTROLS, LEARNS_FROM, Bench, Contender
from mind_keras.data.batches import batches
from mind_keras.data.sources import load
from mind_keras.data.splits import Splits
from mind_keras.distiller import Distiller
from mind_keras.models import build_student, build_teacher
from mind_keras.progress import Progress
from mind_keras.results import write_results
from mind_keras.spec import Spec
from mind_keras.trainer import Trainer
from mind_keras.training import having


def run(
    config: Config,
    output: str | Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train teachers, student and controls, and write the run folder.

    Args:
        config: The experiment.
        output: The run folder to make.
        overwrite: Write anew where a run is.
        resume: Go on with the same run after a crash; finished models are kept.
        progress: What shows how far it is; nothing by default.

    Raises:
        ValueError: Before training, if config, data and models do not fit together or
            the folder is in use.
    """
    unknown = sorted(set(config.controls) - set(CONTROLS))
    if unknown:
        raise ValueError(f"Unknown control {unknown}. Known: {sorted(CONTROLS)}.")
    progress = progress or Progress(Console(quiet=True))
    with progress.stage("data"):
        data = load(
            config.data.source,
            seed=config.seed,
            progress=progress.reading,
            **config.data.options,
        )
        models = _models(config, data.spec)
        _check_rows(config, data)
    versions = environment(__version__, seed=config.seed, config_digest=config.digest)
    folder = claim(
        output, config.to_yaml(), versions, overwrite=overwrite, resume=resume
    )
    if not folder.finished:
        bench = _train(config, data, models, folder, progress)
        contenders = _compare(config, bench, progress)
        with progress.stage("results"):
            _write(config, folder, bench, contenders)
    return folder


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
            _fresh(config.seed + k, build_teacher, spec, modality, **encoder)
            for k, encoder in enumerate(encoders)
        ]
        for modality, encoders in sorted(config.teachers.items())
    }
    build = partial(
        _fresh, config.seed, build_student, spec, **config.student.model_dump()
    )
    distil = partial(Distiller, task=spec.task, **config.distillation.model_dump())
    # No teachers: their answers come with the batches.
    distiller = distil(build(), dict.fromkeys(teachers, ()))
    return Models(teachers, distiller, build, distil)


def _check_rows(config: Config, data: Splits) -> None:
    """Make all batches once, so that a lack of rows or room shows before training."""
    size, teacher_size = config.training.batch_size, config.teacher_training.batch_size
    wanted = {(frozenset([modality]), teacher_size) for modality in config.teachers}
    for name in config.controls:
        if name in LEARNS_FROM:
            wanted |= {(needs, size) for needs in LEARNS_FROM[name](data.spec)}
    for part in (data.train, data.validation):
        batches(part, size)
        for needs, rows in sorted(wanted, key=lambda want: sorted(want[0])):
            batches(having(part, needs), rows)


def _fresh(
    seed: int, build: Callable[..., keras.Model], *args: object, **options: object
) -> keras.Model:
    """A model whose first weights follow from the seed alone."""
    keras.utils.set_random_seed(seed)
    return build(*args, **options)


def _train(
    config: Config, data: Splits, models: Models, folder: Run, progress: Progress
) -> Bench:
    """The trained teachers and student, on the bench where they are compared."""
    trainer = Trainer(
        data,
        folder,
        budget=config.training.model_dump(),
        teacher_budget=config.teacher_training.model_dump(),
        seed=config.seed,
        callbacks=[progress],
    )
    count = sum(map(len, models.teachers.values()))
    with progress.stage("teachers", models=count):
        teachers = trainer.teachers(models.teachers)
    with progress.stage("student"):
        student = trainer.student(models.distiller, teachers)
    return Bench(
        data,
        student,
        teachers,
        pool=config.distillation.ensemble,
        joint_target=config.distillation.joint_target,
        build=models.build,
        distil=models.distil,
        train=trainer.train,
    )


def _compare(config: Config, bench: Bench, progress: Progress) -> dict[str, Contender]:
    """The student and all controls, each as it answers the test samples."""
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
    write_results(
        folder,
        data,
        contenders,
        about=about,
        **config.evaluation.model_dump(),
        seed=config.seed,
    )
