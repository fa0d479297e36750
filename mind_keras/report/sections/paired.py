"""Paired differences between models: by head, then all of them."""

import pandas as pd

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.headline import counted, ordered
from mind_keras.report.markup import Html, filled, join, on_demand, table, tag
from mind_keras.report.standing import TEACHERS, differences, over_all


def comparisons(results: Results) -> Html:
    """Paired differences of the headline metric by head; all others on demand."""
    rows = results.differences
    if rows.empty:
        return Html("")
    top = over_all(rows, results)
    parts = [_by_head(rows[top], results)] if top.any() else []
    file = "comparisons.csv" if results.seeds.empty else "seeds.csv"
    every = _differences(pd.concat([rows[top], rows[~top]]))
    return join([*parts, on_demand(every, file, "rows")])


def _by_head(rows: pd.DataFrame, results: Results) -> Html:
    """A row per pair of models, a column per head."""
    models = rows["model"].unique()
    # Mostly it is the student, and need not be said in every row.
    start = f"{models[0]} minus" if len(models) == 1 else "difference"
    columns = {}
    for head in ordered(rows["head"]):
        found = differences(results, head)
        most = found["n"].max()
        cells = [_difference(row, most) for _, row in found.iterrows()]
        pairs = dict(zip(_pairs(found, start), cells, strict=True))
        columns[f"{head} ({counted(found)})"] = pairs
    order = list(dict.fromkeys(_pairs(rows, start)))
    # As objects: pandas would take markup for text.
    frame = pd.DataFrame(columns, index=order, dtype=object)
    note = (
        f"{words.metric(results.summary['metric'])}, over the samples that both models "
        "answer. Bold: the interval excludes 0."
    )
    return table(frame.fillna(words.ABSENT), index=start, caption=note)


def _pairs(rows: pd.DataFrame, start: str) -> pd.Series:
    pairs = rows["model"] + " minus " + rows["reference"]
    return pairs.str.removeprefix(f"{start} ")


def _difference(row: pd.Series, most: float) -> Html:
    """A difference, bold where it is told apart from 0; fewer samples are named."""
    value = words.difference(row["value"], None, None)
    interval = words.difference(row["value"], row["low"], row["high"])
    apart = row["low"] > 0 or row["high"] < 0
    said = [tag("b", value) if apart else value, interval.removeprefix(value)]
    said[1] = tag("span", said[1], class_="ci")
    said += [f" n={words.count(row['n'])}"] if row["n"] < most else []
    found = words.shown(row.get("non_inferior")) == "shown"
    asked = TEACHERS in (row["model"], row["reference"])
    return join([*said, " non-inferior" if found and asked else ""], "")


def _differences(rows: pd.DataFrame) -> pd.DataFrame:
    numbers = rows[["value", "low", "high"]].to_numpy()
    shown = pd.DataFrame(
        {
            "model": rows["model"] + " minus " + rows["reference"],
            "head": rows["head"],
            "pattern": rows["pattern"],
            "metric": rows["metric"].map(words.metric),
            "label": rows["label"],
            "difference": [words.difference(*n) for n in numbers],
            "p": rows["p"].map(words.p_value),
        }
    )
    if not rows.get("p_adjusted", rows["p"]).equals(rows["p"]):
        shown["p adjusted"] = rows["p_adjusted"].map(words.p_value)
    if "non_inferior" in rows.columns:
        shown["non-inferior"] = rows["non_inferior"].map(words.shown)
    if "sd" in rows.columns:
        shown["sd over seeds"] = rows["sd"].map(words.number)
    n = rows["seeds"] if "seeds" in rows.columns else rows["n"]
    shown["seeds" if "seeds" in rows.columns else "n"] = n.map(words.count)
    return filled(shown.assign(method=rows["method"], note=rows["note"]))
