"""Where the student stands: the first table of a report, and what it comes to.

All numbers are rows of the run's files. Only two things are worked out here: how many
times fewer parameters a model has than the teachers, and FLOPs as twice the MACs.
"""

from collections.abc import Mapping

import pandas as pd

from mind_keras.evaluation.metrics import METRICS
from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.glossary import meaning
from mind_keras.report.headline import ALL, comparable, counted
from mind_keras.report.looks import by_interest, is_single_teacher
from mind_keras.spec import BEST, FUSION

STUDENT, TEACHERS, NO_KD = "student", "teachers", "no_kd"
# The reference that a reader asks for first.
REFERENCES = (STUDENT, NO_KD, TEACHERS)


def standing(results: Results) -> pd.DataFrame:
    """The headline metric of each model, what it differs by, and what it costs.

    Args:
        results: Of a run.

    Returns:
        Text, a row per model that answers all samples that the fusion head, or the
        best head, answers; those that everybody asks for first, single teachers left
        out. Numbers of other samples are not shown beside them.
    """
    columns = {}
    for head in (FUSION, BEST):
        rows = overall(results, head)
        if not rows.empty:
            cells = words_of(rows, words.interval)
            columns[_titled(results, head, rows)] = cells
    shown = [m for m in results.models if any(m in c for c in columns.values())]
    shown = [m for m in by_interest(shown) if not is_single_teacher(m)]
    columns = _with_differences(results, columns) | costs(results.summary)
    table = pd.DataFrame(columns, index=results.models, dtype=object).loc[shown]
    table = table.fillna(words.ABSENT)
    return table.loc[:, (table != words.ABSENT).any()]


def overall(results: Results, head: str) -> pd.DataFrame:
    """The rows of the headline metric over all samples that a head answers."""
    rows = results.scores
    return comparable(head, rows[over_all(rows, results) & rows["head"].eq(head)])


def over_all(rows: pd.DataFrame, results: Results) -> pd.Series:
    """Which rows are of the headline metric, over all that a head answers."""
    headline_metric = rows["metric"] == results.summary["metric"]
    return headline_metric & rows["label"].isna() & (rows["pattern"] == ALL)


def differences(results: Results, head: str) -> pd.DataFrame:
    """One row per model and reference: the bootstrap's where there are several."""
    rows = results.differences
    rows = rows[over_all(rows, results) & rows["head"].eq(head)]
    other = ~rows["method"].astype(str).str.contains("bootstrap")
    order = rows.assign(other=other).sort_values("other", kind="stable").index
    return rows.loc[order].drop_duplicates(["model", "reference"]).sort_index()


def costs(summary: Mapping) -> dict[str, dict[str, str]]:
    """`{title: {model: text}}` of size and speed; see the module for what is new."""
    models = {row["model"]: row for row in summary.get("models", ())}
    taught = models.get(TEACHERS)
    columns = {
        "parameters": {m: words.count(r["parameters"]) for m, r in models.items()}
    }
    if taught:
        fewer = {m: taught["parameters"] / r["parameters"] for m, r in models.items()}
        columns["compression"] = {m: words.times(r) for m, r in fewer.items()}
    columns["MACs"] = {m: words.short(r.get("macs")) for m, r in models.items()}
    columns["FLOPs"] = {m: words.short(_flops(r)) for m, r in models.items()}
    columns["file (kB)"] = {
        m: f"{r['size_bytes'] / 1000:,.1f}" for m, r in models.items()
    }
    columns["latency p50 (ms)"] = {
        m: words.number(r.get("latency_p50_ms") or r["latency_ms"], 2)
        for m, r in models.items()
    }
    columns["p95 (ms)"] = {
        m: words.number(r.get("latency_p95_ms"), 2) for m, r in models.items()
    }
    return columns


