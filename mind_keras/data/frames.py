"""A user's pandas tables, joined on an id column, to the arguments of `Samples`.

The labels' frame says which samples there are; a modality's frame may list fewer
samples, in any order, and others, which are ignored.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from mind_keras.spec import Modality, Spec, Task


def read_frames(
    spec: Spec,
    frames: Mapping[str, pd.DataFrame],
    labels: pd.DataFrame,
    *,
    on: str,
    label_columns: Iterable[str] | None,
    group: str | None,
    weight: str | None,
    meta: Iterable[str],
) -> dict:
    """The arguments of `Samples`; see `Samples.from_frames`."""
    if label_columns is None:
        multiclass = spec.task.kind == "multiclass"
        label_columns = (spec.task.name,) if multiclass else spec.task.labels
    label_columns, meta = list(label_columns), list(meta)
    single = [name for name in (group, weight) if name is not None]
    _check_columns(labels, [on, *label_columns, *single, *meta], "`labels`")
    ids = _unique_ids(labels, on, "`labels`")
    x, rows = {}, {}
    for name, frame in frames.items():
        x[name], rows[name] = _read_modality(frame, spec.modality(name), on, ids)
    return {
        "y": _read_labels(labels, label_columns, spec.task),
        "x": x,
        "rows": rows,
        "id": ids.to_numpy(),
        "group": None if group is None else labels[group].to_numpy(),
        "weight": None
        if weight is None
        else _numbers(labels, [weight], "`labels`")[:, 0],
        "meta": labels[meta] if meta else None,
    }


def _read_modality(
    frame: pd.DataFrame, modality: Modality, on: str, ids: pd.Index
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the samples that have the modality, and which samples these are."""
    owner = f"The frame of modality {modality.name!r}"
    columns = _feature_columns(frame, modality, on)
    found = _unique_ids(frame, on, owner)
    sample = ids.get_indexer(found)
    if len(found) and (sample < 0).all():
        raise ValueError(
            f"{owner} must share ids with `labels`. Received none in common in column "
            f"{on!r}: {found[:3].tolist()} ({found.dtype}) there, {ids[:3].tolist()} "
            f"({ids.dtype}) in `labels`. Make both of one dtype."
        )
    values = _numbers(frame, columns, owner)
    gaps = np.isnan(values)
    kept = (sample >= 0) & ~gaps.all(axis=1)
    partly = gaps[kept].sum(axis=0)
    if partly.any():
        counts = {c: int(k) for c, k in zip(columns, partly, strict=True) if k}
        raise ValueError(
            f"{owner} must have all features of a sample, or none. Received NaN in "
            f"part of a row, so many times per column: {counts}. Fill these gaps, or "
            "drop the rows."
        )
    order = np.argsort(sample[kept])
    return values[kept][order], sample[kept][order]


def _feature_columns(frame: pd.DataFrame, modality: Modality, on: str) -> list[str]:
    """The feature columns of a modality's frame, in the order of its last axis."""
    owner = f"The frame of modality {modality.name!r}"
    if len(modality.shape) != 1:
        raise ValueError(
            f"A modality read from a frame must be a table, of shape (features,). "
            f"Received: {modality.name!r} of shape {modality.shape}. Use "
            "`Samples.from_arrays`."
        )
    _check_columns(frame, [on, *modality.features], owner)
    columns = list(modality.features) or [c for c in frame.columns if c != on]
    if len(columns) != modality.shape[0]:
        raise ValueError(
            f"{owner} must have {modality.shape[0]} columns beside {on!r}, as its "
            f"shape {modality.shape} says. Received {len(columns)}: {columns}. Name "
            "those meant in `Modality(features=...)`."
        )
    return columns


def _read_labels(labels: pd.DataFrame, columns: list[str], task: Task) -> np.ndarray:
    named = [c for c in columns if not pd.api.types.is_numeric_dtype(labels[c])]
    if task.kind != "multiclass" or not named:
        return _numbers(labels, columns, "`labels`")
    names = labels[columns[0]].astype(object)
    index = names.map({label: k for k, label in enumerate(task.labels)})
    if index.isna().any():
        strange = names[index.isna()].unique()[:5].tolist()
        raise ValueError(
            f"Column {columns[0]!r} of `labels` must hold class names of {task.labels} "
            f"or their indices. Received also: {strange}."
        )
    return index.to_numpy("int32")


def _numbers(frame: pd.DataFrame, columns: list[str], owner: str) -> np.ndarray:
    """Columns as float64, NaN where a cell is missing."""
    texts = {
        c: str(frame[c].dtype)
        for c in columns
        if not pd.api.types.is_numeric_dtype(frame[c])
    }
    if texts:
        raise ValueError(
            f"{owner} must have numbers in its columns. Received other dtypes: "
            f"{texts}. Code categories as numbers, or leave the columns out."
        )
    return frame[columns].to_numpy("float64", na_value=np.nan)


def _unique_ids(frame: pd.DataFrame, on: str, owner: str) -> pd.Index:
    ids = pd.Index(frame[on])
    repeated = ids[ids.duplicated()].unique()
    if ids.hasnans or len(repeated):
        raise ValueError(
            f"{owner} must have one row per id. Received in column {on!r}: "
            f"{ids.isna().sum()} missing, {len(repeated)} repeated, e.g. "
            f"{repeated[:3].tolist()}."
        )
    return ids


def _check_columns(frame: pd.DataFrame, needed: list[str], owner: str) -> None:
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise ValueError(
            f"{owner} must have the columns {needed}. Received none named {absent}; "
            f"it has {frame.columns.tolist()}."
        )
