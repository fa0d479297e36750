"""The metric by the share of samples that lack a modality."""

import pandas as pd

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.looks import looks
from mind_keras.report.markup import Html, filled, join, table
from mind_keras.report.plots import Panel, figure, lines_of


def missing(results: Results) -> Html:
    """The metric by the share of samples that lack a modality, and the area."""
    rows = results.missing
    if rows.empty:
        return Html("")
    area = rows["metric"].str.startswith(words.AREA)
    parts = []
    if area.any():
        note = "Area under the curve over the shares: one number for the whole curve."
        parts.append(table(_shares(rows[area]), caption=note))
    if (~area).any():
        panels = _panels(rows[~area])
        seen = (
            "The flatter the line, the less a model suffers from what is missing. "
            "Upright lines are intervals."
        )
        every = looks([*results.models, *rows["model"]])
        numbers = table(_shares(rows[~area]))
        parts.append(figure("missing", panels, every, caption=seen, numbers=numbers))
    return join(parts)


def _panels(rows: pd.DataFrame) -> list[Panel]:
    """A panel for each mechanism, modality and set of rows; and share in training."""
    panels = []
    keys = ["metric", "mechanism", "modality", "rows"]
    for (metric, mechanism, modality, which), part in rows.groupby(keys, sort=False):
        said = f"{modality} missing ({mechanism}), {which} rows"
        same = part["train_rate"].eq(part["test_rate"]).all()
        groups = [("as in test", part)] if same else part.groupby("train_rate")
        panels += [
            Panel(
                f"{said}; in training: {rate}",
                f"share without {modality} at test",
                words.metric(metric),
                lines_of(group, "test_rate"),
            )
            for rate, group in groups
        ]
    return panels


def _shares(rows: pd.DataFrame) -> pd.DataFrame:
    columns = ["model", "mechanism", "modality", "rows", "train_rate", "test_rate"]
    numbers = rows[["value", "low", "high"]].to_numpy()
    return filled(
        rows[columns].assign(
            metric=rows["metric"].map(words.metric),
            value=[words.interval(*n) for n in numbers],
            n=rows["n"],
            seed=rows["seed"],
        )
    )
