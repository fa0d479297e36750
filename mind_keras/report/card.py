"""The model card: what the student is for, its numbers, and where it ends."""

from collections.abc import Mapping

import pandas as pd
import yaml

from mind_keras.report.headline import about, headline, models_table


def card(summary: Mapping, metrics: pd.DataFrame) -> str:
    """`card.md`, with the front matter that the Hugging Face Hub reads.

    Args:
        summary: `summary.json`.
        metrics: `metrics.json`.

    Returns:
        Markdown.
    """
    task, inputs = summary["task"], sorted(set().union(*summary["heads"].values()))
    front = {
        "library_name": "keras",
        "tags": ["mind_keras", "multimodal", "missing-modality", "distillation"],
        "metrics": [summary["metric"]],
    }
    tables = [
        f"### Head `{head}`\n\n{_markdown(table)}"
        for head, table in headline(summary, metrics).items()
    ]
    return "\n\n".join(
        [
            f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
            f"# {summary['name']}",
            f"A multi-head student that predicts **{task['name']}** ({task['kind']}: "
            f"{', '.join(task['labels'])}) from any of: {', '.join(inputs)}. Trained "
            f"by mind_keras {summary['mind_keras']} on `{summary['source']}`.",
            "## Intended use\n\nResearch: comparing models on samples that lack "
            "modalities. `student.keras` reads all modalities, "
            "`student.<modality>.keras` one. Inputs must be standardised by "
            "`preprocessing.json`.",
            "## Results\n\n" + about(summary) + ".",
            *tables,
            "### Models\n\n" + _markdown(models_table(summary)),
            f"## Limits\n\n{LIMITS}\n",
        ]
    )


LIMITS = """\
* Not a medical device; not validated for any decision about a patient.
* The numbers hold for the test split of one data set and one seed. Intervals cover the
  sampling of test patients, not another training, site or time.
* Patterns with few samples have wide intervals; where a class is absent there is none.
* Modalities that are absent for other reasons than in the training data may change
  what the numbers are worth.
* Latency was measured on one machine, one sample at a time; it is noisy."""


def _markdown(table: pd.DataFrame) -> str:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rows = table.astype(str).reset_index().to_numpy().tolist()
    head = ["model", *table.columns]
    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])
