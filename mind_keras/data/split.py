"""One set of samples cut into training, validation and test by seed.

Groups (patients) are what is drawn, so none is in two parts.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mind_keras.data.samples import Samples
from mind_keras.data.splits import SPLITS

FRACTIONS = (0.6, 0.2, 0.2)


def split(
    samples: Samples, *, fractions: Sequence[float] = FRACTIONS, seed: int = 0
) -> tuple[Samples, Samples, Samples]:
    """Training, validation and test samples, for `Splits(*split(samples))`.

    Binary and multiclass labels are about as frequent in each part as in the whole:
    a group counts with the label of its first sample.

    Args:
        samples: All samples.
        fractions: Share of the groups in training, validation and test; sum 1.
        seed: Another seed, another split.

    Raises:
        ValueError: If the fractions are not three positive numbers of sum 1, or a
            part is left without a sample.

    Example:
        >>> from mind_keras.data.splits import Splits
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> task = Task("death", kind="binary", labels=("death",))
        >>> spec = Spec(task, (Modality("a", (1,)),))
        >>> samples = Samples(spec, y=[0, 1] * 10, x={"a": np.zeros((20, 1))})
        >>> [(name, len(part)) for name, part in Splits(*split(samples)).items()]
        [('train', 12), ('validation', 4), ('test', 4)]
    """
    stratified = samples.spec.task.kind != "multilabel"
    label = samples.y.reshape(-1) if stratified else np.zeros(len(samples))
    parts = split_index(samples.group, label, fractions=fractions, seed=seed)
    return tuple(samples.take(part) for part in parts)


def split_index(
    group: np.ndarray,
    stratum: np.ndarray,
    *,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> tuple[np.ndarray, ...]:
    """The sample numbers of each part, ascending.

    Args:
        group: What must not cross parts, `(n,)`.
        stratum: What each part has in like shares, `(n,)`; a group counts with its
            first sample.
        fractions: Share of the groups in each part; sum 1.
        seed: Another seed, another split.

    Example:
        >>> train, validation, test = split_index([7, 7, 8, 9], [0, 0, 0, 0])
        >>> len(train) + len(validation) + len(test)
        4
    """
    fractions = check_fractions(fractions)
    rng = np.random.default_rng(seed)
    code, groups = pd.factorize(np.asarray(group))
    first = np.unique(code, return_index=True)[1]
    stratum_of = np.asarray(stratum)[first]
    part_of = np.empty(len(groups), int)
    for value in np.unique(stratum_of):
        members = rng.permutation(np.flatnonzero(stratum_of == value))
        cuts = np.rint(np.cumsum(fractions)[:-1] * len(members)).astype(int)
        for part, chosen in enumerate(np.split(members, cuts)):
            part_of[chosen] = part
    return tuple(np.flatnonzero(part_of[code] == part) for part in range(3))


def check_fractions(fractions: Sequence[float]) -> np.ndarray:
    """Shares of train, validation and test, all positive, of sum 1."""
    fractions = np.asarray(fractions, float)
    one = np.isclose(fractions.sum(), 1)
    if fractions.shape != (len(SPLITS),) or fractions.min() <= 0 or not one:
        raise ValueError(
            f"`fractions` must be positive shares of {SPLITS} with the sum 1. "
            f"Received: {fractions.tolist()}."
        )
    return fractions
