"""The 14 findings of chest X-ray reports, as the CheXpert labeller read them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.mimic.layout import find_cxr_table
from mind_keras.data.mimic.reading import read_table

FINDINGS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema"),
    *("Enlarged Cardiomediastinum", "Fracture", "Lung Lesion", "Lung Opacity"),
    *("No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia"),
    *("Pneumothorax", "Support Devices"),
)
# What -1, "may be there", is taken for.
UNCERTAIN = {"zero": 0.0, "one": 1.0, "ignore": np.nan}


def chexpert_labels(
    root: str | Path, studies: Sequence[int], uncertain: str = "zero"
) -> pd.DataFrame:
    """Findings of studies: 1 present, 0 absent or not mentioned, NaN unknown.

    Args:
        root: Folder of MIMIC-CXR-JPG.
        studies: `study_id`s; one without labels is unknown in all findings.
        uncertain: What a finding that may be there counts as: `"zero"`, `"one"` or
            `"ignore"` (unknown).

    Returns:
        `study_id` and a float64 column per finding, in the order of `studies`.

    Raises:
        ValueError: If `uncertain` is unknown, a value is none of 1, 0, -1 and blank, or
            a study comes twice with different findings.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> _ = (root / "mimic-cxr-2.0.0-chexpert.csv").write_text(
        ...     "subject_id,study_id," + ",".join(FINDINGS) + "\\n1,50000001,1.0,-1.0"
        ...     + 12 * "," + "\\n"
        ... )
        >>> table = chexpert_labels(root, [50000001], uncertain="ignore")
        >>> table[["Atelectasis", "Cardiomegaly", "Edema"]].to_numpy().tolist()
        [[1.0, nan, 0.0]]
    """
    if uncertain not in UNCERTAIN:
        raise ValueError(
            f"`uncertain` must be one of {[*UNCERTAIN]}. Received: {uncertain!r}."
        )
    columns = {"study_id": "int", **dict.fromkeys(FINDINGS, "float")}
    path = find_cxr_table(Path(root), "chexpert", [*columns])
    table = read_table(path, columns).frame.dropna(subset="study_id").drop_duplicates()
    values = table[[*FINDINGS]].to_numpy()
    wrong = values[~np.isnan(values) & ~np.isin(values, (0.0, 1.0, -1.0))]
    if len(wrong) or table["study_id"].duplicated().any():
        twice = table.loc[table["study_id"].duplicated(), "study_id"].tolist()
        raise ValueError(
            f"{path} must have one row per study, of 1, 0, -1 and blanks. Received: "
            f"{len(wrong)} other values, such as {wrong.tolist()[:3]}; {len(twice)} "
            f"studies again, such as {twice[:3]}."
        )
    known = table.set_index(table["study_id"].astype("int64"))[[*FINDINGS]]
    known = known.fillna(0.0).replace(-1.0, UNCERTAIN[uncertain])
    return known.reindex(pd.Index(studies, name="study_id")).reset_index()
