"""What `fit` is given, checked before any work is lost."""

from collections.abc import Mapping

import keras
import numpy as np

from mind_keras.data.batches import Batches
from mind_keras.data.checks import check_labels, check_modality
from mind_keras.data.presence import Presence
from mind_keras.data.prior import check_classes, label_prior
from mind_keras.spec import Modality, Task


def check_data(x: object, inputs: Mapping[str, object], task: Task) -> object:
    """Batches and plain arrays that fit the student; other data sets pass.

    Args:
        x: What `fit` is given as `x`.
        inputs: The student's inputs by modality.
        task: The Distiller's.

    Returns:
        `x`, a bare array named where the student has one input.
    """
    if isinstance(x, Presence):
        raise ValueError(
            "`fit` takes batches. Received: samples. Make them with "
            "`mk.batches(samples)`."
        )
    if isinstance(x, Batches):
        x.check_fits(task, frozenset(inputs))
        return x
    if isinstance(x, np.ndarray) and len(inputs) == 1:
        x = {next(iter(inputs)): x}
    if isinstance(x, np.ndarray | list | tuple):
        raise ValueError(
            f"`x` must be a dict of the modalities {sorted(inputs)}. Received: "
            f"{type(x).__name__}."
        )
    if isinstance(x, Mapping):
        _check_arrays(x, inputs)
    return x


def _check_arrays(x: Mapping, inputs: Mapping[str, object]) -> None:
    if set(x) != set(inputs):
        raise ValueError(
            f"Plain arrays must be given for each modality the student reads, "
            f"{sorted(inputs)}. Received: {sorted(x)}. Where samples lack a modality, "
            "use `mk.batches`."
        )
    for name, array in x.items():
        if isinstance(array, np.ndarray):
            shape = tuple(inputs[name].shape[1:])
            every = np.arange(len(array))
            check_modality(array, every, Modality(name, shape), len(array))


def prior_of(x: object, y: object, task: Task) -> np.ndarray:
    """The frequency of each label in what `fit` is given, `(labels,)`."""
    if isinstance(x, Batches):
        check_classes(x.samples.y, task)
        return x.samples.prior
    labels = next(iter(y.values())) if isinstance(y, Mapping) else y
    if labels is None:
        raise ValueError(
            "The product of beliefs needs the frequency of each label. Received: data "
            f"of type {type(x).__name__}, from which it cannot be read before "
            "training. Give `prior=` to the Distiller."
        )
    labels = check_labels(keras.ops.convert_to_numpy(labels), task)
    check_classes(labels, task)
    return label_prior(labels, task)


def check_prior(prior: object, task: Task) -> np.ndarray:
    """A prior that was given: one frequency for each label."""
    values = np.asarray(prior, "float64")
    if values.shape != (task.outputs,) or not ((values > 0) & (values < 1)).all():
        raise ValueError(
            f"`prior` must hold a frequency between 0 and 1 for each of the "
            f"{task.outputs} labels. Received: {prior}."
        )
    return values
