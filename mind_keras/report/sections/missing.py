"""The metric by the share of samples that lack a modality."""

import pandas as pd

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.looks import chosen, looks
from mind_keras.report.markup import Html, filled, join, on_demand, table
from mind_keras.report.plots import Panel, figure, lines_of

WHERE = ["metric", "mechanism", "modality", "rows"]
SEEN = (
    "The flatter the line, the less a model suffers from what is missing. Upright "
    "lines are intervals. Incomplete rows: the samples that lack the modality."
)
AREAS = (
    "Area under the curve over the shares at test, divided by its width: the mean of "
    "the metric. A column per share that is missing in training. In brackets: the "
    "student's less that of the model."
)
PAIRED = (
    "The student less each model on the same samples, as many of which lack the "
    "modality at test as in training: a column per share."
)


def missing(results: Results) -> Html:
    """The metric by the share of samples that lack a modality, areas, differences."""
    rows = results.missing
    if rows.empty:
        return Html("")
    area, own = rows["metric"].str.startswith(words.AREA), rows["reference"] == ""
    parts = []
    if (own & ~area).any():
        parts.append(_curves(rows[own & ~area], results))
    if area.any():
        parts += [_areas(part) for _, part in rows[area].groupby(WHERE, sort=False)]
    apart = rows[~own & ~area]
    if len(apart):
        as_trained = apart[apart["train_rate"] == apart["test_rate"]]
        parts += [_paired(p) for _, p in as_trained.groupby(WHERE, sort=False)]
    return join([*parts, on_demand(_shares(rows), "missing.csv", "rows")])


def _curves(rows: pd.DataFrame, results: Results) -> Html:
    """Of several seeds the first is drawn."""
    seed = rows["seed"].iloc[0]
    first = rows[rows["seed"] == seed]
    first = first[first["model"].isin(chosen(dict.fromkeys(first["model"])))]
    every = looks([*results.models, *rows["model"]])
    seen = f"{SEEN} Seed {seed} is drawn." if rows["seed"].nunique() > 1 else SEEN
    numbers = table(_shares(first))
    return figure("missing", _panels(first), every, caption=seen, numbers=numbers)


def _panels(rows: pd.DataFrame) -> list[Panel]:
    """A panel for each mechanism, modality and set of rows; and share in training."""
    panels = []
    for (metric, mechanism, modality, which), part in rows.groupby(WHERE, sort=False):
        said = f"{modality} missing ({mechanism}), {which} rows"
        same = part["train_rate"].eq(part["test_rate"]).all()
        groups = [("as in test", part)] if same else part.groupby("train_rate")
        panels += [
            Panel(
                f"{said}; in training: {_share(rate)}",
                f"share without {modality} at test",
                words.metric(metric),
                lines_of(group, "test_rate"),
            )
            for rate, group in groups
        ]
    return panels


def _share(rate: object) -> str:
    return rate if isinstance(rate, str) else f"{rate:.0%}"


def _areas(rows: pd.DataFrame) -> Html:
    """A row per model, a column per share in training; the student less it besides."""
    apart = rows[rows["reference"] != ""]
    keys = ["train_rate", "seed"]
    differences = {
        (
            row["reference"],
            *row[keys],
        ): f" ({words.difference(row['value'], None, None)})"
        for _, row in apart.iterrows()
    }
    own = rows[rows["reference"] == ""]
    cells = [
        words.number(row["value"]) + differences.get((row["model"], *row[keys]), "")
        for _, row in own.iterrows()
    ]
    return _wide(own.assign(cell=cells), "model", "train_rate", AREAS)


def _paired(rows: pd.DataFrame) -> Html:
    cells = [words.difference(*n) for n in rows[["value", "low", "high"]].to_numpy()]
    rows = rows.assign(cell=cells, pair=rows["model"] + " minus " + rows["reference"])
    return _wide(rows, "pair", "test_rate", PAIRED)


def _wide(rows: pd.DataFrame, index: str, rate: str, note: str) -> Html:
    """Cells by the share that is missing, and by seed where there are several."""
    metric, mechanism, modality, which = rows[WHERE].iloc[0]
    several = rows["seed"].nunique() > 1
    seeds = rows["seed"].map(", seed {}".format) if several else ""
    rows = rows.assign(column=rows[rate].map(_missing) + seeds)
    wide = rows.pivot(index=index, columns="column", values="cell")
    columns = list(dict.fromkeys(rows["column"]))
    wide = wide.reindex(index=list(dict.fromkeys(rows[index])), columns=columns)
    about = f"{words.metric(metric)}, {modality} missing ({mechanism}), {which} rows."
    shown = wide.fillna(words.ABSENT)
    return table(shown, index=index, caption=f"{about[0].upper()}{about[1:]} {note}")


def _missing(rate: float) -> str:
    return "all shares" if pd.isna(rate) else f"{_share(rate)} missing"


def _shares(rows: pd.DataFrame) -> pd.DataFrame:
    numbers = rows[["value", "low", "high"]].to_numpy()
    columns = ["model", "reference", "mechanism", "modality", "rows"]
    columns += ["train_rate", "test_rate"]
    return filled(
        rows[columns].assign(
            metric=rows["metric"].map(words.metric),
            value=[words.interval(*n) for n in numbers],
            p=rows["p"].map(words.p_value).replace(words.ABSENT, ""),
            n=rows["n"],
            note=rows["note"],
            seed=rows["seed"],
        )
    )
