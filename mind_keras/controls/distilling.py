"""The student, distilled as in the run, from other teachers.

What they share with the student: first weights, data, budget, and every setting of the
distillation. Another one: choose its teachers by head, and hand them to `_distil`.
"""

from collections.abc import Mapping

import keras
import numpy as np

from mind_keras.controls.bench import Bench, Contender
from mind_keras.controls.students import unimodal_models
from mind_keras.losses import task_loss
from mind_keras.spec import FUSION
from mind_keras.stacking import fit_joint_teacher
from mind_keras.teachers import teacher_logits


def single_teacher(bench: Bench) -> dict[str, Contender]:
    """From one teacher per head: is it the ensemble that teaches?

    That is the one with the lowest loss on the validation samples, of equal ones the
    first. Without teachers there is nothing to compare, and no contender.
    """
    teachers = {head: [best_teacher(bench, head)] for head in _unimodal(bench)}
    return _distil(bench, "single_teacher", teachers)


def same_size_teacher(bench: Bench) -> dict[str, Contender]:
    """From teachers of the student's own size: is it size that teaches?

    The `unimodal` models, one for each head that has teachers in the run. So it has
    smaller teachers than `single_teacher`, and as many.
    """
    models = unimodal_models(bench) if bench.teachers else {}
    teachers = {head: [models[f"unimodal:{head}"]] for head in _unimodal(bench)}
    return _distil(bench, "same_size_teacher", teachers)


def best_teacher(bench: Bench, head: str) -> keras.Model:
    """The teacher of a head that loses least on the validation samples it can read."""
    some, task = bench.data.validation, bench.spec.task
    models = bench.teachers[head]
    losses = []
    for logits in teacher_logits({head: models}, some).logits[head]:
        able = ~np.isnan(logits).any(axis=1)
        weight = None if some.weight is None else some.weight[able]
        loss = task_loss(task.kind)(some.y[able], logits[able], sample_weight=weight)
        losses.append(float(loss))
    return models[int(np.argmin(losses))]


def _unimodal(bench: Bench) -> list[str]:
    return sorted(set(bench.teachers) - {FUSION})


def _distil(
    bench: Bench, name: str, teachers: Mapping[str, list[keras.Model]]
) -> dict[str, Contender]:
    if not teachers:
        return {}
    if FUSION in bench.teachers:  # It is made of the others: of these, then.
        joint = fit_joint_teacher(teachers, bench.data, pool=bench.pool)
        teachers = {**teachers, FUSION: [joint]}
    model = bench.train(
        name,
        bench.build,
        # No teachers in the Distiller: their answers come with the batches.
        learner=lambda student: bench.distil(student, dict.fromkeys(teachers, ())),
        teachers=teachers,
    )
    return {name: bench.contender(name, model)}
