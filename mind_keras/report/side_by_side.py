"""Several runs on one page: of the same task in one table, of others one by one.

Nothing is subtracted across runs: whether two runs were tested on the same patients is
not said by their files. Differences shown are those within a run.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
import yaml

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.headline import about, counted
from mind_keras.report.markup import Html, details, join, paragraph, points, table, tag
from mind_keras.report.page import document
from mind_keras.report.standing import (
    NO_KD,
    STUDENT,
    TEACHERS,
    costs,
    differences,
    overall,
    words_of,
)
from mind_keras.spec import BEST, FUSION

TITLE = "Runs side by side"
ALIKE = (
    "All runs have as many test samples of each pattern. That does not show that "
    "they are the same patients, so nothing is subtracted across runs; differences are "
    "those within a run."
)
UNLIKE = (
    "These runs were tested on different samples: their numbers stand side by side, "
    "but nothing is subtracted across runs. Differences are those within a run."
)


def side_by_side(runs: Sequence[Results]) -> str:
    """Several runs on one page, a block for each task.

    Args:
        runs: At least one.

    Returns:
        A whole HTML document.
    """
    names = _names(runs)
    blocks: dict[str, list[tuple[str, Results]]] = {}
    for name, results in zip(names, runs, strict=True):
        blocks.setdefault(_task(results), []).append((name, results))
    parts = [tag("h1", TITLE)]
    for k, (title, block) in enumerate(blocks.items()):
        inside = [tag("h2", title), *_block(dict(block))]
        parts.append(
            tag("section", join(inside), id="headline" if k == 0 else f"task-{k}")
        )
    return document(TITLE, parts)


def _names(runs: Sequence[Results]) -> list[str]:
    """What each run is called: its folder; a number besides where two are alike."""
    names = [results.folder or str(results.summary["name"]) for results in runs]
    return [
        f"{name} ({names[: k + 1].count(name)})" if names.count(name) > 1 else name
        for k, name in enumerate(names)
    ]


def _task(results: Results) -> str:
    task = results.summary["task"]
    labels = task["labels"]
    named = ", ".join(labels) if len(labels) <= 5 else f"{len(labels)} labels"
    metric = words.metric(results.summary["metric"])
    return f"{task['name']} ({task['kind']}: {named}), {metric}"


def _block(runs: Mapping[str, Results]) -> list[Html]:
    parts = []
    for head in (FUSION, BEST):
        shown = _values(runs, head)
        if not shown.empty:
            parts.append(
                table(shown, index="model", caption=f"Head {head}, all it answers")
            )
    parts.append(paragraph(ALIKE if _alike(runs) else UNLIKE) if len(runs) > 1 else "")
    within = _within(runs)
    if not within.empty:
        caption = "Paired differences within each run"
        parts.append(table(within, index="run", caption=caption))
    parts.append(table(_costs(runs), index="run", caption="What the students cost"))
    changed = _settings(runs)
    if not changed.empty:
        title = f"{len(changed)} settings that differ"
        parts.append(details(title, table(changed, index="setting")))
    said = [join([tag("b", name), about(r.summary)], ": ") for name, r in runs.items()]
    return [*parts, points(said)]


def _values(runs: Mapping[str, Results], head: str) -> pd.DataFrame:
    columns = {}
    for name, results in runs.items():
        rows = overall(results, head)
        title = f"{name} ({counted(rows)})" if len(rows) else name
        columns[title] = words_of(rows, words.interval)
    order = dict.fromkeys(m for results in runs.values() for m in results.models)
    shown = [m for m in order if any(m in column for column in columns.values())]
    return pd.DataFrame(columns, index=shown, dtype=object).fillna(words.ABSENT)


def _within(runs: Mapping[str, Results]) -> pd.DataFrame:
    found = {
        (name, head): {
            f"{row['model']} minus {row['reference']}": words.difference(
                row["value"], row["low"], row["high"]
            )
            for _, row in differences(results, head).iterrows()
            if {row["model"], row["reference"]} <= {STUDENT, NO_KD, TEACHERS}
        }
        for name, results in runs.items()
        for head in (FUSION, BEST)
    }
    found = {f"{name}, {head}": cells for (name, head), cells in found.items() if cells}
    table = pd.DataFrame.from_dict(found, orient="index", dtype=object)
    return table.fillna(words.ABSENT)


def _costs(runs: Mapping[str, Results]) -> pd.DataFrame:
    found = {
        name: {title: cells.get(STUDENT) for title, cells in costs(r.summary).items()}
        for name, r in runs.items()
    }
    table = pd.DataFrame.from_dict(found, orient="index", dtype=object)
    return table.fillna(words.ABSENT)


def _alike(runs: Mapping[str, Results]) -> bool:
    """Whether the test splits have the same counts of patterns."""
    tests = [
        {
            row["pattern"]: row["samples"]
            for row in results.summary.get("availability", ())
            if row["split"] == results.summary["split"]
        }
        for results in runs.values()
    ]
    return all(test == tests[0] for test in tests)


def _settings(runs: Mapping[str, Results]) -> pd.DataFrame:
    """The settings that are not the same in all runs, by path."""
    flat = {name: _flat(yaml.safe_load(r.config or "{}")) for name, r in runs.items()}
    paths = dict.fromkeys(path for values in flat.values() for path in values)
    rows = {
        path: [values.get(path, words.ABSENT) for values in flat.values()]
        for path in paths
    }
    rows = {path: row for path, row in rows.items() if len(set(row)) > 1}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*flat])


def _flat(values: object, path: str = "") -> dict[str, str]:
    """A tree of plain values as `{"a.b": text}`."""
    if not isinstance(values, dict):
        return {path: str(values)}
    return {
        below: text
        for key, value in values.items()
        for below, text in _flat(value, f"{path}.{key}".strip(".")).items()
    }
