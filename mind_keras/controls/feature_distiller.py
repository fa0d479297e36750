"""Distillation of codes and beliefs of unimodal teachers into a fused student.

The learner behind `umt` and `g2d`: the student has a fusion head only, sees complete
samples, and is taught by one frozen unimodal model of its own size per modality.
"""

from collections.abc import Mapping
from types import MappingProxyType

import keras
from keras import ops

from mind_keras.controls.codes import codes
from mind_keras.data.batches import Batches
from mind_keras.graph import graph
from mind_keras.grouped import GroupedModel
from mind_keras.grouping import by_pattern
from mind_keras.losses import SquaredError, as_distance
from mind_keras.parts import Parts
from mind_keras.spec import FUSION, Task, pattern_name


class FeatureDistiller(GroupedModel):
    """Trains a student with one head on labels, and on its teachers' codes and beliefs.

    With l the student's logits, z_m its codes, and t_m and z_m^t those of the teachers,

        task(l) + sum_m code_weight * mean_j (z_mj - z_mj^t)^2
                      + belief_weight * KL(t_m -> l)

    each term averaged over the rows by their weights; the KL of independent labels for
    binary and multilabel tasks, and averaged over labels, as in `losses`. Teachers
    answer live, in inference mode, and no gradient reaches them. The validation loss
    is that of the labels alone, as for all students.

    Args:
        student: Functional, from all modalities to `{"fusion": logits}`.
        teachers: `{modality: model}`, unimodal, with encoders of the student's sizes.
        task: What is predicted.
        code_weight: Of the squared errors of codes.
        belief_weight: Of the divergences.
        temperature: Of the divergences, which T**2 multiplies.

    Raises:
        ValueError: If the student has another head, a modality has no teacher, codes
            have different sizes, or `fit` is given samples that are not complete.
    """

    def __init__(
        self,
        student: keras.Model,
        teachers: Mapping[str, keras.Model],
        *,
        task: Task,
        code_weight: float,
        belief_weight: float,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(student, task, 1.0)
        if set(self._heads) != {FUSION}:
            raise ValueError(
                f"The student must have the head {FUSION!r} alone. Received: "
                f"{sorted(self._heads)}. Build it with `heads=('fusion',)`."
            )
        said = codes(student)
        # Proxies, since Keras would track, and save, what is in a dict.
        self._teachers = MappingProxyType(_speaking(teachers, said))
        self._weights = MappingProxyType({"code": code_weight, "belief": belief_weight})
        self._far = MappingProxyType(
            {
                "code": SquaredError(),
                "belief": as_distance("kl", task.kind, temperature),
            }
        )
        self._code_of = MappingProxyType({name: f"{name}_code" for name in said})
        shown = {self._code_of[name]: code for name, code in said.items()}
        inputs, outputs = graph(student)
        # Codes come out of the same forward pass as the logits.
        self._parts = Parts(keras.Model(inputs, outputs | shown))

    def before_fit(self, x, y) -> None:
        """Refuse samples that lack a modality."""
        whole = pattern_name(self._teachers)
        patterns = sorted(x.counts) if isinstance(x, Batches) else [whole]
        if patterns != [whole]:
            raise ValueError(
                "Only complete samples have codes of all modalities. Received: the "
                f"patterns {patterns}. Take those of pattern {whole!r}."
            )

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """The loss of the labels, and in training the distances to the teachers."""
        fused = {FUSION: y_pred[FUSION]}
        loss = super().compute_loss(x, y, fused, sample_weight, training)
        if not training:
            return loss
        weight = self._joined(x, y, sample_weight)[1]
        return loss + self._distances(x, y_pred, weight and weight[FUSION])

    def _distances(self, x, y_pred, weight):
        (rows,) = by_pattern(x).values()
        total = 0.0
        for name, teacher in self._teachers.items():
            said = teacher({name: rows[name]}, training=False)
            ours = {"code": y_pred[self._code_of[name]], "belief": y_pred[FUSION]}
            for what, far in self._far.items():
                theirs = ops.stop_gradient(said[what])
                distance = far(theirs, ours[what], sample_weight=weight)
                total = total + self._weights[what] * distance
        return total

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """The metrics of the head."""
        return super().compute_metrics(x, y, {FUSION: y_pred[FUSION]}, sample_weight)

    @property
    def non_trainable_variables(self):
        """The student's, and the teachers': JAX would bake unknown ones into the
        program as constants. They are neither trained nor saved."""
        taught = [v for model in self._teachers.values() for v in model.variables]
        return super().non_trainable_variables + taught


def _speaking(teachers: Mapping, said: Mapping) -> dict[str, keras.Model]:
    """Each teacher as a model of its code and its belief, sizes checked."""
    if set(teachers) != set(said):
        raise ValueError(
            f"Each modality needs a teacher. Received: teachers of {sorted(teachers)} "
            f"for a student of {sorted(said)}."
        )
    made = {}
    for name, model in sorted(teachers.items()):
        inputs, outputs = graph(model)
        code, (belief,) = codes(model)[name], outputs.values()
        if code.shape != said[name].shape:
            raise ValueError(
                "Codes are compared number by number, so teacher and student must have "
                f"encoders of one size. Received: {code.shape[-1]} and "
                f"{said[name].shape[-1]} numbers for {name!r}."
            )
        made[name] = keras.Model(inputs, {"code": code, "belief": belief})
    return made
