"""A student that learns from batches in which samples have different patterns.

The part of the `Distiller` that knows no teachers: one forward pass in parts, labels
and weights joined as the logits are, and everything else left to Keras, so that
losses and metrics per head, callbacks and saving work as for any model.
"""

from collections.abc import Mapping
from types import MappingProxyType

import keras

from mind_keras.grouping import by_head, by_pattern, joined
from mind_keras.losses import task_loss
from mind_keras.modelfile import portable
from mind_keras.parts import Parts
from mind_keras.spec import Task
from mind_keras.submodels import heads
from mind_keras.teachers import check_logits


class GroupedModel(keras.Model):
    """Abstract: trains a student on labels, grouped by pattern.

    Args:
        student: Functional, `{modality: (batch, ...)}` to `{head: logits}`.
        task: What is predicted.
        task_weight: A number, or `{head: number}` for all heads.
    """

    def __init__(
        self,
        student: keras.Model,
        task: Task,
        task_weight: float | Mapping[str, float],
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.student, self.task, self._parts = student, task, Parts(student)
        # A proxy, since Keras would track, and save, what is in a dict.
        self._heads = MappingProxyType(heads(student))
        for head, tensor in self._parts.outputs.items():
            check_logits(tensor, task, f"Head {head!r} of the student")
        self._task_weight = self._per_head("task_weight", task_weight)
        self.built = True

    def _per_head(self, name: str, value: float | Mapping[str, float]) -> Mapping:
        given = dict(value) if isinstance(value, Mapping) else {}
        if not isinstance(value, Mapping):
            given = dict.fromkeys(self._heads, value)
        if set(given) != set(self._heads) or min(given.values()) < 0:
            raise ValueError(
                f"`{name}` must be a number, or one for each head, none negative. "
                f"Received: {given}. The heads are {sorted(self._heads)}."
            )
        return MappingProxyType({head: float(w) for head, w in sorted(given.items())})

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        *,
        loss_weights=None,
        metrics=None,
        **kwargs,
    ):
        """As `keras.Model.compile`; task losses follow from the task unless given.

        All metrics are weighted by the sample weights: rows that `mk.batches` draws
        twice weigh half each, and count once.
        """
        if loss is None:
            loss = {head: task_loss(self.task.kind) for head in self._heads}
        if loss_weights is None:
            loss_weights = dict(self._task_weight)
        weighted = kwargs.pop("weighted_metrics", None)
        if metrics and weighted:
            raise ValueError(
                "A Distiller weighs all metrics. Received: `metrics` and "
                "`weighted_metrics`. Give all of them as `metrics`."
            )
        self._jit_given = kwargs.get("jit_compile", "auto")
        super().compile(
            optimizer,
            loss=loss,
            loss_weights=loss_weights,
            weighted_metrics=metrics or weighted,
            **kwargs,
        )

    def call(self, x, training=None):
        """`{head: logits}`, the rows of all patterns that reach a head, in order."""
        return self._parts(by_pattern(x), training=training)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """The task losses, on labels joined as the logits are."""
        joint = self._joined(x, y, sample_weight)
        return super().compute_loss(x, joint[0], y_pred, joint[1], training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """The metrics of each head, on labels joined as the logits are."""
        joint = self._joined(x, y, sample_weight)
        return super().compute_metrics(x, joint[0], y_pred, joint[1])

    def _joined(self, x, y, sample_weight) -> list:
        return [
            None if some is None else joined(by_head(some, x, self._heads), self._heads)
            for some in (y, sample_weight)
        ]

    def get_compile_config(self):
        """What `compile` was given, in a form that any backend can train on."""
        config = super().get_compile_config()
        return portable(config, self._jit_given) if config else config

    def compile_from_config(self, config):
        """Compile as `get_compile_config` says."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)
