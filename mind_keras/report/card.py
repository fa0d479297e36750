"""The model card: what the student is for, its numbers, and where it ends."""

import re
from collections.abc import Iterator
from html import escape

import pandas as pd
import yaml

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.headline import about, headline, models_table
from mind_keras.report.sections.asked import LIMITS
from mind_keras.report.standing import STUDENT, in_short, overall, standing
from mind_keras.spec import BEST, FUSION

# What the Hugging Face Hub calls our metrics.
HUB = {"auroc": "roc_auc", "auprc": "average_precision"}
MARKS = re.compile(r"[\\`*|]")


def card(results: Results) -> str:
    """`card.md`, with the front matter that the Hugging Face Hub reads.

    Args:
        results: What the folder of a run holds.

    Returns:
        Markdown. A part whose files are absent is left out.
    """
    front = yaml.safe_dump(_front(results), sort_keys=False, allow_unicode=True)
    parts = [f"---\n{front}---", f"# {plain(results.summary['name'])}", _what(results)]
    parts += [f"## {title}\n\n{body}" for title, body in _parts(results) if body]
    return "\n\n".join(parts) + "\n"


def plain(value: object) -> str:
    """Text that stays in its cell and is no markup.

    Example:
        >>> plain("a|b <i>")
        'a\\\\|b &lt;i&gt;'
    """
    text = escape(words.cell(value).replace("\n", " "), quote=False)
    return MARKS.sub(r"\\\g<0>", text)


def _front(results: Results) -> dict:
    summary = results.summary
    metric = HUB.get(summary["metric"], summary["metric"])
    front = {
        "library_name": "keras",
        "tags": ["mind_keras", "multimodal", "missing-modality", "distillation"],
        "metrics": [metric],
    }
    measured = [
        {
            "type": metric,
            "name": f"{words.metric(summary['metric'])}, {head} head, test split",
            "value": round(float(row["value"]), 4),
        }
        for head in (FUSION, BEST)
        for _, row in overall(results, head).iterrows()
        if row["model"] == STUDENT and not pd.isna(row["value"])
    ]
    if not measured:
        return front
    task = {
        "type": "other",
        "name": f"{summary['task']['name']} ({summary['task']['kind']})",
    }
    data = {"type": summary["source"], "name": summary["source"]}
    found = {"task": task, "dataset": data, "metrics": measured}
    return front | {"model-index": [{"name": summary["name"], "results": [found]}]}


def _what(results: Results) -> str:
    summary, task = results.summary, results.summary["task"]
    inputs = sorted(set().union(*summary["heads"].values()))
    return (
        f"A multi-head student that predicts **{plain(task['name'])}** "
        f"({task['kind']}: {', '.join(map(plain, task['labels']))}) from any of: "
        f"{', '.join(map(plain, inputs))}. Trained by mind_keras "
        f"{summary['mind_keras']} on {plain(summary['source'])}."
    )


def _parts(results: Results) -> Iterator[tuple[str, str]]:
    """`(title, Markdown)` of each part, in order; empty: left out."""
    yield "Intended use", INTENDED
    yield "Out of scope", OUT_OF_SCOPE
    yield "How to load", _loading(results)
    yield "Training data", _data(results)
    yield "Evaluation", _evaluation(results)
    yield "Calibration", _calibration(results)
    yield "Subgroups", _subgroups(results)
    yield "Limits", "\n".join(f"* {line}" for line in LIMITS)


INTENDED = (
    "Research: comparing models on samples that lack modalities. `student.keras` reads "
    "all modalities, `student.<modality>.keras` one; a sample that lacks a modality is "
    "answered by the heads of what it has."
)
OUT_OF_SCOPE = (
    "Decisions about patients; other sites, times, age groups or devices than those of "
    "the training data; inputs that were not prepared as in `preprocessing.json`; "
    "filling in a modality that is absent, where the model of one modality should be "
    "used instead."
)


def _loading(results: Results) -> str:
    inputs = sorted(set().union(*results.summary["heads"].values()))
    asked = ", ".join(f"{name!r}: rows[{name!r}]" for name in inputs)
    return (
        "Only Keras is needed, on any backend:\n\n```python\nimport keras\n\n"
        'student = keras.saving.load_model("student.keras")\n'
        f"logits = student.predict({{{asked}}})  # {{head: (rows, labels)}}\n```\n\n"
        "Rows must be standardised by `preprocessing.json`; `mind-keras predict` does "
        "so. Logits become probabilities by a sigmoid, or, with classes, a softmax."
    )


def _data(results: Results) -> str:
    rows = pd.DataFrame(results.summary.get("availability", ()))
    steps = pd.DataFrame(results.extraction.get("exclusions", ()))
    parts = [f"{plain(results.summary['source'])}; samples by split and pattern:"]
    parts += [_markdown(rows)] if len(rows) else []
    parts += ["Who was left out:", _markdown(steps)] if len(steps) else []
    return "\n\n".join(parts)


def _evaluation(results: Results) -> str:
    if results.scores.empty:
        return ""
    parts = [f"{plain(about(results.summary))}.", plain(" ".join(in_short(results)))]
    parts.append(_markdown(standing(results), "model"))
    for head, shown in headline(results.summary, results.scores).items():
        parts.append(f"### Head {plain(head)}\n\n{_markdown(shown, 'model')}")
    costs = _markdown(models_table(results.summary), "model")
    return "\n\n".join([*parts, f"### Models\n\n{costs}"])


def _calibration(results: Results) -> str:
    rows = results.calibration[results.calibration["model"] == STUDENT]
    if rows.empty:
        return ""
    said = "The student on test samples, before and after one temperature per head."
    columns = ["head", "pattern", "temperature", "ece", "ece_calibrated", "n", "note"]
    return f"{said}\n\n{_markdown(rows[columns])}"


def _subgroups(results: Results) -> str:
    rows = results.subgroups
    rows = rows[
        rows["model"].eq(STUDENT) & rows["metric"].eq(results.summary["metric"])
    ]
    rows = rows[rows["label"].isna()]
    if rows.empty:
        return ""
    values = [words.interval(*v) for v in rows[["value", "low", "high"]].to_numpy()]
    columns = ["column", "subgroup", "head", "value", "n", "positives", "note"]
    return _markdown(rows.assign(value=values)[columns])


def _markdown(table: pd.DataFrame, index: str | None = None) -> str:
    def line(cells: list[object]) -> str:
        return "| " + " | ".join(map(plain, cells)) + " |"

    head = [*([] if index is None else [index]), *table.columns]
    shown = table if index is None else table.reset_index()
    rows = shown.astype(object).to_numpy().tolist()
    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])
