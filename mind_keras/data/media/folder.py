"""A user's folder: is it the one that was published, and all of it?"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd


def check_folder(path: str | Path | None, source: str, needs: Iterable[str]) -> Path:
    """The folder of a data set, which holds what it must hold.

    Args:
        path: What the user gave.
        source: Name of the source, for messages.
        needs: Files and folders that must be in it; `"a|b"`: one of them.

    Raises:
        ValueError: If no path is given, it is no folder, or something is missing.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> check_folder(folder, "smnist", []) == Path(folder)
        True
    """
    needs = list(needs)
    if path is None or not Path(path).is_dir():
        raise ValueError(
            f"The source {source!r} needs `path`, the folder of a downloaded copy. "
            f"Received: {path!r}{'' if path is None else ', which is no folder'}. "
            "docs/multiclass_data.md says where to get it and how it is laid out."
        )
    path = Path(path)
    missing = [
        " or ".join(need.split("|"))
        for need in needs
        if not any((path / name).exists() for name in need.split("|"))
    ]
    if missing:
        found = sorted(entry.name for entry in path.iterdir())
        shown = f"{found[:8]}{' ...' if len(found) > 8 else ''}"
        raise ValueError(
            f"The folder of {source!r} must hold {', '.join(missing)}. Received: "
            f"{path}, with {shown}. Is it another folder, or is the download "
            "unfinished? docs/multiclass_data.md shows the layout."
        )
    return path


def check_counts(
    found: Mapping[str, int], published: Mapping[str, int], *, subset: bool
) -> None:
    """Refuse a copy with other counts than those published, unless it is a subset.

    Example:
        >>> check_counts({"clips": 3}, {"clips": 7442}, subset=True)
    """
    off = {name: n for name, n in found.items() if n != published[name]}
    if subset or not off:
        return
    told = ", ".join(f"{n:,} {name} of {published[name]:,}" for name, n in off.items())
    raise ValueError(
        f"A copy must have as many files as published. Received: {told}. Is the "
        "download unfinished? If it is a part on purpose, say `subset: true`."
    )


def read_table(path: Path, columns: Iterable[str], **options: object) -> pd.DataFrame:
    """A table of text, with at least the columns named.

    Raises:
        ValueError: If it cannot be read, or lacks a column.
    """
    columns = list(columns)
    # As text: a class may be called "NA", and a path "007".
    asked = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig"}
    try:
        table = pd.read_csv(path, **asked, **options)
    except (ValueError, OSError) as error:
        raise ValueError(
            f"A table must be text of rows and columns. Received: {path} ({error})."
        ) from None
    missing = [name for name in columns if name not in table]
    if missing:
        raise ValueError(
            f"{path} must have the columns {columns}. Received: without {missing}, "
            f"with {table.columns.tolist()}."
        )
    return table
