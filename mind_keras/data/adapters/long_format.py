"""A hospital's own tables, made an extraction folder.

    events: subject_id or stay_id, time, variable, value, (unit)
    stays:  stay_id, subject_id, intime, outtime, a column per label, (split, ...)
    images: subject_id, time, path, (stay_id, study_id, view)

Each is a `.csv`, `.csv.gz` or `.parquet`; times are `YYYY-MM-DD HH:MM:SS`. The names of
variables: `names.ALIASES`; units: `values.UNITS`.
"""

from collections.abc import Sequence
from pathlib import Path

from mind_keras.data.adapters.long_events import Rules, read_events
from mind_keras.data.adapters.long_images import pair_table
from mind_keras.data.adapters.long_stays import read_stays
from mind_keras.data.mimic.assemble import (
    Parts,
    Progress,
    assemble,
    check_output,
    silent,
)
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.mimic.reading import MOST_BAD
from mind_keras.data.mimic.tasks import ICUTask
from mind_keras.spec import Task


def from_long(
    events: str | Path,
    stays: str | Path,
    output: str | Path,
    *,
    images: str | Path | None = None,
    image_root: str | Path | None = None,
    task: str | Task = "mortality",
    hours: int | None = 48,
    clean: bool = True,
    ignore_unknown: bool = False,
    split_files: Sequence[str | Path] | None = None,
    lookback_hours: float = 0.0,
    image_size: int = 256,
    most_bad: float = MOST_BAD,
    progress: Progress = silent,
) -> Extraction:
    """Make an extraction folder of tables in long format.

    Args:
        events: Table of values; see `long_events.read_events`.
        stays: Table of stays; see `long_stays.read_stays`. A stay is predicted at its
            `prediction_time`, at the end of the window or of the stay, whatever comes
            first.
        output: A new or empty folder.
        images: Table of images; see `long_images.pair_table`. None: no images.
        image_root: What their paths are relative to; default: where the table is.
        task: `"mortality"` (label `death`; stays that end before the window does are
            left out), `"phenotyping"`, or a `Task`.
        hours: Window from the stay's begin; None: the whole stay.
        clean: Mend usual mix-ups of units, and leave out implausible values.
        ignore_unknown: Leave out other variables than the 17 instead of refusing.
        split_files: Lists of test and of validation patients, see `partition.assign`,
            if `stays` has no column `split`. Default: by a hash of the patient's id.
        lookback_hours: Images from so long before the stay are taken too.
        image_size: Height and width of the kept images, in pixels.
        most_bad: Share, from 0 to 1, of the times and values of a table that may be
            unreadable; they are missing, and counted.
        progress: Called as `progress(stage, rows done, fraction)`.

    Returns:
        The extraction, as `read_extraction(output)`.

    Raises:
        ImportError: If a table is Parquet and pyarrow is not installed.
        ValueError: If a table or column is missing or damaged, a name is unknown, a
            path leads out of its root, a patient is in two splits, too much is
            unreadable, or the output is in use.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "stays.csv").write_text(
        ...     "stay_id,subject_id,intime,outtime,death\\n"
        ...     "7,1,2150-01-01 08:00:00,2150-01-04 08:00:00,0\\n"
        ... )
        >>> _ = (folder / "events.csv").write_text(
        ...     "stay_id,time,variable,value\\n7,2150-01-01 09:30:00,HR,88\\n"
        ... )
        >>> found = from_long(folder / "events.csv", folder / "stays.csv", folder / "x")
        >>> found.series.shape, float(found.series[1, 8])
        ((48, 17), 88.0)
    """
    full_window = task == ICUTask.MORTALITY
    task = task if isinstance(task, Task) else ICUTask(task).task
    inputs = {"events": Path(events), "stays": Path(stays)}
    windows = {"hours": hours, "full_window": full_window, "split_files": split_files}
    windows["most_bad"] = most_bad
    table, labels, steps = read_stays(inputs["stays"], task, **windows)
    check_output(Path(output))
    rules = Rules(clean=clean, ignore_unknown=ignore_unknown, most_bad=most_bad)
    hourly, counts = read_events(inputs["events"], table, rules, progress)
    root, found = None, {}
    if images is not None:
        inputs["images"] = Path(images)
        root = Path(image_root or inputs["images"].parent)
        limits = {"lookback_hours": lookback_hours, "most_bad": most_bad}
        table, found = pair_table(inputs["images"], table, root, **limits)
    counts = {"events": counts, "images": found}
    parts = Parts(task, hours, table, labels, hourly, steps, counts)
    options = {"source": "long_format", "clean": clean, "full_window": full_window}
    return assemble(
        Path(output),
        parts,
        image_root=root,
        image_size=image_size,
        options=options | {"lookback_hours": lookback_hours},
        inputs=inputs,
        progress=progress,
    )
