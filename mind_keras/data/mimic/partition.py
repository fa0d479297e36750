"""Which patients train, which validate and which test a model.

A patient's part depends on the id alone, so it stays when the cohort changes, and is
the same for a stay and for an image. Users who have lists of their own give them as
files.
"""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.split import check_fractions
from mind_keras.data.splits import SPLITS

TRAIN, VALIDATION, TEST = SPLITS
# Of train, validation and test: 20 % test, 10 % of the rest validate.
FRACTIONS = (0.72, 0.08, 0.2)
BUCKETS = 10_000


def assign(
    subject_ids: Sequence | pd.Series,
    *,
    salt: str = "mind_keras",
    fractions: Sequence[float] = FRACTIONS,
    files: Sequence[str | Path] | None = None,
) -> pd.Series:
    """The part of each patient: `train`, `validation` or `test`.

    Args:
        subject_ids: Patients, repeated as often as they come; whole numbers or text.
            The number 17 and the text "17" are one patient.
        salt: Another salt, another split.
        fractions: Share of train, validation and test; sum 1.
        files: Two lists instead of the hash, of test and of validation patients, each
            without a header: `subject_id,flag`, the flag being 1 for members. Who is a
            member of neither trains.

    Returns:
        `split`, with the index of `subject_ids` if it is a series.

    Raises:
        ValueError: If the fractions are not three positive numbers of sum 1; if an id
            is missing or no whole number; if a list is malformed, says
            two things of a patient, knows none of the patients given, or shares a
            patient with the other.

    Example:
        >>> list(assign([10000017, 10000022, "10000017"]))
        ['test', 'validation', 'test']
    """
    ids = as_ids(subject_ids)
    code, patients = pd.factorize(ids)
    if files is None:
        bounds = _bounds(fractions)
        parts = [_hashed(patient, salt, bounds) for patient in patients]
    else:
        parts = _listed(patients, *_lists(files))
    index = getattr(subject_ids, "index", None)
    index = index if isinstance(index, pd.Index) else None
    return pd.Series(np.array(parts, dtype=object)[code], index, name="split")


def as_ids(values: Sequence | pd.Series) -> pd.Series:
    """Ids as text, whatever their type, so that they compare.

    Raises:
        ValueError: If an id is missing, or a number that is not whole.

    Example:
        >>> list(as_ids([7.0, 8.0])), list(as_ids([" 7", "a8"]))
        (['7', '8'], ['7', 'a8'])
    """
    values = pd.Series(values).reset_index(drop=True)
    if pd.api.types.is_float_dtype(values.dtype):
        broken = values[values.isna() | (values % 1 != 0)]
    else:
        broken = values[values.isna() | (values.astype(str).str.strip() == "")]
    if len(broken):
        raise ValueError(
            "A patient's id must be a whole number or text. Received: "
            f"{broken.iloc[0]!r} at row {broken.index[0]}, {len(broken)} in all."
        )
    if pd.api.types.is_float_dtype(values.dtype):
        values = values.astype("int64")
    return values.astype(str).str.strip()


def _bounds(fractions: Sequence[float]) -> dict[str, int]:
    """Test patients have the lowest hash values, then come those of validation."""
    _, validation, test = check_fractions(fractions)
    upper = {TEST: test, VALIDATION: test + validation, TRAIN: 1.0}
    return {part: round(bound * BUCKETS) for part, bound in upper.items()}


def _hashed(patient: str, salt: str, bounds: dict[str, int]) -> str:
    digest = blake2b(f"{salt}:{patient}".encode(), digest_size=8).digest()
    bucket = int.from_bytes(digest, "big") % BUCKETS
    return next(part for part, bound in bounds.items() if bucket < bound)


def _lists(files: Sequence[str | Path]) -> tuple[pd.Series, pd.Series]:
    if isinstance(files, str | Path) or len(files) != 2:
        raise ValueError(
            "`files` must be two files, the list of test patients and the list of "
            f"validation patients. Received: {files!r}."
        )
    test, validation = (_read_list(Path(file)) for file in files)
    both = sorted(set(test.index[test]) & set(validation.index[validation]))
    if both:
        raise ValueError(
            "A patient must not be in both the test list and the validation list. "
            f"Received: {len(both)} in {Path(files[0]).name} and in "
            f"{Path(files[1]).name}, such as {both[:3]}."
        )
    return test, validation


def _read_list(path: Path) -> pd.Series:
    """Whether each patient of a file is a member, by id."""
    rule = f"{path.name} must have lines `subject_id,0` or `subject_id,1`. "
    if not path.is_file():
        raise ValueError(f"{rule}Received: no such file, {path}.")
    rows = [
        [field.strip() for field in line.split(",")]
        for line in path.read_text("utf-8-sig").splitlines()
        if line.strip()
    ]
    # Some people's lists have a header. It is the only line that names its column.
    rows = rows[1:] if rows and rows[0][0] == "subject_id" else rows
    bad = [
        row for row in rows if len(row) != 2 or not row[0] or row[1] not in ("0", "1")
    ]
    if bad or not rows:
        shown = ",".join(bad[0]) if bad else "an empty file"
        raise ValueError(f"{rule}Received: {shown!r}, {len(bad)} such lines.")
    table = pd.DataFrame(rows, columns=["id", "flag"]).drop_duplicates()
    twice = table.loc[table["id"].duplicated(), "id"]
    if len(twice):
        raise ValueError(
            f"{rule}Received: both for {len(twice)} patients, such as {twice.iloc[0]}."
        )
    return table.set_index("id")["flag"] == "1"


def _listed(patients: pd.Index, test: pd.Series, validation: pd.Series) -> list[str]:
    known = {*test.index, *validation.index}
    if len(patients) and known.isdisjoint(patients):
        raise ValueError(
            "The lists of test and validation patients must be of these patients. "
            f"Received: lists of {len(known)}, such as {min(known)}, who are none of "
            f"the {len(patients)} given, such as {patients[0]}. Are they of another "
            "data set?"
        )
    tests, validates = set(test.index[test]), set(validation.index[validation])
    return [
        TEST if p in tests else VALIDATION if p in validates else TRAIN
        for p in patients
    ]
