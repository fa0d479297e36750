"""The table of codes, made from the public files of the CCS.

The files (see `codes` for who made them): for ICD-9-CM `$dxref 2015.csv` or
`AppendixASingleDX.txt`, for ICD-10-CM `ccs_dx_icd10cm_2019_1.csv`. To read another
form: a reader `text -> {code: group}` in `READERS`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mind_keras.data.mimic.codes import CODE, COLUMNS, PREFIX
from mind_keras.data.mimic.phenotypes import GROUPS

# Letters and digits, three at least; blank and "no code" lines are none.
ICD = re.compile(r"[A-Z0-9]{3,7}")


def build_codes(
    icd9_file: str | Path,
    icd10_file: str | Path,
    groups: Sequence[int] = GROUPS,
) -> pd.DataFrame:
    """Codes and unanimous prefixes of some groups, for `codes.Codes`.

    A prefix is unanimous if all codes of the files that begin so, in whatever group,
    are in one. The shortest are given, but none shorter than a category, the part of a
    code before the dot.

    Args:
        icd9_file: `$dxref 2015.csv` or `AppendixASingleDX.txt`.
        icd10_file: `ccs_dx_icd10cm_2019_1.csv`.
        groups: CCS numbers.

    Returns:
        `icd_version`, `kind`, `code`, `ccs`, sorted.

    Raises:
        ValueError: If a file is of no known form, or says two things of a code.

    Example:
        >>> import tempfile
        >>> nine, ten = (Path(tempfile.mkdtemp()) / name for name in ("9", "10"))
        >>> _ = nine.write_text("2    Septicemia\\n     0031 0202\\n")
        >>> _ = ten.write_text("'ICD-10-CM CODE','CCS CATEGORY'\\n'A419','2'\\n")
        >>> build_codes(nine, ten)["code"].tolist()
        ['0031', '0202', '003', '020', 'A419', 'A41']
    """
    parts = []
    for version, file in ((9, icd9_file), (10, icd10_file)):
        known = read_ccs(file)
        asked = {code: group for code, group in known.items() if group in set(groups)}
        prefixes = unanimous_prefixes(known, version)
        prefixes = {p: group for p, group in prefixes.items() if group in set(groups)}
        for kind, entries in ((CODE, asked), (PREFIX, prefixes)):
            rows = [(version, kind, code, group) for code, group in entries.items()]
            parts += sorted(rows)
    return pd.DataFrame(parts, columns=[*COLUMNS])


def read_ccs(path: str | Path) -> dict[str, int]:
    """The group of each code of a file of the CCS.

    Raises:
        ValueError: If the file is of no known form, or says two things of a code.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "AppendixASingleDX.txt"
        >>> _ = path.write_text("Appendix A\\n\\n2    Septicemia\\n     0031 0202\\n")
        >>> read_ccs(path)
        {'0031': 2, '0202': 2}
    """
    text = Path(path).read_text("latin-1")
    pairs = next(filter(None, (reader(text) for reader in READERS)), None)
    if pairs is None:
        raise ValueError(
            "A file of the CCS must be `$dxref 2015.csv`, `AppendixASingleDX.txt` or "
            f"`ccs_dx_icd10cm_2019_1.csv`. Received: {Path(path).name}, of another "
            "form. Was it edited, or is it of the multi-level CCS or the CCSR?"
        )
    known = dict(pairs)
    twice = sorted({code for code, group in pairs if known[code] != group})
    if twice:
        raise ValueError(
            f"{Path(path).name} must have one group per code. Received two for "
            f"{twice[:3]}, {len(twice)} in all."
        )
    return known


def unanimous_prefixes(known: Mapping[str, int], version: int) -> dict[str, int]:
    """The shortest prefixes below which all known codes are in one group.

    Example:
        >>> known = {"I480": 106, "I4891": 106, "E119": 49, "E1140": 50, "E1141": 50}
        >>> unanimous_prefixes(known, 10)
        {'I48': 106, 'E119': 49, 'E114': 50}
    """
    below: dict[str, set[int]] = {}
    for code, group in known.items():
        for length in range(_category(code, version), len(code) + 1):
            below.setdefault(code[:length], set()).add(group)
    agreed = {prefix: groups for prefix, groups in below.items() if len(groups) == 1}
    return {
        prefix: next(iter(groups))
        for prefix, groups in agreed.items()
        if len(prefix) == _category(prefix, version) or prefix[:-1] not in agreed
    }


def _category(code: str, version: int) -> int:
    """Length of the part before the dot."""
    return 4 if version == 9 and code.startswith("E") else 3


def _read_quoted(text: str) -> list[tuple[str, int]]:
    """Lines `'code','group',...`, code and group in quotes and padded."""
    if not re.search(r"^'[^']*CODE'\s*,\s*'CCS CATEGORY'", text, re.MULTILINE):
        return []
    lines = re.findall(r"^'([^']*)'\s*,\s*'\s*(\d+)\s*'", text, re.MULTILINE)
    pairs = [(code.strip(), int(group)) for code, group in lines]
    return [(code, group) for code, group in pairs if ICD.fullmatch(code)]


def _read_list(text: str) -> list[tuple[str, int]]:
    """A line `group  name`, then lines of codes behind blanks."""
    pairs, group = [], None
    for line in text.splitlines():
        head = re.match(r"(\d+)\s+\S", line)
        if head:
            group = int(head[1])
        elif line.startswith(" ") and group is not None:
            pairs += [(code, group) for code in line.split() if ICD.fullmatch(code)]
    return pairs


READERS = (_read_quoted, _read_list)
