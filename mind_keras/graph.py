"""The graph of a functional model: which tensor needs which modality.

Keras keeps the graph in `tensor._keras_history`; this file alone reads it. A nested
model of which some output needs fewer inputs than the others is opened, so that a
part of it can be taken. Others stay whole: their layers may have the names of others
outside, which one graph would not allow.
"""

from collections.abc import Callable

import keras
from keras import ops, tree

# The class of functional models has no public name.
_given = keras.Input((1,))
Functional = type(keras.Model(_given, keras.layers.Identity()(_given)))
# Operations that pass numbers on as they are.
PASSING = {"identity", "reshape", "flatten", "squeeze", "expanddims", "cast"}


def graph(model: keras.Model) -> tuple[dict, dict]:
    """A functional model's named inputs and outputs, nested models opened.

    A model with one unnamed output is taken to have one head: named after its
    modality where it has one input, else `"fusion"`.
    """
    model = functional(model)
    inputs = model.input
    if not isinstance(inputs, dict):
        inputs = {tensor.name: tensor for tensor in model.inputs}
    outputs = model.output
    if not isinstance(outputs, dict):
        if len(model.outputs) > 1:
            raise ValueError(
                "A model of several heads must name them: its outputs must be a dict. "
                f"Received: a list of {len(model.outputs)} from {model.name!r}."
            )
        only = next(iter(inputs)) if len(inputs) == 1 else "fusion"
        outputs = {only: model.outputs[0]}
    known = {id(tensor): tensor for tensor in model.inputs}
    opened = reach(list(outputs.values()), known)
    return dict(sorted(inputs.items())), dict(zip(outputs, opened, strict=True))


def functional(model: keras.Model) -> keras.Model:
    """The model itself, or the functional form of a built `Sequential`."""
    if isinstance(model, keras.Sequential) and model.built:
        return keras.Model(model.inputs, model.outputs, name=model.name)
    if not isinstance(model, Functional):
        raise ValueError(
            "The model must be functional, `keras.Model(inputs, outputs)`, so that its "
            f"graph says which head needs which modality. Received: {model!r} of type "
            f"{type(model).__name__}. Of a Distiller give `distiller.student`."
        )
    return model


def reach(tensors: list, known: dict, stand_in: Callable | None = None) -> list:
    """The tensors computed anew from `known`, models that can be taken apart opened.

    Args:
        tensors: Outputs of a graph.
        known: `{id(tensor): its replacement}`; extended in place.
        stand_in: What to call in place of a layer; models are then opened.

    Returns:
        The replacements of `tensors`; a tensor where nothing changed is kept.
    """
    for node in topological(tensors, known):
        before = {id(t): known[id(t)] for t in node.input_tensors}
        nested = isinstance(node.operation, Functional)
        if nested and ((stand_in and _opens(node)) or _has_parts(node.operation)):
            (given, *_), _ = node.arguments.fill_in(before)
            inside = {
                id(t): value if value.dtype == t.dtype else ops.cast(value, t.dtype)
                for t, value in zip(
                    node.operation.inputs, tree.flatten(given), strict=True
                )
            }
            after = reach(node.operation.outputs, inside, stand_in)
        elif all(before[id(t)] is t for t in node.input_tensors):
            after = node.outputs
        else:
            args, kwargs = node.arguments.fill_in(before)
            call = stand_in(node.operation) if stand_in else node.operation
            after = tree.flatten(call(*args, **kwargs))
        known.update({id(t): a for t, a in zip(node.outputs, after, strict=True)})
    return [known[id(tensor)] for tensor in tensors]


def replay(reads: list, gives: list, stand_in: Callable | None = None) -> tuple:
    """Some tensors of a graph computed anew from inputs in place of others.

    Returns:
        The inputs, and the replacements of `gives`.
    """
    inputs = [keras.Input(batch_shape=t.shape, dtype=t.dtype) for t in reads]
    known = {id(t): new for t, new in zip(reads, inputs, strict=True)}
    return inputs, reach(gives, known, stand_in)


def rebuild(reads: list, gives: list, name: str) -> keras.Model:
    """A model of its own from some tensors of a graph to others, layers shared."""
    return keras.Model(*replay(reads, gives), name=name)


