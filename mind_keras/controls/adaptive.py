"""The student again, its distillation weights following the balance of modalities."""

import keras

from mind_keras.adaptive import AdaptiveWeights
from mind_keras.balancing import Balance
from mind_keras.controls.bench import Bench, Contender
from mind_keras.distiller import Distiller


def adaptive(bench: Bench) -> dict[str, Contender]:
    """Same start, teachers, data and budget; teachers shift to the under-used.

    See `AdaptiveWeights`: whether that helps is the difference to the student. Where
    fewer than two modalities are taught there is nothing to shift, and no contender.
    """
    if not bench.teachers:
        return {}

    def learner(student: keras.Model) -> Distiller:
        return bench.distil(student, dict.fromkeys(bench.teachers, ()))

    taught = learner(bench.student).distillation_weights
    if len(set(taught) & set(bench.spec.names)) < 2:
        return {}
    model = bench.train(
        "adaptive",
        bench.build,
        learner=learner,
        teachers=bench.teachers,
        callbacks=[Balance(bench.data.validation), AdaptiveWeights()],
    )
    return {"adaptive": bench.contender("adaptive", model)}
