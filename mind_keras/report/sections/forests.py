"""Numbers that are compared row by row: labels and subgroups, with a drawn interval."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mind_keras.report import words
from mind_keras.report.bars import bars, scale
from mind_keras.report.gathered import Results
from mind_keras.report.headline import ALL
from mind_keras.report.looks import Look, key, looks
from mind_keras.report.markup import (
    Html,
    filled,
    join,
    on_demand,
    paragraph,
    table,
    tag,
)
from mind_keras.report.standing import NO_KD, STUDENT, TEACHERS
from mind_keras.spec import BEST, FUSION

# Where a metric says nothing: the line that intervals are held against.
CHANCE = {"auroc": 0.5, "auroc_micro": 0.5}
SHOWN = (STUDENT, NO_KD, TEACHERS)
GAP = "gap"
CHOSEN = "These two were chosen because they differ; of many subgroups some always do."
RANGE = ["value", "low", "high"]


def labels(results: Results) -> Html:
    """The headline metric of each label, of the student and what it is held against."""
    rows = results.scores[results.scores["label"].notna()]
    # Accuracy is of all classes together; there each class has its AUROC.
    metrics = (results.summary["metric"], "auroc")
    metric = next((m for m in metrics if rows["metric"].eq(m).any()), None)
    rows = rows[rows["metric"] == metric]
    rows = rows[rows["pattern"].eq(ALL) & rows["model"].isin(SHOWN)]
    head = next((h for h in (FUSION, BEST) if rows["head"].eq(h).any()), None)
    rows = rows[rows["head"] == head]
    if rows["label"].nunique() < 2:
        return Html("")
    rows = rows[rows["n"].eq(rows["label"].map(rows.groupby("label")["n"].max()))]
    said = f"{words.metric(metric)} of the {head} head for each label"
    return _forest(rows, "label", results, said)


def subgroups(results: Results) -> Html:
    """The student by subgroup, drawn; all models on demand."""
    rows = results.subgroups
    if rows.empty:
        return Html("")
    top = rows["metric"].eq(results.summary["metric"]) & rows["label"].isna()
    student = rows[top & rows["model"].eq(STUDENT)]
    head = next((h for h in (BEST, FUSION) if student["head"].eq(h).any()), None)
    drawn = student[student["head"] == head]
    parts = [
        _of_column(part, results, name, head)
        for name, part in drawn.groupby("column", sort=False)
    ]
    others = rows[~rows.index.isin(drawn.index)]
    return join([*parts, on_demand(_plain(others), "subgroups.csv")])


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    values = [words.interval(*n) for n in rows[RANGE].to_numpy()]
    named = rows.assign(value=values, metric=rows["metric"].map(words.metric))
    return named.drop(columns=["low", "high"])


def _of_column(rows: pd.DataFrame, results: Results, column: str, head: str) -> Html:
    gap, rows = rows[rows["subgroup"] == GAP], rows[rows["subgroup"] != GAP]
    name = words.metric(results.summary["metric"])
    said = f"{name} of the student's {head} head"
    parts = [tag("h3", f"By {column}"), _forest(rows, "subgroup", results, said)]
    if len(gap):
        value = words.interval(*gap[RANGE].to_numpy()[0])
        note = f" ({gap['note'].iloc[0]})" if gap["note"].iloc[0] else ""
        parts.append(paragraph(f"Highest less lowest number: {value}{note}. {CHOSEN}"))
    return join(parts)


def _forest(rows: pd.DataFrame, by: str, results: Results, said: str) -> Html:
    """A row for each value of a column; in it a line for each model."""
    models = [m for m in SHOWN if rows["model"].eq(m).any()]
    every = looks(results.models)
    mark = CHANCE.get(rows["metric"].iloc[0], 0.0)
    ends = scale(rows[RANGE].to_numpy().ravel(), mark=mark)
    found = {
        name: _row(part, [every[m] for m in models], models, ends, mark)
        for name, part in rows.groupby(by, sort=False)
    }
    # As objects: pandas would take markup for text.
    frame = pd.DataFrame.from_dict(found, orient="index", dtype=object)
    caption = (
        f"{said}; drawn from {ends[0]:g} to {ends[1]:g}, the grey line at {mark:g}."
    )
    shown = key({m: every[m] for m in models}) if len(models) > 1 else ""
    return join([shown, table(filled(frame), index=by, caption=caption)])


def _row(
    part: pd.DataFrame,
    drawn: Sequence[Look],
    models: Sequence[str],
    ends: tuple[float, float],
    mark: float,
) -> Mapping[str, object]:
    nothing = (float("nan"),) * 3
    known = dict(zip(part["model"], map(tuple, part[RANGE].to_numpy()), strict=True))
    intervals = [known.get(model, nothing) for model in models]
    cells = {"n": words.count(part["n"].max())}
    if "positives" in part.columns:
        cells["positives"] = words.count(part["positives"].max())
    cells["interval"] = bars(intervals, drawn, ends, mark=mark)
    cells |= {m: words.interval(*i) for m, i in zip(models, intervals, strict=True)}
    notes = sorted(set(part["note"].fillna("")) - {""})
    return cells | {"note": "; ".join(notes)}