def caller(reads: list, gives: list, stand_in: Callable) -> Callable:
    """What computes some tensors of a graph from others, layer by layer.

    As a model that `rebuild` makes, but that nested models are opened, for which the
    names of layers need not differ here.

    Args:
        reads, gives: Tensors of functional models.
        stand_in: What to call in place of a layer.

    Returns:
        `(list of rows, training=) -> list of outputs`.
    """
    inputs, tensors = replay(reads, gives, stand_in)
    nodes = topological(tensors)

    def call(rows: list, training: bool | None = None) -> list:
        known = {
            id(t): ops.convert_to_tensor(some, t.dtype)
            for t, some in zip(inputs, rows, strict=True)
        }
        for node in nodes:
            args, kwargs = node.arguments.fill_in(known)
            if training is not None and takes_training(node.operation):
                kwargs["training"] = training  # Keras, too, prefers it to the node's
            said = tree.flatten(node.operation(*args, **kwargs))
            known |= {id(t): z for t, z in zip(node.outputs, said, strict=True)}
        return [known[id(t)] for t in tensors]

    return call


def takes_training(operation) -> bool:
    """Whether a call of it may say that this is training."""
    return isinstance(operation, keras.Layer) and operation._call_has_training_arg


def topological(tensors, known=()) -> list:
    """The nodes between `known` tensors (or inputs) and `tensors`, causes first."""
    order, done, stack = [], set(), [(node_of(t), False) for t in tensors]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in done and not node.is_input:
            if any(id(t) not in known for t in node.outputs):
                done.add(id(node))
                stack.append((node, True))
                stack.extend((node_of(t), False) for t in node.input_tensors)
    return order


def needs_of(tensors, inputs: dict) -> dict[int, frozenset]:
    """`{id(tensor): modalities it is computed from}` for all tensors of a graph."""
    needs = {id(tensor): frozenset([name]) for name, tensor in inputs.items()}
    for node in topological(tensors):
        given = [needs[id(t)] for t in node.input_tensors]
        wants = [frozenset().union(*given)] * len(node.outputs)
        if isinstance(node.operation, Functional) and len(set(given)) > 1:
            wants = [
                frozenset().union(*(given[k] for k in inside))
                for inside in _needs_inside(node.operation)
            ]
        needs |= {id(t): want for t, want in zip(node.outputs, wants, strict=True)}
    return needs


def _opens(node) -> bool:
    """Whether a nested model does no more than its graph says."""
    args, kwargs = node.arguments.args, node.arguments.kwargs
    masked = len(args) > 1 or kwargs.get("mask") is not None
    return type(node.operation) is Functional and not masked


def _needs_inside(model: keras.Model) -> list[frozenset[int]]:
    """For each output of a nested model the numbers of the inputs that it needs."""
    needs = needs_of(model.outputs, dict(enumerate(model.inputs)))
    return [needs[id(tensor)] for tensor in model.outputs]


def _has_parts(model: keras.Model) -> bool:
    """Whether an output can be had without some of the inputs."""
    return any(len(inside) < len(model.inputs) for inside in _needs_inside(model))


def node_of(tensor):
    """The node of the graph that made a tensor."""
    made = tensor._keras_history
    return made.operation._inbound_nodes[made.node_index]


def is_input(tensor) -> bool:
    """Whether a tensor is a `keras.Input`."""
    return node_of(tensor).is_input


def final_activation(tensor) -> str | None:
    """The name of the sigmoid or softmax that made a tensor, if one did."""
    made = tensor._keras_history
    operation = made.operation
    if isinstance(operation, Functional | keras.Sequential):
        return final_activation(functional(operation).outputs[made.tensor_index])
    names = {type(operation).__name__.lower()}
    if isinstance(operation, keras.Layer):
        names.add(str(operation.get_config().get("activation")).lower())
    found = names & {"sigmoid", "softmax", "hard_sigmoid"}
    before = node_of(tensor).input_tensors
    if not found and names & PASSING and len(before) == 1:
        return final_activation(before[0])
    return found.pop() if found else None
