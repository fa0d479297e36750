"""The twin on disk: all tables and images, for a number of stays and a seed.

`generate` is the one way in. It works block by block, so that memory does not grow
with the stays, beside the folder asked for, which gets its name when all is written.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.twin.charting import chart
from mind_keras.data.twin.conditions import draw_diagnoses
from mind_keras.data.twin.dirt import soil
from mind_keras.data.twin.draws import stream
from mind_keras.data.twin.labs import draw_labs
from mind_keras.data.twin.people import draw_block
from mind_keras.data.twin.records import (
    admissions,
    chartevents,
    icustays,
    labevents,
    patients,
)
from mind_keras.data.twin.rows import select
from mind_keras.data.twin.signals import draw_course
from mind_keras.data.twin.studies import draw_studies
from mind_keras.data.twin.tables import COLUMNS, table_file
from mind_keras.data.twin.xrays import wanted, write_images, xray_tables

Progress = Callable[[str, int, float], None]
SMALLEST_IMAGE = 32
NOTE = "SYNTHETIC.txt"


def _silent(stage: str, done: int, fraction: float) -> None:
    """No news."""


def generate(
    root: str | Path,
    *,
    stays: int,
    seed: int,
    image_height: int = 256,
    progress: Progress = _silent,
) -> dict[str, int]:
    """Write a synthetic MIMIC-IV and MIMIC-CXR-JPG; the same bytes for the same seed.

    Args:
        root: A folder that does not exist or is empty; gets `mimic-iv/` and
            `mimic-cxr-jpg/`.
        stays: ICU stays, at least 1. Those of a smaller twin are in a larger one too.
        seed: From 0.
        image_height: Pixels, at least 32; the width is a fifth more.
        progress: Called with (`"stays"`, stays written, share of them).

    Returns:
        How many rows or files there are of each kind.

    Raises:
        ValueError: If a number is out of range, or the folder is in use.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp()) / "twin"
        >>> counts = generate(root, stays=3, seed=0, image_height=32)
        >>> counts["icustays"], sorted(path.name for path in root.iterdir())
        (3, ['SYNTHETIC.txt', 'mimic-cxr-jpg', 'mimic-iv'])
    """
    smallest = {"stays": 1, "seed": 0, "image_height": SMALLEST_IMAGE}
    given = {"stays": stays, "seed": seed, "image_height": image_height}
    for name, least in smallest.items():
        if not isinstance(given[name], Integral) or given[name] < least:
            raise ValueError(
                f"`{name}` must be a whole number from {least} up. Received: "
                f"{given[name]!r}."
            )
    counts: Counter = Counter()
    with _whole_folder(Path(root).resolve()) as part:
        with ExitStack() as files:
            add = {
                name.rpartition("/")[2]: files.enter_context(table_file(part, name))
                for name in COLUMNS
            }
            for number, block, kept in _blocks(seed, stays):
                images = draw_studies(seed, number, block)
                images = images[wanted(images, block, kept)]
                rows = _rows(seed, number, block, kept)
                rows |= xray_tables(images, image_height)
                for name, columns in rows.items():
                    counts[name] += add[name](columns)
                counts["images"] += write_images(
                    part, images, image_height, seed, number
                )
                done = counts["icustays"]
                progress("stays", done, done / stays)
        (part / NOTE).write_text(
            f"{stays} synthetic stays, drawn by a program with the seed {seed}. They "
            "are nobody's.\n",
            "utf-8",
            newline="\n",
        )
    return dict(counts)


def _blocks(seed: int, stays: int) -> Iterator[tuple[int, pd.DataFrame, np.ndarray]]:
    """Whole blocks, and which of their stays are wanted."""
    number, before = 0, 0
    while before < stays:
        block = draw_block(seed, number)
        yield number, block, np.arange(len(block)) < stays - before
        number, before = number + 1, before + len(block)


def _rows(
    seed: int, number: int, block: pd.DataFrame, kept: np.ndarray
) -> dict[str, Mapping]:
    """The rows of the hospital's tables, `{table: {column: values}}`."""
    stays = block[kept]
    course = draw_course(seed, number, block)
    rng = stream(seed, "charts", number)
    length = (block["outtime"] - block["intime"]).dt.total_seconds().to_numpy() / 60
    charted = soil(chart(course, rng), length, rng)
    # In MIMIC, too, the rows of a subject are near each other, but in no order.
    order = rng.permutation(len(charted["stay"]))
    charted = select(charted, order)
    charts = chartevents(charted, block, rng)
    rng = stream(seed, "labs", number)
    measured = draw_labs(block, course, rng)
    labs = labevents(measured, block, number, rng)
    codes = draw_diagnoses(seed, number, block)
    return {
        "patients": patients(stays),
        "admissions": admissions(stays),
        "icustays": icustays(stays),
        "diagnoses_icd": codes[codes["hadm_id"].isin(stays["hadm_id"])],
        "chartevents": select(charts, kept[charted["stay"]]),
        "labevents": select(labs, kept[measured["stay"]]),
    }


@contextmanager
def _whole_folder(root: Path) -> Iterator[Path]:
    """A folder beside `root` to write to; it becomes `root` when all went well."""
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ValueError(
            f"The twin must go to a new or empty folder. Received: {root}, which is in "
            "use. Name another, or remove it first."
        )
    part = root.with_name(f".{root.name}.part{os.getpid()}")
    root.parent.mkdir(parents=True, exist_ok=True)
    # Left by a process of the same number that was killed.
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
        if root.exists():
            root.rmdir()
        part.replace(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
