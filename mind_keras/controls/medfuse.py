"""MedFuse's recipe: encoders trained alone, then an LSTM over the codes there are.

Hayat, Geras & Shamout (2022), MedFuse: multi-modal fusion with clinical time-series
data and chest X-ray images, section 3. https://arxiv.org/abs/2207.07027
"""

from collections.abc import Mapping
from functools import partial
from itertools import combinations
from types import MappingProxyType

import keras
from keras import ops

from mind_keras.controls.bench import Bench, Contender
from mind_keras.controls.codes import encoder_weights
from mind_keras.controls.students import unimodal_models
from mind_keras.graph import graph
from mind_keras.grouped import GroupedModel
from mind_keras.grouping import able, by_head, by_pattern, join, split
from mind_keras.losses import task_loss
from mind_keras.spec import FUSION, Task, pattern_name


def medfuse(bench: Bench) -> dict[str, Contender]:
    """Encoders of the `unimodal` models, an LSTM over the codes that a sample has.

    A sample that lacks a modality is a shorter sequence to the same LSTM, so all learn
    and all are answered. Unlike in the paper, X-rays are not pre-trained on radiology
    labels, each code is projected, and sizes are those of the student (see
    `fusion.medfuse`).
    """
    models = unimodal_models(bench)
    pretrained = {m: models[f"unimodal:{m}"] for m in bench.spec.names}
    model = bench.train(
        "medfuse",
        partial(_build, bench, pretrained),
        learner=partial(OneAnswer, task=bench.spec.task),
    )
    return {"medfuse": bench.contender("medfuse", model)}


class OneAnswer(GroupedModel):
    """Trains a student by one answer per sample, that of the head on all it has.

    The loss is the mean over the samples of a batch, by their weights. A student's
    other heads on a sample learn nothing from it, where a multi-head student would.

    Args:
        student: Functional, with a head for every pattern that samples have.
        task: What is predicted.
    """

    def __init__(self, student: keras.Model, task: Task) -> None:
        super().__init__(student, task, 1.0)
        # A proxy, since Keras would track, and save, what is in a dict.
        self._answering = MappingProxyType(
            {pattern_name(needs): head for head, needs in self._heads.items()}
        )

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """The task loss of all samples together, and what layers add to it."""
        answering = {
            pattern: self._answering[pattern] for pattern in sorted(by_pattern(x))
        }
        said = join([self._rows(h, p, x, y_pred) for p, h in answering.items()])
        labels, weight = (
            None if some is None else join([some[p][h] for p, h in answering.items()])
            for some in self._by_head(x, y, sample_weight)
        )
        if self.task.kind != "multiclass":
            labels = ops.reshape(labels, (-1, self.task.outputs))
        loss = task_loss(self.task.kind)(labels, said, sample_weight=weight)
        return sum(self.losses, loss)

    def _by_head(self, x, *values):
        return [v if v is None else by_head(v, x, self._heads) for v in values]

    def _rows(self, head: str, pattern: str, x, y_pred):
        """What a head says of the samples of one pattern."""
        x = by_pattern(x)
        patterns = able(head, x, self._heads)
        sizes = [ops.shape(next(iter(x[p].values())))[0] for p in patterns]
        return split(y_pred[head], sizes)[patterns.index(pattern)]


def for_every_pattern(student: keras.Model) -> keras.Model:
    """A student with MedFuse's fusion, and a head for every pattern beside.

    Args:
        student: From `build_student(..., heads=("fusion",), fusion="medfuse")`.

    Returns:
        A functional model that shares its layers. The head of a pattern is the
        same LSTM and the same output layer, on the codes of the pattern alone.

    Example:
        >>> import mind_keras as mk
        >>> spec, encoders = mk.load("diabetes").spec, {"serum": "mlp", "vitals": "mlp"}
        >>> options = {"heads": ("fusion",), "fusion": "medfuse"}
        >>> student = mk.build_student(spec, encoders, **options)
        >>> sorted(for_every_pattern(student).output)
        ['fusion', 'serum', 'vitals']
    """
    inputs, outputs = graph(student)
    tokens = {m: student.get_layer(f"{m}_to_{FUSION}").output for m in sorted(inputs)}
    lstm, last = student.get_layer(FUSION), student.get_layer(f"{FUSION}_head")
    for count in range(1, len(tokens)):
        for some in combinations(tokens, count):
            read = [keras.layers.Reshape((1, -1))(tokens[m]) for m in some]
            read = keras.layers.Concatenate(axis=1)(read) if count > 1 else read[0]
            outputs[pattern_name(some)] = last(lstm(read))
    return keras.Model(inputs, dict(sorted(outputs.items())), name=student.name)


def _build(bench: Bench, pretrained: Mapping[str, keras.Model]) -> keras.Model:
    student = bench.build(heads=(FUSION,), fusion="medfuse")
    for name, model in pretrained.items():
        layer = student.get_layer(f"{name}_encoder")
        layer.set_weights(encoder_weights(model, name))
    return for_every_pattern(student)
