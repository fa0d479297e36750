"""The results of `benchmarks.study` as a page: what was asked, and whether it holds."""

import json
from pathlib import Path

import pandas as pd

import mind_keras as mk
from mind_keras.evaluation.seeds import over_seeds
from mind_keras.spec import FUSION

MARGIN = 0.01
MODELS = ("student", "no_kd", "teachers")
COLUMNS = ["model", "split", "head", "metric", "value", "n", "parameters"]
COLUMNS += ["fusion", "rate", "seed"]


def page(folder: Path, tasks: dict) -> str:
    """The whole page, from what is in the folder."""
    parts = [HEAD.format(version=mk.__version__)]
    verdicts = []
    for name, about in tasks.items():
        rows = _rows(folder / name / "seeds")
        found = [
            _of_fusion(some, fusion)
            for fusion in about["fusions"]
            if len(some := _whole(rows, fusion))
        ]
        if not found:
            parts.append(f"## {name}\n\nNot run yet.")
            continue
        verdicts += [_verdict(name, one) for one in found]
        parts.append(f"## {name}\n\n{about['about'].strip()}\n\n{_tables(found)}")
        parts.append(_chosen(folder / name / "chosen.json"))
    verdict = markdown(pd.DataFrame(verdicts)) if verdicts else ""
    return "\n\n".join([parts[0], "## Aims\n\n" + verdict, *parts[1:]]) + "\n"


def _rows(folder: Path) -> pd.DataFrame:
    files = sorted(folder.glob("*.json"))
    rows = [row for file in files for row in json.loads(file.read_text("utf-8"))]
    return pd.DataFrame(rows, columns=COLUMNS)


def _whole(rows: pd.DataFrame, fusion: str) -> pd.DataFrame:
    """Seeds of which every model is there: a run may have been interrupted."""
    rows = rows[rows["fusion"] == fusion]
    whole = rows.groupby("seed")["model"].nunique() == len(MODELS)
    return rows[rows["seed"].isin(whole.index[whole])]


def _of_fusion(rows: pd.DataFrame, fusion: str) -> dict:
    """The numbers of one operator."""
    rows = rows.assign(pattern="all", label=None)
    validation, rows = (rows[rows["split"] == s] for s in ("validation", "test"))
    heads = [h for h in sorted(rows["head"].unique()) if h not in (FUSION, "best")]
    size = rows.groupby("model")["parameters"].first()
    return {
        "fusion": fusion,
        "heads": [FUSION, *heads],
        "metric": rows["metric"].iloc[0],
        "alone": over_seeds(rows).set_index(["model", "head"]),
        "gain": _differences(rows, "no_kd"),
        "loss": _differences(rows, "teachers"),
        "smaller": size["teachers"] / size["student"],
        "weakest": _weakest(validation, heads),
    }


def _differences(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    table = over_seeds(rows[rows["model"].isin(["student", reference])], reference)
    return table[table["reference"].notna()].set_index("head")


def _weakest(rows: pd.DataFrame, heads: list[str]) -> str:
    """The unimodal head with the lowest mean without teachers, on validation samples.

    Chosen on test samples, the head of the worst luck would have the largest gain.
    """
    alone = rows[(rows["model"] == "no_kd") & rows["head"].isin(heads)]
    return alone.groupby("head")["value"].mean().idxmin()


def _tables(found: list[dict]) -> str:
    lines = []
    for one in found:
        for head in one["heads"]:
            gain, loss = one["gain"].loc[head], one["loss"].loc[head]
            lines.append(
                {
                    "fusion": one["fusion"],
                    "head": head,
                    "student": _value(one, "student", head),
                    "no_kd": _value(one, "no_kd", head),
                    "teachers": _value(one, "teachers", head),
                    "student - no_kd": shown_interval(gain),
                    "student - teachers": shown_interval(loss),
                    "seeds": str(gain["seeds"]),
                }
            )
    return f"Metric: {found[0]['metric']}.\n\n" + markdown(pd.DataFrame(lines))


def _value(one: dict, model: str, head: str) -> str:
    return f"{one['alone'].loc[(model, head), 'mean']:.3f}"


def shown_interval(row: pd.Series) -> str:
    """A mean with its interval, bold where that is above 0."""
    shown = f"{row['mean']:+.3f}"
    if pd.isna(row["low"]):
        return shown
    shown += f" [{row['low']:+.3f}, {row['high']:+.3f}]"
    return f"**{shown}**" if row["low"] > 0 else shown


def _verdict(task: str, one: dict) -> dict:
    gain, loss, weakest = one["gain"], one["loss"].loc[FUSION], one["weakest"]
    return {
        "task": task,
        "fusion": one["fusion"],
        "fusion head above no_kd": _yes(gain.loc[FUSION, "low"] > 0),
        "weakest head above no_kd": f"{_yes(gain.loc[weakest, 'low'] > 0)} ({weakest})",
        f"not inferior to teachers by {MARGIN}": _yes(loss["low"] > -MARGIN),
        "times smaller": f"{one['smaller']:.0f}",
    }


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _chosen(file: Path) -> str:
    chosen = json.loads(file.read_text("utf-8"))
    listed = ", ".join(f"{name}: x{rate[0]:g}" for name, rate in sorted(chosen.items()))
    return f"Learning rates chosen on validation samples: {listed}."


def markdown(table: pd.DataFrame) -> str:
    """A table in Markdown."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy()]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


HEAD = """\
# Does distillation help?

The same student with its teachers and without, over tasks, fusion operators and seeds.
Written by `python -m benchmarks.study table` (mind_keras {version}) from what
`python -m benchmarks.study run` leaves; tasks, sizes and seeds are in
`benchmarks/study.yaml`, the method is in the docstring of `benchmarks/study.py`.
Numbers are of test samples, means over seeds; in brackets 95 % t-intervals over seeds,
paired for differences, bold where above 0; not adjusted for the number of rows. They
tell how far other seeds would move a mean. Another seed is another twin for ICU stays;
elsewhere it is another split of the same patients or digits, whose tests overlap, so
that intervals do not tell what other patients would do. The fusion head answers samples
with all modalities, a unimodal head those that have its modality.

What was chosen, and by what: learning rates by validation samples of other seeds, for
both models alike; temperature, weights and the joint teacher by validation samples of
the student alone. Another seed is another split, so a patient who validated there may
be tested here (ICU stays aside, whose twins are others)."""
