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
from mind_keras.teachers import teacher_logits
from mind_keras.training import fit, fit_teachers


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

    def student(
        self, distiller: Distiller, teachers: Mapping[str, Sequence[keras.Model]]
    ) -> keras.Model:
        """The Distiller's student, on labels and on its teachers' answers."""
        answers = teacher_logits(teachers, self.data.train) if teachers else None
        return self._once(
            "student",
            partial(_itself, distiller.student),
            lambda _: self._fit(distiller, _all, answers=answers),
        )

    def control(
        self,
        name: str,
        build: Callable[[], keras.Model],
        choose: Callable[[Samples], Samples],
    ) -> keras.Model:
        """A model on the labels alone; see `controls.Bench`."""
        task = self.data.spec.task
        return self._once(
            name,
            build,
            lambda model: self._fit(Distiller(model, task=task), choose),
        )

    def _teach(self, head: str, model: keras.Model) -> pd.DataFrame:
        return fit_teachers(
            {head: [model]},
            self.data,
            **self.teacher_budget,
            seed=self.seed,
            callbacks=self.callbacks,
        )

    def _fit(
        self, distiller: Distiller, choose: Callable[[Samples], Samples], **options
    ) -> pd.DataFrame:
        return fit(
            distiller,
            choose(self.data.train),
            choose(self.data.validation),
            **self.budget,
            seed=self.seed,
            callbacks=self.callbacks,
            **options,
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


def _itself(model: keras.Model) -> keras.Model:
    return model


def _all(samples: Samples) -> Samples:
    return samples
