"""OGM-GE: the encoder that runs ahead is slowed in each step, with noise.

Peng, Wei, Deng, Wang & Hu (2022), "Balanced Multimodal Learning via On-the-fly
Gradient Modulation", CVPR, https://arxiv.org/abs/2203.15332: equations 8 to 10 and
section 3.4. One linear head on the joined codes, on complete samples.
"""

from functools import partial

import keras
import numpy as np
from keras import ops

from mind_keras.controls.bench import Bench, Contender, complete
from mind_keras.controls.modulation import ModulatedAdamW
from mind_keras.grouped import GroupedModel
from mind_keras.parts import Parts
from mind_keras.spec import FUSION, Task


def ogm_ge(bench: Bench) -> dict[str, Contender]:
    """A single-head student, fused by concatenation whatever the student's fusion."""
    build = partial(bench.build, heads=(FUSION,), fusion="concat")
    learner = partial(OGMLearner, task=bench.spec.task)
    model = bench.train(
        "ogm_ge", build, complete, learner=learner, optimizer=ModulatedAdamW
    )
    return {"ogm_ge": bench.contender("ogm_ge", model)}


def evidence(labels, logits, kind, weight=None):
    """s of a modality: the probability of the truth, summed over the batch.

    Args:
        labels: Classes `(batch,)`; else 0, 1 or NaN (unknown), `(batch, labels)`: then
            a row counts by its mean over the labels that are known.
        logits: By this modality alone, `(batch, labels)`.
        kind: Of the task.
        weight: Of the rows, `(batch,)`.

    Example:
        >>> float(evidence(ops.array([[1.0], [0.0]]), ops.zeros((2, 1)), "binary"))
        1.0
    """
    if kind == "multiclass":
        classes = ops.cast(ops.reshape(labels, (-1,)), "int32")
        truth = ops.one_hot(classes, logits.shape[-1], dtype=logits.dtype)
        rows = ops.sum(truth * ops.softmax(logits), axis=-1)
    else:
        known = ops.cast(ops.logical_not(ops.isnan(labels)), logits.dtype)
        signs = ops.where(
            ops.equal(labels, 1), ops.ones_like(logits), -ops.ones_like(logits)
        )
        right = known * ops.sigmoid(signs * logits)
        count = ops.maximum(ops.sum(known, axis=-1), 1.0)
        rows = ops.sum(right, axis=-1) / count
    return ops.sum(rows if weight is None else rows * weight)


def coefficients(evidences, alpha):
    """k of each modality: 1 - tanh(alpha * rho) where rho > 1, else 1.

    rho is the evidence of a modality by that of the other; of more than two, for which
    the paper has no formula, by the mean of the others.

    Args:
        evidences: s of each modality, `(modalities,)`.
        alpha: Strength of the modulation.

    Example:
        >>> k = coefficients(ops.array([6.0, 3.0]), alpha=0.5)
        >>> [round(float(value), 4) for value in k]
        [0.2384, 1.0]
    """
    others = (ops.sum(evidences) - evidences) / (evidences.shape[0] - 1)
    rho = evidences / ops.maximum(others, keras.config.epsilon())
    return ops.where(rho > 1, 1 - ops.tanh(alpha * rho), ops.ones_like(rho))


class OGMLearner(GroupedModel):
    """Trains a single-head student, and says in each step who is ahead.

    Args:
        student: With one head, a Dense layer on the concatenation of the codes of its
            layers `<modality>_encoder`.
        task: What is predicted.
        alpha: Strength of the modulation. The paper chooses it for each data set; 0.3
            is ours.
    """

    def __init__(
        self,
        student: keras.Model,
        *,
        task: Task,
        alpha: float = 0.3,
        **kwargs: object,
    ) -> None:
        super().__init__(student, task, 1.0, **kwargs)
        names = sorted(self._parts.inputs)
        codes = dict(zip(names, student.get_layer(FUSION).input, strict=True))
        self._coded = tuple(names)
        self._head = student.get_layer(f"{FUSION}_head")
        self._splits = np.cumsum([code.shape[-1] for code in codes.values()]).tolist()
        self._parts = Parts(keras.Model(student.input, {**student.output, **codes}))
        self.alpha = alpha
        # Its value means nothing: its gradient tells the optimiser the coefficients.
        self.messenger = self.add_weight(name="messenger", shape=(len(names),))

    def compile(self, optimizer, *args, **kwargs):
        """As `GroupedModel`, with a `ModulatedAdamW`, told which encoder is which."""
        layers = [self.student.get_layer(f"{m}_encoder") for m in self._coded]
        encoders = [layer.trainable_variables for layer in layers]
        optimizer.modulate(self.messenger, encoders)
        super().compile(optimizer, *args, **kwargs)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """The task loss, and in training a term of value 0, with k as its gradient."""
        said = {FUSION: y_pred[FUSION]}
        loss = super().compute_loss(x, y, said, sample_weight, training)
        if not training:
            return loss
        labels, weight = self._joined(x, y, sample_weight)
        codes = [y_pred[name] for name in self._coded]
        k = self._coefficients(labels[FUSION], codes, weight and weight[FUSION])
        message = ops.sum(self.messenger * ops.stop_gradient(k))
        return loss + message - ops.stop_gradient(message)

    def _coefficients(self, labels, codes, weight):
        bias = ops.convert_to_tensor(self._head.bias) / len(codes)
        kernels = ops.split(self._head.kernel, self._splits[:-1], axis=0)
        logits = [
            ops.matmul(ops.cast(code, kernel.dtype), kernel) + bias
            for code, kernel in zip(codes, kernels, strict=True)
        ]
        kind = self.task.kind
        some = [evidence(labels, alone, kind, weight) for alone in logits]
        return coefficients(ops.stack(some), self.alpha)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """The metrics of the head; codes are not answers."""
        said = {FUSION: y_pred[FUSION]}
        return super().compute_metrics(x, y, said, sample_weight)
