"""Check of counts against what they should be about."""

from itertools import pairwise

import numpy as np

from mind_keras.data.audit.context import Context
from mind_keras.data.audit.findings import Finding, judge, some
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.mimic.partition import FRACTIONS
from mind_keras.data.splits import SPLITS

# Deaths in hospital among ICU stays of two days and more: about 1 in 8 is reported.
MORTALITY = (0.02, 0.40)
# Samples from which a count is believed.
ENOUGH_FOR_SHARES, ENOUGH_FOR_ALL = 100, 200
POINTS = 0.05


def counts(extraction: Extraction, context: Context) -> Finding:
    """Are there about as many as there should be?"""
    problems = [
        *_of_labels(extraction, context),
        *_of_splits(extraction, context),
        *_of_exclusions(extraction),
    ]
    return judge(
        f"Mortality is {MORTALITY[0]:.0%} to {MORTALITY[1]:.0%}, each label is there, "
        f"splits are as large as asked within {POINTS:.0%} of the patients, and the "
        "exclusions add up.",
        problems,
        found=f"{len(extraction.samples):,} samples of "
        f"{context.subjects.nunique():,} patients",
        cure="Compare the exclusions with those expected, and look at the raw tables.",
    )


def _of_labels(extraction: Extraction, context: Context) -> list[str]:
    labels, task = context.labels, extraction.task
    if labels is None:
        return []
    size, positive = len(labels), (labels == 1).sum(axis=0)
    problems = []
    if task.name == "mortality" and size >= ENOUGH_FOR_SHARES:
        share, (low, high) = positive[0] / size, MORTALITY
        if not low <= share <= high:
            problems.append(f"{share:.1%} of the stays end with death")
    elif size >= ENOUGH_FOR_ALL and not positive.all():
        absent = [task.labels[k] for k in np.flatnonzero(positive == 0)]
        problems.append(f"{len(absent)} labels without a positive, {some(absent)}")
    return problems


def _of_splits(extraction: Extraction, context: Context) -> list[str]:
    """Shares of patients; by chance they differ by up to four standard errors."""
    options = extraction.manifest.get("options", {})
    files = options.get("files")
    if files is None or "split_files" in files:
        return []
    split = extraction.samples["split"].groupby(context.subjects).first()
    problems = []
    for name, asked in zip(SPLITS, options.get("fractions", FRACTIONS), strict=True):
        error = np.sqrt(asked * (1 - asked) / max(len(split), 1))
        share = (split == name).mean()
        if abs(share - asked) > max(POINTS, 4 * error):
            problems.append(f"{share:.0%} of the patients in {name}, not {asked:.0%}")
    return problems


def _of_exclusions(extraction: Extraction) -> list[str]:
    steps = extraction.manifest.get("exclusions", [])
    problems = [
        f"{before['left']} less {after['removed']} is not {after['left']} "
        f"({after['step']})"
        for before, after in pairwise(steps)
        if before["left"] - after["removed"] != after["left"] or after["removed"] < 0
    ]
    if steps and steps[-1]["left"] != len(extraction.samples):
        problems.append(
            f"{steps[-1]['left']} stays are left, but there are "
            f"{len(extraction.samples)} samples"
        )
    return problems
