"""A hospital's table of stays: who, when, which split, and the labels.

Stays without a window, or whose label cannot be learnt from, are left out and counted.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.adapters.texts import columns_of, ids_of, table_of, times_of
from mind_keras.data.mimic import partition
from mind_keras.data.mimic.assemble import step
from mind_keras.data.mimic.extraction import TIMES
from mind_keras.data.mimic.parsing import parse_numbers
from mind_keras.data.mimic.reading import check_rate
from mind_keras.data.splits import SPLITS
from mind_keras.spec import Task

NEEDED = ("stay_id", "subject_id", "intime", "outtime")
OPTIONAL = ("split", "prediction_time", "label_time")
OTHERS = ("age_years", "gender", "care_unit")

Stays = tuple[pd.DataFrame, pd.DataFrame | None, list[dict]]


def read_stays(
    path: Path,
    task: Task,
    *,
    hours: int | None,
    full_window: bool,
    split_files: Sequence[str | Path] | None,
    most_bad: float,
) -> Stays:
    """The stays that samples are made of.

    Args:
        path: Columns `NEEDED`; of `OPTIONAL` and `OTHERS` what is known; and a column
            per label of 0 and 1 (for classes instead one, named as the task, of their
            names), or none of them.
        task: What is predicted.
        hours: The window; None: the whole stay.
        full_window: Leave out stays that end before the window does.
        split_files: See `partition.assign`, which is asked if there is no column
            `split`.
        most_bad: Share of the times of a column that may be unreadable.

    Returns:
        Stays as `SAMPLE_COLUMNS` and, as text, `stay_key` and `subject_key`; their
        labels, None if there are no columns of labels; and the exclusions.

    Raises:
        ValueError: If a column is missing or only some labels have one, an id is blank
            or comes twice, a split is unknown or shares a patient with another, too
            many times are unreadable, or no stay is left.
    """
    header = columns_of(path, NEEDED)
    names = _label_columns(path, header, task)
    known = [name for name in (*NEEDED, *OPTIONAL, *OTHERS) if name in header]
    table = table_of(path, [*known, *names])
    stays = _identify(path, table)
    for name in TIMES:
        texts = table.get(name, pd.Series("", table.index)).tolist()
        stays[name], bad = times_of(texts)
        examples = [texts[row] for row in np.flatnonzero(bad)]
        check_rate(path, name, len(examples), len(texts), examples, most_bad)
    stays["prediction_time"] = _prediction_time(stays, hours)
    stays["split"] = _splits(path, table, stays, split_files)
    labels = _labels(path, table[names], task) if names else None
    kept, exclusions = _exclude(stays, labels, hours if full_window else None)
    if not kept.any():
        raise ValueError(
            f"{path} must have stays that can be used. Received: {exclusions}."
        )
    labels = None if labels is None else labels[kept].reset_index(drop=True)
    return stays[kept].reset_index(drop=True), labels, exclusions


def _label_columns(path: Path, header: list[str], task: Task) -> list[str]:
    if task.kind == "multiclass" and task.name in header:
        return [task.name]
    found = [name for name in task.labels if name in header]
    if found and len(found) < task.outputs:
        absent = [name for name in task.labels if name not in found]
        raise ValueError(
            f"{path} must have a column for each label of task {task.name!r}, or none "
            f"for stays whose outcome is not known. Received none named {absent}."
        )
    return found


def _identify(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Ids, whole numbers as such, and what else is told as it is."""
    stays = pd.DataFrame({name: table[name] for name in OTHERS if name in table})
    stays = stays.replace("", None)
    for name in ("stay", "subject"):
        key = pd.Series(ids_of(table[f"{name}_id"]), dtype=object)
        if (key == "").any():
            raise ValueError(
                f"Each row of {path} must have a {name}_id. Received: none in row "
                f"{int((key == '').idxmax()) + 1}, {(key == '').sum()} in all."
            )
        number = key.str.fullmatch("0|[1-9][0-9]{0,17}").astype(bool).all()
        stays[f"{name}_key"] = key
        stays[f"{name}_id"] = key.astype("int64") if number else key
    twice = stays.loc[stays["stay_key"].duplicated(), "stay_key"]
    if len(twice):
        raise ValueError(
            f"{path} must have one row per stay_id. Received {len(twice)} again, such "
            f"as {twice.iloc[0]}."
        )
    return stays


def _prediction_time(stays: pd.DataFrame, hours: int | None) -> pd.Series:
    """The first of what is known: the column, the end of the window, of the stay."""
    ends = stays[["prediction_time", "outtime"]]
    if hours is not None:
        ends = ends.assign(window=stays["intime"] + pd.Timedelta(hours=hours))
    return ends.min(axis=1).astype("datetime64[s]")


def _splits(
    path: Path,
    table: pd.DataFrame,
    stays: pd.DataFrame,
    files: Sequence[str | Path] | None,
) -> pd.Series:
    if "split" not in table:
        return partition.assign(stays["subject_key"], files=files)
    if files is not None:
        raise ValueError(
            f"Splits must come from `split_files` or from the column `split` of {path}."
            " Received both."
        )
    unknown = sorted(set(table["split"]) - set(SPLITS))
    if unknown:
        raise ValueError(
            f"`split` in {path} must be one of {SPLITS}. Received: {unknown[:5]}."
        )
    parts = table["split"].groupby(stays["subject_key"]).nunique()
    shared = parts.index[parts > 1]
    if len(shared):
        raise ValueError(
            f"No patient may be in two splits of {path}. Received {len(shared)} who "
            f"are, such as {shared[0]}."
        )
    return table["split"]


def _labels(path: Path, table: pd.DataFrame, task: Task) -> pd.DataFrame:
    """A column per label, NaN where a cell is blank."""
    if [*table.columns] == [task.name] and task.kind == "multiclass":
        classes = table[task.name]
        unknown = sorted(set(classes) - {*task.labels, ""})
        if unknown:
            raise ValueError(
                f"{task.name!r} in {path} must be one of {task.labels}. Received: "
                f"{unknown[:5]}."
            )
        one = pd.DataFrame({name: classes.eq(name) for name in task.labels})
        return one.astype("float64").mask(classes.eq(""))
    columns = {}
    for name in task.labels:
        columns[name], bad = parse_numbers(table[name].tolist())
        if bad.any():
            raise ValueError(
                f"Labels in {path} must be 0, 1 or blank. Received: "
                f"{table.loc[bad, name].iloc[0]!r} in column {name!r}, {bad.sum()} in "
                "all."
            )
    return pd.DataFrame(columns)


def _exclude(
    stays: pd.DataFrame, labels: pd.DataFrame | None, full: int | None
) -> tuple[np.ndarray, list[dict]]:
    """Which stays remain, and how many each rule removes."""
    begin, end = stays["intime"], stays["prediction_time"]
    known = np.ones(len(stays), bool)
    rules = {"listed": known, "begin and end known": begin.notna() & end.notna()}
    rules["ends after it begins"] = end > begin
    if full is not None:
        window = begin + pd.Timedelta(hours=full)
        rules[f"lasts {full} h"] = ~(stays["outtime"] < window)
    if labels is not None:
        rules["label known"] = labels.notna().any(axis=1)
    late = ~(stays["label_time"] <= end)
    rules["label not known before the prediction time"] = late
    kept, exclusions = known, []
    for text, rule in rules.items():
        left = kept & np.asarray(rule)
        exclusions.append(step(text, left[kept]))
        kept = left
    return kept, exclusions
