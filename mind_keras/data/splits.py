"""Splits: training, validation and test samples that share no patient."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.prior import check_classes
from mind_keras.data.samples import Samples
from mind_keras.spec import Spec

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Splits:
    """The three parts of a data set.

    Args:
        train: What models learn from.
        validation: What stops training and chooses; never reported as a result.
        test: What is reported, once.
        preprocessing: What was done to raw rows, so that it can be done to new ones.
        documents: `{file name: text}` on how the data were made, for the run folder.

    Raises:
        ValueError: If specs differ, a patient or an id is in two splits, or the
            training split lacks a class.

    Example:
        >>> from mind_keras.data.sources import load
        >>> data = load("diabetes")
        >>> data.spec.names
        ('serum', 'vitals')
    """

    train: Samples
    validation: Samples
    test: Samples
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    documents: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, samples in self.items():
            if samples.spec != self.train.spec:
                raise ValueError(
                    "All splits must have one spec. Received: train has "
                    f"{self.train.spec}, {name} has {samples.spec}."
                )
        for column in ("group", "id"):
            self._check_disjoint(column)
        check_classes(self.train.y, self.spec.task)

    @property
    def spec(self) -> Spec:
        """The spec of all three."""
        return self.train.spec

    def items(self) -> list[tuple[str, Samples]]:
        """`(name, samples)` in the order train, validation, test."""
        return [(name, getattr(self, name)) for name in SPLITS]

    def _check_disjoint(self, column: str) -> None:
        for i, first in enumerate(SPLITS):
            for second in SPLITS[i + 1 :]:
                a = getattr(getattr(self, first), column)
                b = getattr(getattr(self, second), column)
                # As text: patient 7 is patient "7".
                shared = sorted(set(a.astype(str)) & set(b.astype(str)))
                if shared:
                    raise ValueError(
                        f"No {column} may be in two splits: it would leak from one to "
                        f"the other. Received: {len(shared)} in both {first} and "
                        f"{second}, e.g. {', '.join(shared[:3])}. Split by patient, "
                        "and give `id=` and `group=` when you make `Samples`."
                    )

    def availability(self) -> pd.DataFrame:
        """How many samples and groups of each split have which pattern."""
        rows = [
            {
                "split": name,
                "pattern": pattern,
                "samples": len(index),
                "groups": len(np.unique(samples.group[index])),
            }
            for name, samples in self.items()
            for pattern, index in samples.patterns.items()
        ]
        return pd.DataFrame(rows)
