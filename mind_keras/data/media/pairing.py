"""Things of the same class put together, by chance but reproducibly."""

from collections.abc import Mapping

import numpy as np


def pair_by_class(
    labels: Mapping[str, np.ndarray], per_class: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Row numbers for samples of which each has one thing of every modality.

    Within a modality a thing occurs again only where a class has fewer of them than
    `per_class`, and then all occur equally often, give or take one.

    Args:
        labels: `{modality: class of each thing, (n_m,)}`.
        per_class: Samples of each class that all modalities have.
        rng: For who meets whom.

    Returns:
        `{modality: (samples,)}`, class after class, in the order of the classes.

    Raises:
        ValueError: If a class is missing in one of the modalities.

    Example:
        >>> labels = {"a": np.array([0, 1, 1]), "b": np.array([1, 0, 0])}
        >>> pairs = pair_by_class(labels, 1, np.random.default_rng(0))
        >>> labels["a"][pairs["a"]].tolist(), labels["b"][pairs["b"]].tolist()
        ([0, 1], [0, 1])
    """
    every = {value for column in labels.values() for value in np.unique(column)}
    pairs = {}
    for name in sorted(labels):
        column, chosen = labels[name], []
        for value in sorted(every):
            things = np.flatnonzero(column == value)
            if not len(things):
                raise ValueError(
                    "Every class must occur in every modality of a split. Received: no "
                    f"{name!r} of class {value!r}. Take more of them, or fewer classes."
                )
            rounds = -(-per_class // len(things))
            turns = [rng.permutation(things) for _ in range(rounds)]
            chosen.append(np.concatenate(turns)[:per_class])
        pairs[name] = np.concatenate(chosen)
    return pairs
