"""The one number that a search compares: of validation samples, by the head `best`.

It is the headline metric of the task, as reports have it of test samples.
"""

import keras
import numpy as np

from mind_keras.balance import head_values, measure
from mind_keras.data.samples import Samples
from mind_keras.prediction import predict
from mind_keras.spec import BEST


def verdict(student: keras.Model, samples: Samples) -> tuple[str, float]:
    """The headline metric of a student, and its name.

    Args:
        student: As in `predict`; it must answer every sample.
        samples: Labelled ones, by custom of the validation split.

    Returns:
        `("auroc", 0.8)`, say; higher is better. NaN where it is undefined.

    Raises:
        ValueError: If the student cannot answer some of the samples: another student,
            that answers others, would not compare.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> student = mk.build_student(data.spec, {"serum": "mlp", "vitals": "mlp"})
        >>> verdict(student, data.validation)[0]
        'auroc'
    """
    metric = measure(None, samples.spec.task)
    said = predict(student, samples)[BEST]
    silent = int(np.isnan(said[:, 0]).sum())
    if silent:
        raise ValueError(
            "Students are compared on samples that all of them answer. Received: one "
            f"that cannot answer {silent} of {len(samples)}. Give it a head for each "
            "modality."
        )
    values, _ = head_values({BEST: said}, samples, np.arange(len(samples)), metric)
    return metric, values[BEST]
