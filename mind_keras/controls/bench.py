"""Where a student and its rivals are made and compared: one data set, one budget.

A control takes a `Bench` and gives contenders by name. Models are trained as the
student is, on the same budget, and kept under their names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import keras
import numpy as np

from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits
from mind_keras.distiller import Distiller
from mind_keras.grouped import GroupedModel
from mind_keras.prediction import predict
from mind_keras.spec import Spec
from mind_keras.training import having

Models = Mapping[str, Sequence[keras.Model]]
Choose = Callable[[Samples], Samples]


@dataclass(frozen=True)
class Contender:
    """One row of the final table.

    Args:
        answer: `answer(samples)` gives `{head: (n, labels)}`, NaN where it cannot.
        models: What it is made of, `{name of a kept model: model}`.
    """

    answer: Callable[[Samples], dict[str, np.ndarray]]
    models: Mapping[str, keras.Model]


class Train(Protocol):
    """Builds a model, trains it, and keeps it under a name."""

    def __call__(
        self,
        name: str,
        build: Callable[[], keras.Model],
        choose: Choose = ...,
        *,
        learner: Callable[[keras.Model], GroupedModel] | None = None,
        teachers: Models | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        optimizer: type[keras.optimizers.AdamW] | None = None,
    ) -> keras.Model:
        """Train, unless a model of that name is kept already.

        Args:
            name: Of the kept model.
            build: Makes it, not trained.
            choose: What it learns from, `choose(samples)` of each split.
            learner: Wraps the model for training; by default a `Distiller` without
                teachers: the labels alone.
            teachers: Whose answers come with the training batches, by head.
            callbacks: Of this training.
            optimizer: A subclass of AdamW; AdamW by default.
        """


@dataclass(frozen=True)
class Bench:
    """What controls are made from.

    Args:
        data: The data of the run.
        student: The trained student.
        teachers: `{head: models}`, trained.
        pool: How an ensemble speaks, a name in `pools.POOLS`.
        joint_target: What the fusion head was taught, as in `Distiller`.
        build: Makes a student of the same size and the same first weights, not
            trained: `build(heads=None, fusion=...)`, see `build_student`.
        distil: `distil(student, {head: models})`: a Distiller with the settings of the
            run; where the models are left out (an empty sequence), their answers are
            to come with the batches.
        train: See `Train`.
    """

    data: Splits
    student: keras.Model
    teachers: Mapping[str, list[keras.Model]]
    pool: str
    joint_target: str
    build: Callable[..., keras.Model]
    distil: Callable[[keras.Model, Models], Distiller]
    train: Train

    @property
    def spec(self) -> Spec:
        """The spec of the data."""
        return self.data.spec

    def contender(self, name: str, model: keras.Model) -> Contender:
        """A model that answers by itself."""
        return Contender(partial(predict, model), {name: model})


def complete(samples: Samples) -> Samples:
    """The samples that have every modality."""
    return having(samples, frozenset(samples.spec.names))
