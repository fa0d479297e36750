"""The audit: all checks, and what they came to.

To add a check: a function `(extraction, context) -> Finding`, named in `CHECKS`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from mind_keras.data.audit import (
    channels,
    counts,
    images,
    leaks,
    page,
    patients,
    rows,
    times,
)
from mind_keras.data.audit.cohort import cohort_tables
from mind_keras.data.audit.context import Context, as_text
from mind_keras.data.audit.findings import Finding
from mind_keras.data.mimic.extraction import IMAGE_COLUMNS, SAMPLE_COLUMNS, Extraction

CHECKS: dict[str, Callable[[Extraction, Context], Finding]] = {
    "patients": patients.patients,
    "pretraining": patients.pretraining,
    "split_rule": patients.split_rule,
    "sample_ids": rows.sample_ids,
    "rows": rows.rows,
    "labels": rows.labels,
    "image_patient": rows.image_patient,
    "image_time": times.image_time,
    "window": times.window,
    "measurement_time": times.measurement_time,
    "label_time": times.label_time,
    "duplicate_images": images.duplicate_images,
    "channels": channels.channels,
    "label_leak": leaks.label_leak,
    "counts": counts.counts,
}


@dataclass(frozen=True, eq=False)
class Audit:
    """What the checks came to, and who is in the extraction.

    Args:
        findings: One for each check, in the order of `CHECKS`.
        cohort: `{title: table}`, of `cohort.cohort_tables`.
    """

    findings: tuple[Finding, ...]
    cohort: Mapping[str, pd.DataFrame]

    @property
    def violations(self) -> tuple[Finding, ...]:
        """The findings that did not pass and were not accepted."""
        return tuple(f for f in self.findings if not f.passed and not f.accepted)

    def table(self) -> pd.DataFrame:
        """A row per check: check, status, rule, found, cure."""
        names = ("check", "status", "rule", "found", "cure")
        return pd.DataFrame(
            [{name: getattr(f, name) for name in names} for f in self.findings],
            columns=list(names),
        )

    def markdown(self) -> str:
        """Findings and cohort as Markdown."""
        return page.markdown(self._headline(), self._tables())

    def html(self) -> str:
        """Findings and cohort as one page that needs nothing else."""
        return page.html(self._headline(), self._tables())

    def _headline(self) -> str:
        names = [f.check for f in self.violations]
        return (
            f"{len(names)} violations: {', '.join(names)}" if names else "No violation"
        )

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {"Checks": self.table(), **self.cohort}


def audit(
    extraction: Extraction,
    *,
    pretraining: Mapping[str, Collection] | None = None,
    split_files: tuple[str | Path, str | Path] | None = None,
    accept: Sequence[str] = (),
) -> Audit:
    """Look for leaks and inconsistencies in an extraction.

    Args:
        extraction: What `read_extraction` gives; unknown times and labels are allowed,
            what they are needed for is then not checked.
        pretraining: `{teacher: subject ids}` of what teachers were trained on before.
        split_files: The user's `(test.csv, validation.csv)`, if splits are from these.
        accept: Names of checks whose violation is known and accepted.

    Raises:
        ValueError: If `accept` has an unknown name, or a table lacks columns.

    Example:
        >>> import numpy as np
        >>> from mind_keras.data.mimic.extraction import TIMES
        >>> from mind_keras.data.mimic.variables import NAMES
        >>> stay = dict.fromkeys(SAMPLE_COLUMNS, 0) | dict.fromkeys(TIMES, pd.NaT)
        >>> stays = [stay | {"split": name, "image": -1} for name in ("train", "test")]
        >>> task = {"name": "mortality", "kind": "binary", "labels": ["death"]}
        >>> manifest = {"task": task, "hours": 48, "variables": NAMES}
        >>> series, images = np.zeros((0, 17)), np.zeros((0, 8, 8), "uint8")
        >>> table = pd.DataFrame(columns=list(IMAGE_COLUMNS))
        >>> extraction = Extraction(
        ...     manifest, pd.DataFrame(stays), None, series, images, table)
        >>> [finding.check for finding in audit(extraction).violations]
        ['patients', 'sample_ids']
    """
    _check(extraction, accept)
    extraction = _numbered(extraction)
    known = {
        name: frozenset(as_text(pd.Series(list(ids), dtype=object)))
        for name, ids in (pretraining or {}).items()
    }
    context = Context(extraction, known, split_files)
    findings = []
    for name, check in CHECKS.items():
        found = check(extraction, context)
        accepted = name in accept and not found.passed
        findings.append(replace(found, check=name, accepted=accepted))
    return Audit(tuple(findings), cohort_tables(extraction, context))


def _numbered(extraction: Extraction) -> Extraction:
    """The same with rows numbered from 0, whatever was filtered before."""
    labels = extraction.labels
    return replace(
        extraction,
        samples=extraction.samples.reset_index(drop=True),
        labels=None if labels is None else labels.reset_index(drop=True),
        image_table=extraction.image_table.reset_index(drop=True),
    )


def _check(extraction: Extraction, accept: Sequence[str]) -> None:
    unknown = sorted(set(accept) - set(CHECKS))
    if unknown:
        raise ValueError(
            f"`accept` must be names of checks. Received: {unknown}. Known: "
            f"{[*CHECKS]}."
        )
    tables = {
        "samples": (extraction.samples, SAMPLE_COLUMNS),
        "images": (extraction.image_table, IMAGE_COLUMNS),
    }
    for name, (table, columns) in tables.items():
        absent = [column for column in columns if column not in table.columns]
        if absent:
            raise ValueError(
                f"The {name} must have the columns {list(columns)}. Received: a table "
                f"without {absent}. Was it written by `write_extraction`?"
            )
