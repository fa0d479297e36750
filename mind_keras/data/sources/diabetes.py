"""442 patients with diabetes: will the disease progress fast within a year?

Vital signs and demographics (age, sex, body mass index, mean blood pressure) on one
side, six blood serum measurements on the other. Real data, shipped with scikit-learn:
Efron, Hastie, Johnstone & Tibshirani (2004), Least angle regression, Annals of
Statistics 32(2). https://doi.org/10.1214/009053604000000067
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes

from mind_keras.data.prepare import prepare
from mind_keras.data.samples import Samples
from mind_keras.data.split import FRACTIONS, split_index
from mind_keras.data.splits import Splits
from mind_keras.spec import Modality, Spec, Task

SPEC = Spec(
    Task("progression", kind="binary", labels=("progression",)),
    (
        Modality("vitals", (4,), features=("age", "sex", "bmi", "bp")),
        Modality("serum", (6,), features=("s1", "s2", "s3", "s4", "s5", "s6")),
    ),
)


def load(
    *,
    seed: int = 0,
    missing: Mapping | None = None,
    fractions: Sequence[float] = FRACTIONS,
) -> Splits:
    """The patients as `Splits`; `id` is the row number in scikit-learn's table.

    The label is 1 where the progression score one year after baseline is above the
    75th percentile of the training patients. `meta` has `age` (years), `sex`
    (coded 1 and 2, as in the source) and `target` (the score).

    Args:
        seed: Another seed, another split and another removal.
        missing: How modalities are removed; see `sources.load`.
        fractions: Shares of training, validation and test.

    Example:
        >>> len(load().train), round(float(load().train.prior[0]), 2)
        (265, 0.25)
    """
    table = load_diabetes(scaled=False, as_frame=True).frame
    target = table["target"].to_numpy()
    index = split_index(
        table.index, pd.qcut(target, 4, labels=False), fractions=fractions, seed=seed
    )
    samples = Samples.from_arrays(
        SPEC,
        {m.name: table[list(m.features)].to_numpy() for m in SPEC.modalities},
        target > np.percentile(target[index[0]], 75),
        id=table.index,
        meta=table[["age", "sex", "target"]],
    )
    return prepare([samples.take(part) for part in index], missing=missing, seed=seed)
