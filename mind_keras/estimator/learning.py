"""From samples to a distilled student, in one call of plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import pandas as pd

from mind_keras.data.prior import check_classes
from mind_keras.data.samples import Samples
from mind_keras.distiller import Distiller
from mind_keras.models import build_student, build_teacher
from mind_keras.seeding import fresh
from mind_keras.spec import FUSION, Spec
from mind_keras.stacking import STACKED, check_rows, fit_joint_teacher, of_distiller
from mind_keras.teachers import teacher_logits
from mind_keras.training import fit, fit_teachers


@dataclass(frozen=True)
class Parts:
    """What a model learns from, and what stops it; there are no test samples.

    Raises:
        ValueError: If the training samples lack a class.
    """

    train: Samples
    validation: Samples

    def __post_init__(self) -> None:
        check_classes(self.train.y, self.spec.task)

    @property
    def spec(self) -> Spec:
        """The spec of both."""
        return self.train.spec


def learn(
    parts: Parts,
    encoders: Mapping[str, object],
    teachers: Mapping[str, Sequence],
    *,
    fusion: object,
    distillation: Mapping[str, object],
    budget: Mapping[str, float],
    teacher_budget: Mapping[str, float],
    seed: int,
) -> tuple[keras.Model, pd.DataFrame]:
    """Train the teachers, ask them once, distil the student.

    Args:
        parts: Training and validation samples.
        encoders: Of the student, `{modality: encoder}`.
        teachers: `{modality: encoders}`, none for plain training.
        fusion: As in `build_student`.
        distillation: Arguments of `Distiller`; a `joint_target` of `"stacked"` is a
            teacher of the fusion head (`fit_joint_teacher`).
        budget, teacher_budget: Arguments of `fit` and `fit_teachers`.
        seed: Of first weights and batches.

    Returns:
        The student, and columns `model, epoch, metric, value` of every training.

    Raises:
        ValueError: Before training, if models, settings and samples do not fit.
    """
    made, pool = {}, distillation["ensemble"]
    for modality, choices in sorted(teachers.items()):
        named = [{"encoder": c} if isinstance(c, str) else c for c in choices]
        made[modality] = [
            fresh(seed + k, build_teacher, parts.spec, modality, **choice)
            for k, choice in enumerate(named)
        ]
    made = {modality: models for modality, models in made.items() if models}
    stacked = distillation["joint_target"] == STACKED and len(made) > 1
    if stacked:
        check_rows(parts, sorted(made))
    student = fresh(seed, build_student, parts.spec, encoders, fusion=fusion)
    taught = [*made, FUSION] if stacked else made
    distiller = Distiller(
        student,
        dict.fromkeys(taught, ()),
        task=parts.spec.task,
        **of_distiller(distillation),
    )
    frames = []
    if made:
        frames.append(fit_teachers(made, parts, seed=seed, **teacher_budget))
    if stacked:
        made |= {FUSION: [fit_joint_teacher(made, parts, pool=pool)]}
    answers = teacher_logits(made, parts.train) if made else None
    found = fit(
        distiller, parts.train, parts.validation, answers=answers, seed=seed, **budget
    )
    frames.append(found.assign(model="student"))
    return student, pd.concat(frames, ignore_index=True)
