"""Checks of who is where: patients, splits, and what teachers learnt from earlier."""

from itertools import combinations
from pathlib import Path

import pandas as pd

from mind_keras.data.audit.context import Context, as_text
from mind_keras.data.audit.findings import Finding, judge, some, unchecked
from mind_keras.data.mimic import partition
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.splits import SPLITS


def patients(extraction: Extraction, context: Context) -> Finding:
    """Are patients in one split only?"""
    split = extraction.samples["split"].to_numpy()
    of = {name: set(context.subjects[split == name]) for name in SPLITS}
    problems = [
        f"{len(shared)} patients in both {a} and {b}, {some(shared)}"
        for a, b in combinations(SPLITS, 2)
        if (shared := of[a] & of[b])
    ]
    unknown = sorted(set(split.astype(str)) - set(SPLITS))
    problems += [f"unknown splits {unknown}"] if unknown else []
    return judge(
        f"No patient is in two of the splits {', '.join(SPLITS)}.",
        problems,
        found=", ".join(f"{len(ids):,} patients in {name}" for name, ids in of.items()),
        cure="Split by subject_id, compared as one type: 7 and '7' are one patient.",
    )


def pretraining(extraction: Extraction, context: Context) -> Finding:
    """Did a teacher see patients of validation or test before?"""
    rule = "No patient of validation or test is in what a teacher was pre-trained on."
    if not context.pretraining:
        return unchecked(rule, "no pre-training sets were given")
    problems, found = [], []
    for name, ids in sorted(context.pretraining.items()):
        found.append(f"{name}: {len(ids & set(context.subjects)):,} of ours, all train")
        for split in ("validation", "test"):
            ours = extraction.samples["split"].to_numpy() == split
            seen = set(context.subjects[ours]) & ids
            if seen:
                problems.append(
                    f"{len(seen)} patients of {split} in {name}, {some(seen)}"
                )
    return judge(
        rule,
        problems,
        found="; ".join(found),
        cure="Pre-train without them, or put all patients of that set in train.",
    )


def split_rule(extraction: Extraction, context: Context) -> Finding:
    """Are the splits those of the recorded rule?"""
    rule = "Each patient is in the split that the recorded rule gives."
    subjects = extraction.samples["subject_id"]
    options = extraction.manifest.get("options", {})
    files = options.get("files")
    if context.split_files is not None:
        expected = partition.assign(subjects, files=context.split_files)
    elif files is None:
        return unchecked(rule, "the manifest records no rule")
    elif "split_files" in files:
        return unchecked(rule, "made by files that were not given (`split_files=`)")
    else:
        fractions = options.get("fractions", partition.FRACTIONS)
        expected = partition.assign(subjects, fractions=fractions)
    wrong = expected.to_numpy() != extraction.samples["split"].to_numpy()
    problems = [f"{wrong.sum()} samples elsewhere, {some(subjects[wrong])} (subjects)"]
    return judge(
        rule,
        problems if wrong.any() else [],
        found=f"{len(subjects):,} samples are where the rule puts them",
        cure="Extract again: samples.csv was edited, or made by another rule.",
    )


def read_ids(path: str | Path) -> frozenset[str]:
    """Patients that something was trained on, for `audit(pretraining=...)`.

    Args:
        path: A `.csv` or `.csv.gz` with a column `subject_id`, or one id per line.

    Raises:
        ValueError: If there is no id, or no column of that name among several.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "ids.txt")
        >>> _ = path.write_text("10000032\\n10000084\\n")
        >>> sorted(read_ids(path))
        ['10000032', '10000084']
    """
    try:
        table = pd.read_csv(path, dtype=str, header=None)
    except pd.errors.EmptyDataError:
        table = pd.DataFrame([["subject_id"]])
    header = [str(name).strip() for name in table.iloc[0]]
    if "subject_id" in header:
        table = table.iloc[1:]
    elif table.shape[1] > 1 or not header[0].isdigit():
        raise ValueError(
            "A list of patients must have a column `subject_id`, or be one id per line."
            f" Received: {Path(path).name} with the first line {header}."
        )
    column = header.index("subject_id") if "subject_id" in header else 0
    ids = frozenset(as_text(table[column].dropna()))
    if not ids:
        raise ValueError(
            f"A list of patients must hold at least one. Received: {Path(path).name}, "
            "which has none."
        )
    return ids
