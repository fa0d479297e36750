"""The tables of numbers: first the headline, then what is behind it."""

import pandas as pd

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.headline import ALL, about, headline, models_table
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
from mind_keras.report.standing import STUDENT, in_short, standing
from mind_keras.spec import BEST

TERMS = (
    "Compression: parameters of all teachers divided by those of the model. FLOPs: "
    "twice the MACs, which are the multiply-adds of one answer with all modalities. "
    "Latency of one answer at a time."
)


def first(results: Results) -> Html:
    """The headline table, and what it comes to."""
    if results.scores.empty:
        return Html("")
    return join(
        [
            points(in_short(results)),
            table(standing(results), index="model"),
            paragraph(about(results.summary), ". ", TERMS, class_="note"),
        ]
    )


def patterns(results: Results) -> Html:
    """The best head, by the modalities that a sample has."""
    shown = headline(results.summary, results.scores).get(BEST)
    if shown is None:
        return Html("")
    note = "Each sample answered by the best head that its modalities allow."
    return table(shown, index="model", caption=note)


def heads(results: Results) -> Html:
    """Each head, by the modalities that a sample has."""
    shown = headline(results.summary, results.scores)
    return join(
        join([tag("h3", f"Head {head}"), table(rows, index="model")])
        for head, rows in shown.items()
        if head != BEST
    )


def comparisons(results: Results) -> Html:
    """All paired differences of the headline metric; the others on demand."""
    rows = results.differences
    if rows.empty:
        return Html("")
    top = _top(rows, results)
    parts = [table(_differences(rows[top]))] if top.any() else []
    file = "comparisons.csv" if results.seeds.empty else "seeds.csv"
    return join([*parts, on_demand(_differences(rows[~top]), file)])


def _top(rows: pd.DataFrame, results: Results) -> pd.Series:
    """Which rows come first: of the headline metric, over all that a head answers."""
    headline_metric = rows["metric"] == results.summary["metric"]
    return headline_metric & rows["label"].isna() & (rows["pattern"] == ALL)


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
    if "p_adjusted" in rows.columns:
        shown["p adjusted"] = rows["p_adjusted"].map(words.p_value)
    if "non_inferior" in rows.columns:
        shown["non-inferior"] = rows["non_inferior"].map(words.yes)
    if "sd" in rows.columns:
        shown["sd over seeds"] = rows["sd"].map(words.number)
    n = rows["seeds"] if "seeds" in rows.columns else rows["n"]
    shown["seeds" if "seeds" in rows.columns else "n"] = n.map(words.count)
    return filled(shown.assign(method=rows["method"], note=rows["note"]))


def models(results: Results) -> Html:
    """What every model costs."""
    if not results.models:
        return Html("")
    note = (
        "MACs: multiply-adds of one answer with all modalities. Latency of single "
        "answers on one machine: median and 95th percentile; noisy."
    )
    return table(models_table(results.summary), index="model", caption=note)


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
            f"{words.number(before)} > {words.number(after)}" for before, after in pairs
        ]
    note = (
        "Test samples, before > after one temperature per head and pattern, fitted on "
        "validation samples; smaller is better. Temperatures above 1: the model was "
        "too sure of itself."
    )
    shown, student = shown.assign(note=rows["note"]), rows["model"].eq(STUDENT)
    parts = [table(filled(shown[student]), caption=note)] if student.any() else []
    return join([*parts, on_demand(shown[~student], "calibration.csv")])


def everything(results: Results) -> Html:
    """Every metric of every model, head, pattern and label."""
    rows = results.metrics
    if rows.empty:
        return Html("")
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
    title = f"{words.count(len(rows))} numbers of metrics.json"
    return details(title, table(filled(wide)))


def seeds(results: Results) -> Html:
    """Mean and spread over the seeds, for all but the differences."""
    rows = results.seeds
    rows = rows[rows["reference"] == ""]
    if rows.empty:
        return Html("")
    top = _top(rows, results)
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
