"""Subgroups of samples by a column of their metadata: values, or bands of numbers.

A number is cut at given edges, or at its quartiles if it has more than `FEW` different
values; every other value is a subgroup of its own. Samples without a value are the
subgroup `"unknown"`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from mind_keras.data.samples import Samples

UNKNOWN = "unknown"
FEW = 6
MOST = 30  # Different values of a column, beyond which it is not of subgroups.

Columns = Mapping[str, Sequence[float] | None]


def check_columns(columns: Columns, samples: Samples) -> None:
    """Refuse, before any work, columns that do not make subgroups.

    Args:
        columns: `{column of samples.meta: edges, or None}`.
        samples: With `meta`.

    Raises:
        ValueError: If a column is unknown or has too many values, or edges do not rise
            or are of a column that is no number.

    Example:
        >>> from mind_keras.data.sources import load
        >>> check_columns({"sex": None, "age": [45, 65]}, load("diabetes").test)
    """
    known = [] if samples.meta is None else [str(name) for name in samples.meta]
    unknown = sorted(set(columns) - set(known))
    if unknown:
        raise ValueError(
            f"Subgroups must be by columns of the samples' `meta`. Received: {unknown}."
            f" Known: {known}."
        )
    for name, edges in columns.items():
        values, numeric = samples.meta[name], _is_number(samples.meta[name])
        if edges is not None:
            _check_edges(name, edges, numeric)
        elif not numeric and values.nunique() > MOST:
            raise ValueError(
                f"A column of subgroups must have at most {MOST} different values. "
                f"Received: {values.nunique()} in {name!r}. Is it a name or an id?"
            )


def subgroups_of(
    values: pd.Series, edges: Sequence[float] | None = None
) -> dict[str, np.ndarray]:
    """The samples of each subgroup, in the order of the values, unknown last.

    Args:
        values: A column of `samples.meta`, `(n,)`.
        edges: Where to cut numbers, rising; a band begins at its edge.

    Returns:
        `{subgroup: indices}`; a subgroup without samples is left out.

    Example:
        >>> age = pd.Series([30.0, 45, 70, np.nan])
        >>> {k: i.tolist() for k, i in subgroups_of(age, [45, 65]).items()}
        {'under 45': [0], '45 to 65': [1], '65 and over': [2], 'unknown': [3]}
        >>> list(subgroups_of(pd.Series(["m", "f", "m"])))
        ['f', 'm']
    """
    numeric, missing = _is_number(values), values.isna().to_numpy()
    if edges is None and numeric and values.nunique() > FEW:
        edges = np.unique(
            np.quantile(values[~missing].astype(float), [0.25, 0.5, 0.75])
        )
    if edges is not None:
        # A NaN comes behind all edges; it is taken out below.
        code = np.searchsorted(edges, values.to_numpy(float, na_value=np.nan), "right")
        names = _names(edges)
    else:
        code, names = pd.factorize(values if numeric else values.map(str), sort=True)
        names = [f"{name:.6g}" if numeric else name for name in names]
    found = {
        name: np.flatnonzero((code == k) & ~missing) for k, name in enumerate(names)
    }
    said = found.pop(UNKNOWN, np.arange(0))
    found[UNKNOWN] = np.union1d(said, np.flatnonzero(missing))
    return {name: index for name, index in found.items() if len(index)}


def _names(edges: Sequence[float]) -> list[str]:
    text = [f"{edge:.6g}" for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(text)]
    return [f"under {text[0]}", *between, f"{text[-1]} and over"]


def _is_number(values: pd.Series) -> bool:
    numeric = pd.api.types.is_numeric_dtype(values)
    return numeric and not pd.api.types.is_bool_dtype(values)


def _check_edges(name: str, edges: Sequence[float], numeric: bool) -> None:
    if not numeric:
        raise ValueError(
            f"Only numbers are cut in bands. Received: edges {list(edges)} for "
            f"{name!r}, which holds other values. Leave the edges out."
        )
    rising = np.all(np.diff(edges) > 0) and np.all(np.isfinite(edges))
    if not len(edges) or not rising:
        raise ValueError(
            f"Edges must be finite numbers that rise, at least one. Received: "
            f"{list(edges)} for {name!r}."
        )
