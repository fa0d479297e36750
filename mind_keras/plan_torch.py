"""A functional model as a list of calls: what torch, which compiles nothing, runs.

Keras walks the graph anew at each step and prepares each layer's call (names, scopes,
casts, masks), which on small models costs more than the numbers do. A `Plan` settles
this once; a stock layer of float32 then costs its own `call` and no more, any other
layer is called as Keras calls it.
"""

from collections import Counter
from collections.abc import Callable, Mapping

import keras
import numpy as np
import torch
from keras import tree

from mind_keras.fast_torch import FastBatchNorm, stand_in
from mind_keras.graph import graph, replay, takes_training, topological
from mind_keras.stand_in import StandIn
from mind_keras.windows_torch import is_relu


class Plan:
    """As `mind_keras.fast.runner`: the same numbers and gradients as the model's.

    Args:
        reads, gives: Tensors of functional models.
    """

    def __init__(self, reads: list, gives: list) -> None:
        self.reads, tensors = replay(reads, gives, stand_in)
        self.gives = [id(tensor) for tensor in tensors]
        self.shapes = _shapes(gives)
        nodes, self.steps = topological(tensors), []
        kept = set(self.gives)
        for node in reversed(nodes):
            # What nobody reads later is let go, so that its memory is used again.
            last = {id(tensor) for tensor in node.input_tensors} - kept
            kept |= last
            self.steps.insert(0, Call(node, last))
        self.steps = _rectified(self.steps, self.gives)
        # Whether no layer in it asks Keras in which call it stands.
        self.bare = all(step.bare for step in self.steps)

    def __call__(self, inputs: list, training=None) -> list:
        known = {
            id(t): keras.ops.convert_to_tensor(rows, t.dtype)
            for t, rows in zip(self.reads, inputs, strict=True)
        }
        if self.shapes is not None and self._asks_for_shapes(known):
            count = len(known[id(self.reads[0])])
            return [torch.empty((count, *some), device="meta") for some in self.shapes]
        for step in self.steps:
            step(known, training)
        return [known[tensor] for tensor in self.gives]

    def _asks_for_shapes(self, known: dict) -> bool:
        """Keras does before a fit, which takes as long as some steps."""
        return all(
            known[id(t)].is_meta and tuple(known[id(t)].shape[1:]) == tuple(t.shape[1:])
            for t in self.reads
        )

    def lay(self) -> None:
        """Before training: see `StandIn.lay`."""
        for step in self.steps:
            if isinstance(step.operation, StandIn):
                step.operation.lay()


class Call:
    """One call of a layer.

    Args:
        node: Of the graph.
        last: Ids of the tensors that are not read after it.
    """

    def __init__(self, node: object, last: set) -> None:
        self.operation, self.last = node.operation, last
        self.simple = _is_simple(self.operation)
        self.bare = self.simple and _holds_no_layers(self.operation)
        self.arguments = _arguments(node)
        self.takes_training = takes_training(self.operation)
        self.reads = [id(tensor) for tensor in node.input_tensors]
        self.gives = [id(tensor) for tensor in node.outputs]
        self.call = self.operation.call if self.simple else self.operation

    def __call__(self, known: dict, training) -> None:
        args, kwargs = self.arguments(known)
        if self.takes_training and training is not None:
            kwargs["training"] = training  # Keras, too, prefers it to the node's
        said = self.call(*args, **kwargs)
        said = [said] if isinstance(said, torch.Tensor) else tree.flatten(said)
        for tensor in self.last:
            del known[tensor]
        known.update(zip(self.gives, said, strict=True))


def _rectified(steps: list[Call], gives: list[int]) -> list[Call]:
    """The same calls, ReLUs done in the memory of what nobody else reads.

    In place after a batch normalisation or a sum alone: neither needs its own answer
    to take gradients. A sum of one is no sum, but what it was given.
    """
    maker = {tensor: step for step in steps for tensor in step.gives}
    readers = Counter([*gives, *(tensor for step in steps for tensor in step.reads)])
    kept = []
    for step in steps:
        relu = step.simple and is_relu(step.operation)
        alone = relu and readers[step.reads[0]] == 1
        before = maker.get(step.reads[0]) if alone else None
        if before and isinstance(before.operation, FastBatchNorm):
            before.operation.rectifies, before.gives = True, step.gives
            continue
        added = before and type(before.operation) is keras.layers.Add
        if added and before.simple and len(before.reads) > 1:
            step.call = torch.relu_
        kept.append(step)
    return kept


def answers(model: keras.Model) -> Callable:
    """As `mind_keras.fast.answering`."""
    inputs, outputs = graph(model)
    plan = Plan(list(inputs.values()), list(outputs.values()))

    def answer(rows: Mapping, batch_size: int) -> dict[str, np.ndarray]:
        said = []
        with torch.no_grad():
            for start in range(0, len(next(iter(rows.values()))), batch_size):
                some = slice(start, start + batch_size)
                said.append(plan([rows[name][some] for name in inputs], training=False))
        return {
            head: np.concatenate([keras.ops.convert_to_numpy(z) for z in some])
            for head, some in zip(outputs, zip(*said, strict=True), strict=True)
        }

    return answer


def _shapes(tensors: list) -> list[tuple] | None:
    """Without the batch; None where something is not known before."""
    plain = all(t.dtype == "float32" and None not in t.shape[1:] for t in tensors)
    return [t.shape[1:] for t in tensors] if plain else None


def _arguments(node) -> Callable:
    """`known -> (args, kwargs)`; the usual case, one tensor, without a search."""
    args, kwargs = node.arguments.args, node.arguments.kwargs
    given = {name: value for name, value in kwargs.items() if value is not None}
    if len(args) == 1 and not given:
        (arg,) = args
        if isinstance(arg, keras.KerasTensor):
            key = id(arg)
            return lambda known: ((known[key],), {})
        if isinstance(arg, list | tuple) and all(
            isinstance(tensor, keras.KerasTensor) for tensor in arg
        ):
            keys = [id(tensor) for tensor in arg]
            return lambda known: (([known[key] for key in keys],), {})
    return node.arguments.fill_in


def _is_simple(operation) -> bool:
    """Whether `call` is all that a layer's call does."""
    if not isinstance(operation, keras.Layer):
        return False
    stock = type(operation).__module__.startswith("keras.src.layers.")
    return (
        (stock or isinstance(operation, StandIn))
        and not isinstance(operation, keras.Model | keras.layers.Masking)
        and operation.compute_dtype == operation.variable_dtype == "float32"
        and operation.quantization_mode is None
        and operation.activity_regularizer is None
    )


def _holds_no_layers(layer: keras.Layer) -> bool:
    """A layer inside another is called by Keras, and asks whether this is training."""
    if isinstance(layer, StandIn):
        return not isinstance(getattr(layer.layer, "activation", None), keras.Layer)
    return not layer._layers and not isinstance(layer, keras.layers.Lambda)
