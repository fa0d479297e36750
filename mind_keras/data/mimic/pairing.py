"""Which chest X-ray goes with which ICU stay.

MIMIC-CXR knows neither admission nor stay: an image belongs to a patient and to the
time of its study, which runs on the same shifted clock as the tables of MIMIC-IV. A
stay is paired only with images that were taken before its prediction is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.layout import find_cxr_table
from mind_keras.data.mimic.reading import read_table

DICOM_ID = r"[0-9a-f]{8}(-[0-9a-f]{8}){4}"
NUMBER = r"[0-9]{1,18}"
IDS = {"dicom_id": DICOM_ID, "subject_id": NUMBER, "study_id": NUMBER}
METADATA = {
    **dict.fromkeys((*IDS, "ViewPosition"), "text"),
    **{"StudyDate": "int", "StudyTime": "float"},
}
COLUMNS = (
    *("stay_id", "dicom_id", "study_id", "subject_id"),
    *("time", "view", "path"),
)
WHICH = ("last", "first")


@dataclass(frozen=True, eq=False)
class Paired:
    """The images of stays.

    Args:
        table: A row per stay that has an image, in the order of the stays: `stay_id`,
            `dicom_id`, `study_id`, `subject_id`, `time` (`datetime64[s]`), `view` and
            `path`, relative to the root.
        counts: Of all `images`: those of patients without a stay, or without its times
            (`no_stay`), of `other_view`, of `unparsable_time`, `before` every window of
            their patient, `after` one of them (and in none), and `in_window`. Then
            `paired` stays.
    """

    table: pd.DataFrame
    counts: dict[str, int]


def pair_images(
    root: str | Path,
    stays: pd.DataFrame,
    *,
    lookback_hours: float = 0.0,
    views: Sequence[str] = ("AP",),
    which: str = "last",
) -> Paired:
    """The chest X-ray of each stay, if it has one.

    The published pipeline takes images up to hour 48 for mortality and up to the end of
    the stay for phenotyping; these are the prediction times of its cohort, so one rule
    does for both.

    Args:
        root: Folder of MIMIC-CXR-JPG.
        stays: `stay_id`, `subject_id`, and `intime` and `prediction_time`
            (`datetime64[s]`); a stay that lacks one of these times gets no image.
        lookback_hours: Images from so long before `intime` are taken too.
        views: Views of the chest that are taken; `""` is the unknown one.
        which: `"last"` or `"first"` of the images between `intime` and
            `prediction_time`, both included. Images of the same second are ordered by
            study and by name.

    Raises:
        ValueError: If an option is unknown, an id is malformed (its path would lead out
            of the root), an image comes twice, or the table is missing or damaged.

    Example:
        >>> import tempfile
        >>> root, name = Path(tempfile.mkdtemp()), "-".join(["0a1b2c3d"] * 5)
        >>> _ = (root / "mimic-cxr-2.0.0-metadata.csv").write_text(
        ...     "dicom_id,subject_id,study_id,ViewPosition,StudyDate,StudyTime\\n"
        ...     f"{name},10000017,50000001,AP,21500101,93000.5\\n"
        ... )
        >>> times = pd.to_datetime(["2150-01-01 08:00", "2150-01-03 08:00"])
        >>> stays = pd.DataFrame({"stay_id": [30000001], "subject_id": [10000017]})
        >>> stays[["intime", "prediction_time"]] = times
        >>> pair_images(root, stays).table["path"][0][:33]
        'files/p10/p10000017/s50000001/0a1'
    """
    _check_options(lookback_hours, views, which)
    stays = stays.dropna(subset=["intime", "prediction_time"])
    images = read_images(Path(root))
    wanted = {view.strip().upper() for view in views}
    of_stay = images["subject_id"].isin(stays["subject_id"])
    of_view = images["view"].str.upper().isin(wanted)
    timed = images["time"].notna()
    usable = images[of_stay & of_view & timed]
    matched, before = _match(
        usable, stays, np.timedelta64(round(lookback_hours * 3600), "s")
    )
    # Sorted by time, then by name: the last of equal times does not depend on the file.
    ordered = matched.sort_values(["time", "study_id", "dicom_id"], kind="stable")
    table = ordered.drop_duplicates("stay_id", keep=which)
    order = pd.Series(np.arange(len(stays)), stays["stay_id"])
    table = table.sort_values("stay_id", key=lambda ids: ids.map(order))
    taken = matched["dicom_id"].nunique()
    counts = {
        "images": len(images),
        "no_stay": (~of_stay).sum(),
        "other_view": (of_stay & ~of_view).sum(),
        "unparsable_time": (of_stay & of_view & ~timed).sum(),
        "before": before,
        "after": len(usable) - before - taken,
        "in_window": taken,
        "paired": len(table),
    }
    table = table[[*COLUMNS]].reset_index(drop=True)
    return Paired(table, {reason: int(count) for reason, count in counts.items()})


def read_images(root: Path) -> pd.DataFrame:
    """All images of MIMIC-CXR-JPG: ids, `view`, `time` of the study, and `path`.

    Args:
        root: Folder of MIMIC-CXR-JPG.

    Raises:
        ValueError: If an id is malformed or an image comes twice.

    Example:
        >>> import tempfile
        >>> root, name = Path(tempfile.mkdtemp()), "-".join(["0a1b2c3d"] * 5)
        >>> _ = (root / "mimic-cxr-2.0.0-metadata.csv").write_text(
        ...     "dicom_id,subject_id,study_id,ViewPosition,StudyDate,StudyTime\\n"
        ...     f"{name},10000017,50000001,PA,21500101,93000.5\\n"
        ... )
        >>> read_images(root)[["view", "time"]].iloc[0].tolist()
        ['PA', Timestamp('2150-01-01 09:30:00')]
    """
    path = find_cxr_table(root, "metadata", [*METADATA])
    images = read_table(path, METADATA).frame
    for name, form in IDS.items():
        broken = images[~images[name].str.fullmatch(form).astype(bool)]
        if len(broken):
            raise ValueError(
                f"Ids make up the paths of images, so every {name} in {path} must have "
                f"the form {form}. Received: {broken[name].iloc[0]!r} in row "
                f"{broken.index[0]}, {len(broken)} in all. Was the table changed?"
            )
    twice = images.loc[images["dicom_id"].duplicated(), "dicom_id"]
    if len(twice):
        raise ValueError(
            f"{path} must have one row per image. Received {len(twice)} dicom_ids "
            f"again, such as {twice.iloc[0]}."
        )
    subject, study = images["subject_id"], images["study_id"]
    folder = "files/p" + subject.str[:2] + "/p" + subject + "/s" + study
    return pd.DataFrame(
        {
            "dicom_id": images["dicom_id"],
            "study_id": study.astype("int64"),
            "subject_id": subject.astype("int64"),
            "time": study_time(images["StudyDate"], images["StudyTime"]),
            "view": images["ViewPosition"],
            "path": folder + "/" + images["dicom_id"] + ".jpg",
        }
    )


def study_time(date: pd.Series, time: pd.Series) -> pd.Series:
    """Date and time of a study as one time, NaT where one of them is none.

    Args:
        date: YYYYMMDD, a number.
        time: HHMMSS.fff, a number: leading zeros are lost. The fraction is dropped.

    Example:
        >>> study_time(pd.Series([21500102]), pd.Series([93005.75]))[0]
        Timestamp('2150-01-02 09:30:05')
    """
    clock = np.floor(pd.to_numeric(time).astype("float64"))
    hours, minutes, seconds = clock // 10_000, clock // 100 % 100, clock % 100
    real = clock.between(0, 235_959) & (minutes < 60) & (seconds < 60)
    day = date.astype("Int64").astype("string")
    day = pd.to_datetime(day, format="%Y%m%d", errors="coerce")
    second = (hours * 3600 + minutes * 60 + seconds).where(real, 0).astype("int64")
    moment = day.astype("datetime64[s]") + second.astype("timedelta64[s]")
    return moment.where(real).astype("datetime64[s]")


def _match(
    images: pd.DataFrame, stays: pd.DataFrame, lookback: np.timedelta64
) -> tuple[pd.DataFrame, int]:
    """Images with each stay whose window they are in; how many are before all."""
    windows = stays[["stay_id", "subject_id", "prediction_time"]]
    windows = windows.assign(begin=stays["intime"] - lookback)
    both = images.merge(windows, on="subject_id")
    within = both["time"].between(both["begin"], both["prediction_time"])
    first = both.groupby("dicom_id")["begin"].transform("min")
    early = both.loc[both["time"] < first, "dicom_id"].nunique()
    return both[within], early


def _check_options(lookback_hours: float, views: Sequence[str], which: str) -> None:
    if which not in WHICH:
        raise ValueError(f"`which` must be one of {WHICH}. Received: {which!r}.")
    if isinstance(views, str) or not len(views):
        raise ValueError(
            "`views` must be a sequence of views, such as ('AP',). Received: "
            f"{views!r}."
        )
    if not 0 <= lookback_hours < np.inf:
        raise ValueError(
            "`lookback_hours` must be a number from 0 up. Received: "
            f"{lookback_hours!r}."
        )
