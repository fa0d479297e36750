"""Where a table is: the folders and names of MIMIC-IV and MIMIC-CXR-JPG.

Only headers are read here. Columns are found by name, never by position: releases
have added some in between. A table or column that moved is named in `TABLES` or
`COLUMNS`, so that the error says which release has it.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

# The root itself comes last: some people keep single tables without folders.
FOLDERS = ("hosp", "icu", "core", "")
# As shipped first: an interrupted `gunzip` leaves a short .csv beside it.
SUFFIXES = (".csv.gz", ".csv")
CXR_VERSIONS = ("2.1.0", "2.0.0")
CXR_TABLES = ("metadata", "split", "chexpert")
TABLES = {
    "patients": "hosp/ in MIMIC-IV 2.0 and later, core/ in 1.0",
    "admissions": "hosp/ in MIMIC-IV 2.0 and later, core/ in 1.0",
    "transfers": "hosp/ in MIMIC-IV 2.0 and later, core/ in 1.0",
    "diagnoses_icd": "hosp/ in MIMIC-IV 1.0 and later",
    "labevents": "hosp/ in MIMIC-IV 1.0 and later",
    "icustays": "icu/ in MIMIC-IV 1.0 and later",
    "chartevents": "icu/ in MIMIC-IV 1.0 and later",
}
COLUMNS = {
    ("admissions", "race"): "in MIMIC-IV 2.0 and later; 1.0 has 'ethnicity'",
    ("admissions", "ethnicity"): "in MIMIC-IV 1.0; 2.0 and later have 'race'",
}


def find_table(root: Path, name: str, columns: Sequence[str]) -> Path:
    """The file of a MIMIC-IV table, in the layout of 1.0, 2.x or 3.x.

    Args:
        root: The folder that holds `hosp/` and `icu/` (1.0: also `core/`).
        name: Of the table, such as `"chartevents"`.
        columns: Names that its header must have.

    Raises:
        ValueError: If there is no such table, or it lacks a column.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "icu").mkdir()
        >>> _ = (root / "icu" / "icustays.csv").write_text("stay_id,los\\n")
        >>> find_table(root, "icustays", ["stay_id"]).relative_to(root).as_posix()
        'icu/icustays.csv'
    """
    places = [Path(root, folder, name + end) for folder in FOLDERS for end in SUFFIXES]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        homes = TABLES.get(name)
        raise ValueError(
            f"{root} must hold the table {name!r}"
            + (f", which is in {homes}" if homes else "")
            + f". Received none of {_listed(places, root)}. Is this the folder that "
            "holds hosp/ and icu/, and is the download complete?"
        )
    _check_columns(path, name, columns)
    return path


def find_cxr_table(root: Path, name: str, columns: Sequence[str]) -> Path:
    """The file of a MIMIC-CXR-JPG table, of release 2.0.0 or 2.1.0.

    Args:
        root: The folder that holds `files/` and the tables.
        name: One of `CXR_TABLES`.
        columns: Names that its header must have.

    Raises:
        ValueError: If the name is unknown, there is no such table, or it lacks a
            column.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> name = "mimic-cxr-2.0.0-split.csv"
        >>> _ = (root / name).write_text("dicom_id,split\\n")
        >>> find_cxr_table(root, "split", ["split"]).name
        'mimic-cxr-2.0.0-split.csv'
    """
    if name not in CXR_TABLES:
        raise ValueError(f"Unknown table {name!r}. Known: {CXR_TABLES}.")
    names = [f"mimic-cxr-{version}-{name}" for version in CXR_VERSIONS]
    places = [Path(root, stem + end) for stem in names for end in SUFFIXES]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise ValueError(
            f"{root} must hold the table {name!r} of MIMIC-CXR-JPG. Received none of "
            f"{_listed(places, root)}. Is this the folder that holds files/, and is "
            "the download complete?"
        )
    _check_columns(path, name, columns)
    return path


def read_header(path: Path) -> list[str]:
    """The column names of a `.csv` or `.csv.gz`.

    Raises:
        ValueError: If the file is empty, or named `.gz` and not compressed so.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("stay_id,los\\n1,2.5\\n")
        >>> read_header(path)
        ['stay_id', 'los']
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            line = file.readline()
        names = next(csv.reader(io.StringIO(line.decode("utf-8-sig"))), [])
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} must be a whole table. Received one whose first line cannot be "
            f"read: {error}. Download it again."
        ) from error
    if not names:
        raise ValueError(
            f"{path} must begin with a line of column names. Received an empty file. "
            "Download it again."
        )
    return names


def _check_columns(path: Path, name: str, columns: Sequence[str]) -> None:
    found = read_header(path)
    absent = [column for column in columns if column not in found]
    if absent:
        known = {column: COLUMNS.get((name, column)) for column in absent}
        notes = [f" {column!r} is {note}." for column, note in known.items() if note]
        raise ValueError(
            f"{path} must have the columns {[*columns]}. Received none named {absent}; "
            f"it has {found}.{''.join(notes)} Is this the table of MIMIC, unchanged?"
        )


def _listed(places: Sequence[Path], root: Path) -> list[str]:
    return [place.relative_to(root).as_posix() for place in places]
