"""Several models on the same samples: the table of paired differences.

Here is the door, where names and shapes are checked, and the table; what a row holds
is made in `differences.py`. Every number is *model minus reference*.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from mind_keras.data.samples import Samples
from mind_keras.evaluation.bootstrap import group_weights
from mind_keras.evaluation.differences import Answers, Terms, difference_rows
from mind_keras.evaluation.metrics import one
from mind_keras.evaluation.significance import check_level, holm_over_labels
from mind_keras.evaluation.table import check_probabilities, fitting_metrics

FAMILY = ["model", "reference", "head", "pattern", "metric"]
NUMBERS = ["value", "low", "high", "p", "p_adjusted", "n"]
COLUMNS = (*FAMILY, "label", *NUMBERS, "method", "margin", "non_inferior", "note")

Pair = tuple[str, str]  # model, reference


def compare(
    probabilities: Mapping[str, Mapping[str, np.ndarray]],
    samples: Samples,
    *,
    reference: str | Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    heads: Sequence[str] | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    margin: float | Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """How much better each model is than a reference, on the same samples.

    A difference is taken over the samples that both answer. Its interval and p come
    from a bootstrap of `samples.group` that draws the same patients for both (see
    `interval` and `bootstrap_p`); an AUROC of one label has a second row, of DeLong
    (see `delong`). Where there is no interval there is no p either, and `note` says
    why; so for models that say the same, whose difference is exactly 0.

    Args:
        probabilities: `{model: {head: (n, labels)}}`, each head as `score` takes it.
        samples: The samples that all were asked about, in the same order.
        reference: What the others are compared with: a model, or several. Of several
            each is compared with every model that is none of them, as if in a call of
            its own, but no number of a model is computed twice. Default: the first.
        metrics: Names from `METRICS`. Default: all that fit the task.
        heads: Which heads. Default: all. One that only the model or only the
            reference has gives no row.
        replicates: Of the bootstrap; 0 leaves its intervals and p-values out.
        level: Of confidence, between 0 and 1.
        seed: Of the bootstrap's draws.
        margin: The largest loss at which a model counts as non-inferior, in the unit
            of the metric: a number for all metrics, or `{metric: number}`.

    Returns:
        The columns of `COLUMNS`: `value` is that of `model` minus that of `reference`;
        `p` tests that it is 0, two-sided; `p_adjusted` is Holm's, over the labels of
        one headline; `method` is `"bootstrap"`, `"delong"` or `"obuchowski"`;
        `non_inferior` is None without a margin or an interval, else whether the
        interval stays within the margin (see `non_inferior`). Probabilities of float64
        that meet float32 are rounded to it, since `log_loss` punishes certainty as far
        as a dtype can tell it from 0.

    Raises:
        ValueError: If there is but one model, or all are references, they were asked
            about other samples or have no head in common, a name is unknown, a metric
            does not fit the task, `level` or `margin` is out of range, or probabilities
            are none.

    Example:
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> spec = Spec(Task("death", "binary", ("death",)), (Modality("ehr", (1,)),))
        >>> y = np.arange(40) % 2
        >>> samples = Samples(spec, y, {"ehr": np.zeros((40, 1))})
        >>> noise = np.random.default_rng(0).uniform(-0.2, 0.2, (40, 1))
        >>> good = {"ehr": 0.3 + 0.4 * y[:, None] + noise}
        >>> poor = {"ehr": 0.4 + 0.2 * y[:, None] + noise}
        >>> models = {"poor": poor, "good": good}
        >>> table = compare(models, samples, metrics=["brier"], margin=0.01)
        >>> row = table[table.pattern == "all"].iloc[0]
        >>> row.model, row.reference, float(row.value.round(2)), row.non_inferior
        ('good', 'poor', -0.07, True)
    """
    names = fitting_metrics(metrics, samples.spec.task)
    check_level(level)
    margins = _margins(margin, names, replicates)
    pairs = _pairs(reference, probabilities)
    said = _by_head(probabilities, samples, pairs, heads)
    # The first row is the data themselves: one pass gives value and replicates.
    drawn = group_weights(samples.group, replicates, seed=seed)
    weights = np.concatenate([one(len(samples)), drawn])
    terms = Terms(samples, weights, names, margins, level)
    rows = {pair: [] for pair in pairs}
    for head, models in said.items():
        for pair, answers in _answers(models, pairs):
            named = {"model": pair[0], "reference": pair[1], "head": head}
            found = difference_rows(*answers, terms)
            rows[pair] += [named | row for row in found]
    return _table([row for some in rows.values() for row in some])


def _answers(
    models: Mapping[str, np.ndarray], pairs: Sequence[Pair]
) -> Iterator[tuple[Pair, list[Answers]]]:
    """Both sides of each pair that has the head; who meets many is worked out once."""
    met = [pair for pair in pairs if set(pair) <= set(models)]
    times = Counter(model for pair in met for model in pair)
    kept = {}
    for pair in met:
        # The logarithmic loss is clipped at a precision: that of the coarser of both.
        dtype = max((models[m].dtype for m in pair), key=lambda d: np.finfo(d).eps)
        both = []
        for model in pair:
            answers = Answers(models[model].astype(dtype, copy=False))
            # Of whom nobody else will ask, nothing is kept: it is a lot of numbers.
            known = kept if times[model] > 1 else {}
            both.append(known.setdefault((model, dtype), answers))
        yield pair, both


def _margins(
    margin: float | Mapping[str, float] | None, names: Sequence[str], replicates: int
) -> dict[str, float]:
    if margin is None:
        return {}
    if not isinstance(margin, Mapping):
        margin = dict.fromkeys(names, margin)
    strange = sorted(set(margin) - set(names))
    if strange:
        raise ValueError(
            "`margin` must be of metrics that are compared. Received: "
            f"{strange}. Compared: {list(names)}."
        )
    off = {name: value for name, value in margin.items() if not 0 < value < np.inf}
    if off:
        raise ValueError(
            f"`margin` must be positive and finite. Received: {off}. Write what may be "
            "lost at most, without a sign, also where a lower metric is better."
        )
    if not replicates:
        raise ValueError(
            "A margin is judged by an interval. Received: `margin` and `replicates=0`. "
            "Write `replicates=1000`."
        )
    return {name: float(value) for name, value in margin.items()}


def _pairs(
    reference: str | Sequence[str] | None, models: Mapping[str, Mapping]
) -> list[Pair]:
    """`(model, reference)` of each comparison."""
    if len(models) < 2:
        raise ValueError(
            f"A comparison needs two models. Received: {list(models)}. For one model "
            "use `score` or `mk.evaluate`."
        )
    if reference is None:
        reference = next(iter(models))
    references = [reference] if isinstance(reference, str) else list(reference)
    if not references or not set(references) <= set(models):
        raise ValueError(
            f"`reference` must be one or some of the models. Received: {reference!r}. "
            f"Known: {list(models)}."
        )
    others = [model for model in models if model not in references]
    if not others:
        raise ValueError(
            "Some model must be left to compare with the references. Received: "
            f"{list(models)}, all of them as `reference`. Leave one out of it."
        )
    return [(model, name) for name in dict.fromkeys(references) for model in others]


def _by_head(
    probabilities: Mapping[str, Mapping[str, np.ndarray]],
    samples: Samples,
    pairs: Sequence[Pair],
    heads: Sequence[str] | None,
) -> dict[str, dict[str, np.ndarray]]:
    """`{head: {model: (n, labels)}}` of the heads that pairs share, checked."""
    _check_samples(probabilities, len(samples))
    known = sorted({head for said in probabilities.values() for head in said})
    strange = [head for head in heads or () if head not in known]
    if strange:
        raise ValueError(
            f"`heads` must be heads of the models. Received: {strange}. Known: {known}."
        )
    allowed, wanted = set(known if heads is None else heads), set()
    for model, reference in pairs:
        own, other = probabilities[model], probabilities[reference]
        shared = allowed & set(own) & set(other)
        if not shared:
            raise ValueError(
                "A model is compared by the heads that it shares with the reference. "
                f"Received: {model!r} with {sorted(own)}, {reference!r} with "
                f"{sorted(other)}, `heads` {heads}. Is the same answer named "
                "differently? Rename it in one of the dicts."
            )
        wanted |= shared
    return {
        head: {
            model: check_probabilities(said[head], f"{head} of {model}", samples)
            for model, said in probabilities.items()
            if head in said
        }
        for head in sorted(wanted)
    }


def _check_samples(
    probabilities: Mapping[str, Mapping[str, np.ndarray]], size: int
) -> None:
    rows = {
        model: sorted({len(p) for p in said.values()})
        for model, said in probabilities.items()
    }
    other = {model: sizes for model, sizes in rows.items() if sizes not in ([size], [])}
    if other:
        raise ValueError(
            "All models must have been asked about the same samples, in their order. "
            f"Received: {size} samples, but answers for {other}. A difference between "
            "other patients is not one between models: predict `samples` with each."
        )


def _table(rows: Sequence[Mapping]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    for column in ("label", "non_inferior"):
        # pandas would read None as NaN beside text.
        values = pd.Series([row[column] for row in rows], dtype=object)
        table[column] = values
    table["p_adjusted"] = holm_over_labels(table, [*FAMILY, "method"])
    return table[list(COLUMNS)]
