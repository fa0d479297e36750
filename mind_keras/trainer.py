"""Trains each model of a run once: what the run folder holds already is loaded.

A model is always used as read back from its file, so that a run that was interrupted
and one that was not go on from the same numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import keras
import pandas as pd

from mind_keras.artifact import Run
from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits
from mind_keras.distiller import Distiller
from mind_keras.grouped import GroupedModel
from mind_keras.spec import FUSION
from mind_keras.stacking import fit_joint_teacher
from mind_keras.teachers import teacher_logits
from mind_keras.training import fit, fit_teachers


def _itself(given: object) -> object:
    return given


@dataclass(frozen=True)
class Trainer:
    """What all models of a run have in common.

    Args:
        data: Training samples teach, validation samples stop.
        run: Where models are kept.
        budget: Arguments of `training.fit`, for student and controls.
        teacher_budget: The same, for teachers.
        seed: Of the batches.
        callbacks: Of every training.
    """

    data: Splits
    run: Run
    budget: Mapping[str, float]
    teacher_budget: Mapping[str, float]
    seed: int
    callbacks: Sequence[keras.callbacks.Callback] = field(default=())

    def teachers(
        self, teachers: Mapping[str, Sequence[keras.Model]]
    ) -> dict[str, list[keras.Model]]:
        """All teachers, each on every sample that has its modality."""
        return {
            head: [
                self._once(
                    f"teacher:{head}:{k}",
                    partial(_itself, model),
                    partial(self._teach, head),
                )
                for k, model in enumerate(models)
            ]
            for head, models in sorted(teachers.items())
        }

    def joint_teacher(
        self, teachers: Mapping[str, Sequence[keras.Model]], pool: str
    ) -> keras.Model:
        """The teacher of the fusion head, made of all others."""
        return self._once(
            f"teacher:{FUSION}:0",
            partial(fit_joint_teacher, teachers, self.data, pool=pool),
            lambda _: pd.DataFrame(columns=["epoch", "metric", "value"]),
        )

    def student(
        self,
        distiller: Distiller,
        teachers: Mapping[str, Sequence[keras.Model]],
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> keras.Model:
        """The Distiller's student, on labels and on its teachers' answers."""
        return self.train(
            "student",
            partial(_itself, distiller.student),
            learner=lambda _: distiller,
            teachers=teachers,
            callbacks=callbacks,
        )

    def train(
        self,
        name: str,
        build: Callable[[], keras.Model],
        choose: Callable[[Samples], Samples] = _itself,
        *,
        learner: Callable[[keras.Model], GroupedModel] | None = None,
        teachers: Mapping[str, Sequence[keras.Model]] | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        optimizer: type[keras.optimizers.AdamW] | None = None,
    ) -> keras.Model:
        """A model on the budget of the student; see `controls.bench.Train`."""
        learner = learner or partial(Distiller, task=self.data.spec.task)

        def learn(model: keras.Model) -> pd.DataFrame:
            train = choose(self.data.train)
            return fit(
                learner(model),
                train,
                choose(self.data.validation),
                **self.budget,
                answers=teacher_logits(teachers, train) if teachers else None,
                seed=self.seed,
                callbacks=[*self.callbacks, *callbacks],
                optimizer=optimizer or keras.optimizers.AdamW,
            )

        return self._once(name, build, learn)

    def _teach(self, head: str, model: keras.Model) -> pd.DataFrame:
        return fit_teachers(
            {head: [model]},
            self.data,
            **self.teacher_budget,
            seed=self.seed,
            callbacks=self.callbacks,
        )

    def _once(
        self,
        name: str,
        build: Callable[[], keras.Model],
        learn: Callable[[keras.Model], pd.DataFrame],
    ) -> keras.Model:
        if not self.run.file_of(name).is_file():
            model = build()
            self.run.keep(name, model, learn(model))
        return self.run.model(name)
