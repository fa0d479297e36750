"""What a backend can do faster than Keras does it, with the same numbers.

Nothing here changes a model: variables are the model's, and what is saved, cloned or
exported is what the user built. Where a backend compiles whole steps (JAX) or a
function (TensorFlow) there is nothing to add; on torch see `plan_torch`, `fast_torch`
and `adam_torch`.
"""

from collections.abc import Callable

import keras
from keras import tree

from mind_keras.graph import rebuild


def runner(reads: list, gives: list, name: str) -> Callable:
    """What computes some tensors of a graph from others, to be called many times.

    Args:
        reads, gives: Tensors of functional models.
        name: Of the model that this is on most backends.

    Returns:
        `(list of rows, training=) -> list of outputs`.
    """
    if keras.config.backend() == "torch":
        from mind_keras.plan_torch import Plan

        return Plan(reads, gives)
    model = rebuild(reads, gives, name)
    return lambda rows, training=None: tree.flatten(model(rows, training=training))


def answering(model: keras.Model) -> Callable:
    """`{modality: rows}, batch size -> {head: answers}`, NumPy, in inference mode.

    Args:
        model: Functional, dict of modalities to dict of heads. What is compiled for it
            is kept with what is returned.
    """
    if keras.config.backend() == "torch":
        from mind_keras.plan_torch import answers

        return answers(model)
    return lambda rows, batch_size: model.predict(
        rows, batch_size=batch_size, verbose=0
    )


def quicken(optimizer: keras.optimizers.Optimizer) -> None:
    """Give an optimiser of Keras, in place, the backend's own kernel if it has one."""
    if keras.config.backend() == "torch":
        from mind_keras import adam_torch

        adam_torch.quicken(optimizer)
