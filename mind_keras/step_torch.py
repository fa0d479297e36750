"""A training step on torch without what Keras prepares and tidies at each one.

Keras enters a call of the learner as if it were any layer, clears the gradients of all
modules, collects the variables and walks them again: on small models that takes longer
than the numbers do.
"""

from collections.abc import Callable, Mapping

import keras
import torch


class TrainingStep:
    """Keras' own step of a learner, in fewer calls: same loss, gradients and metrics.

    As on the other backends, what is trainable is settled when `fit` begins.

    Args:
        learner: Compiled, with variables to train.
        forward: `(x, training=) -> {head: logits}` of a batch.
    """

    def __init__(self, learner: keras.Model, forward: Callable) -> None:
        self.learner, self.forward = learner, forward
        self.variables = learner.trainable_variables
        self.tensors = [variable.value for variable in self.variables]
        self.tracker = next(m for m in learner.metrics if m.name == "loss")

    def __call__(self, data: tuple) -> dict:
        learner, optimizer = self.learner, self.learner.optimizer
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        said = self.forward(x, training=True)
        loss = learner._compute_loss(x, y, said, weight, training=True)
        for tensor in self.tensors:
            tensor.grad = None
        optimizer.scale_loss(loss).backward()
        with torch.no_grad():
            optimizer.apply([tensor.grad for tensor in self.tensors], self.variables)
            self._note(loss, _rows(x))
        return learner.compute_metrics(x, y, said, weight)

    def _note(self, loss, rows: int) -> None:
        """What `Mean.update_state` does, on its variables at once."""
        self.tracker.total.value.add_(loss, alpha=rows)
        self.tracker.count.value.add_(rows)


def _rows(x) -> int:
    """Of the first array in a batch, by which Keras weighs the batch's loss."""
    while isinstance(x, Mapping):
        x = x[min(x)]
    return len(x)
