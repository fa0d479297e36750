"""The tables that a report starts with, as text: one per head, models x patterns."""

from collections.abc import Iterable, Mapping

import pandas as pd

from mind_keras.report import words
from mind_keras.report.words import ABSENT
from mind_keras.spec import BEST, FUSION

ALL = "all"


def headline(summary: Mapping, metrics: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The headline metric, one table of text for each head.

    A column is named `"pattern (n=...)"`. A cell is left out where a model answers
    fewer samples than others do, and a model is left out of `best` where it does not
    answer all samples.

    Args:
        summary: Of the run.
        metrics: Of the run.

    Returns:
        `{head: table}`, `best` and `fusion` first; the index are models, the cells
        read `"0.812 [0.70, 0.90]"`.
    """
    rows = metrics[(metrics["metric"] == summary["metric"]) & metrics["label"].isna()]
    found = {head: _table(head, part, summary) for head, part in rows.groupby("head")}
    return {head: found[head] for head in ordered(found)}


def ordered(heads: Iterable[str]) -> list[str]:
    """The heads as they are shown.

    Example:
        >>> ordered(["ehr", "fusion", "cxr", "best"])
        ['best', 'fusion', 'cxr', 'ehr']
    """
    first = {BEST: 0, FUSION: 1}
    return sorted(set(heads), key=lambda head: (first.get(head, 2), head))


def models_table(summary: Mapping) -> pd.DataFrame:
    """What each model costs, as text; a column is left out where nobody knows it."""
    models = summary["models"]
    table = pd.DataFrame(
        {
            "parameters": [words.count(m["parameters"]) for m in models],
            "MACs": [words.short(m.get("macs")) for m in models],
            "size (kB)": [f"{m['size_bytes'] / 1000:.1f}" for m in models],
            "latency (ms)": [f"{_median(m):.2f}" for m in models],
            "p95 (ms)": [words.number(m.get("latency_p95_ms"), 2) for m in models],
        },
        index=[m["model"] for m in models],
    )
    return table.loc[:, (table != ABSENT).any()]


def about(summary: Mapping) -> str:
    """What the numbers are: metric, interval, split, seed and config, in a sentence."""
    seeds = summary.get("seeds")
    seed = f"seeds {', '.join(map(str, seeds))}" if seeds else f"seed {summary['seed']}"
    return (
        f"{words.metric(summary['metric'])} [{summary['level']:.0%} interval], "
        f"{summary['split']} split, {seed}, config {summary['name']} "
        f"({summary['config_digest'][:12]}), {summary['backend']}"
    )


def comparable(head: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one head that stand side by side: all of the same samples.

    In each pattern those with the most samples are kept; the others answer only some
    of them. Where nothing is known of `n`, all are kept.
    """
    sizes = rows.groupby("pattern")["n"].max()
    rows = rows[rows["n"].eq(rows["pattern"].map(sizes)) | rows["n"].isna()]
    if head != BEST:
        return rows
    answered = rows.groupby("model")["pattern"].nunique()
    whole = answered[answered == len(sizes)].index
    return rows[rows["model"].isin(whole)]


def counted(rows: pd.DataFrame) -> str:
    """How many samples, or seeds, stand behind numbers."""
    if "seeds" in rows.columns:
        return f"{rows['seeds'].max():.0f} seeds"
    return f"n={rows['n'].max():.0f}"


def _median(model: Mapping) -> float:
    known = model.get("latency_p50_ms")
    return model["latency_ms"] if known is None else known


def _table(head: str, rows: pd.DataFrame, summary: Mapping) -> pd.DataFrame:
    patterns = sorted(set(rows["pattern"]) - {ALL}, key=lambda p: (p.count("+"), p))
    # One pattern alone is all there is: it would be shown twice.
    patterns = [ALL, *patterns] if len(patterns) != 1 else patterns
    rows = comparable(head, rows[rows["pattern"].isin(patterns)])
    cells = [words.interval(*v) for v in rows[["value", "low", "high"]].to_numpy()]
    table = rows.assign(cell=cells).pivot(
        index="model", columns="pattern", values="cell"
    )
    order = [m["model"] for m in summary["models"] if m["model"] in table.index]
    table = table.reindex(index=order, columns=patterns)
    table.columns = [f"{p} ({counted(rows[rows['pattern'] == p])})" for p in patterns]
    return table.fillna(ABSENT).rename_axis(index=None)
