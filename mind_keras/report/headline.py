"""The tables that a report starts with, as text: one per head, models x patterns."""

from collections.abc import Mapping

import pandas as pd

from mind_keras.spec import BEST, FUSION

ABSENT = "-"
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
    first = [head for head in (BEST, FUSION) if head in found]
    return {head: found[head] for head in [*first, *sorted(set(found) - set(first))]}


def models_table(summary: Mapping) -> pd.DataFrame:
    """What each model costs, as text."""
    return pd.DataFrame(
        {
            "parameters": [f"{m['parameters']:,}" for m in summary["models"]],
            "size (kB)": [f"{m['size_bytes'] / 1000:.1f}" for m in summary["models"]],
            "latency (ms)": [f"{m['latency_ms']:.2f}" for m in summary["models"]],
        },
        index=[m["model"] for m in summary["models"]],
    )


def about(summary: Mapping) -> str:
    """What the numbers are: metric, interval, split, seed and config, in a sentence."""
    return (
        f"{summary['metric'].upper()} [{summary['level']:.0%} interval], "
        f"{summary['split']} split, seed {summary['seed']}, config {summary['name']} "
        f"({summary['config_digest'][:12]}), {summary['backend']}"
    )


def _table(head: str, rows: pd.DataFrame, summary: Mapping) -> pd.DataFrame:
    sizes = rows.groupby("pattern")["n"].max().to_dict()
    rows = rows[rows["n"] == rows["pattern"].map(sizes)]
    patterns = sorted(set(rows["pattern"]) - {ALL}, key=lambda p: (p.count("+"), p))
    # One pattern alone is all there is: it would be shown twice.
    patterns = [ALL, *patterns] if len(patterns) != 1 else patterns
    cells = rows.assign(cell=[_cell(*v) for v in rows[["value", "low", "high"]].values])
    table = cells.pivot(index="model", columns="pattern", values="cell")
    order = [m["model"] for m in summary["models"] if m["model"] in table.index]
    table = table.reindex(index=order, columns=patterns)
    if head == BEST:
        table = table[table.notna().all(axis=1)]
    table.columns = [f"{pattern} (n={sizes[pattern]})" for pattern in patterns]
    return table.fillna(ABSENT).rename_axis(index=None)


def _cell(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return ABSENT
    return f"{value:.3f}" + ("" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]")
