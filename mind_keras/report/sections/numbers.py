"""The tables of numbers: first the headline, then what is behind it."""

import pandas as pd

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.glossary import meaning
from mind_keras.report.headline import about, headline, models_table
from mind_keras.report.markup import (
    Html,
    details,
    filled,
    join,
    on_demand,
    paragraph,
    points,
    table,
    tag,
)
from mind_keras.report.standing import STUDENT, in_short, over_all, standing
from mind_keras.spec import BEST

ARROW = "\N{NO-BREAK SPACE}\N{RIGHTWARDS ARROW}\N{NO-BREAK SPACE}"
FIRST = 8  # Rows of the first table, which is to fit on the first screen.
TERMS = (
    "Fusion: samples with all modalities; best: all samples, each answered by the best "
    "head that its modalities allow. Compression: parameters of all teachers divided "
    "by those of the model. FLOPs: twice the MACs, which are the multiply-adds of one "
    "answer with all modalities. Latency of one answer at a time."
)


def first(results: Results) -> Html:
    """The headline table, and what it comes to."""
    if results.scores.empty:
        return Html("")
    shown = standing(results)
    more = shown.iloc[FIRST:]
    more_shown = table(more, index="model")
    return join(
        [
            points(in_short(results)),
            table(shown.head(FIRST), index="model"),
            details(f"More models ({len(more)})", more_shown) if len(more) else "",
            paragraph(about(results.summary), ". ", TERMS, class_="note"),
        ]
    )


def patterns(results: Results) -> Html:
    """The best head, by the modalities that a sample has."""
    shown = headline(results.summary, results.scores).get(BEST)
    if shown is None:
        return Html("")
    note = (
        "Each sample answered by the best head that its modalities allow. Why a number "
        "has no interval is noted below, in all metrics."
    )
    return table(shown, index="model", caption=note)


def heads(results: Results) -> Html:
    """Each head, by the modalities that a sample has."""
    shown = headline(results.summary, results.scores)
    return join(
        join([tag("h3", f"Head {head}"), table(rows, index="model")])
        for head, rows in shown.items()
        if head != BEST
    )


def models(results: Results) -> Html:
    """What every model costs."""
    if not results.models:
        return Html("")
    note = (
        "MACs: multiply-adds of one answer with all modalities. Latency of single "
        "answers on one machine: median and 95th percentile; noisy."
    )
    shown = models_table(results.summary)
    shown["what it is"] = shown.index.map(meaning)
    return table(filled(shown), index="model", caption=note)


def calibration(results: Results) -> Html:
    """Errors of the probabilities before and after temperature scaling."""
    rows = results.calibration
    if rows.empty:
        return Html("")
    shown = rows[["model", "head", "pattern", "n", "n_validation", "temperature"]]
    shown = shown.assign(temperature=rows["temperature"].map(words.number))
    for name in ("ece", "log_loss", "brier"):
        pairs = zip(rows[name], rows[f"{name}_calibrated"], strict=True)
        shown[words.metric(name)] = [
            f"{words.number(before)}{ARROW}{words.number(after)}"
            for before, after in pairs
        ]
    note = (
        "The student on test samples, before and after one temperature per head and "
        "pattern, fitted on validation samples; smaller is better. Temperatures above "
        "1: the model was too sure of itself."
    )
    shown = shown.rename(columns={"n_validation": "n of validation"})
    shown, student = shown.assign(note=rows["note"]), rows["model"].eq(STUDENT)
    own = filled(shown[student]).drop(columns="model", errors="ignore")
    parts = [table(own, caption=note)] if student.any() else []
    return join([*parts, on_demand(shown[~student], "calibration.csv")])


def everything(results: Results) -> Html:
    """Every metric of every model, head, pattern and label; of seeds, in theirs."""
    rows = results.metrics
    if rows.empty or len(results.seeds):
        return Html("")
    # Numbers of all labels first: they are shown where there are too many.
    rows = rows.sort_values("label", key=pd.Series.notna, kind="stable")
    keys = ["model", "head", "pattern", "label", "n"]
    numbers = rows[["value", "low", "high"]].to_numpy()
    rows = rows.assign(
        cell=[words.interval(*n) for n in numbers],
        label=rows["label"].fillna(""),
        said=[
            f"{m}: {note}" if note else ""
            for m, note in rows[["metric", "note"]].to_numpy()
        ],
    )
    wide = rows.pivot(index=keys, columns="metric", values="cell")
    wide = wide.reindex(columns=list(dict.fromkeys(rows["metric"]))).fillna("")
    wide.columns = [words.metric(name) for name in wide.columns]
    notes = rows.groupby(keys)["said"].agg(lambda said: "; ".join(filter(None, said)))
    order = rows[keys].drop_duplicates()
    wide = wide.assign(note=notes).loc[pd.MultiIndex.from_frame(order)].reset_index()
    return on_demand(wide, "metrics.json", "rows")


def seeds(results: Results) -> Html:
    """Mean and spread over the seeds, for all but the differences."""
    rows = results.seeds
    rows = rows[rows["reference"] == ""]
    if rows.empty:
        return Html("")
    top = over_all(rows, results)
    links = [f"seed-{seed}/report.html" for seed in results.summary.get("seeds", ())]
    parts = [table(filled(_spread(rows[top])))] if top.any() else []
    parts.append(on_demand(_spread(rows[~top]), "seeds.csv"))
    where = [tag("a", link, href=link) for link in links]
    return join([*parts, paragraph("Each seed by itself:"), points(where)])


def _spread(rows: pd.DataFrame) -> pd.DataFrame:
    numbers = rows[["mean", "low", "high"]].to_numpy()
    return pd.DataFrame(
        {
            "model": rows["model"],
            "head": rows["head"],
            "pattern": rows["pattern"],
            "metric": rows["metric"].map(words.metric),
            "label": rows["label"],
            "mean": [words.interval(*n) for n in numbers],
            "sd": rows["sd"].map(words.number),
            "seeds": rows["seeds"].map(words.count),
            "note": rows["note"],
        }
    )
