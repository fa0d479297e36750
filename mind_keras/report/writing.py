"""The report and the card as files: made of what a run folder holds, into it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mind_keras.artifact import CARD, REPORT, Run
from mind_keras.data.atomic import atomic_path
from mind_keras.report.card import card
from mind_keras.report.gathered import gather
from mind_keras.report.page import page
from mind_keras.report.side_by_side import side_by_side


def write(run: Run, summary: Mapping | None = None) -> None:
    """Write `report.html` and `card.md` of a run, after all its other files.

    Args:
        run: The folder, finished or about to be.
        summary: What `summary.json` is going to say, where it is not there yet.

    Raises:
        ValueError: If a file is damaged or lacks a column.
    """
    results = gather(run, summary)
    run.write(REPORT, page(results))
    run.write(CARD, card(results))


def write_page(runs: Sequence[Run], output: str | Path) -> None:
    """Write the report of one run, or of several side by side, to a file.

    Args:
        runs: At least one.
        output: The `.html` to write; one that is there is replaced.

    Raises:
        ValueError: If a folder is no finished run, or the output is no page.
    """
    if Path(output).suffix != ".html":
        raise ValueError(
            f"The output must end with .html. Received: {Path(output).name!r}."
        )
    gathered = [gather(run) for run in runs]
    text = page(gathered[0]) if len(gathered) == 1 else side_by_side(gathered)
    with atomic_path(Path(output)) as part:
        part.write_text(text, "utf-8")
