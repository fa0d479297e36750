"""The rules that a user's arrays must obey, and the errors where they do not.

Each function returns the array in the one dtype that the package works with.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mind_keras.spec import Modality, Task

if TYPE_CHECKING:
    from mind_keras.data.samples import Samples


def check_mapping(values: Mapping, name: str) -> Mapping:
    """Arrays by modality, and nothing else."""
    if not isinstance(values, Mapping):
        raise ValueError(
            f"`{name}` must be a mapping, `{{modality: array}}`. Received: "
            f"{type(values).__name__}."
        )
    return values


def as_array(values: np.ndarray, name: str) -> np.ndarray:
    """Values as an array, which nested lists of different lengths are not."""
    try:
        return np.asarray(values)
    except ValueError as fault:
        message = str(fault)
    raise ValueError(
        f"{name} must be an array: along each axis all entries have one length. "
        f"Received: {type(values).__name__} ({message})."
    )


def check_modality(
    array: np.ndarray, rows: np.ndarray | None, modality: Modality, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """A modality's rows and the samples they belong to, checked.

    Args:
        array: The rows, `(n_m, *shape)`.
        rows: Their sample numbers, `(n_m,)`; None if every sample has a row, in order.
        modality: What the rows must be.
        size: How many samples there are.

    Returns:
        The rows, `(n_m, *shape)`, float32 (uint8 stays: images are kept small),
        and their sample numbers, `(n_m,)`, int64.
    """
    name = modality.name
    array = as_array(array, f"x[{name!r}]")
    if array.shape[1:] != modality.shape or array.ndim == 0:
        raise ValueError(
            f"Rows of modality {name!r} must have the shape {modality.shape} of its "
            f"`Spec`. Received: x[{name!r}] of shape {array.shape}, the first axis "
            "counting rows."
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"Rows of modality {name!r} must be numbers. Received dtype {array.dtype}."
        )
    if array.dtype != np.uint8:
        with np.errstate(over="ignore"):
            array = array.astype("float32", copy=False)
        bad = ~np.isfinite(array)
        if bad.any():
            raise ValueError(
                f"Rows of modality {name!r} must be finite in float32. Received: "
                f"{bad.sum()} NaN or infinite values in "
                f"{bad.reshape(len(bad), -1).any(1).sum()} rows. Leave out the rows of "
                "samples that lack the modality; fill gaps within a row before."
            )
    if rows is None:
        return array, _one_each(len(array), name, size)
    rows = as_array(rows, f"rows[{name!r}]")
    if rows.shape != (len(array),) or (rows.size and rows.dtype.kind not in "iu"):
        raise ValueError(
            f"`rows[{name!r}]` must hold one sample number for each row of "
            f"x[{name!r}]. Received: {len(array)} rows, and sample numbers of shape "
            f"{rows.shape} and dtype {rows.dtype}."
        )
    rows = rows.astype("int64")
    inside = (rows >= 0) & (rows < size)
    if not inside.all() or len(np.unique(rows)) != len(rows):
        raise ValueError(
            f"`rows[{name!r}]` must hold different sample numbers from 0 to "
            f"{size - 1}. Received: {(~inside).sum()} outside and "
            f"{len(rows) - len(np.unique(rows))} repeated."
        )
    return array, rows


def _one_each(count: int, name: str, size: int) -> np.ndarray:
    """The sample numbers of rows that nobody numbered."""
    if count != size:
        raise ValueError(
            "Without `rows`, a modality must have one row for each label. Received: "
            f"x[{name!r}] has {count} rows and `y` has {size} labels. Where some "
            f"samples lack the modality, say which samples its rows belong to, in "
            f"`rows[{name!r}]`."
        )
    return np.arange(size)


def check_labels(y: np.ndarray, task: Task) -> np.ndarray:
    """Labels of the declared kind: `(n, labels)` float32, or `(n,)` int32 classes."""
    y = as_array(y, "`y`")
    if y.size == 0:
        raise ValueError("A split must hold at least one sample. Received none.")
    if y.dtype.kind not in "biuf":
        raise ValueError(
            f"Labels of task {task.name!r} must be numbers. Received dtype {y.dtype}. "
            f"Map them to indices of {task.labels}."
        )
    wide = {"binary": 1, "multiclass": 1, "multilabel": task.outputs}[task.kind]
    if y.ndim == 1 and wide == 1:
        y = y[:, None]
    if y.ndim != 2 or y.shape[1] != wide:
        raise ValueError(
            f"Labels of the {task.kind} task {task.name!r} must have the shape "
            f"(n, {wide}){' or (n,)' if wide == 1 else ''}. Received: {y.shape}."
        )
    unknown = np.isnan(y) if y.dtype.kind == "f" else np.zeros(y.shape, bool)
    if unknown.any() and task.kind != "multilabel":
        raise ValueError(
            "Only labels of a multilabel task may be unknown (NaN). Received: "
            f"{unknown.sum()} NaN for the {task.kind} task {task.name!r}. Leave these "
            "samples out."
        )
    highest = task.outputs - 1 if task.kind == "multiclass" else 1
    values = np.unique(y[~unknown])
    strange = [v for v in values.tolist() if v not in range(highest + 1)]
    if strange:
        raise ValueError(
            f"Labels of the {task.kind} task {task.name!r} must be whole numbers from "
            f"0 to {highest}. Received also: {strange[:5]}."
        )
    return y[:, 0].astype("int32") if task.kind == "multiclass" else y.astype("float32")


def check_present(
    present: np.ndarray, array: np.ndarray, name: str, size: int
) -> np.ndarray:
    """The sample numbers where a modality is present, `(n_m,)`."""
    present = np.asarray(present)
    if present.dtype != bool or present.shape != (size,):
        raise ValueError(
            f"`present[{name!r}]` must hold True or False for each of the {size} "
            f"samples. Received: shape {present.shape} and dtype {present.dtype}."
        )
    if len(array) != present.sum():
        raise ValueError(
            f"`x[{name!r}]` must hold one row for each True of `present[{name!r}]`. "
            f"Received: {len(array)} rows, {present.sum()} present. Rows for absent "
            f"samples are left out: `x[{name!r}][present[{name!r}]]`."
        )
    return np.flatnonzero(present)


def check_per_sample(samples: "Samples", size: int) -> dict:
    """`id`, `group`, `weight` and `meta`: one entry for each sample."""
    ids = check_ids(np.arange(size) if samples.id is None else samples.id, size)
    group = ids
    if samples.group is not None:
        group = check_names("group", samples.group, size)
    weight, meta = samples.weight, samples.meta
    if weight is not None:
        weight = check_weight(weight, size)
    if meta is not None:
        meta = pd.DataFrame(meta).reset_index(drop=True)
        _check_length("meta", meta.shape[:1], size)
    return {"id": ids, "group": group, "weight": weight, "meta": meta}


def check_ids(ids: np.ndarray, size: int) -> np.ndarray:
    """Names of samples, all different."""
    ids = check_names("id", ids, size)
    repeated = size - len(np.unique(ids))
    if repeated:
        raise ValueError(
            f"`id` must differ between samples. Received: {repeated} repeated. Where a "
            "patient has several samples, name the patient in `group`."
        )
    return ids


def check_names(name: str, values: np.ndarray, size: int) -> np.ndarray:
    """Names of samples or groups: int64 where all are whole numbers, else str."""
    values = np.asarray(values)
    _check_length(name, values.shape, size)
    missing = pd.isna(values)
    if missing.any():
        raise ValueError(
            f"`{name}` must be known for every sample. "
            f"Received: {missing.sum()} missing."
        )
    # An object array of one type becomes an array of that type.
    values = np.asarray(values.tolist())
    if values.dtype.kind == "f" and (values == values.astype("int64")).all():
        values = values.astype("int64")
    return values.astype("int64" if values.dtype.kind in "biu" else str)


def check_weight(weight: np.ndarray, size: int) -> np.ndarray:
    """Sample weights, float32, finite, not negative, not all zero."""
    weight = np.asarray(weight, "float32")
    _check_length("weight", weight.shape, size)
    if not (np.isfinite(weight) & (weight >= 0)).all() or weight.sum() == 0:
        raise ValueError(
            "`weight` must be finite and not negative, and not all zero. Received "
            f"values from {weight.min()} to {weight.max()}."
        )
    return weight


def _check_length(name: str, shape: tuple[int, ...], size: int) -> None:
    if shape != (size,):
        raise ValueError(
            f"`{name}` must hold one entry for each of the {size} samples. "
            f"Received: shape {shape}."
        )
