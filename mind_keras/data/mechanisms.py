"""What the chance to lose a modality depends on.

A mechanism is a function `(samples, on, removed) -> (n,)` scores: the higher, the
likelier the loss; `on` names a column, `removed` the modalities with a rate. The
names are Rubin's (1976), https://doi.org/10.1093/biomet/63.3.581.
To add a mechanism: write the function, name it in `MECHANISMS`.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from mind_keras.data.samples import Samples


def by_chance(samples: Samples, on: str | None, removed: Collection[str]) -> np.ndarray:
    """MCAR: nothing matters."""
    if on is not None:
        raise ValueError(f"'mcar' depends on no column. Received: on={on!r}.")
    return np.zeros(len(samples))


def by_observed(
    samples: Samples, on: str | None, removed: Collection[str]
) -> np.ndarray:
    """MAR: a column matters that is known for everybody, also afterwards."""
    return column(samples, on, modalities=set(samples.spec.names) - set(removed))


def by_label(samples: Samples, on: str | None, removed: Collection[str]) -> np.ndarray:
    """MNAR: the class index or number of positive labels, or a column, matters."""
    if on is not None:
        return column(samples, on, modalities=samples.spec.names)
    return np.nan_to_num(samples.y.reshape(len(samples), -1)).sum(axis=1)


MECHANISMS = {"mcar": by_chance, "mar": by_observed, "mnar": by_label}


def column(
    samples: Samples, on: str | None, *, modalities: Collection[str]
) -> np.ndarray:
    """A column of `meta`, or a feature of a table that everybody has, `(n,)` floats.

    Args:
        samples: Where to look.
        on: The column's name; a feature's is `modality.feature`.
        modalities: Whose features may be used.
    """
    known = {} if samples.meta is None else dict(samples.meta.items())
    for name in sorted(modalities):
        known = _features(samples, name) | known
    if on not in known:
        raise ValueError(
            "`on` must be a column of `meta`, or `modality.feature` of a table that "
            "all samples have and, for 'mar', keep. "
            f"Received: {on!r}. Known: {sorted(known)}."
        )
    values = pd.to_numeric(pd.Series(known[on]), errors="coerce").to_numpy(float)
    if np.isnan(values).any():
        raise ValueError(
            f"Column {on!r} must be a number for every sample. Received: "
            f"{np.isnan(values).sum()} that are missing or no number."
        )
    return values


def _features(samples: Samples, name: str) -> dict[str, np.ndarray]:
    """`{modality.feature: (n,)}` of a table that everybody has."""
    modality = samples.spec.modality(name)
    if len(modality.shape) != 1 or not samples.has(name).all():
        return {}
    table = samples.x[name][samples.rows_of(name, slice(None))]
    features = modality.features or range(modality.shape[0])
    return {f"{name}.{f}": table[:, k] for k, f in enumerate(features)}
