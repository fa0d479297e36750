"""Teachers and students: functional Keras models of encoders, fusion and heads.

A student is `{modality: rows} -> {head: logits}`, a teacher `{modality: rows} ->
logits`. Of stock layers, so that a saved one loads with Keras alone. Which heads a
sample can use follows from the graph: a head sees only what it is connected to.
A new encoder or fusion joins `ENCODERS`, `FUSIONS` or `EXCHANGES`; nothing changes
here.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import keras

from mind_keras.encoders import BACKBONES, ENCODERS
from mind_keras.encoders.middle import halve
from mind_keras.encoders.own import adopt
from mind_keras.fusion import EXCHANGES, FUSIONS
from mind_keras.fusion.concat import concat_codes
from mind_keras.spec import FUSION, Spec


def build_teacher(
    spec: Spec, modality: str, *, encoder: str | keras.Model = "mlp", **options
) -> keras.Model:
    """A unimodal model: one encoder and one head.

    Args:
        spec: What is predicted, and the shape of the modality.
        modality: A modality of the spec.
        encoder: A name of `ENCODERS` or `BACKBONES` (`"applications:ResNet50"`), or
            any functional model with one input of the modality's shape and one output
            (of more than two axes: averaged to two).
        **options: Options of the named encoder: `units=256`.

    Returns:
        A functional model, `{modality: (batch, *shape)}` to logits `(batch, outputs)`.

    Raises:
        ValueError: If a name or option is unknown, or the model does not fit.
        ImportError: If the library of a backbone is not installed.

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
    model = _encoder(spec, modality, encoder)
    rows = _rows(spec, modality, model)
    return keras.Model(
        {modality: rows},
        _head(spec, modality, model(rows)),
        name=f"{modality}_teacher",
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
        encoders: For each modality a name of `ENCODERS` or `BACKBONES`, a name with
            options `{"encoder": "resnet", "depth": 10}`, or any functional model with
            one input of the modality's shape and one output.
        fusion: A name of `FUSIONS`, or one with options
            `{"fusion": "sum", "units": 32}`. Or one of `EXCHANGES`, `"mmtm"`: then
            modalities meet halfway through their encoders, each of which must have a
            middle (see `encoders.middle`). A unimodal head reads its encoder as it
            is; the fusion head reads the codes, joined, that the upper halves make
            of the exchanged features. The upper halves are thus called twice with the
            same weights; prefer `norm="group"`, since BatchNorm would average its
            statistics over both.
        heads: By default one per modality and, where there are several, `"fusion"`.
            `("fusion",)` is the single-head control.

    Returns:
        A functional model, `{modality: (batch, *shape)}` to
        `{head: (batch, outputs)}`, both sorted. The encoders are its layers
        `<modality>_encoder`, or `<modality>_encoder_lower` and `_upper` where they
        are cut.

    Raises:
        ValueError: If a name or option is unknown, a modality has no encoder or
            reaches no head, or a model does not fit or cannot be cut.

    Example:
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> task = Task("mortality", kind="binary", labels=("death",))
        >>> spec = Spec(task, (Modality("ehr", (48, 76)), Modality("labs", (20,))))
        >>> student = build_student(spec, {"ehr": "lstm", "labs": "mlp"})
        >>> list(student.output)
        ['ehr', 'fusion', 'labs']
    """
    heads = _check_heads(spec, heads)
    fuse, options = _choose("fusion", fusion, FUSIONS | EXCHANGES)
    if sorted(encoders) != list(spec.names):
        raise ValueError(
            "`encoders` must name one encoder for each modality of the spec, "
            f"{spec.names}. Received: {tuple(encoders)}."
        )
    models = {m: _encoder(spec, m, encoders[m]) for m in spec.names}
    inputs = {m: _rows(spec, m, model) for m, model in models.items()}
    if FUSION in heads and fuse in EXCHANGES.values():
        codes = _exchange(models, inputs, partial(fuse, name=FUSION, **options))
    else:
        codes = {m: model(inputs[m]) for m, model in models.items()}
        if FUSION in heads:
            codes |= {FUSION: fuse(codes, name=FUSION, **options)}
    outputs = {head: _head(spec, head, codes[head]) for head in heads}
    return keras.Model(inputs, outputs, name="student")


def _encoder(spec: Spec, modality: str, encoder: str | Mapping | keras.Model):
    """The encoder of a modality, a model."""
    shape, name = spec.shape(modality), f"{modality}_encoder"
    if isinstance(encoder, keras.Model):
        return adopt(encoder, shape, name=name)
    build, options = _choose("encoder", encoder, ENCODERS | BACKBONES)
    return build(shape, name=name, **options)


def _rows(spec: Spec, modality: str, encoder: keras.Model):
    """The input of a modality, of the type that its encoder takes."""
    dtype = encoder.inputs[0].dtype
    return keras.Input(spec.shape(modality), name=modality, dtype=dtype)


def _exchange(models: dict, inputs: dict, exchange: Callable) -> dict:
    """The codes of all modalities, each from its encoder alone, and that of fusion."""
    halves = {m: halve(model) for m, model in models.items()}
    features = {m: lower(inputs[m]) for m, (lower, _) in halves.items()}
    changed = exchange(features)
    codes = {m: upper(features[m]) for m, (_, upper) in halves.items()}
    joint = {m: upper(changed[m]) for m, (_, upper) in halves.items()}
    return codes | {FUSION: concat_codes(joint, name=FUSION)}


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
