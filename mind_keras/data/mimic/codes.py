"""Which CCS group a diagnosis code belongs to, by version of the ICD.

A code is looked up with its version, since some strings are codes of both. A code that
is newer than the table gets the group of its nearest relatives, but only where all
known codes under the common prefix, of any group, are in that one: so the table says
of each entry whether it is a `code` or such a `prefix`.

`phenotypes.csv` has the codes and prefixes of the 25 groups. It is made by
`ccs.build_codes` from CCS 2015 for ICD-9-CM and CCS for ICD-10-CM (beta, version
2019.1): works of the US government, by the Healthcare Cost and Utilization Project
(HCUP) of the Agency for Healthcare Research and Quality (AHRQ), free to use with this
citation. https://hcup-us.ahrq.gov/toolssoftware/ccs/ccs.jsp and
https://hcup-us.ahrq.gov/toolssoftware/ccs10/ccs10.jsp
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from mind_keras.data.mimic.phenotypes import GROUPS, NAMES

SHIPPED = Path(__file__).with_name("phenotypes.csv")
CODE, PREFIX = KINDS = ("code", "prefix")
VERSIONS = (9, 10)
COLUMNS = ("icd_version", "kind", "code", "ccs")
LONGEST, VERSION_WIDTH = 7, 3
NONE = 0  # No group; CCS counts from 1.


@dataclass(frozen=True, eq=False)
class Codes:
    """Groups of codes.

    Args:
        table: `icd_version` (9 or 10), `kind` (`"code"`, or `"prefix"` for all codes
            that begin so and are not in the table), `code` (no dot) and `ccs`.

    Raises:
        ValueError: If a column, version or kind is unknown, or an entry comes twice.

    Example:
        >>> codes = load_codes()
        >>> codes.group_of(10, "I48.91"), codes.group_of(10, "I4811")
        (106, 106)
        >>> codes.group_of(9, "4280"), codes.group_of(10, "K21.9")
        (108, 0)
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        _check_table(self.table)

    @cached_property
    def _groups(self) -> dict[str, pd.Series]:
        """Group by `version:code`, for codes and for prefixes."""
        keys = _keys(self.table["icd_version"], self.table["code"])
        groups = self.table["ccs"].astype("float64").set_axis(keys)
        return {kind: groups[(self.table["kind"] == kind).to_numpy()] for kind in KINDS}

    def group_of(self, version: int, code: str) -> int:
        """The group of one code, 0 if it is in none."""
        return int(self.groups_of([version], [code])[0])

    def groups_of(self, versions: Sequence[int], codes: Sequence[str]) -> np.ndarray:
        """The group of each code, 0 where it is in none.

        Args:
            versions: 9 or 10, `(n,)`; a missing one has no groups.
            codes: With or without dot and blanks, `(n,)`.

        Returns:
            CCS numbers, `(n,)`, int64.

        Raises:
            ValueError: If there is another version.
        """
        versions = pd.to_numeric(pd.Series(versions)).astype("float64")
        other = sorted(set(versions.dropna()) - set(VERSIONS))
        if other:
            raise ValueError(
                f"`icd_version` must be one of {VERSIONS}. Received: {other[:3]}."
            )
        place, keys = pd.factorize(_keys(versions.fillna(0), pd.Series(codes)))
        keys = pd.Series(keys, dtype=object)
        found = keys.map(self._groups[CODE]).astype("float64")
        # A prefix that is in the table has no other group below it, so that any of
        # its lengths gives the same answer.
        for length in range(LONGEST, 2, -1):
            stem = keys.str[: VERSION_WIDTH + length]
            found = found.fillna(stem.map(self._groups[PREFIX]))
        return found.fillna(NONE).to_numpy("int64")[place]


