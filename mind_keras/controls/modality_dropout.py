"""Training in which rows lose modalities at random (ModDrop).

A learner for complete, zero-filled samples: a modality of a row is dropped by setting
it to 0, which is what a missing one looks like.
"""

from numbers import Real

import keras
from keras import ops

from mind_keras.grouped import GroupedModel
from mind_keras.grouping import by_pattern
from mind_keras.spec import Task


class ModalityDropout(GroupedModel):
    """Trains a student on labels while modalities of its rows are dropped.

    In training each modality of each row becomes 0 with the chance `rate`, by itself
    [1]; validation sees all. Unlike in [1], a row is never left with nothing: if it
    would lose all that it shows, it keeps one of that, each with the same chance. A
    modality that is 0 throughout shows nothing: it was filled in.

    Args:
        student: Functional, `{modality: (batch, ...)}` to `{head: logits}`.
        task: What is predicted.
        rate: Chance of a drop, at least 0 and less than 1.
        seed: Of the draws; by default drawn by Keras' own, as for a `Dropout` layer.

    Raises:
        ValueError: If `rate` is no such chance.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> student = mk.build_student(
        ...     data.spec, {"serum": "mlp", "vitals": "mlp"}, heads=["fusion"]
        ... )
        >>> learner = ModalityDropout(student, data.spec.task, rate=0.5, seed=0)
        >>> rows = {"serum": ops.ones((100, 6)), "vitals": ops.ones((100, 4))}
        >>> left = learner.drop(rows)
        >>> bool(ops.all(left["serum"][:, 0] + left["vitals"][:, 0] > 0))
        True

    [1] Neverova, Wolf, Taylor & Nebout (2015), ModDrop: adaptive multi-modal gesture
    recognition. https://arxiv.org/abs/1501.00102
    """

    def __init__(
        self,
        student: keras.Model,
        task: Task,
        *,
        rate: float = 0.3,
        seed: int | None = None,
    ) -> None:
        super().__init__(student, task, 1.0)
        if not isinstance(rate, Real) or not 0 <= rate < 1:
            raise ValueError(
                "`rate` must be at least 0 and less than 1. Received: "
                f"{rate!r}. With 0 nothing is dropped."
            )
        self.rate, self.seed = rate, keras.random.SeedGenerator(seed)

    def call(self, x, training=None):
        """As in `GroupedModel`, in training on what is left of the rows."""
        x = by_pattern(x)
        if training:
            x = {pattern: self.drop(rows) for pattern, rows in x.items()}
        return super().call(x, training=training)

    def drop(self, rows):
        """`{modality: (n, ...)}` with what is dropped set to 0, of the same types."""
        names = sorted(rows)
        shown = ops.stack([_shows(rows[name]) for name in names], axis=1)
        drawn = keras.random.uniform(ops.shape(shown), seed=self.seed)
        kept = ops.logical_and(shown, drawn >= self.rate)
        # Of draws that are all below the rate, each is as often the largest.
        last = ops.argmax(ops.where(shown, drawn, -1.0), axis=1)
        last = ops.cast(ops.one_hot(last, len(names)), "bool")
        emptied = ops.logical_not(ops.any(kept, axis=1, keepdims=True))
        kept = ops.logical_or(kept, ops.logical_and(emptied, last))
        return {name: _only(rows[name], kept[:, k]) for k, name in enumerate(names)}


def _shows(rows):
    rows = ops.convert_to_tensor(rows)
    return ops.any(ops.not_equal(rows, 0), axis=tuple(range(1, len(rows.shape))))


def _only(rows, kept):
    rows = ops.convert_to_tensor(rows)
    kept = ops.reshape(kept, (-1, *[1] * (len(rows.shape) - 1)))
    return ops.where(kept, rows, ops.zeros_like(rows))
