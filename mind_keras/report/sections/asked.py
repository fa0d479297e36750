"""What was asked, of whom, with which settings, and where the answer ends."""

from collections.abc import Mapping

import pandas as pd

from mind_keras.report import words
from mind_keras.report.gathered import Results
from mind_keras.report.markup import Html, details, join, paragraph, points, table, tag

KINDS = {
    "binary": "yes or no",
    "multilabel": "several labels, each yes or no",
    "multiclass": "one of several classes",
}
FEW = 8  # Labels that are named in a sentence.
LIMITS = (
    "Not a medical device; not validated for any decision about a patient.",
    "The numbers hold for the test split of one data set. Intervals cover the sampling "
    "of test patients, not another site or time, and, unless seeds are shown, not "
    "another training.",
    "Patterns, labels and subgroups with few samples have wide intervals; where a "
    "class is absent there is no number.",
    "Modalities that are absent for other reasons than in the training data may change "
    "what the numbers are worth.",
    "Latency was measured on one machine, one sample at a time; it is noisy.",
)
AUDITED = Html(
    'What was checked before training is in <a href="audit.html">audit.html</a>, '
    "beside this file."
)


def question(results: Results) -> Html:
    """Task, labels, modalities, heads."""
    summary = results.summary
    task, heads = summary.get("task"), summary.get("heads")
    if not task or not heads:
        return Html("")
    labels = task["labels"]
    lines = [
        asked_in_short(summary),
        *([f"Labels: {', '.join(labels)}."] if len(labels) <= FEW else []),
        f"Data: {summary.get('source', 'unknown')}.",
    ]
    reads = pd.DataFrame(
        {"reads": [", ".join(heads[head]) for head in heads]}, [*heads]
    )
    parts = [points(lines), table(reads, index="head")]
    parts += [paragraph(BEST_HEAD, class_="note")]
    if len(labels) > FEW:
        parts.append(details(f"{len(labels)} labels", points(labels)))
    return join(parts)


def asked_in_short(summary: Mapping) -> str:
    """Task, and what it is told from, in a sentence; empty where nobody said."""
    task, heads = summary.get("task"), summary.get("heads")
    if not task or not heads:
        return ""
    inputs = sorted(set().union(*heads.values()))
    kind = f"{task['kind']}: {KINDS.get(task['kind'], '')}"
    return f"Predict {task['name']} ({kind}) from any of: {', '.join(inputs)}."


BEST_HEAD = (
    "A head answers a sample that has all it reads. The numbers called best are those "
    "of the head that a sample with its modalities would be given."
)


def cohort(results: Results) -> Html:
    """How many samples have which modalities, and who was left out."""
    rows = pd.DataFrame(results.summary.get("availability", ()))
    parts = []
    if len(rows):
        counts = rows.assign(cell=[_counted(row) for _, row in rows.iterrows()])
        wide = counts.pivot(index="pattern", columns="split", values="cell")
        splits = list(dict.fromkeys(rows["split"]))
        order = sorted(wide.index, key=lambda p: (p.count("+"), p))
        wide = wide.reindex(index=order, columns=splits).fillna("0")
        total = rows.groupby("split")["samples"].sum().map(words.count)
        wide.loc["all"] = total.reindex(splits)
        note = "Samples by split, and by the modalities that they have."
        grouped = wide.stack().str.contains("groups").any()
        note += f" {GROUPS}" if grouped else ""
        note += " Of the first seed." if len(results.seeds) else ""
        parts.append(table(wide, index="pattern", caption=note))
    steps = results.extraction.get("exclusions", ())
    if steps:
        left_out = pd.DataFrame(steps)[["step", "removed", "left"]]
        numbers = {c: left_out[c].map(words.count) for c in ("removed", "left")}
        caption = "Who was left out, step by step."
        shown = left_out.assign(**numbers).set_index("step")
        parts.append(table(shown, index="step", caption=caption))
    parts += [paragraph(AUDITED)] if results.audited else []
    return join(parts)


GROUPS = "In brackets: groups of samples that belong together, such as of a patient."


def _counted(row: pd.Series) -> str:
    samples, groups = row["samples"], row.get("groups")
    if groups is None or groups == samples:
        return words.count(samples)
    return f"{words.count(samples)} ({words.count(groups)} groups)"


def statistics(results: Results) -> Html:
    """How intervals and differences came about."""
    summary, lines = results.summary, []
    if summary.get("replicates") and len(results.metrics):
        lines.append(
            f"Intervals: {summary.get('level', 0):.0%}, percentiles of a bootstrap "
            "that draws whole patients (or groups), "
            f"{words.count(summary['replicates'])} times, seed {summary.get('seed')}. "
            "All models share the draws."
        )
    if len(results.seeds):
        lines.append(
            f"Over seeds: mean, standard deviation and interval of "
            f"{len(summary.get('seeds', ()))} whole runs; differences are taken seed "
            "by seed."
        )
    lines += _differences(results)
    lines += [
        "Numbers of models that answer different samples are neither put side by side "
        "nor subtracted.",
        "Test samples were answered once, after all training; validation samples "
        "stopped it.",
    ]
    return points(lines)


METHODS = {
    "bootstrap": "bootstrap (the same patients drawn for both)",
    "delong": "DeLong's test",
    "obuchowski": "Obuchowski's test (DeLong's for several samples of a patient)",
}


def _differences(results: Results) -> list[str]:
    summary, compared, lines = results.summary, results.differences, []
    if len(compared):
        methods = sorted(set(compared["method"].astype(str)) - {""})
        methods = [METHODS.get(name, name) for name in methods]
        lines.append(
            "Differences are of the same samples, answered by both models. Methods: "
            f"{', '.join(methods)}."
        )
    if summary.get("margin") is not None and "non_inferior" in compared.columns:
        lines.append(
            "Non-inferior: the interval of the difference stays within a margin of "
            f"{summary['margin']}, which was set before training."
        )
    if not compared.get("p_adjusted", compared["p"]).equals(compared["p"]):
        lines.append("Adjusted p-values: Holm's method over the labels of a task.")
    return lines


def settings(results: Results) -> Html:
    """Every setting of the run."""
    if not results.config:
        return Html("")
    return details("config.yaml", tag("pre", results.config.rstrip()))


def environment(results: Results) -> Html:
    """Versions and platform."""
    return _listed(results.environment) if results.environment else Html("")


def limits(results: Results) -> Html:
    """Where the numbers end."""
    return points(LIMITS)


def _listed(values: Mapping) -> Html:
    frame = pd.DataFrame({"value": [str(v) for v in values.values()]}, [*values])
    return table(frame, index="what")
