"""What happens from epoch to epoch: losses, and which modality does the work."""

import pandas as pd

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.looks import MOST, chosen, is_single_teacher, looks
from mind_keras.report.markup import Html, filled, join, on_demand, table
from mind_keras.report.plots import Line, Panel, figure, lines_of
from mind_keras.report.standing import STUDENT


def training(results: Results) -> Html:
    """The validation loss by epoch: student and controls, teachers, heads."""
    rows = results.history
    losses = rows[rows["metric"] == "val_loss"]
    if losses.empty:
        return Html("")
    single = losses["model"].map(is_single_teacher)
    groups = {"Student and controls": losses[~single], "Teachers": losses[single]}
    every = looks([*results.models, *dict.fromkeys(losses["model"])])
    return join(
        figure(
            f"training-{k}",
            [Panel(title, "epoch", "validation loss", _drawn(part))],
            every,
            caption=STOPPED,
            numbers=table(_epochs(part), caption="Epochs trained, and the least loss."),
        )
        for k, (title, part) in enumerate(groups.items())
        if len(part)
    )


STOPPED = (
    "Training stops where the loss no longer falls. Each model has its own loss: "
    f"heads, teachers and weights differ, and so do the scales. At most {MOST} are "
    "drawn."
)


def _drawn(losses: pd.DataFrame) -> list[Line]:
    lines = {line.name: line for line in lines_of(losses, "epoch")}
    return [lines[name] for name in chosen(lines)]


def _epochs(losses: pd.DataFrame) -> pd.DataFrame:
    """How long each model was trained, and its best validation loss."""
    by = losses.groupby("model", sort=False)
    best = by["value"].min().round(4)
    return pd.DataFrame({"epochs": by.size(), "best val_loss": best}).reset_index()


BALANCE = ("utilisation", "imbalance", "head_gap", "teacher_gap")
MEANING = (
    "Utilisation of a modality: the share of the fusion head's metric that is lost "
    "where the other heads alone answer; negative where they are better. Imbalance: "
    "the difference of utilisations. Head gap: best less worst unimodal head. Teacher "
    "gap: teachers less the student's head."
)


def balance(results: Results) -> Html:
    """Which modality does the work: at the end, and by epoch."""
    rows, parts = results.balance, []
    if len(rows):
        shown = rows.assign(value=rows["value"].map(words.number))
        shown["metric"] = rows["metric"].map(words.metric)
        student = rows["model"].eq(STUDENT)
        if student.any():
            metric = shown["metric"][student].iloc[0]
            caption = f"The student, by {metric}. {MEANING}"
            parts.append(table(_by_split(shown[student]), caption=caption))
        parts.append(on_demand(shown[~student], "balance.csv"))
    found = results.history[results.history["metric"].str.startswith(BALANCE)]
    if len(found):
        parts.append(_epochs_of_balance(found))
    return join(parts)


def _by_split(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per quantity and modality, a column per split."""
    keys = ["quantity", "modality"]
    wide = rows.pivot(index=keys, columns="split", values="value")
    wide = wide.reindex(columns=list(dict.fromkeys(rows["split"])))
    order = pd.MultiIndex.from_frame(rows[keys].drop_duplicates())
    wide = wide.reindex(order).fillna(words.ABSENT).reset_index()
    return filled(wide.assign(quantity=wide["quantity"].str.replace("_", " ")))


def _epochs_of_balance(rows: pd.DataFrame) -> Html:
    model = STUDENT if rows["model"].eq(STUDENT).any() else rows["model"].iloc[0]
    rows = rows[rows["model"] == model]
    panels = []
    for quantity in BALANCE:
        mine = rows[rows["metric"].str.startswith(quantity)]
        named = mine.assign(model=mine["metric"].str.removeprefix(f"{quantity}_"))
        if len(named):
            title = f"{quantity.replace('_', ' ').capitalize()} of {model}"
            lines = lines_of(named, "epoch")
            panels.append(Panel(title, "epoch", quantity.replace("_", " "), lines))
    every = looks([line.name for panel in panels for line in panel.lines])
    last = rows[rows["epoch"] == rows["epoch"].max()]
    numbers = table(last[["metric", "epoch", "value"]], caption="The last epoch.")
    seen = (
        "Utilisations that drift apart, or a head gap that grows, say that one "
        "modality is learning at the cost of another."
    )
    return figure("balance-by-epoch", panels, every, caption=seen, numbers=numbers)
