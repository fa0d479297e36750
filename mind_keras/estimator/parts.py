"""Samples to learn from and samples that stop it, of what an estimator is given."""

from collections.abc import Sequence

import numpy as np
from sklearn.utils.validation import check_consistent_length

from mind_keras.data.checks import check_names
from mind_keras.data.samples import Samples
from mind_keras.data.split import split_index
from mind_keras.estimator.learning import Parts
from mind_keras.estimator.rows import Rows, fill_gaps, has_row, medians
from mind_keras.estimator.targets import Targets
from mind_keras.spec import Modality, Spec


def held_back(
    rows: Rows,
    target: Targets,
    groups: Sequence | None,
    weight: Sequence | None,
    *,
    fraction: float,
    fill: bool,
    seed: int,
) -> tuple[Parts, dict[str, np.ndarray]]:
    """Training and validation samples, and the medians that fill gaps in rows.

    Args:
        rows: `{modality: (n, *shape)}`, NaN where nothing is known.
        target: Labels of the `n` samples.
        groups: Patient of each; none is in both parts. None: each is its own.
        weight: Of each in the losses.
        fraction: Share of the groups that is held back.
        fill: Whether gaps are filled, by medians of the training rows.
        seed: Another seed, another split.

    Raises:
        ValueError: As in `Samples`, or if there are gaps that are not to be filled.
    """
    check_consistent_length(*rows.values(), target.y, groups, weight)
    size = len(target.y)
    group = check_names("group", np.arange(size) if groups is None else groups, size)
    stratified = target.task.kind != "multilabel"
    stratum = target.y if stratified else np.zeros(size)
    # A split has three parts; here two of them, equal ones, are one.
    shares = (1 - fraction, fraction / 2, fraction / 2)
    train, *rest = split_index(group, stratum, fractions=shares, seed=seed)
    validation = np.sort(np.concatenate(rest))
    if not len(train) or not len(validation):
        raise ValueError(
            "Samples for training and for validation must remain. Received: "
            f"n_samples = {size} in {len(np.unique(group))} groups, of which "
            f"{fraction:g} is held back. Give more, or change `validation_fraction`."
        )
    known = {name: array[train] for name, array in rows.items()}
    middle = medians(known) if fill else {}
    rows = fill_gaps(rows, middle)
    spec = Spec(target.task, tuple(Modality(m, r.shape[1:]) for m, r in rows.items()))
    there = {name: has_row(array) for name, array in rows.items()}
    x = {name: array[there[name]] for name, array in rows.items()}
    samples = Samples.from_arrays(
        spec, x, target.y, present=there, group=group, weight=weight
    )
    return Parts(samples.take(train), samples.take(validation)), middle
