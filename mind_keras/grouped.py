"""A student that learns from batches in which samples have different patterns.

The part of the `Distiller` that knows no teachers: one forward pass in parts, labels
and weights joined as the logits are, and everything else left to Keras, so that
losses and metrics per head, callbacks and saving work as for any model.
"""

from collections.abc import Mapping
from types import MappingProxyType

import keras
from keras import ops

from mind_keras.data.batches import Batches
from mind_keras.door import check_data
from mind_keras.fast import quicken, training_step
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

    _step, _measures = None, True  # until it trains, and is compiled

    def __init__(
        self,
        student: keras.Model,
        task: Task,
        task_weight: float | Mapping[str, float],
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(task, Task):
            raise ValueError(
                f"`task` must be a `Task`. Received: {task!r}. Of a spec it is "
                "`spec.task`."
            )
        self.student, self.task, self._parts = student, task, Parts(student)
        # A proxy, since Keras would track, and save, what is in a dict.
        self._heads = MappingProxyType(heads(student))
        for head, tensor in self._parts.outputs.items():
            check_logits(tensor, task, f"Head {head!r} of the student")
        self.task_weights = self._per_head("task_weight", task_weight)
        self.built = True

    def _per_head(self, name: str, value: float | Mapping[str, float]) -> Mapping:
        one = not isinstance(value, Mapping)
        given = dict.fromkeys(self._heads, value) if one else dict(value)
        fine = [isinstance(v, int | float) and v >= 0 for v in given.values()]
        if set(given) != set(self._heads) or not all(fine):
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
        twice weigh half each, and count once. Rows of which a label is unknown (NaN)
        count in the loss by the labels that are known, and not in Keras' metrics,
        which know no weights of single labels; `mk.evaluate` leaves out only what is
        unknown.

        Args:
            optimizer: As in Keras.
            loss: One for all heads, or `{head: loss}` for some.
            loss_weights: `{head: number}`; by default `task_weight`.
            metrics: `{head: [metric, ...]}`.
            **kwargs: As in Keras.
        """
        if not isinstance(loss, Mapping):
            loss = dict.fromkeys(self._heads, loss or task_loss(self.task.kind))
        if loss_weights is None:
            loss_weights = {head: self.task_weights.get(head, 1.0) for head in loss}
        weighted = kwargs.pop("weighted_metrics", None)
        if metrics and weighted:
            raise ValueError(
                "A Distiller weighs all metrics. Received: `metrics` and "
                "`weighted_metrics`. Give all of them as `metrics`."
            )
        for name, given in {"loss": loss, "metrics": metrics or weighted}.items():
            self._check_heads(name, given)
        self._jit_given = kwargs.get("jit_compile", "auto")
        self._step, self._measures = None, bool(metrics or weighted)
        super().compile(
            optimizer,
            loss=loss,
            loss_weights=loss_weights,
            weighted_metrics=metrics or weighted,
            **kwargs,
        )
        quicken(self.optimizer)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        **kwargs,
    ):
        """As `keras.Model.fit`, after a check that the data fit.

        Batches of `mk.batches` come in an order that seed and epoch alone decide, on
        every backend, also when training is taken up again.
        """
        x = check_data(x, self._parts.inputs, self.task)
        callbacks = keras.tree.flatten(callbacks or [])
        if isinstance(x, Batches):
            begin = keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: x.at_epoch(epoch)
            )
            callbacks, kwargs = [begin, *callbacks], {**kwargs, "shuffle": False}
        self.before_fit(x, y)
        return super().fit(
            x, y, batch_size, epochs, verbose, callbacks=callbacks, **kwargs
        )

    def before_fit(self, x, y) -> None:
        """What a learner must know of its data before the first step; nothing here."""

    def make_train_function(self, force=False):
        """As Keras, which calls it before it trains."""
        self._parts.lay()
        own = type(self).call is GroupedModel.call and self._parts.bare
        plain = own and self.dtype_policy.name == "float32"
        self._step = training_step(self, self.call if plain else self)
        return super().make_train_function(force)

    def train_step(self, *args):
        """Keras' own, or one of the same numbers that costs less."""
        return self._step(*args) if self._step else super().train_step(*args)

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
        if not self._measures:
            return self.get_metrics_result()
        y, weight = self._joined(x, y, sample_weight)
        if self.task.kind == "multilabel":
            y, weight = _known_rows(y, weight)
        return super().compute_metrics(x, y, y_pred, weight)

    def _check_heads(self, name: str, given) -> None:
        heads = sorted(self._heads)
        if given and not isinstance(given, Mapping) and len(heads) > 1:
            raise ValueError(
                f"`{name}` must be a dict by head. Received: {given}. The heads are "
                f"{heads}."
            )
        unknown = sorted(set(given) - set(heads)) if isinstance(given, Mapping) else []
        if unknown:
            raise ValueError(
                f"`{name}` must be keyed by heads of the student. Received: {unknown}. "
                f"Known: {heads}."
            )

    def _joined(self, x, y, sample_weight) -> list:
        y, sample_weight = (
            None if some is None else joined(by_head(some, x, self._heads), self._heads)
            for some in (y, sample_weight)
        )
        if self.task.kind != "multiclass":
            wide = (-1, self.task.outputs)  # one label may come as (rows,)
            y = {head: ops.reshape(labels, wide) for head, labels in y.items()}
        return [y, sample_weight]

    def get_compile_config(self):
        """What `compile` was given, in a form that any backend can train on."""
        config = super().get_compile_config()
        return portable(config, self._jit_given) if config else config

    def compile_from_config(self, config):
        """Compile as `get_compile_config` says."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)


def _known_rows(y: Mapping, weight: Mapping | None) -> tuple[dict, dict]:
    """Labels without NaN, and weight 0 for the rows that had one."""
    labels, weights = {}, {}
    for head, rows in y.items():
        unknown = ops.isnan(rows)
        labels[head] = ops.where(unknown, ops.zeros_like(rows), rows)
        known = ops.cast(ops.logical_not(ops.any(unknown, axis=-1)), rows.dtype)
        weights[head] = known if weight is None else known * weight[head]
    return labels, weights
