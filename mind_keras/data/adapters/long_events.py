"""A hospital's events in long format, one value a row, to hourly values."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.adapters import values as cells
from mind_keras.data.adapters.names import ALIASES, variable_numbers
from mind_keras.data.adapters.texts import blocks_of, columns_of, ids_of, times_of
from mind_keras.data.mimic.hourly import Hourly, fill
from mind_keras.data.mimic.reading import check_rate

NEEDED = ("time", "variable", "value")
HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How events are read.

    Args:
        clean: Leave out implausible values; see `values.clean`.
        ignore_unknown: Leave out other variables than the 17 instead of refusing.
        most_bad: Share of the times and values that may be unreadable.
    """

    clean: bool
    ignore_unknown: bool
    most_bad: float


def read_events(
    path: Path,
    stays: pd.DataFrame,
    rules: Rules,
    progress: Callable[[str, int, float], None],
) -> tuple[Hourly, dict[str, int]]:
    """The hourly values of all stays.

    Hour k has the last value of (k, k + 1] since `intime`, hour 0 also that of time 0;
    of two in one second the larger, so that the order of rows does not matter. Without
    a column `stay_id` an event belongs to each stay of its patient that spans it.

    Args:
        path: Columns `time`, `variable`, `value`; `stay_id` or `subject_id`; and, if
            there is one, `unit`.
        stays: From `long_stays.read_stays`.
        rules: How events are read.
        progress: Called as `progress("events", rows read, fraction)`.

    Returns:
        The hours; and how many events were `read`, of an `unknown_variable`,
        `bad_time`, `bad_value` or `blank`, of no stay (`other_stay`), `outside` the
        windows, `implausible`, or `kept`.

    Raises:
        ValueError: If a column is missing, a variable or unit is unknown, or too many
            times or values are unreadable.
    """
    header = columns_of(path, NEEDED)
    key = "stay_id" if "stay_id" in header else "subject_id"
    columns_of(path, [*NEEDED, key])
    columns = [*NEEDED, key] + ["unit"] * ("unit" in header)
    counts: Counter = Counter(dict.fromkeys(REASONS, 0))
    bad: dict[str, list[str]] = {"time": [], "value": []}
    parts = []
    for block, fraction in blocks_of(path, columns):
        events = _understand(path, block, rules, counts, bad)
        parts.append(_place(events, stays, key, rules, counts))
        progress("events", counts["read"], fraction)
    ours = counts["read"] - counts["unknown_variable"]
    for name, texts in bad.items():
        number = counts[f"bad_{name}"]
        check_rate(path, name, number, ours, texts, rules.most_bad)
    events = pd.concat([pd.DataFrame(columns=[*KEPT]).astype(KEPT), *parts])
    events = events.sort_values(["seconds", "number"], kind="stable")
    length = (stays["prediction_time"] - stays["intime"]).dt.total_seconds().to_numpy()
    hours = np.maximum(np.ceil(length / HOUR), 1)
    hour = np.maximum(-(-events["seconds"].to_numpy() // HOUR) - 1, 0)
    stay, _, variable, number = (events[name].to_numpy() for name in KEPT)
    return fill(hours, stay, hour, variable, number), dict(counts)


REASONS = ("read", "unknown_variable", "bad_time", "bad_value", "blank")
REASONS += ("other_stay", "outside", "implausible", "kept")
EXAMPLES = 100
# What is kept of an event until all are read: small, since there are many.
KEPT = {"stay": "int32", "seconds": "int64", "variable": "int8", "number": "float64"}


def _understand(
    path: Path,
    block: pd.DataFrame,
    rules: Rules,
    counts: Counter,
    bad: dict[str, list[str]],
) -> pd.DataFrame:
    """The rows with a known variable, a time and a value; the others are counted."""
    counts["read"] += len(block)
    code, distinct = pd.factorize(block["variable"])
    variable = variable_numbers(distinct)[code]
    unknown = sorted({str(name) for name in block.loc[variable < 0, "variable"]})
    if unknown and not rules.ignore_unknown:
        known = {name: list(aliases) for name, aliases in ALIASES.items()}
        raise ValueError(
            f"`variable` in {path} must be one of the 17, by one of their names: "
            f"{known}. Received also: {unknown[:10]}. Leave them out by "
            "`ignore_unknown=True`."
        )
    counts["unknown_variable"] += int((variable < 0).sum())
    ours = variable >= 0
    block = block[ours].assign(variable=variable[ours])
    texts = block["value"].str.strip()
    number, wrong = cells.parse_values(block["variable"].to_numpy(), texts.to_numpy())
    time, untimed = times_of(block["time"].tolist())
    missing = (np.isnan(number) & ~wrong) | (np.isnat(time) & ~untimed)
    for name, rows in {"time": untimed, "value": wrong}.items():
        counts[f"bad_{name}"] += int(rows.sum())
        bad[name] += block.loc[rows, name].tolist()[: EXAMPLES - len(bad[name])]
    counts["blank"] += int((missing & ~wrong & ~untimed).sum())
    block = block.assign(number=number, time=time)
    return block[~(missing | wrong | untimed)]


def _place(
    events: pd.DataFrame, stays: pd.DataFrame, key: str, rules: Rules, counts: Counter
) -> pd.DataFrame:
    """`stay`, `seconds`, `variable` and `number` of events within a window."""
    variable, number = events["variable"].to_numpy(), events["number"].to_numpy()
    if "unit" in events:
        number = cells.convert(variable, number, events["unit"].to_numpy())
    if rules.clean:
        number = cells.clean(variable, number)
    events = events.assign(number=number, key=ids_of(events[key].tolist()))
    events["event"] = np.arange(len(events))
    windows = stays[["intime", "prediction_time"]].assign(
        key=stays[key.replace("_id", "_key")], stay=np.arange(len(stays))
    )
    found = events.merge(windows, on="key")
    inside = found["time"].between(found["intime"], found["prediction_time"])
    some = found["event"].nunique()
    found = found[inside]
    counts["other_stay"] += len(events) - some
    counts["outside"] += some - found["event"].nunique()
    counts["implausible"] += int(found["number"].isna().sum())
    found = found[found["number"].notna()]
    counts["kept"] += len(found)
    seconds = (found["time"] - found["intime"]).dt.total_seconds().astype("int64")
    return found.assign(seconds=seconds)[[*KEPT]].astype(KEPT)
