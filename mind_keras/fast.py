"""What a backend can do faster than Keras does it, with the same numbers.

Nothing here changes a model but the order in which the weights of a learner lie in
memory: variables are the model's, and what is saved, cloned or exported is what the
user built. Where a backend compiles whole steps (JAX) or a function (TensorFlow) there
is little to add: see the files that are named for a backend.
"""

import math
from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import tree

from mind_keras.graph import caller, rebuild

# Bytes of rows, as float32, that are answered at once on a CPU: what a model makes of
# more does not stay in the caches, and memory for it is asked of the system anew. But
# no fewer rows than this.
PIECE, FEWEST = 2**21, 16


def runner(reads: list, gives: list, name: str) -> Callable:
    """What computes some tensors of a graph from others, to be called many times.

    Args:
        reads, gives: Tensors of functional models.
        name: Of the model that this is on TensorFlow.

    Returns:
        `(list of rows, training=) -> list of outputs`.
    """
    if keras.config.backend() == "torch":
        from mind_keras.plan_torch import Plan

        return Plan(reads, gives)
    if keras.config.backend() == "jax":
        from mind_keras.fast_jax import stand_in

        return caller(reads, gives, stand_in)
    model = rebuild(reads, gives, name)
    return lambda rows, training=None: tree.flatten(model(rows, training=training))


def answering(model: keras.Model) -> Callable:
    """`{modality: rows}, batch size -> {head: answers}`, NumPy, in inference mode.

    On a CPU large rows are answered in smaller pieces than the batch size.

    Args:
        model: Functional, dict of modalities to dict of heads. What is compiled for it
            is kept with what is returned.
    """
    answer = _answering(model)
    if not _on_cpu(model):
        return answer
    return lambda rows, batch_size: answer(rows, min(batch_size, _piece(rows)))


def _on_cpu(model: keras.Model) -> bool:
    """By the device of a weight, which each backend names in its own way."""
    first = next(iter(model.weights), None)
    return first is None or "cpu" in str(first.value.device).lower()


def _piece(rows: Mapping) -> int:
    """Rows at once.

    Example:
        >>> _piece({"cxr": np.zeros((9, 96, 96, 1))})
        56
    """
    size = sum(4 * math.prod(some.shape[1:]) for some in rows.values())  # as float32
    return max(FEWEST, PIECE // max(size, 1))


def _answering(model: keras.Model) -> Callable:
    if keras.config.backend() == "torch":
        from mind_keras.plan_torch import answers

        return answers(model)
    ask = model.predict_on_batch
    if keras.config.backend() == "jax" and model.jit_compile:
        from mind_keras.fast_jax import asking

        ask = asking(model)

    def answer(rows: Mapping, batch_size: int) -> dict[str, np.ndarray]:
        size = len(next(iter(rows.values())))
        batch = _batch(size, batch_size)
        # Not by `predict`, which sets itself up anew at each call: on TensorFlow that
        # takes as long as thousands of rows.
        said = [
            ask(
                {
                    name: _filled(some[start : start + batch], batch)
                    for name, some in rows.items()
                }
            )
            for start in range(0, size, batch)
        ]
        return {
            head: np.concatenate([one[head] for one in said])[:size]
            for head in model.output
        }

    return answer


def _batch(size: int, most: int) -> int:
    """The rows of equal batches of a size that others have too.

    Each size is compiled, so it is rounded up: to a power of two, above 32 to a
    multiple of 32.

    Example:
        >>> _batch(384, 256), _batch(5, 256), _batch(1, 256)
        (192, 8, 1)
    """
    parts = -(-size // most)
    even = -(-size // parts)
    batch = 2 ** (even - 1).bit_length() if even <= 32 else -(-even // 32) * 32
    return min(batch, most)


def _filled(rows: np.ndarray, batch: int) -> np.ndarray:
    """The last batch, its last row repeated until it is full."""
    lacks = batch - len(rows)
    return np.concatenate([rows, np.repeat(rows[-1:], lacks, 0)]) if lacks else rows


def quicken(optimizer: keras.optimizers.Optimizer) -> None:
    """Give an optimiser of Keras, in place, the backend's own kernel if it has one."""
    if keras.config.backend() == "torch":
        from mind_keras import adam_torch

        adam_torch.quicken(optimizer)


def training_step(learner: keras.Model, forward: Callable) -> Callable | None:
    """A training step, `batch -> logs`, that costs less than Keras' own.

    Args:
        learner: Compiled.
        forward: `(x, training=) -> {head: logits}` of a batch.

    Returns:
        None where Keras' own is the right one.
    """
    eager = keras.config.backend() == "torch" and not learner.jit_compile
    if not (eager and learner.trainable_variables):
        return None
    from mind_keras.step_torch import TrainingStep

    return TrainingStep(learner, forward)


def mean_crossentropy(y_true, y_pred, sample_weight=None):
    """Binary cross-entropy on logits, averaged over the labels that are known.

    Args:
        y_true: 0, 1 or NaN (unknown), a tensor `(batch, labels)`.
        y_pred: Logits, of that shape and dtype.
        sample_weight: `(batch,)` or `(batch, 1)`, of that dtype, or None.

    Only on torch, and only without a mask.
    """
    from mind_keras.losses_torch import mean_crossentropy

    return mean_crossentropy(y_true, y_pred, sample_weight)
