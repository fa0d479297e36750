"""An extraction of MedFuse or mimic3-benchmarks, made anew as an extraction folder.

    <folder>/<task>/{train,val,test}_listfile.csv    who, and the labels
    <folder>/<task>/{train,test}/*_timeseries.csv    what was charted
    <folder>/root/all_stays.csv                      when the stays were

The files are taken as they are. What the published pipeline has lost or spoilt, such as
oxygen fractions divided by 100 twice, does not come back: see `clean`.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.adapters import medfuse_tables as tables
from mind_keras.data.adapters.medfuse_series import read_series
from mind_keras.data.mimic.assemble import (
    PAIR_COLUMNS,
    Parts,
    Progress,
    assemble,
    check_output,
    silent,
    step,
)
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.mimic.pairing import pair_images
from mind_keras.data.mimic.reading import MOST_BAD
from mind_keras.data.mimic.rules import LABEL_TIME
from mind_keras.data.mimic.tasks import ICUTask

PLACES = ("root/all_stays.csv", "all_stays.csv", "../root/all_stays.csv")


def from_medfuse(
    folder: str | Path,
    output: str | Path,
    *,
    task: str,
    cxr_root: str | Path | None = None,
    all_stays: str | Path | None = None,
    hours: int | None = 48,
    clean: bool = False,
    alive: bool = True,
    lookback_hours: float = 0.0,
    image_size: int = 256,
    most_bad: float = MOST_BAD,
    progress: Progress = silent,
) -> Extraction:
    """Make an extraction folder of an existing MedFuse extraction.

    Args:
        folder: With `in-hospital-mortality/` or `phenotyping/`; or one of these.
        output: A new or empty folder.
        task: `"mortality"` or `"phenotyping"`.
        cxr_root: Folder of MIMIC-CXR-JPG, for the image of each stay; None: no images.
        all_stays: Table of stays; default: `root/all_stays.csv` if there is one.
            Without it, times are not known.
        hours: Window from the stay's begin; None: the whole stay.
        clean: Leave out implausible values, and mend usual mix-ups of units. The
            published pipeline does not.
        alive: Leave out stays whose label was known at the prediction time: the
            published pipeline keeps patients who died within the window.
        lookback_hours: Images from so long before the stay are taken too.
        image_size: Height and width of the kept images, in pixels.
        most_bad: Share of the values, from 0 to 1, that may be unreadable; they are
            missing, and counted.
        progress: Called as `progress(stage, rows done, fraction)`.

    Returns:
        The extraction, as `read_extraction(output)`.

    Raises:
        ValueError: If a file or column is missing, a patient is in two splits, too
            many values are unreadable, images are asked for without times of stays,
            or the output is in use.

    Source: Hayat, Geras & Shamout (2022), MedFuse, https://arxiv.org/abs/2207.07027;
    bins as in Harutyunyan et al. (2019), https://doi.org/10.1038/s41597-019-0103-9.

    Example:
        >>> from_medfuse("nowhere", "out", task="mortality")
        Traceback (most recent call last):
        ValueError: `folder` must be a folder. Received: nowhere.
    """
    folder, output, task = Path(folder), Path(output), ICUTask(task)
    stays_path = _find_stays(folder, all_stays, cxr_root)
    samples, inputs = tables.read_listfiles(folder, task)
    samples = _with_times(tables.add_stays(samples, stays_path), task, hours)
    check_output(output)
    samples, exclusions = _exclude(samples, alive)
    hourly, counts = read_series(
        tables.task_folder(folder, task),
        samples,
        hours=hours,
        clean=clean,
        most_bad=most_bad,
        progress=progress,
    )
    samples, images = _pair(samples, cxr_root, lookback_hours)
    counts = {"values": counts, "images": images}
    labels = samples[list(task.task.labels)]
    parts = Parts(task.task, hours, samples, labels, hourly, exclusions, counts)
    return assemble(
        output,
        parts,
        image_root=None if cxr_root is None else Path(cxr_root),
        image_size=image_size,
        options={"source": "medfuse", "clean": clean, "alive": alive}
        | {"lookback_hours": lookback_hours},
        inputs=inputs | ({"all_stays.csv": stays_path} if stays_path else {}),
        progress=progress,
    )


def _find_stays(
    folder: Path, given: str | Path | None, cxr_root: str | Path | None
) -> Path | None:
    if not folder.is_dir():
        raise ValueError(f"`folder` must be a folder. Received: {folder}.")
    places = [Path(given)] if given else [folder / place for place in PLACES]
    found = next((path for path in places if path.is_file()), None)
    if found is None and (given or cxr_root):
        raise ValueError(
            "Images are paired by the times of stays, in a table with subject_id, "
            f"stay_id, intime and outtime. Received: no file "
            f"{' or '.join(map(str, places))}. Give it as `all_stays=`."
        )
    return found


def _with_times(
    samples: pd.DataFrame, task: ICUTask, hours: int | None
) -> pd.DataFrame:
    """When the prediction is made, and when its label is known."""
    end = samples["outtime"]
    if hours is not None:
        window = samples["intime"] + pd.Timedelta(hours=hours)
        end = window.where(window < end, end)
    return samples.assign(prediction_time=end, label_time=LABEL_TIME[task](samples))


def _exclude(samples: pd.DataFrame, alive: bool) -> tuple[pd.DataFrame, list[dict]]:
    exclusions = [step("listed", np.ones(len(samples), bool))]
    if alive:
        later = ~(samples["label_time"] <= samples["prediction_time"]).to_numpy()
        exclusions.append(step("label known at the prediction time", later))
        samples = samples[later].reset_index(drop=True)
    if samples.empty:
        raise ValueError(
            "An extraction must have samples. Received none that are left: "
            f"{exclusions}. Is `all_stays` the table of these stays?"
        )
    return samples, exclusions


def _pair(
    samples: pd.DataFrame, cxr_root: str | Path | None, lookback_hours: float
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The image of each stay beside it, in the order of the stays."""
    if cxr_root is None:
        return samples, {}
    paired = pair_images(cxr_root, samples, lookback_hours=lookback_hours)
    pairs = paired.table[["stay_id", *PAIR_COLUMNS]]
    return samples.merge(pairs, on="stay_id", how="left"), paired.counts
