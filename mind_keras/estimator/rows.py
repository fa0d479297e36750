"""What people hand to a scikit-learn estimator, as rows by modality, and back.

A table (a DataFrame or an array of two axes) is cut into modalities by its columns. A
dict of arrays, or one array with a field for each modality (`records`), holds them
already. A sample lacks a modality where its whole row is NaN. To accept another
container: a branch in `read_rows`.
"""

import inspect
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array

Rows = dict[str, np.ndarray]
TABLE = "table"
# scikit-learn 1.6 renamed the argument.
_FINITE = next(n for n in inspect.signature(check_array).parameters if "finite" in n)


def records(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Modalities of any shapes as one array, which scikit-learn can cut into folds.

    Args:
        arrays: `{modality: (n, *shape)}`, NaN rows where a sample lacks it.

    Returns:
        A structured array, `(n,)`, with a field for each modality.

    Raises:
        ValueError: If the arrays hold different numbers of samples.

    Example:
        >>> X = records({"ehr": np.zeros((3, 48, 76)), "age": np.ones((3, 1))})
        >>> X.shape, X[[0, 2]]["ehr"].shape
        ((3,), (2, 48, 76))
    """
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    _check_sizes(arrays)
    fields = [(name, array.dtype, array.shape[1:]) for name, array in arrays.items()]
    found = np.empty(len(next(iter(arrays.values()))), fields)
    for name, array in arrays.items():
        found[name] = array
    return found


def read_rows(given: object, modalities: Mapping[str, Sequence] | None) -> Rows:
    """`{modality: (n, *shape)}`, NaN where nothing is known.

    Args:
        given: A DataFrame, an array `(n, features)`, `{modality: (n, *shape)}`, or an
            array with a field for each modality.
        modalities: `{modality: columns}` of a table: names of a DataFrame, else
            positions; columns that none of them names are not read. None: one
            modality, `"table"`, of all columns.

    Raises:
        ValueError: If a column does not exist, or columns are named where `X` is no
            table; and as scikit-learn's `check_array`.

    Example:
        >>> X = np.array([[1.0, 2.0, 3.0], [4.0, np.nan, np.nan]])
        >>> rows = read_rows(X, {"a": [0], "b": [1, 2]})
        >>> rows["b"].shape, has_row(rows["b"]).tolist()
        ((2, 2), [True, False])
    """
    if (names := _fields(given)) is not None:
        return _read_arrays(given, names, modalities)
    if modalities is None:
        return {TABLE: _numbers(given)}
    if not modalities:
        raise ValueError("`modalities` must name one at least. Received: none.")
    if isinstance(given, pd.DataFrame):
        _check_columns(modalities, list(given.columns), "names of columns of `X`")
        return {m: _numbers(given[list(c)]) for m, c in modalities.items()}
    table = _numbers(given)
    _check_columns(
        modalities,
        range(table.shape[1]),
        "positions of columns, since `X` has no names",
    )
    return {m: table[:, list(columns)] for m, columns in modalities.items()}


def known_shape(estimator: BaseEstimator, given: object, *, reset: bool) -> None:
    """Note number and names of a table's columns, or compare with those noted.

    Args:
        estimator: Has `n_features_in_` and `feature_names_in_` from then on.
        given: As in `read_rows`.
        reset: Note, as in `fit`; else compare.

    Raises:
        ValueError: If they differ, in the words of scikit-learn.
    """
    if _fields(given) is not None:
        return
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:  # Before 1.6 the estimator had methods for it.
        estimator._check_feature_names(given, reset=reset)
        estimator._check_n_features(given, reset=reset)
    else:
        validate_data(estimator, given, reset=reset, skip_check_array=True)


def has_row(rows: np.ndarray) -> np.ndarray:
    """Which samples have the modality, `(n,)`: not all of their row is NaN."""
    return ~_gaps(rows).reshape(len(rows), -1).all(axis=1)


def medians(rows: Rows) -> dict[str, np.ndarray]:
    """The median of each number of each modality over rows that have it."""
    found = {}
    for name, array in rows.items():
        known = array[has_row(array)]
        never = _gaps(known).all(axis=0)
        if not len(known) or never.any():
            raise ValueError(
                "Each column must have been measured in some training sample, to have "
                f"a median. Received: {never.sum()} columns of modality {name!r} "
                f"without one, {len(known)} training samples that have the modality. "
                "Leave them out of `modalities`."
            )
        found[name] = np.nanmedian(known, axis=0)
    return found


def fill_gaps(rows: Rows, middle: Mapping[str, np.ndarray]) -> Rows:
    """The same rows with partly known ones filled; unknown rows stay so.

    Args:
        rows: Of `read_rows`.
        middle: Of `medians`; empty: gaps are refused.

    Raises:
        ValueError: If there are gaps and nothing to fill them with.
    """
    filled = {}
    for name, array in rows.items():
        partly = _gaps(array) & _along(has_row(array), array)
        if partly.any() and not middle:
            raise ValueError(
                "A sample must have all numbers of a modality, or none (all NaN: it "
                f"lacks the modality). Received: NaN in part of {name!r} for "
                f"{partly.reshape(len(array), -1).any(axis=1).sum()} samples. Fill "
                'them, or say `gaps="median"`: by the median of the training rows.'
            )
        filled[name] = np.where(partly, middle[name], array) if partly.any() else array
    return filled


def _fields(given: object) -> list[str] | None:
    """The modalities that `X` holds already; None for a table."""
    if isinstance(given, np.ndarray):
        return list(given.dtype.names) if given.dtype.names else None
    # A sparse matrix of keys is a mapping too.
    holds = isinstance(given, Mapping) and not issparse(given)
    return list(given) if holds else None


def _read_arrays(given: Mapping, names: Sequence[str], modalities: object) -> Rows:
    if modalities is not None:
        raise ValueError(
            "`modalities` says which columns of a table belong together. Received it "
            f"for `X` that holds modalities already: {list(names)}. Leave it out."
        )
    arrays = {name: np.asarray(given[name]) for name in names}
    _check_sizes(arrays)
    return arrays


def _check_sizes(arrays: Rows) -> None:
    sizes = {name: len(array) for name, array in arrays.items()}
    if len(set(sizes.values())) != 1:
        raise ValueError(
            "Each modality must have a row for each sample, NaN where a sample lacks "
            f"it. Received: rows {sizes}."
        )


def _check_columns(modalities: Mapping, known: Sequence, what: str) -> None:
    for name, columns in modalities.items():
        unknown = [column for column in columns if column not in known]
        if unknown or not len(columns):
            raise ValueError(
                f"`modalities[{name!r}]` must hold {what}. Received: "
                f"{list(columns)}, of which unknown {unknown}. Known: {list(known)}."
            )


def _numbers(table: object) -> np.ndarray:
    return check_array(table, dtype="float64", **{_FINITE: "allow-nan"})


def _gaps(rows: np.ndarray) -> np.ndarray:
    """Where nothing is known; whole numbers, as of pixels, are always known."""
    return np.isnan(rows) if rows.dtype.kind == "f" else np.zeros(rows.shape, bool)


def _along(mask: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return mask.reshape(-1, *[1] * (rows.ndim - 1))
