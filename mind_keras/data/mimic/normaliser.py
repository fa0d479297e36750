"""Mean and standard deviation of the columns of hourly values.

Only the columns of numbers are standardised; categories and masks have the mean 0 and
the standard deviation 1 here, so that one formula serves all. Both are lists with a
number for each column of the layout.
"""

import json
import zipfile
from pathlib import Path

import numpy as np

from mind_keras.data.mimic.columns import continuous

CHUNK = 512
SMALLEST = 1e-7
READERS = (".json", ".npz")

Statistics = tuple[list[float], list[float]]


def fit_statistics(rows: np.ndarray, layout: str) -> Statistics:
    """Mean and sample standard deviation (n - 1) over all hours of training samples.

    Hours where a value was carried, or is the normal one, count as well. A column that
    varies by less than 1e-7 is divided by 1; the published normaliser divides it by
    1e-7, so that the first other value becomes huge.

    Args:
        rows: Columns of training samples alone, `(n, hours, columns)`, from
            `columns.expand`. They are read in parts: memory stays small.
        layout: The name of their layout in `columns.LAYOUTS`.

    Returns:
        `(mean, std)`, a number for each column.

    Raises:
        ValueError: If there are no rows, or their columns are not those of the layout.

    Example:
        >>> from mind_keras.data.mimic.columns import expand
        >>> grid = np.full((1, 3, 17), np.nan)
        >>> grid[0, :, 1] = 50, 60, 70
        >>> mean, std = fit_statistics(expand(grid, "reference76"), "reference76")
        >>> mean[2], std[2], mean[0], std[0]
        (60.0, 10.0, 0.0, 1.0)
    """
    scaled = continuous(layout)
    count = int(np.prod(rows.shape[:-1]))
    if rows.shape[-1] != len(scaled) or not count:
        raise ValueError(
            "Statistics must be fitted on at least one training sample, with the "
            f"{len(scaled)} columns of layout {layout!r}. Received: rows of shape "
            f"{rows.shape}."
        )
    # Twice over the data: the sum of squares less that of the mean would lose digits.
    centre = _sums(rows, scaled, np.zeros(scaled.sum()), 1) / count
    squares = _sums(rows, scaled, centre, 2)
    spread = np.sqrt(squares / max(count - 1, 1))
    return _over_all_columns(centre, np.where(spread < SMALLEST, 1, spread), scaled)


def statistics_from(path: str | Path, layout: str = "reference76") -> Statistics:
    """Mean and standard deviation that somebody else fitted, from a file.

    Args:
        path: A `.json` object or an `.npz` with `mean` and `std`, each with a number
            for each column to be standardised (12 in `"reference76"`), in order.
        layout: A name of `columns.LAYOUTS`.

    Returns:
        `(mean, std)`, a number for each column of the layout.

    Raises:
        ValueError: If the file is of another type, a pickle above all, or holds
            something else.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "normaliser.json"
        >>> _ = path.write_text(json.dumps({"mean": [60] * 12, "std": [20] * 12}))
        >>> statistics_from(path)[0][:4]
        [0.0, 0.0, 60.0, 60.0]
    """
    path, scaled = Path(path), continuous(layout)
    if path.suffix not in READERS:
        raise ValueError(
            f"A normaliser must be a file of type {[*READERS]} with `mean` and `std`. "
            f"Received: {path.name!r}. A pickle may run any code when it is opened, so "
            "it is not: write its means and standard deviations of the "
            f"{scaled.sum()} columns of numbers to JSON where you trust it."
        )
    mean, std = _read(path, int(scaled.sum()))
    return _over_all_columns(mean, std, scaled)


def standardise(
    array: np.ndarray, mean: list[float], std: list[float], out: np.ndarray
) -> np.ndarray:
    """`(array - mean) / std` written to `out`, which may be the array itself.

    Args:
        array: Rows, `(n, ..., columns)`.
        mean, std: A number for each column.
        out: `(n, ..., columns)`, float32.

    Example:
        >>> rows = np.array([[5.0, 7.0]], "float32")
        >>> standardise(rows, [1.0, 7.0], [2.0, 1.0], out=rows).tolist()
        [[2.0, 0.0]]
    """
    mean, std = np.asarray(mean, "float64"), np.asarray(std, "float64")
    for start in range(0, len(array), CHUNK):
        part = slice(start, start + CHUNK)
        # In float64 a part at a time: the whole would take twice the memory.
        out[part] = (np.asarray(array[part], "float64") - mean) / std
    return out


def _sums(
    rows: np.ndarray, scaled: np.ndarray, centre: np.ndarray, power: int
) -> np.ndarray:
    """Sum over samples and hours of `(value - centre) ** power`, float64."""
    total = np.zeros(len(centre))
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK][..., scaled].astype("float64")
        total += ((part.reshape(-1, len(centre)) - centre) ** power).sum(axis=0)
    return total


def _over_all_columns(
    mean: np.ndarray, std: np.ndarray, scaled: np.ndarray
) -> Statistics:
    means, stds = np.zeros(len(scaled)), np.ones(len(scaled))
    means[scaled], stds[scaled] = mean, std
    return means.tolist(), stds.tolist()


def _read(path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    try:
        if path.suffix == ".json":
            found = json.loads(path.read_text("utf-8"))
        else:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = dict(arrays)
        mean, std = (np.asarray(found[key], "float64") for key in ("mean", "std"))
        fault = ""
    except (ValueError, TypeError, KeyError, zipfile.BadZipFile, EOFError) as error:
        fault = f"{type(error).__name__}: {error}"
    if fault:
        raise ValueError(
            f"{path.name} must hold `mean` and `std`, lists of {count} numbers. "
            f"Received a file that cannot be read so ({fault})."
        )
    fine = mean.shape == std.shape == (count,) and np.isfinite([mean, std]).all()
    if not fine or (std <= 0).any():
        raise ValueError(
            f"{path.name} must hold `mean` and `std`, {count} finite numbers each, the "
            f"latter above 0. Received: shapes {mean.shape} and {std.shape}, smallest "
            f"`std` {std.min(initial=np.inf)}. Is it of another layout?"
        )
    return mean, std
