"""Teachers and students: functional Keras models of encoders, fusion and heads.

A student is `{modality: rows} -> {head: logits}`, a teacher `{modality: rows} ->
logits`. Of stock layers, so that a saved one loads with Keras alone. Which heads a
sample can use follows from the graph: a head sees only what it is connected to.
A new encoder or fusion joins `ENCODERS` or `FUSIONS`; nothing changes here.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping

import keras

from mind_keras.encoders import ENCODERS
from mind_keras.encoders.own import adopt
from mind_keras.fusion import FUSIONS
from mind_keras.spec import FUSION, Spec


def build_teacher(
    spec: Spec, modality: str, *, encoder: str | keras.Model = "mlp", **options
) -> keras.Model:
    """A unimodal model: one encoder and one head.

    Args:
        spec: What is predicted, and the shape of the modality.
        modality: A modality of the spec.
        encoder: A name of `ENCODERS`, or any functional model with one input of the
            modality's shape and one output (of more than two axes: averaged to two).
        **options: Options of the named encoder: `units=256`.

    Returns:
        A functional model, `{modality: (batch, *shape)}` to logits `(batch, outputs)`.

    Raises:
        ValueError: If a name or option is unknown, or the model does not fit.

    Example:
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> task = Task("mortality", kind="binary", labels=("death",))
        >>> spec = Spec(task, (Modality("ehr", (48, 76)),))
        >>> build_teacher(spec, "ehr", encoder="lstm", units=256).output_shape
        (None, 1)
    """
    if isinstance(encoder, str):
        encoder = {"encoder": encoder, **options}
    elif options:
        raise ValueError(
            "Options belong to an encoder given by name. Received: "
            f"{sorted(options)} with encoder={encoder!r}."
        )
    rows, code = _encode(spec, modality, encoder)
    return keras.Model(
        {modality: rows}, _head(spec, modality, code), name=f"{modality}_teacher"
    )


def build_student(
    spec: Spec,
    encoders: Mapping[str, str | Mapping | keras.Model],
    *,
    fusion: str | Mapping = "concat",
    heads: Iterable[str] | None = None,
) -> keras.Model:
    """A multi-head joint-fusion model: an encoder and a head per modality, and one
    head on the fusion of all codes.

    Args:
        spec: What is predicted, and from which modalities.
        encoders: For each modality a name of `ENCODERS`, a name with options
            `{"encoder": "resnet", "depth": 10}`, or any functional model with one
            input of the modality's shape and one output.
        fusion: A name of `FUSIONS`, or one with options
            `{"fusion": "sum", "units": 32}`.
        heads: By default one per modality and, where there are several, `"fusion"`.
            `("fusion",)` is the single-head control.

    Returns:
        A functional model, `{modality: (batch, *shape)}` to
        `{head: (batch, outputs)}`, both sorted. The encoders are its layers
        `<modality>_encoder`.

    Raises:
        ValueError: If a name or option is unknown, a modality has no encoder or
            reaches no head, or a model does not fit.

    Example:
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> task = Task("mortality", kind="binary", labels=("death",))
        >>> spec = Spec(task, (Modality("ehr", (48, 76)), Modality("labs", (20,))))
        >>> student = build_student(spec, {"ehr": "lstm", "labs": "mlp"})
        >>> list(student.output)
        ['ehr', 'fusion', 'labs']
    """
    heads = _check_heads(spec, heads)
    fuse, options = _choose("fusion", fusion, FUSIONS)
    if sorted(encoders) != list(spec.names):
        raise ValueError(
            "`encoders` must name one encoder for each modality of the spec, "
            f"{spec.names}. Received: {tuple(encoders)}."
        )
    inputs, codes = {}, {}
    for modality in spec.names:
        inputs[modality], codes[modality] = _encode(spec, modality, encoders[modality])
    if FUSION in heads:
        codes = codes | {FUSION: fuse(codes, name=FUSION, **options)}
    outputs = {head: _head(spec, head, codes[head]) for head in heads}
    return keras.Model(inputs, outputs, name="student")


def _encode(spec: Spec, modality: str, encoder: str | Mapping | keras.Model):
    """The input of a modality and its code, by an encoder kept as one layer."""
    shape, name = spec.shape(modality), f"{modality}_encoder"
    if isinstance(encoder, keras.Model):
        model = adopt(encoder, shape, name=name)
    else:
        build, options = _choose("encoder", encoder, ENCODERS)
        model = build(shape, name=name, **options)
    rows = keras.Input(shape, name=modality, dtype=model.inputs[0].dtype)
    return rows, model(rows)


def _head(spec: Spec, head: str, code):
    """Logits, in float32 under mixed precision too, where losses need it."""
    return keras.layers.Dense(spec.task.outputs, dtype="float32", name=f"{head}_head")(
        code
    )


def _choose(role: str, choice: str | Mapping, known: dict) -> tuple[Callable, dict]:
    """The function of that name and its options, both checked."""
    if not isinstance(choice, str | Mapping):
        raise ValueError(
            f"{role.capitalize()} must be one of {tuple(known)}, or "
            f'{{"{role}": name, option: value}}. Received: {choice!r}.'
        )
    options = {role: choice} if isinstance(choice, str) else dict(choice)
    name = options.pop(role, None)
    if name not in known:
        raise ValueError(
            f"Unknown {role} {name!r}. Known: {tuple(known)}. With options it is "
            f'written {{"{role}": name, option: value}}.'
        )
    parameters = inspect.signature(known[name]).parameters.values()
    allowed = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    allowed.remove("name")
    unknown = [option for option in options if option not in allowed]
    if unknown:
        raise ValueError(
            f"Unknown options {unknown} of {role} {name!r}. Known: {tuple(allowed)}."
        )
    return known[name], options


def _check_heads(spec: Spec, heads: Iterable[str] | None) -> tuple[str, ...]:
    known = spec.names + ((FUSION,) if len(spec.names) > 1 else ())
    heads = known if heads is None else tuple(heads)
    if not heads or len(set(heads)) != len(heads) or not set(heads) <= set(known):
        raise ValueError(
            f"`heads` must be different names of {known}. Received: {heads}. The "
            "fusion head needs two modalities or more."
        )
    silent = [m for m in spec.names if m not in heads and FUSION not in heads]
    if silent:
        raise ValueError(
            f"Every modality must reach a head. Received: heads={heads}, which "
            f"leaves out {silent}. Add them or {FUSION!r}, or leave them out of the "
            "spec."
        )
    return tuple(sorted(heads))
