"""Phenotype labels: which groups of diagnoses an admission was given at discharge.

These are billing codes, known only after the stay: labels, never inputs.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.codes import VERSIONS, Codes
from mind_keras.data.mimic.layout import find_table
from mind_keras.data.mimic.phenotypes import GROUPS, NAMES
from mind_keras.data.mimic.reading import MOST_BAD, check_rate, read_table

COLUMNS = {"hadm_id": "int", "icd_code": "text", "icd_version": "int"}


def label_phenotypes(
    root: str | Path, hadm_ids: Sequence[int], codes: Codes
) -> pd.DataFrame:
    """Whether any diagnosis of an admission is in a phenotype's group.

    Args:
        root: Folder of MIMIC-IV.
        hadm_ids: Admissions.
        codes: Of `codes.load_codes` or `codes.read_mapping`.

    Returns:
        A column of 0 and 1, int8, per phenotype, by `hadm_id`, in the order given; an
        admission without a diagnosis has no row: its labels are unknown.

    Raises:
        ValueError: If `diagnoses_icd` is missing or damaged, or more than 5 % of its
            rows have another ICD version than 9 or 10; fewer are left out.

    Example:
        >>> import tempfile
        >>> from mind_keras.data.mimic.codes import load_codes
        >>> root = Path(tempfile.mkdtemp())
        >>> _ = (root / "diagnoses_icd.csv").write_text(
        ...     "hadm_id,icd_code,icd_version\\n20000001,R6521,10\\n20000001,4280,9\\n"
        ... )
        >>> labels = label_phenotypes(root, [20000001, 20000002], load_codes())
        >>> labels.sum().loc[lambda count: count > 0].to_dict()
        {'Congestive heart failure; nonhypertensive': 1, 'Shock': 1}
    """
    path = find_table(Path(root), "diagnoses_icd", [*COLUMNS])
    table = read_table(path, COLUMNS).frame.dropna(subset="hadm_id")
    table = table[table["hadm_id"].isin(hadm_ids) & (table["icd_code"] != "")]
    odd = ~table["icd_version"].isin(VERSIONS)
    some = table.loc[odd, "icd_version"].astype(str)
    check_rate(path, "icd_version", int(odd.sum()), len(table), [*some[:3]], MOST_BAD)
    table = table[~odd]
    admissions = pd.Index(hadm_ids, dtype="int64", name="hadm_id").drop_duplicates()
    admissions = admissions[admissions.isin(table["hadm_id"])]
    group = codes.groups_of(table["icd_version"], table["icd_code"])
    labels = np.zeros((len(admissions), len(GROUPS)), "int8")
    row = admissions.get_indexer(table["hadm_id"].astype("int64"))
    column = pd.Index(GROUPS).get_indexer(group)
    labels[row[column >= 0], column[column >= 0]] = 1
    return pd.DataFrame(labels, admissions, [*NAMES])
