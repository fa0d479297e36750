"""Who is in an extraction: the tables beside the checks.

To add a table: a function `(extraction, context) -> DataFrame`, named in `TABLES`.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from mind_keras.data.audit.context import Context
from mind_keras.data.audit.counts import MORTALITY
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.mimic.variables import NAMES
from mind_keras.data.splits import SPLITS
from mind_keras.spec import pattern_name

# Samples of MedFuse's cohorts on MIMIC-IV 1.0: `{task: {pattern: train, val, test}}`.
# Hayat et al. (2022), https://arxiv.org/abs/2207.07027, and the README of its code,
# whose paired mortality cohort was corrected in March 2023.
PUBLISHED = {
    "mortality": {"ehr": (18_845, 2_138, 5_243), "cxr+ehr": (4_485, 488, 1_242)},
    "phenotyping": {"ehr": (42_628, 4_802, 11_914), "cxr+ehr": (7_756, 882, 2_166)},
}
QUANTILES = {"lowest": 0, "quarter": 0.25, "median": 0.5, "three quarters": 0.75}
QUANTILES |= {"highest": 1}


def patterns(extraction: Extraction, context: Context) -> pd.DataFrame:
    """Samples and patients by split and by what they have."""
    samples = extraction.samples
    has = {"ehr": samples["has_ehr"].to_numpy(bool)}
    has["cxr"] = (samples["image"] >= 0).to_numpy()
    pattern = [
        pattern_name(name for name, there in zip(has, row, strict=True) if there)
        for row in zip(*has.values(), strict=True)
    ]
    table = pd.DataFrame({"split": samples["split"], "pattern": pattern})
    table = table.replace({"pattern": {"": "neither"}})
    found = context.subjects.groupby([table["split"], table["pattern"]])
    found = found.agg(["size", "nunique"]).reset_index()
    return _by_split(found.rename(columns={"size": "samples", "nunique": "patients"}))


def prevalence(extraction: Extraction, context: Context) -> pd.DataFrame:
    """Share of positives among the known labels, by label and split."""
    if context.labels is None:
        return pd.DataFrame()
    table = pd.DataFrame(context.labels, columns=list(extraction.task.labels))
    positive = table.sum().astype(int)
    shares = table.groupby(extraction.samples["split"].to_numpy()).mean()
    shares = shares.reindex([*SPLITS]).T.map(_percent)
    shares.insert(0, "positive", positive)
    return shares.rename_axis("label").rename_axis(None, axis=1).reset_index()


def exclusions(extraction: Extraction, context: Context) -> pd.DataFrame:
    """Each step of the cohort, from the manifest."""
    return pd.DataFrame(extraction.manifest.get("exclusions", []))


def missing(extraction: Extraction, context: Context) -> pd.DataFrame:
    """How much of each variable is missing, by hour and by stay with hourly values."""
    if context.charted is None:
        return pd.DataFrame()
    samples = extraction.samples
    charted = samples["has_ehr"].to_numpy(bool)
    count = context.charted.count[charted]
    hours, stays = samples["hours"][charted].sum(), charted.sum()
    table = {"variable": NAMES}
    table["hours without"] = 1 - count.sum(axis=0) / max(hours, 1)
    table["stays without"] = 1 - (count > 0).sum(axis=0) / max(stays, 1)
    return pd.DataFrame(table).map(lambda x: x if isinstance(x, str) else _percent(x))


def image_times(extraction: Extraction, context: Context) -> pd.DataFrame:
    """When images were taken, in hours after the begin of the stay, by split."""
    table = context.pictured
    hours = (table["of_image_time"] - table["intime"]) / pd.Timedelta(hours=1)
    known = hours.dropna().groupby(table["split"])
    if not len(known):
        return pd.DataFrame()
    found = known.quantile([*QUANTILES.values()]).unstack().round(1)
    found.columns = [*QUANTILES]
    found.insert(0, "images", known.size())
    return _by_split(found.rename_axis("split").reset_index())


def published(extraction: Extraction, context: Context) -> pd.DataFrame:
    """Counts that others report of MIMIC-IV 1.0: for information, not as a rule."""
    rows = PUBLISHED.get(extraction.task.name, {})
    table = pd.DataFrame(rows.values(), index=[*rows], columns=[*SPLITS])
    return table.rename_axis("pattern").reset_index() if rows else pd.DataFrame()


def ranges(extraction: Extraction, context: Context) -> pd.DataFrame:
    """What the check `counts` holds the extraction against."""
    if extraction.task.name != "mortality" or context.labels is None:
        return pd.DataFrame()
    row = {"what": "in-hospital mortality", "at least": _percent(MORTALITY[0])}
    row |= {"at most": _percent(MORTALITY[1])}
    row["here"] = _percent(float(np.mean(context.labels == 1)))
    return pd.DataFrame([row])


def readings(extraction: Extraction, context: Context) -> pd.DataFrame:
    """What became of rows and image files: dropped ones are nowhere else to be seen."""
    rows = list(_flat(extraction.manifest.get("counts", {})))
    return pd.DataFrame(rows, columns=["of", "what", "count"])


def _flat(counts: Mapping, of: str = "") -> Iterator[tuple[str, str, str]]:
    for name, value in counts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{of} {name}".strip())
        else:
            yield of, name, f"{value:,}"


TABLES: dict[str, Callable[[Extraction, Context], pd.DataFrame]] = {
    "Samples by what they have": patterns,
    "Positive labels": prevalence,
    "Exclusions": exclusions,
    "Rows and files that were read": readings,
    "Missing values": missing,
    "Images: hours after the begin of the stay": image_times,
    "Expected ranges": ranges,
    "MedFuse on MIMIC-IV 1.0 (published, not verified by us)": published,
}


def cohort_tables(extraction: Extraction, context: Context) -> dict[str, pd.DataFrame]:
    """The tables that have rows, by title."""
    tables = {title: make(extraction, context) for title, make in TABLES.items()}
    return {title: table for title, table in tables.items() if len(table)}


def _by_split(table: pd.DataFrame) -> pd.DataFrame:
    """Train before validation before test."""
    order = {name: k for k, name in enumerate(SPLITS)}
    return table.sort_values(
        "split", key=lambda s: s.map(order), kind="stable", ignore_index=True
    )


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{100 * share:.1f} %"
