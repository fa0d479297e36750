"""A hospital's table of images: which file goes with which stay."""

from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from mind_keras.data.adapters.texts import columns_of, ids_of, table_of, times_of
from mind_keras.data.mimic.assemble import PAIR_COLUMNS
from mind_keras.data.mimic.reading import check_rate

NEEDED = ("subject_id", "time", "path")
OPTIONAL = ("stay_id", "study_id", "view")


def pair_table(
    path: Path,
    stays: pd.DataFrame,
    root: Path,
    *,
    lookback_hours: float,
    most_bad: float,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The last image of each stay up to its prediction time, that time included.

    Args:
        path: Columns `NEEDED`, and of `OPTIONAL` what is known; with `stay_id` an
            image belongs to that stay alone (blank: to any of its patient).
        stays: From `long_stays.read_stays`.
        root: Where the files are; paths are relative to it.
        lookback_hours: Images from so long before the stay are taken too.
        most_bad: Share of the times that may be unreadable.

    Returns:
        `stays` with `PAIR_COLUMNS`, missing where a stay has no image; and how many
        images were `read`, had a `bad_time`, were of no stay (`other_stay`) or
        `outside` the windows, and how many stays are `paired`.

    Raises:
        ValueError: If a column is missing, a path leads out of the root, or too many
            times are unreadable.
    """
    header = columns_of(path, NEEDED)
    known = [name for name in OPTIONAL if name in header]
    images = _read_images(path, [*NEEDED, *known], root, most_bad)
    windows = stays[["stay_key", "prediction_time"]].assign(
        subject_id=stays["subject_key"],
        begin=stays["intime"] - pd.Timedelta(hours=lookback_hours),
    )
    found = images[images["time"].notna()].merge(windows, on="subject_id")
    found = found[found["stay_id"].isin([""]) | (found["stay_id"] == found["stay_key"])]
    some = found["image"].nunique()
    found = found[found["time"].between(found["begin"], found["prediction_time"])]
    timed = int(images["time"].notna().sum())
    last = found.sort_values(["time", "path"], kind="stable")
    last = last.drop_duplicates("stay_key", keep="last")
    for name in set(PAIR_COLUMNS) - set(last):
        last = last.assign(**{name: None})
    counts = {"read": len(images), "bad_time": len(images) - timed}
    counts |= {"other_stay": timed - some, "outside": some - found["image"].nunique()}
    pairs = last[["stay_key", *PAIR_COLUMNS]]
    paired = stays.merge(pairs, on="stay_key", how="left")
    return paired, counts | {"paired": len(pairs)}


def _read_images(
    path: Path, columns: list[str], root: Path, most_bad: float
) -> pd.DataFrame:
    """All images, numbered; `time` is NaT where unreadable, `stay_id` may be blank."""
    images = table_of(path, columns)
    _check_paths(path, images["path"], root)
    texts = images["time"].tolist()
    images["time"], bad = times_of(texts)
    examples = [texts[row] for row in np.flatnonzero(bad)]
    check_rate(path, "time", len(examples), len(texts), examples, most_bad)
    for name in ("subject_id", "stay_id"):
        blank = pd.Series("", images.index)
        images[name] = ids_of(images.get(name, blank).tolist())
    return images.assign(image=np.arange(len(images)), dicom_id=images["path"])


def _check_paths(table: Path, paths: pd.Series, root: Path) -> None:
    if not root.is_dir():
        raise ValueError(
            f"Paths of images must be relative to a folder. Received: no folder "
            f"{root}. Give it as `image_root=`."
        )
    strange = [
        path
        for path in paths
        if not path
        or PurePosixPath(path).is_absolute()
        or ".." in PurePosixPath(path.replace("\\", "/")).parts
    ]
    if strange:
        raise ValueError(
            f"Every `path` in {table} must lead to a file under {root}. Received: "
            f"{strange[0]!r}, {len(strange)} such paths. Write them relative to "
            "`image_root`, without `..`."
        )
