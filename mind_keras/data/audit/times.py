"""Checks of what is known when: nothing of the future may be in an input."""

import numpy as np
import pandas as pd

from mind_keras.data.audit.context import Context
from mind_keras.data.audit.findings import Finding, judge, some, unchecked
from mind_keras.data.audit.ranking import auroc
from mind_keras.data.mimic.extraction import Extraction

HOUR = pd.Timedelta(hours=1)


def image_time(extraction: Extraction, context: Context) -> Finding:
    """Was an image taken after the prediction?"""
    rule = "Each image was taken at or before the prediction time of its stay."
    table = context.pictured
    known = table["of_image_time"].notna() & table["prediction_time"].notna()
    if not known.any():
        return unchecked(rule, "no image has a known time, or no stay")
    late = table[table["of_image_time"] > table["prediction_time"]]
    longest = (late["of_image_time"] - late["prediction_time"]).max()
    problem = f"{len(late)} images up to {longest} later, {some(late['stay_id'])}"
    return judge(
        rule,
        [problem] if len(late) else [],
        found=f"{known.sum():,} of {len(table):,} images, with a known time",
        cure="Pair images up to the prediction time, not up to the end of the stay.",
    )


def window(extraction: Extraction, context: Context) -> Finding:
    """Is the observation window free of the outcome?"""
    rule = (
        "The window ends at intime + hours, or at outtime if that is earlier; for a "
        "binary task it is equally long for all stays."
    )
    samples, hours = extraction.samples, extraction.manifest["hours"]
    end, begin, expected = (
        samples[name] for name in ("prediction_time", "intime", "outtime")
    )
    known = end.notna() & begin.notna() & expected.notna()
    if not known.any() and not samples["has_ehr"].any():
        return unchecked(rule, "no times are known, and nothing was charted")
    if hours is not None:
        latest = begin + hours * HOUR
        expected = expected.where(expected < latest, latest)
    wrong = known & (end != expected)
    problem = f"{wrong.sum()} windows end elsewhere, {some(samples['stay_id'][wrong])}"
    return judge(
        rule,
        ([problem] if wrong.any() else []) + _unequal(extraction, context),
        found=f"{known.sum():,} of {len(samples):,} stays, with known times",
        cure="Give all stays the same `hours`, and drop those that are shorter: how "
        "long a stay lasts tells how it ends.",
    )


def _unequal(extraction: Extraction, context: Context) -> list[str]:
    """Lengths that differ between the stays of a binary task."""
    if extraction.task.kind != "binary" or context.labels is None:
        return []
    samples = extraction.samples
    window = (samples["prediction_time"] - samples["intime"]) / HOUR
    record = samples["hours"].where(samples["has_ehr"].astype(bool))
    lengths = {"length of the window": window, "hours of the record": record}
    return [
        text
        for name, length in lengths.items()
        if (text := _differs(name, length.to_numpy("float64"), context.labels))
    ]


def _differs(name: str, length: np.ndarray, labels: np.ndarray) -> str:
    """What is wrong, if some lengths differ."""
    known = length[np.isfinite(length)]
    if not len(known) or np.ptp(known) == 0:
        return ""
    area = auroc(length, labels)[0]
    return (
        f"{name}: {known.min():.1f} to {known.max():.1f} h, which alone tells the "
        f"label with an AUROC of {max(area, 1 - area):.2f}"
    )


def measurement_time(extraction: Extraction, context: Context) -> Finding:
    """Was something measured after the prediction, or after the stay?"""
    rule = (
        "The hours of a stay end with the prediction time, and this not after outtime."
    )
    samples, limit = extraction.samples, extraction.manifest["hours"]
    end, stay = samples["prediction_time"], samples["stay_id"]
    length = np.ceil((end - samples["intime"]) / HOUR).clip(lower=1)
    most = length.fillna(np.inf if limit is None else limit)
    over, after = samples["hours"] > most, end > samples["outtime"]
    problems = []
    if over.any():
        problems.append(f"{over.sum()} stays have later hours, {some(stay[over])}")
    if after.any():
        problems.append(
            f"{after.sum()} predictions after the stay's end, {some(stay[after])}"
        )
    known = np.isfinite(most)
    if not known.any():
        return unchecked(rule, "no times are known, and there is no fixed window")
    return judge(
        rule,
        problems,
        found=f"{known.sum():,} of {len(samples):,} stays, with a known window",
        cure="Keep rows of intime <= charttime <= prediction_time only.",
    )


def label_time(extraction: Extraction, context: Context) -> Finding:
    """Was the outcome known when it was to be predicted?"""
    rule = "The label becomes known after the prediction time: no death in the window."
    samples = extraction.samples
    known = samples["label_time"].notna() & samples["prediction_time"].notna()
    if not known.any():
        return unchecked(rule, "no label has a known time")
    early = samples[known & (samples["label_time"] <= samples["prediction_time"])]
    problem = f"{len(early)} labels were known before, {some(early['stay_id'])}"
    return judge(
        rule,
        [problem] if len(early) else [],
        found=f"{known.sum():,} of {len(samples):,} stays, with a known time",
        cure="Drop stays whose outcome falls in the window (`alive` at its end).",
    )