def clean(codes: pd.Series) -> pd.Series:
    """Codes as the tables have them: capitals, no dot, no blanks; a missing one empty.

    Example:
        >>> clean(pd.Series([" i48.91 ", "4019  ", None])).tolist()
        ['I4891', '4019', '']
    """
    return (
        codes.fillna("").astype(str).str.replace(r"[.\s]", "", regex=True).str.upper()
    )


def load_codes(path: str | Path | None = None) -> Codes:
    """A table of `ccs.build_codes` that was saved as CSV; None: the one shipped.

    Raises:
        ValueError: If the file is missing, or no such table.

    Example:
        >>> len(load_codes().table.query("kind == 'code'"))
        2734
    """
    path = SHIPPED if path is None else Path(path)
    if not path.is_file():
        raise ValueError(f"A table of codes must be a file. Received: no file {path}.")
    text = {"code": str, "kind": str}
    return Codes(pd.read_csv(path, dtype=text, keep_default_na=False))


def read_mapping(path: str | Path) -> Codes:
    """Codes from a YAML file of the form of mimic3-benchmarks.

    Its codes count for both versions of the ICD, and only as they stand there.

    Args:
        path: `{name: {use_in_benchmark, type, codes: ["4019", ...]}}`; the names of the
            25 phenotypes must be there, others are left out.

    Raises:
        ValueError: If a phenotype is missing, or a code is no text.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "definitions.yaml"
        >>> lines = [f"{name}: {{codes: ['A{k}']}}" for k, name in enumerate(NAMES)]
        >>> _ = path.write_text("\\n".join(lines))
        >>> read_mapping(path).group_of(10, "A1")
        109
    """
    path = Path(path)
    definitions = yaml.safe_load(path.read_text("utf-8"))
    definitions = definitions if isinstance(definitions, dict) else {}
    absent = [name for name in NAMES if "codes" not in (definitions.get(name) or {})]
    if absent:
        raise ValueError(
            f"{path.name} must have `codes` for each of the {len(NAMES)} phenotypes. "
            f"Received none for {absent[:3]}, {len(absent)} in all."
        )
    rows = [
        (version, CODE, code, group)
        for name, group in zip(NAMES, GROUPS, strict=True)
        for code in definitions[name]["codes"]
        for version in VERSIONS
    ]
    numbers = [code for _, _, code, _ in rows if not isinstance(code, str)]
    if numbers:
        raise ValueError(
            f"Codes in {path.name} must be text, in quotes: a number loses its zeros. "
            f"Received: {numbers[0]!r}, {len(numbers)} in all."
        )
    return Codes(pd.DataFrame(rows, columns=[*COLUMNS]))


def _keys(versions: pd.Series, codes: pd.Series) -> pd.Series:
    """`version:code`, the version in two digits."""
    versions = versions.reset_index(drop=True).astype(int).astype(str).str.zfill(2)
    return versions + ":" + clean(codes.reset_index(drop=True))


def _check_table(table: pd.DataFrame) -> None:
    absent = [name for name in COLUMNS if name not in table]
    if absent:
        raise ValueError(
            f"A table of codes must have the columns {COLUMNS}. Received none named "
            f"{absent}. Make it with `ccs.build_codes`."
        )
    wrong = ~table["icd_version"].isin(VERSIONS) | ~table["kind"].isin(KINDS)
    wrong |= ~table["ccs"].isin(GROUPS) | (clean(table["code"]) == "")
    if wrong.any() or not len(table):
        first = table[wrong].iloc[:1].to_dict("records")
        raise ValueError(
            f"A table of codes must have versions {VERSIONS}, kinds {KINDS}, groups "
            f"{GROUPS} and codes. Received: {int(wrong.sum())} other rows of "
            f"{len(table)}, such as {first}."
        )
    keys = [*COLUMNS[:2], "code"]
    twice = table.loc[table.assign(code=clean(table["code"])).duplicated(keys), "code"]
    if len(twice):
        raise ValueError(
            "A code must be in one group. Received rows again for "
            f"{twice.tolist()[:3]}, {len(twice)} in all."
        )
