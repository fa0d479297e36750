"""Checks of what belongs to whom: rows of the series, images, ids."""

import numpy as np
import pandas as pd

from mind_keras.data.audit.context import Context, as_text
from mind_keras.data.audit.findings import Finding, judge, some, unchecked
from mind_keras.data.mimic.extraction import Extraction


def sample_ids(extraction: Extraction, context: Context) -> Finding:
    """Is each stay one sample?"""
    stays = as_text(extraction.samples["stay_id"])
    twice = stays[stays.duplicated()]
    return judge(
        "Each stay_id is there once.",
        [f"{len(twice)} rows repeat a stay, {some(twice)}"] if len(twice) else [],
        found=f"{len(stays):,} stays",
        cure="Drop duplicate rows of icustays before the cohort is built.",
    )


def rows(extraction: Extraction, context: Context) -> Finding:
    """Does each row of the arrays belong to one stay, each image to one patient?"""
    samples = extraction.samples
    spans = samples.assign(end=samples["first_row"] + samples["hours"])
    problems = [
        f"{how_many} {what}, {some(spans['stay_id'][wrong])}"
        for what, wrong in (
            _of_series(extraction, spans) | _of_images(extraction)
        ).items()
        if (how_many := int(wrong.sum()))
    ]
    total, length = int(samples["hours"].sum()), len(extraction.series)
    if total != length:
        problems.append(f"{total:,} hours of stays, but {length:,} rows in the series")
    return judge(
        "Stays share no rows of the series and leave none over; images are there, and "
        "of one patient each.",
        problems,
        found=f"{length:,} hours of {len(samples):,} stays, "
        f"{len(extraction.images):,} images",
        cure="Extract again: the tables do not belong to these arrays.",
    )


def _of_series(extraction: Extraction, spans: pd.DataFrame) -> dict[str, pd.Series]:
    """Stays with wrong rows in the series, by what is wrong."""
    first, hours, end = spans["first_row"], spans["hours"], spans["end"]
    outside = (first < 0) | (hours < 0) | (end > len(extraction.series))
    filled = spans[hours > 0].sort_values("first_row")
    shared = filled["first_row"] < filled["end"].cummax().shift(fill_value=0)
    return {
        "stays outside the series": outside,
        "stays with rows of another": shared.reindex(spans.index, fill_value=False),
        "stays with `has_ehr` and no hours": spans["has_ehr"].astype(bool)
        & (hours < 1),
    }


def _of_images(extraction: Extraction) -> dict[str, pd.Series]:
    """Stays with wrong images, by what is wrong."""
    samples, listed = extraction.samples, extraction.image_table["image"]
    image, subject = samples["image"], as_text(samples["subject_id"])
    has = image >= 0
    patients = subject[has].groupby(image[has]).nunique()
    several = image.isin(patients.index[patients > 1])
    return {
        "stays whose image is not in the images": (image < -1)
        | (image >= len(extraction.images)),
        "stays whose image is not listed once in images.csv": has
        & ~image.isin(listed[~listed.duplicated(keep=False)]),
        "stays with an image of several patients": several,
    }


def image_patient(extraction: Extraction, context: Context) -> Finding:
    """Is each image of the sample's own patient?"""
    rule = "Each image is of the sample's own patient."
    table = context.pictured
    if table.empty:
        return unchecked(rule, "there are no images")
    own, other = as_text(table["subject_id"]), as_text(table["of_image_subject_id"])
    wrong = table["stay_id"][own.to_numpy(object) != other.to_numpy(object)]
    return judge(
        rule,
        [f"{len(wrong)} images of others, {some(wrong)}"] if len(wrong) else [],
        found=f"{len(table):,} samples with an image",
        cure="Join images and stays by subject_id, as whole numbers.",
    )


def labels(extraction: Extraction, context: Context) -> Finding:
    """Are the labels those of the task, in order, for these samples?"""
    task, table = extraction.task, extraction.labels
    rule = (
        "labels.csv has the samples and the task's labels in order; values are 0 or 1, "
        "or blank in a multilabel task."
    )
    if table is None:
        return unchecked(rule, "the labels are unknown")
    problems, found = [], list(table.columns)
    if found != ["stay_id", *task.labels]:
        wrong = [name for name in found[1:] if name not in task.labels]
        absent = [name for name in task.labels if name not in found]
        problems.append(
            f"columns differ: {len(wrong)} unknown {wrong[:3]}, {len(absent)} absent "
            f"{absent[:3]}" + ("" if wrong or absent else "; the order is another")
        )
    stays = extraction.samples["stay_id"].to_numpy()
    if not np.array_equal(table.get("stay_id", pd.Series()).to_numpy(), stays):
        problems.append("its stays are not those of samples.csv, row by row")
    if context.labels is not None:
        problems += _of_values(context.labels, task.kind, table)
    return judge(
        rule,
        problems,
        found=f"{len(task.labels)} labels of {len(stays):,} samples",
        cure="Write labels.csv anew from the samples, with the columns of the task.",
    )


def _of_values(values: np.ndarray, kind: str, table: pd.DataFrame) -> list[str]:
    blank = int(table.isna().to_numpy().sum())
    strange = int((~np.isin(values, (0, 1))).sum()) - blank
    problems = [f"{strange} values other than 0 and 1"] if strange else []
    if blank and kind != "multilabel":
        problems.append(f"{blank} blank values in a {kind} task")
    if kind == "multiclass" and (several := int((values.sum(axis=1) != 1).sum())):
        problems.append(f"{several} samples without exactly one class")
    return problems