def in_short(results: Results) -> list[str]:
    """What the table comes to: how good, against whom, at what cost."""
    head = next((h for h in (FUSION, BEST) if len(overall(results, h))), None)
    if head is None:
        return []
    rows = overall(results, head).set_index("model")
    if STUDENT not in rows.index:
        return []
    name, row = words.metric(results.summary["metric"]), rows.loc[STUDENT]
    value = words.interval(row["value"], row["low"], row["high"])
    said = [f"Student, {head} head: {name} {value} ({counted(rows)})."]
    found = differences(results, head)
    asked = {STUDENT, NO_KD, TEACHERS}
    found = found[found["model"].isin(asked) & found["reference"].isin(asked)]
    found = found[(found["model"] == STUDENT) | (found["reference"] == STUDENT)]
    # Whichever is subtracted, it is one difference.
    pairs = [frozenset(pair) for pair in found[["model", "reference"]].to_numpy()]
    found = found[~pd.Series(pairs, index=found.index, dtype=object).duplicated()]
    said += [_verdict(row, results.summary["metric"]) for _, row in found.iterrows()]
    if results.differences.empty:
        said.append(
            "Paired differences were not computed: overlapping intervals neither show "
            "nor rule out that models differ."
        )
    return [*said, *_price(results.summary)]


def _price(summary: Mapping) -> list[str]:
    """What the student costs, in a sentence."""
    told = {title: cells.get(STUDENT) for title, cells in costs(summary).items()}
    if told["parameters"] is None:
        return []
    said = f"The student has {told['parameters']} parameters"
    if told.get("compression"):
        said += f", the teachers {told['compression']} as many"
    return [f"{said}; an answer takes {told['latency p50 (ms)']} ms here (median)."]


def words_of(rows: pd.DataFrame, write: object) -> dict[str, str]:
    """`{model: text}` of value and interval."""
    numbers = rows[["value", "low", "high"]].to_numpy()
    return dict(zip(rows["model"], (write(*n) for n in numbers), strict=True))


def _with_differences(
    results: Results, columns: dict[str, dict[str, str]]
) -> dict[str, dict[str, str]]:
    """Differences of the first head shown, beside its numbers."""
    head = next((h for h in (FUSION, BEST) if len(overall(results, h))), FUSION)
    rows = differences(results, head)
    against = {
        f"{head} minus {reference}": words_of(part, words.difference)
        for reference in REFERENCES
        if len(part := rows[rows["reference"] == reference])
    }
    ours = rows[rows["model"] == STUDENT]
    if len(ours):
        cells = words_of(ours.assign(model=ours["reference"]), words.difference)
        against = {f"student minus it, {head}": cells}
    items = list(columns.items())
    return dict([*items[:1], *against.items(), *items[1:]])


def _titled(results: Results, head: str, rows: pd.DataFrame) -> str:
    return f"{words.metric(results.summary['metric'])}, {head} ({counted(rows)})"


def _flops(model: Mapping) -> float | None:
    macs = model.get("macs")
    return None if macs is None else 2 * macs


def _told(model: str) -> str:
    """A model's name, and what it is where the name alone may not say so."""
    known = "" if model in (STUDENT, TEACHERS) else meaning(model)
    return f"{model} ({known})" if known else model


def _non_inferior(row: pd.Series) -> str:
    shown = words.shown(row["non_inferior"]) == "shown"
    said = "non-inferior" if shown else "not shown to be non-inferior"
    return f"{said}, margin {row.get('margin')}"


def _verdict(row: pd.Series, metric: str) -> str:
    """A difference in words; only an interval beyond 0 tells two models apart."""
    value = words.difference(row["value"], row["low"], row["high"])
    said = f"{_told(row['model'])} minus {_told(row['reference'])}: {value}"
    if TEACHERS in (row["model"], row["reference"]) and words.shown(
        row.get("non_inferior")
    ):
        said += f" ({_non_inferior(row)})"
    if pd.isna(row["low"]):
        return f"{said}; no interval, so no verdict."
    if row["low"] <= 0 <= row["high"]:
        return f"{said}; the interval includes 0, so they are not told apart."
    better = (row["low"] > 0) == METRICS[metric].higher_is_better
    return f"{said}; {'better' if better else 'worse'}, the interval excludes 0."
