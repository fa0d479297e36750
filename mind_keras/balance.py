"""How much a student uses each modality, and how its heads stand beside each other.

Everything is a difference of one metric M between heads, on samples that all of them
answer, so that the same patients are compared. To add a quantity: a line in
`quantities`; the table, and the logs that `balancing.Balance` writes, follow.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from mind_keras.data.samples import Samples
from mind_keras.evaluation.cells import cells
from mind_keras.evaluation.metrics import METRICS, one
from mind_keras.spec import FUSION, Task

MEASURE = {"binary": "auroc", "multilabel": "auroc", "multiclass": "accuracy"}
COLUMNS = ["model", "split", "quantity", "modality", "metric", "value", "note"]

Said = Mapping[str, np.ndarray]


def utilisation(
    values: Mapping[str, float],
    *,
    needs: Mapping[str, Collection[str]] | None = None,
    chance: float = 0.0,
) -> dict[str, float]:
    """The conditional utilisation rate u of each modality.

    What the fusion head would lose without the modality, as a share:

        u_m = (M(fusion) - M(without m)) / (M(fusion) - chance)

    For two modalities "without m" is the head of the other one, and with `chance=0`
    this is equation 4 of MILES [1]. It gives no formula for more; here it is the best
    of all heads that do not read m. u < 0 says that such a head beats the fusion.

    Args:
        values: `{head: M}`, higher is better: `"fusion"` and two modalities or more.
        needs: `{head: modalities it reads}`. By default a head is named after its one
            modality, and `"fusion"` reads all.
        chance: M of a guess. M = AUROC of a useful modality beside a useless one has
            u = 1 - 0.5 / M, not 1; `chance=0.5` gives 1, but more noise, since it
            divides by less.

    Returns:
        `{modality: u}`; NaN where an M is NaN or the fusion head is no better than
        `chance`.

    Raises:
        ValueError: If the fusion head or a second modality's head is missing.

    Example:
        >>> used = utilisation({"fusion": 0.8, "audio": 0.6, "video": 0.4})
        >>> {name: round(u, 2) for name, u in used.items()}
        {'audio': 0.5, 'video': 0.25}

    [1] Guerra-Manzanares & Shamout (2025). https://arxiv.org/abs/2510.17394
    """
    needs = needs or {head: {head} for head in values if head != FUSION}
    parts = {h: set(needs[h]) for h in values if h != FUSION and h in needs}
    alone = sorted(head for head, read in parts.items() if read == {head})
    if FUSION not in values or len(alone) < 2:
        raise ValueError(
            f"Utilisation compares {FUSION!r} with the heads of two modalities or "
            f"more. Received: values of {sorted(values)}. Has the student one head?"
        )
    best = values[FUSION]
    scale = best - chance if best > chance else np.nan
    return {
        m: float(best - np.max([values[h] for h in parts if m not in parts[h]])) / scale
        for m in alone
    }


def imbalance(used: Mapping[str, float]) -> float:
    """delta, how far apart the utilisation of two modalities is: 0 is balanced.

    |u_a - u_b| for two (MILES, equation 5); of more, the largest of all pairs.

    Example:
        >>> imbalance({"audio": 0.5, "video": 0.25})
        0.25
    """
    return float(np.ptp(list(used.values())))


def head_gap(values: Mapping[str, float]) -> float:
    """Delta, M of the strongest unimodal head less M of the weakest.

    Args:
        values: `{modality: M of its head}`.

    Example:
        >>> head_gap({"audio": 0.75, "video": 0.5})
        0.25
    """
    return float(np.ptp(list(values.values())))


def quantities(
    values: Mapping[str, float],
    *,
    needs: Mapping[str, Collection[str]] | None = None,
    teachers: Mapping[str, float] | None = None,
    chance: float = 0.0,
) -> dict[tuple[str, str], float]:
    """All numbers of balance by `(quantity, modality)`, `""` for all modalities.

    Args:
        values, needs, chance: As in `utilisation`.
        teachers: `{modality: M of its teachers}`, for `teacher_gap`: how much better
            they are than the head they teach.

    Example:
        >>> heads = {"fusion": 0.8, "audio": 0.75, "video": 0.5}
        >>> quantities(heads, teachers={"video": 0.75})["teacher_gap", "video"]
        0.25
    """
    used = utilisation(values, needs=needs, chance=chance)
    found = {("utilisation", m): u for m, u in used.items()}
    found["imbalance", ""] = imbalance(used)
    found["head_gap", ""] = head_gap({m: values[m] for m in used})
    gaps = {m: (teachers or {})[m] - values[m] for m in used if m in (teachers or {})}
    return found | {("teacher_gap", m): gap for m, gap in gaps.items()}


def balance_table(
    answers: Mapping[str, Said],
    samples: Samples,
    *,
    split: str,
    needs: Mapping[str, Collection[str]] | None = None,
    teachers: Said | None = None,
    metric: str | None = None,
    chance: float = 0.0,
) -> pd.DataFrame:
    """Balance of each model that has a fusion head and heads of two modalities.

    Args:
        answers: `{model: {head: probabilities (n, labels), NaN where it cannot}}`, as
            `mk.predict` gives; models without such heads are left out.
        samples: What was answered. A model is judged on the samples that all its
            heads, and the teachers, answer.
        split: The name of the samples, for the table.
        needs, chance: As in `utilisation`.
        teachers: `{modality: probabilities}` of the ensembles.
        metric: A name in `METRICS`, higher is better. Default: accuracy of classes,
            else AUROC, the mean over labels.

    Returns:
        Columns `model, split, quantity, modality, metric, value, note`; `modality` is
        empty for `imbalance` and `head_gap`, `value` NaN where undefined.

    Raises:
        ValueError: If the metric is unknown, does not fit, or lower is better.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> student = mk.build_student(data.spec, {"serum": "mlp", "vitals": "mlp"})
        >>> answers = {"student": mk.predict(student, data.test)}
        >>> table = balance_table(answers, data.test, split="test")
        >>> table["quantity"].tolist()
        ['utilisation', 'utilisation', 'imbalance', 'head_gap']
    """
    metric = measure(metric, samples.spec.task)
    taught = {
        m: (teachers or {})[m] for m in samples.spec.names if m in (teachers or {})
    }
    rows = []
    for model, said in answers.items():
        known = {*samples.spec.names, FUSION, *(needs or {})}
        said = {head: p for head, p in said.items() if head in known}
        if FUSION not in said or len(set(said) & set(samples.spec.names)) < 2:
            continue
        index = answered([*said.values(), *taught.values()])
        values, note = head_values(said, samples, index, metric)
        ensembles, _ = head_values(taught, samples, index, metric)
        found = quantities(values, needs=needs, teachers=ensembles, chance=chance)
        for (quantity, modality), value in found.items():
            why = note or ("" if value == value else "the fusion head is at chance")
            rows.append((model, split, quantity, modality, metric, value, why))
    return pd.DataFrame(rows, columns=COLUMNS)


def measure(metric: str | None, task: Task) -> str:
    """The metric to compare heads by: the given one, if it can be, or that of the task.

    Example:
        >>> measure(None, Task("death", kind="binary", labels=("death",)))
        'auroc'
    """
    metric = MEASURE[task.kind] if metric is None else metric
    fitting = [
        name
        for name, known in METRICS.items()
        if task.kind in known.needs and known.higher_is_better
    ]
    if metric not in fitting:
        raise ValueError(
            f"`metric` must fit a {task.kind} task, and higher be better. Received: "
            f"{metric!r}. Known: {fitting}."
        )
    return metric


def answered(said: Collection[np.ndarray]) -> np.ndarray:
    """The samples that all of these answer, `(n, labels)` each, NaN where not."""
    return np.flatnonzero(np.all([~np.isnan(p[:, 0]) for p in said], axis=0))


def head_values(
    said: Said, samples: Samples, index: np.ndarray, metric: str
) -> tuple[dict[str, float], str]:
    """`{head: M}` on the samples at `index`, and what to know of it.

    Args:
        said: `{head: probabilities of all samples}`.
        samples: All samples.
        index: Which of them to look at.
        metric: As `measure` gives it.
    """
    if not len(index):
        return dict.fromkeys(said, np.nan), "no sample that all heads answer"
    weight = one(len(samples))
    first = {
        head: cells(METRICS[metric], np.asarray(p, float), samples, weight, index)[0]
        for head, p in said.items()
    }
    notes = dict.fromkeys(cell.note for cell in first.values() if cell.note)
    values = {head: float(cell.values[0]) for head, cell in first.items()}
    return values, "; ".join(notes)
