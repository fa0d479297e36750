"""The tables of a MedFuse or mimic3-benchmarks extraction: who is in it, and when.

    <task>/{train,val,test}_listfile.csv, or <task>/{train,test}/listfile.csv
    root/all_stays.csv: when a stay began, of which the series say nothing

The series of stays for validation are in the folder of training.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic import partition
from mind_keras.data.mimic.tasks import ICUTask
from mind_keras.data.splits import SPLITS

# `{task: (its folder, the columns with labels; none: as the task's labels)}`.
FORMS = {
    ICUTask.MORTALITY: ("in-hospital-mortality", ("y_true",)),
    ICUTask.PHENOTYPING: ("phenotyping", None),
}
SHORT = {"train": "train", "validation": "val", "test": "test"}
FILE = r"([0-9]+)_episode([0-9]+)_timeseries\.csv"
WINDOW = 48.0
# What others call the columns of `all_stays.csv`, in lower case.
ALIASES = {
    "icustay_id": "stay_id",
    "anchor_age": "age_years",
    "age": "age_years",
    "first_careunit": "care_unit",
}
STAY_TIMES = ("intime", "outtime", "deathtime", "dischtime")


def read_listfiles(folder: Path, task: ICUTask) -> tuple[pd.DataFrame, dict[str, Path]]:
    """All samples of a task, with their labels.

    Args:
        folder: The extraction, or the folder of the task in it.
        task: Which one.

    Returns:
        A row per sample: `file` (relative to the folder of the task), `subject_id`,
        `episode`, `period` (hours), `split`, `stay_id` if it is told, and a column
        per label; and the listfiles that were read, by name. Without a list for
        validation, patients of training that `partition.assign` has for it validate.

    Raises:
        ValueError: If a list or column is missing, a stay comes twice, a name is not
            that of a series, or a patient is both trained on and tested.
    """
    base = task_folder(folder, task)
    files, tables = {}, []
    for split in SPLITS:
        path = _listfile(base, split)
        if path is not None:
            files[str(path.relative_to(base))] = path
            tables.append(_read_listfile(path, task).assign(split=split))
            place = "test" if split == "test" else "train"
            tables[-1]["file"] = place + "/" + tables[-1]["stay"]
    table = pd.concat(tables, ignore_index=True)
    if not table["split"].eq("validation").any():
        part = partition.assign(table["subject_id"])
        spared = table["split"].eq("train") & part.eq("validation")
        table.loc[spared, "split"] = "validation"
    _check_samples(table, base)
    return table, files


def task_folder(folder: Path, task: ICUTask) -> Path:
    """Where the lists of a task are."""
    inner = folder / FORMS[task][0]
    return inner if inner.is_dir() else folder


def add_stays(samples: pd.DataFrame, path: Path | None) -> pd.DataFrame:
    """What is known of each stay beside its series.

    A sample without `stay_id` is the k-th stay of its patient by `intime`, k being the
    episode. Without the table its id is made of both numbers, `subject_id * 1000 +
    episode`, and its times are not known.

    Args:
        samples: From `read_listfiles`.
        path: `all_stays.csv`, with `subject_id`, `stay_id`, `intime` and `outtime`;
            names may be in capitals. None: there is none.

    Returns:
        `samples` in their order with `stay_id`, the times, and what else of
        `SAMPLE_COLUMNS` the table has.

    Raises:
        ValueError: If a column is missing, or a sample is not in the table.
    """
    if path is None:
        made = samples["subject_id"] * 1000 + samples["episode"]
        known = samples.get("stay_id", made)
        return samples.assign(stay_id=known, **dict.fromkeys(STAY_TIMES, pd.NaT))
    stays = _read_stays(path)
    key = ["stay_id"]
    if "stay_id" not in samples:
        key = ["subject_id", "episode"]
        order = stays.sort_values(["subject_id", "intime", "stay_id"])
        stays["episode"] = order.groupby("subject_id").cumcount() + 1
    if stays.duplicated(key).any():
        twice = stays.loc[stays.duplicated(key), "stay_id"]
        raise ValueError(
            f"{path.name} must have one row per stay. Received {len(twice)} again, "
            f"such as {twice.iloc[0]}."
        )
    others = [c for c in stays if c in key or c not in samples]
    found = samples.merge(stays[others], on=key, how="left", indicator=True)
    lost = found["_merge"].ne("both")
    if lost.any():
        raise ValueError(
            f"Every sample must be a stay of {path.name}. Received: {lost.sum()} that "
            f"are not, such as {samples.loc[lost.to_numpy(), 'stay'].iloc[0]}. Is it "
            "the table of another extraction? Give the right one as `all_stays=`."
        )
    return found.drop(columns="_merge")


def _listfile(base: Path, split: str) -> Path | None:
    short = SHORT[split]
    places = [base / f"{short}_listfile.csv", base / short / "listfile.csv"]
    found = [path for path in places if path.is_file()]
    if not found and split != "validation":
        raise ValueError(
            f"An extraction must list its {split} samples. Received: none of "
            f"{[str(path) for path in places]}. Give the folder that holds "
            f"{[name for name, _ in FORMS.values()]}, or one of these."
        )
    return found[0] if found else None


def _read_listfile(path: Path, task: ICUTask) -> pd.DataFrame:
    table = pd.read_csv(path)
    columns = FORMS[task][1] or task.task.labels
    needed = ["stay", *columns] + ["period_length"] * (task is ICUTask.PHENOTYPING)
    absent = [name for name in needed if name not in table]
    if absent:
        raise ValueError(
            f"{path} must have the columns {needed}. Received none named {absent}; it "
            f"has {table.columns.tolist()}. Is it the list of another task?"
        )
    names = table["stay"].astype(str).str.extract(FILE)
    strange = ~table["stay"].astype(str).str.fullmatch(FILE).astype(bool)
    if strange.any():
        raise ValueError(
            f"Stays in {path} must be named `<subject>_episode<k>_timeseries.csv`, "
            f"without a folder. Received: {table.loc[strange, 'stay'].iloc[0]!r}, "
            f"{strange.sum()} such names."
        )
    labels = table[[*columns]].set_axis([*task.task.labels], axis=1)
    period = table.get("period_length", pd.Series(0.0, table.index)).astype("float64")
    known = [name for name in ("stay", "stay_id") if name in table]
    return table[known].assign(
        subject_id=names[0].astype("int64"),
        episode=names[1].astype("int64"),
        period=np.where(period > 0, period, WINDOW),
        **labels,
    )


def _check_samples(table: pd.DataFrame, base: Path) -> None:
    twice = table.loc[table["stay"].duplicated(), "stay"]
    if table.empty:
        raise ValueError(f"The lists of {base} must have samples. Received none.")
    if len(twice):
        raise ValueError(
            f"Each stay must be listed once in {base}. Received {len(twice)} again, "
            f"such as {twice.iloc[0]}."
        )
    parts = table.groupby("subject_id")["split"].nunique()
    shared = parts.index[parts > 1]
    if len(shared):
        raise ValueError(
            f"No patient may be in two lists of {base}. Received {len(shared)} who "
            f"are, such as {shared[0]}: labels would leak from one to the other."
        )


def _read_stays(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    table = table.rename(columns=str.lower).rename(columns=ALIASES)
    absent = [
        name
        for name in ("subject_id", "stay_id", "intime", "outtime")
        if name not in table
    ]
    if absent:
        raise ValueError(
            f"{path} must have the columns subject_id, stay_id, intime and outtime. "
            f"Received none named {absent}; it has {table.columns.tolist()}."
        )
    times = {
        name: pd.to_datetime(
            table.get(name, pd.Series(pd.NaT, table.index)), errors="coerce"
        ).astype("datetime64[s]")
        for name in STAY_TIMES
    }
    known = ["subject_id", "stay_id", "age_years", "gender", "care_unit"]
    table = table.loc[:, ~table.columns.duplicated()]
    return table[[name for name in known if name in table]].assign(**times)
