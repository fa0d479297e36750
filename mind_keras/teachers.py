"""Teachers: trained models that answer for one head, and never change.

A teacher is any functional `keras.Model`, or the path of one, that gives logits from
some modalities. Teachers answer in inference mode. Their answers can be asked once
and kept (`teacher_logits`), since the same rows get the same answers.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from mind_keras.data.answers import Answers, fingerprint
from mind_keras.data.samples import Samples
from mind_keras.fast import answering, runner
from mind_keras.graph import final_activation, functional, graph, needs_of
from mind_keras.modelfile import load_model
from mind_keras.spec import Task


class Teacher:
    """A model that answers for one head, checked.

    Args:
        model: Functional model, or the path of a `.keras` file.
        head: The head it teaches; of a model with several heads, the one that is used.
        task: What it must answer.

    Raises:
        ValueError: If the model gives probabilities, another number of outputs, or
            lacks the head.
    """

    def __init__(self, model: keras.Model | str | Path, head: str, task: Task) -> None:
        self.model = load_model(model) if isinstance(model, str | Path) else model
        named = _named(self.model, head)
        inputs, outputs = graph(named)
        if not isinstance(named.output, dict):
            outputs = {head: next(iter(outputs.values()))}
        if head not in outputs:
            raise ValueError(
                f"A teacher of head {head!r} must have that head. Received: "
                f"{self.model.name!r} with heads {sorted(outputs)}."
            )
        logits = outputs[head]
        check_logits(logits, task, f"Teacher {self.model.name!r} of {head!r}")
        self.needs = needs_of([logits], inputs)[id(logits)]
        reads = {m: inputs[m] for m in sorted(self.needs)}
        self.answering = keras.Model(reads, logits)
        self._run = runner(list(reads.values()), [logits], "teacher")

    def __call__(self, x: Mapping):
        """`{modality: rows}` to logits, `(rows, labels)`, in inference mode."""
        rows = {name: x[name] for name in sorted(self.needs)}
        if any(isinstance(some, keras.KerasTensor) for some in rows.values()):
            logits = self.answering(rows, training=False)  # part of a larger model
        else:
            (logits,) = self._run(list(rows.values()), training=False)
        return ops.cast(logits, "float32")

    @property
    def fingerprint(self) -> str:
        """A digest of layers and weights, not of names, which Keras counts up."""
        digest = hashlib.blake2b(digest_size=16)
        for layer in _leaves(self.model):
            settings = {k: v for k, v in layer.get_config().items() if k != "name"}
            digest.update(type(layer).__name__.encode())
            digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
            for weight in layer.weights:
                values = np.ascontiguousarray(ops.convert_to_numpy(weight))
                digest.update(f"{values.shape}{values.dtype}".encode())
                digest.update(values.tobytes())
        return digest.hexdigest()


def _leaves(model: keras.Model) -> list[keras.Layer]:
    """The layers of a model and of the models nested in it."""
    leaves = []
    for layer in model.layers:
        leaves += _leaves(layer) if isinstance(layer, keras.Model) else [layer]
    return leaves


def _named(model: keras.Model, head: str) -> keras.Model:
    """A model of one unnamed input reads the modality that its head is for."""
    model = functional(model)
    if isinstance(model.input, dict) or len(model.inputs) > 1:
        return model
    given = keras.Input(
        batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype, name=head
    )
    return keras.Model({head: given}, model(given))


def check_logits(tensor, task: Task, who: str) -> None:
    """Refuse an output that does not hold one logit for each label of the task."""
    activation = final_activation(tensor)
    if activation:
        raise ValueError(
            f"{who} must give logits. Received: an output that ends in a {activation}. "
            "Take its activation away (`activation=None`), or cut the model before it: "
            "a distance of beliefs is exact on logits only."
        )
    if len(tensor.shape) != 2 or tensor.shape[-1] != task.outputs:
        raise ValueError(
            f"{who} must give one logit for each of the {task.outputs} labels of the "
            f"{task.kind} task {task.name!r}, (batch, {task.outputs}). Received: an "
            f"output of shape {tuple(tensor.shape)}."
        )


def as_teachers(
    teachers: Mapping[str, Sequence], heads: Mapping[str, frozenset], task: Task
) -> dict[str, list[Teacher]]:
    """Checked teachers by the head they teach.

    Args:
        teachers: `{head: [model or path, ...]}`; a model alone counts as a list of one.
        heads: `{head: modalities it needs}` of the student.
        task: What they must answer.
    """
    unknown = sorted(set(teachers) - set(heads))
    if unknown:
        raise ValueError(
            "`teachers` must be keyed by the heads of the student. Received: "
            f"{unknown}. Known: {sorted(heads)}."
        )
    known = frozenset().union(*heads.values())
    made = {}
    for head, models in sorted(teachers.items()):
        if isinstance(models, keras.Model | str | Path):
            models = [models]
        made[head] = [Teacher(model, head, task) for model in models]
        for teacher in made[head]:
            if not teacher.needs <= known:
                raise ValueError(
                    "A teacher must read modalities that the student has. Received: "
                    f"{teacher.model.name!r} of head {head!r} reads "
                    f"{sorted(teacher.needs)}; the student has {sorted(known)}."
                )
    return made


def teacher_logits(
    teachers: Mapping[str, Sequence],
    samples: Samples,
    *,
    batch_size: int = 256,
    cache: str | Path | None = None,
) -> Answers:
    """Ask all teachers once about all samples that they can answer for.

    Args:
        teachers: `{head: [model or path, ...]}`.
        samples: Whom to ask about.
        batch_size: Most rows at once; on a CPU fewer of large ones.
        cache: A folder to keep answers in, by fingerprint of teachers and samples:
            asking again for the same reads the file, any change asks anew.

    Returns:
        Answers, for `mk.batches(samples, teacher_logits=...)`.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> teacher = mk.build_teacher(data.spec, "serum", units=4)
        >>> answers = mk.teacher_logits({"serum": [teacher]}, data.test)
        >>> answers.logits["serum"][0].shape == (len(data.test), 1)
        True
    """
    every = frozenset(samples.spec.names)
    reads = {head: frozenset([head]) if head in every else every for head in teachers}
    reads["all modalities"] = every
    made = as_teachers(teachers, reads, samples.spec.task)
    prints = {head: [t.fingerprint for t in some] for head, some in made.items()}
    shown = fingerprint(samples)
    file = None
    if cache is not None:
        key = hashlib.blake2b(json.dumps([prints, shown]).encode(), digest_size=16)
        file = Path(cache) / f"answers-{key.hexdigest()}.npz"
        if file.is_file():
            return Answers.load(file)
    logits = {
        head: [_ask(teacher, samples, batch_size) for teacher in some]
        for head, some in made.items()
    }
    answers = Answers(logits, prints, shown, samples.pattern)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        answers.save(file)
    return answers


def _ask(teacher: Teacher, samples: Samples, batch_size: int) -> np.ndarray:
    able = np.flatnonzero(np.all([samples.has(m) for m in teacher.needs], axis=0))
    said = np.full((len(samples), samples.spec.task.outputs), np.nan, "float32")
    asked = teacher.answering
    answer = answering(keras.Model(asked.input, {"logits": asked.output}))
    for start in range(0, len(able), batch_size):
        index = able[start : start + batch_size]
        rows = {m: samples.x[m][samples.rows_of(m, index)] for m in teacher.needs}
        said[index] = answer(rows, batch_size)["logits"]
    return said
