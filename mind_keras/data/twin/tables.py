"""Tables as MIMIC ships them: `.csv.gz`, the same bytes for the same rows.

Columns are those of MIMIC-IV 2.2 and 3.1 and of MIMIC-CXR-JPG 2.0.0, in their order,
whether we have anything to put in or not. A field is quoted only where it must be.
"""

import csv
import gzip
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

LEVEL = 5
FINDINGS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema"),
    *("Enlarged Cardiomediastinum", "Fracture", "Lung Lesion", "Lung Opacity"),
    *("No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia"),
    *("Pneumothorax", "Support Devices"),
)
_COLUMNS = {
    "mimic-iv/hosp/patients": """
        subject_id gender anchor_age anchor_year anchor_year_group dod""",
    "mimic-iv/hosp/admissions": """
        subject_id hadm_id admittime dischtime deathtime admission_type
        admit_provider_id admission_location discharge_location insurance language
        marital_status race edregtime edouttime hospital_expire_flag""",
    "mimic-iv/hosp/diagnoses_icd": "subject_id hadm_id seq_num icd_code icd_version",
    "mimic-iv/hosp/labevents": """
        labevent_id subject_id hadm_id specimen_id itemid order_provider_id charttime
        storetime value valuenum valueuom ref_range_lower ref_range_upper flag priority
        comments""",
    "mimic-iv/icu/icustays": """
        subject_id hadm_id stay_id first_careunit last_careunit intime outtime los""",
    "mimic-iv/icu/chartevents": """
        subject_id hadm_id stay_id caregiver_id charttime storetime itemid value
        valuenum valueuom warning""",
    "mimic-cxr-jpg/mimic-cxr-2.0.0-metadata": """
        dicom_id subject_id study_id PerformedProcedureStepDescription ViewPosition
        Rows Columns StudyDate StudyTime ProcedureCodeSequence_CodeMeaning
        ViewCodeSequence_CodeMeaning PatientOrientationCodeSequence_CodeMeaning""",
    "mimic-cxr-jpg/mimic-cxr-2.0.0-split": "dicom_id study_id subject_id split",
}
COLUMNS = {name: tuple(names.split()) for name, names in _COLUMNS.items()}
COLUMNS["mimic-cxr-jpg/mimic-cxr-2.0.0-chexpert"] = (
    *("subject_id", "study_id"),
    *FINDINGS,
)


@contextmanager
def table_file(root: Path, name: str) -> Iterator[Callable[[Mapping], int]]:
    """Open a table for writing; what is given takes blocks of rows.

    A block is a mapping or frame of columns: texts, whole numbers, floats (NaN:
    blank) or times. A column that it lacks stays blank. It returns the rows written.

    Args:
        root: The folder of the twin.
        name: One of `COLUMNS`.

    Example:
        >>> import tempfile
        >>> with table_file(Path(tempfile.mkdtemp()), [*COLUMNS][0]) as add:
        ...     add({"subject_id": np.array([10000032]), "gender": ["F"]})
        1
    """
    path = root / f"{name}.csv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = COLUMNS[name]
    # A name or a time in the header of the archive would make its bytes differ.
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8", newline="") as text,
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)

        def add(block: Mapping) -> int:
            size = len(next(iter(dict(block).values())))
            blanks = [""] * size
            fields = [_texts(block[c]) if c in block else blanks for c in columns]
            writer.writerows(zip(*fields, strict=True))
            return size

        yield add


def _texts(values: Sequence) -> list:
    array = np.asarray(values)
    if array.dtype.kind == "M":
        return times_as_text(array)
    if array.dtype.kind == "f":
        return numbers_as_text(array)
    return array.tolist()


def numbers_as_text(values: np.ndarray) -> list[str]:
    """Numbers without a needless zero, NaN as "".

    Example:
        >>> numbers_as_text(np.array([98.0, 7.38, np.nan]))
        ['98', '7.38', '']
    """
    return ["" if v != v else repr(v).removesuffix(".0") for v in values.tolist()]


def times_as_text(values: np.ndarray) -> list[str]:
    """Times as `YYYY-MM-DD HH:MM:SS`, days as `YYYY-MM-DD`, NaT as "".

    Args:
        values: `datetime64[s]` or `datetime64[D]`, `(n,)`.

    Example:
        >>> times_as_text(np.array(["2150-01-02T03:04:05", "NaT"], "datetime64[s]"))
        ['2150-01-02 03:04:05', '']
    """
    texts = np.datetime_as_string(values).tolist()
    return ["" if t == "NaT" else t.replace("T", " ") for t in texts]
