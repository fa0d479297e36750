"""Fitting with early stopping: one way for teachers, students and controls."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mind_keras.data.answers import Answers
from mind_keras.data.batches import batches
from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits
from mind_keras.distiller import Distiller
from mind_keras.grouped import GroupedModel
from mind_keras.modelfile import save_model
from mind_keras.submodels import heads
from mind_keras.teachers import Teacher


def fit(
    learner: GroupedModel,
    train: Samples,
    validation: Samples,
    *,
    epochs: int = 100,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    patience: int = 10,
    answers: Answers | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    optimizer: type[keras.optimizers.AdamW] = keras.optimizers.AdamW,
) -> pd.DataFrame:
    """Train with AdamW, stop early by the validation loss, keep the best weights.

    Args:
        learner: A `Distiller` or another `GroupedModel`. Not compiled; it is compiled
            here with its task's losses.
        train: What to learn from.
        validation: What stops training.
        epochs: At most.
        batch_size: Rows in a batch.
        learning_rate: Of AdamW.
        weight_decay: Of AdamW, decoupled.
        patience: Epochs without a better validation loss before it stops.
        answers: Cached teacher answers for `train`.
        seed: Of the batches' order.
        callbacks: Further ones.
        optimizer: A subclass of AdamW.

    Returns:
        Columns `epoch, metric, value`.

    Warns if patience ended with the first epoch as the best.

    Raises:
        ValueError: If no head has a weight on its labels. If no epoch ended in a finite
            validation loss: such a model would say nothing of anybody, which looks as
            if it could not answer.
    """
    needed = heads(learner.student)
    check_stops(learner)
    stop = keras.callbacks.EarlyStopping(
        "val_loss", mode="min", patience=patience, restore_best_weights=True
    )
    learner.compile(optimizer(learning_rate, weight_decay=weight_decay))
    history = learner.fit(
        batches(train, batch_size, heads=needed, teacher_logits=answers, seed=seed),
        validation_data=batches(validation, batch_size, heads=needed, shuffle=False),
        epochs=epochs,
        callbacks=[stop, keras.callbacks.TerminateOnNaN(), *callbacks],
        verbose=0,
    ).history
    if not np.isfinite(history["val_loss"]).any():
        raise ValueError(
            "Training must reach a finite validation loss. Received: "
            f"{history['val_loss']} at a learning rate of {learning_rate}. Lower the "
            "learning rate, or look for huge values in the rows."
        )
    _warn_of_the_first(learner.student.name, history["val_loss"], patience)
    return pd.DataFrame(
        [
            {"epoch": epoch, "metric": metric, "value": float(value)}
            for metric, values in sorted(history.items())
            for epoch, value in enumerate(values)
        ]
    )


def check_stops(learner: GroupedModel) -> None:
    """Without labels the validation loss would be 0 from the first epoch on."""
    if not any(learner.task_weights.values()):
        raise ValueError(
            "Training is stopped by the labels of validation samples, so some head "
            f"must have a `task_weight` above 0. Received: {learner.task_weights}. "
            "Give a small one, as 0.01, or train by `compile` and `fit` alone."
        )


def _warn_of_the_first(name: str, losses: Sequence[float], patience: int) -> None:
    """What is kept has hardly learnt, though training seems to have gone on."""
    if len(losses) > max(patience, 1) and np.nanargmin(losses) == 0:
        warnings.warn(
            f"The first of {len(losses)} epochs of {name!r} was the best by its "
            "validation loss, and is kept. Lower the learning rate; or, where "
            "BatchNormalization lags behind in short epochs, raise `patience` or lower "
            "`batch_size`.",
            stacklevel=3,
        )


def fit_teachers(
    teachers: Mapping[str, keras.Model | Sequence[keras.Model]],
    data: Splits,
    *,
    epochs: int = 30,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    patience: int = 5,
    folder: str | Path | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> pd.DataFrame:
    """Train each teacher on all samples that have what it reads.

    Not only complete samples: a teacher learns from every row of its modality, and
    is stopped early on the validation rows of it.

    Args:
        teachers: `{head: [model, ...]}`, trained in place; a model alone counts as a
            list of one.
        data: Training and validation samples are used, test samples never.
        epochs, batch_size, learning_rate, weight_decay, patience: As in `fit`.
        folder: Where to save each as `<head>-<k>.keras`; nothing is overwritten.
        seed: Of the batches; each teacher has its own from it.
        callbacks: Further ones, for each teacher.

    Returns:
        Columns `model` (`teacher:<head>:<k>`), `epoch, metric, value`.

    Raises:
        ValueError: If a teacher does not fit its head or is the path of one, or a file
            is there already.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> teachers = {"serum": [mk.build_teacher(data.spec, "serum", units=4)]}
        >>> history = mk.fit_teachers(teachers, data, epochs=1)
        >>> history["model"].unique().tolist()
        ['teacher:serum:0']
    """
    task = data.spec.task
    made = {
        (head, k): Teacher(model, head, task)
        for head, models in sorted(teachers.items())
        for k, model in enumerate(_untrained(head, models))
    }
    paths = {key: _path(folder, *key) for key in made if folder is not None}
    frames = []
    for number, ((head, k), teacher) in enumerate(made.items()):
        history = fit(
            Distiller(teacher.answering, task=task),
            having(data.train, teacher.needs),
            having(data.validation, teacher.needs),
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            patience=patience,
            seed=seed + number,
            callbacks=callbacks,
        )
        frames.append(history.assign(model=f"teacher:{head}:{k}"))
        if paths:
            save_model(teacher.model, paths[head, k])
    return pd.concat(frames, ignore_index=True)[["model", "epoch", "metric", "value"]]


def having(samples: Samples, modalities: frozenset) -> Samples:
    """The samples that have all these modalities, with these alone."""
    all_of_them = np.all([samples.has(name) for name in sorted(modalities)], axis=0)
    if not all_of_them.any():
        raise ValueError(
            f"To learn from {sorted(modalities)} takes samples that have all of them. "
            "Received: none in a split."
        )
    return samples.take(np.flatnonzero(all_of_them)).only(*sorted(modalities))


def _untrained(head: str, models: keras.Model | Sequence) -> list[keras.Model]:
    alone = isinstance(models, keras.Model | str | Path)
    models = [models] if alone else list(models)
    saved = [str(model) for model in models if isinstance(model, str | Path)]
    if saved:
        raise ValueError(
            "A teacher in a file is already trained; here, models are trained. "
            f"Received for {head!r}: {saved}. Give files to `mk.Distiller` as they "
            "are; to go on training, give `keras.saving.load_model(path)`."
        )
    return models


def _path(folder: str | Path | None, head: str, k: int) -> Path:
    path = Path(folder) / f"{head}-{k}.keras"
    if path.exists():
        raise ValueError(f"Teachers are not overwritten. Received: {path} exists.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
