"""What a student can say from the modalities that are present.

Which heads a sample can use follows from the graph alone: a head is reachable
from a set of modalities if all of its inputs are in that set. A sub-model shares
every layer with the student.
"""

from collections.abc import Iterable

import keras

from mind_keras.graph import graph, needs_of


def heads(student: keras.Model) -> dict[str, frozenset]:
    """Which modalities each head of a functional model needs.

    Example:
        >>> a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
        >>> both = keras.layers.Concatenate()([a, b])
        >>> student = keras.Model({"a": a, "b": b}, {"a": a, "fusion": both})
        >>> {head: sorted(needs) for head, needs in heads(student).items()}
        {'a': ['a'], 'fusion': ['a', 'b']}
    """
    inputs, outputs = graph(student)
    needs = needs_of(outputs.values(), inputs)
    return {head: needs[id(tensor)] for head, tensor in sorted(outputs.items())}


def submodel(student: keras.Model, modalities: Iterable[str]) -> keras.Model:
    """The part of a student that works from some modalities alone.

    Args:
        student: Functional, `{modality: (batch, ...)}` to `{head: (batch, labels)}`.
        modalities: Names of the modalities that are present.

    Returns:
        A functional model from these modalities to the heads they reach. It shares
        every layer with `student`, and saves alone.

    Raises:
        ValueError: If a modality is unknown, or no head can be reached.

    Example:
        >>> import mind_keras as mk
        >>> spec = mk.load("diabetes").spec
        >>> student = mk.build_student(spec, {"serum": "mlp", "vitals": "mlp"})
        >>> sorted(mk.submodel(student, {"serum"}).output)
        ['serum']
    """
    inputs, outputs = graph(student)
    present = frozenset([modalities] if isinstance(modalities, str) else modalities)
    unknown = sorted(present - set(inputs))
    if unknown:
        raise ValueError(f"Unknown modality {unknown}. Known: {sorted(inputs)}.")
    needs = needs_of(outputs.values(), inputs)
    reached = {h: t for h, t in sorted(outputs.items()) if needs[id(t)] <= present}
    if not reached:
        wanted = {head: sorted(needs[id(t)]) for head, t in sorted(outputs.items())}
        raise ValueError(
            f"No head can be reached from {sorted(present)}. The heads need: {wanted}. "
            "A student answers for a subset of its modalities only with heads that "
            "read that subset alone."
        )
    used = sorted(frozenset().union(*(needs[id(t)] for t in reached.values())))
    name = f"{student.name}_{'_'.join(used)}"
    return keras.Model({m: inputs[m] for m in used}, reached, name=name)
