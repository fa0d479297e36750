"""Probabilities for samples of any pattern, and the table of how good they are.

A sample is answered by the sub-model of the modalities that it has: nothing is
filled in, and no encoder runs for a modality that is absent.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from mind_keras.data.checks import check_modality
from mind_keras.data.files import Unlabelled
from mind_keras.data.presence import Presence
from mind_keras.data.samples import Samples
from mind_keras.evaluation import comparison
from mind_keras.evaluation.table import score
from mind_keras.fast import answering
from mind_keras.spec import BEST, FUSION, Modality, Task, pattern_modalities
from mind_keras.submodels import heads, submodel


def predict(
    model: keras.Model,
    data: Samples | Unlabelled | Mapping[str, np.ndarray],
    *,
    task: Task | None = None,
    batch_size: int = 256,
) -> dict[str, np.ndarray]:
    """What each head says of each sample, as probabilities.

    Args:
        model: A student, a sub-model, or a teacher: functional, with logits.
        data: Samples of any patterns; or `{modality: (n, ...)}`, rows of `n` samples
            that all have these modalities and no other.
        task: What the logits mean; taken from `Samples` where it is left out.
        batch_size: Most rows at once; on a CPU fewer of large ones.

    Returns:
        `{head: (n, labels)}`, NaN where a sample lacks what the head needs, and
        `"best"`: the head that reads everything the sample has, else the mean of the
        unimodal heads it reaches.

    Raises:
        ValueError: If no head can answer, the task is not known, or the rows have
            another shape than the model reads.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> student = mk.build_student(data.spec, {"serum": "mlp", "vitals": "mlp"})
        >>> probabilities = mk.predict(student, data.test)
        >>> sorted(probabilities), probabilities["best"].shape == (len(data.test), 1)
        (['best', 'fusion', 'serum', 'vitals'], True)
    """
    if not isinstance(data, Presence | Mapping):
        raise ValueError(
            "`data` must be samples, or a dict of arrays by modality. Received: "
            f"{type(data).__name__}. Of `Splits` give one part: `data.test`."
        )
    if isinstance(data, Samples):
        task = data.spec.task
    if task is None:
        raise ValueError(
            "Logits become probabilities by the kind of task. Received: no `task=` and "
            f"data of type {type(data).__name__}, which does not say. Give the `Task`."
        )
    needs = heads(model)
    samples = data if isinstance(data, Presence) else _from_arrays(data, model, needs)
    reads = frozenset().union(*needs.values())
    said = {
        head: np.full((len(samples), task.outputs), np.nan) for head in (*needs, BEST)
    }
    reached = False
    for present, index in _by_modalities(samples, reads).items():
        if not any(needed <= present for needed in needs.values()):
            continue
        reached = True
        x = {m: samples.x[m][samples.rows_of(m, index)] for m in sorted(present)}
        for head, values in _answers(model, x, task, batch_size).items():
            said[head][index] = values
        said[BEST][index] = _best(said, present, index, needs)
    if not reached:
        wanted = {head: sorted(needed) for head, needed in needs.items()}
        raise ValueError(
            "Some sample must have what a head needs. Received: samples of patterns "
            f"{sorted(samples.patterns)}; the heads need {wanted}."
        )
    return said


def evaluate(
    model: keras.Model,
    samples: Samples,
    *,
    metrics: Sequence[str] | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    batch_size: int = 256,
) -> pd.DataFrame:
    """How good each head is on each pattern, with intervals.

    Args:
        model: As in `predict`.
        samples: Labelled samples.
        metrics, replicates, level, seed: As in `evaluation.table.score`.
        batch_size: Most rows at once; on a CPU fewer of large ones.

    Returns:
        A row per head, pattern, metric and label; columns `head, pattern, metric,
        label, value, low, high, n, note`.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> student = mk.build_student(data.spec, {"serum": "mlp", "vitals": "mlp"})
        >>> table = mk.evaluate(student, data.test, metrics=["auroc"], replicates=20)
        >>> sorted(table["head"].unique())
        ['best', 'fusion', 'serum', 'vitals']
    """
    return score(
        predict(model, samples, batch_size=batch_size),
        samples,
        metrics=metrics,
        replicates=replicates,
        level=level,
        seed=seed,
    )


def compare(
    models: Mapping[str, keras.Model],
    samples: Samples,
    *,
    reference: str | None = None,
    metrics: Sequence[str] | None = None,
    heads: Sequence[str] | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    margin: float | Mapping[str, float] | None = None,
    batch_size: int = 256,
) -> pd.DataFrame:
    """How much better each model is than a reference, with paired intervals.

    For what is no model (an ensemble, a rule, another package) give probabilities to
    `mind_keras.evaluation.compare`.

    Args:
        models: `{name: model}`, as in `predict`; at least two.
        samples: Labelled samples, the same for all.
        reference: A name of `models`. Default: the first.
        metrics, heads, replicates, level, seed, margin: As in `evaluation.compare`.
        batch_size: Most rows at once; on a CPU fewer of large ones.

    Returns:
        A row per model, head, pattern, metric, label and method; columns `model,
        reference, head, pattern, metric, label, value, low, high, p, p_adjusted, n,
        method, margin, non_inferior, note`; `value` is model minus reference.

    Raises:
        ValueError: As `predict` and `evaluation.compare`.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> models = {
        ...     name: mk.build_student(data.spec, {"serum": "mlp", "vitals": "mlp"})
        ...     for name in ("no KD", "student")
        ... }
        >>> options = {"metrics": ["accuracy"], "heads": ["best"], "replicates": 50}
        >>> table = mk.compare(models, data.test, margin=0.01, **options)
        >>> table[["model", "reference", "head", "method"]].values.tolist()[0]
        ['student', 'no KD', 'best', 'bootstrap']
    """
    said = {
        name: predict(model, samples, batch_size=batch_size)
        for name, model in models.items()
    }
    return comparison.compare(
        said,
        samples,
        reference=reference,
        metrics=metrics,
        heads=heads,
        replicates=replicates,
        level=level,
        seed=seed,
        margin=margin,
    )


def _from_arrays(data: Mapping, model: keras.Model, needs: Mapping) -> Unlabelled:
    reads = {t.name: tuple(t.shape[1:]) for t in model.inputs}
    unknown = sorted(set(data) - set(reads))
    if unknown or not data:
        raise ValueError(
            f"`data` must hold rows of modalities that the model reads. Received: "
            f"{sorted(data)}. The model reads {sorted(reads)}."
        )
    sizes = {name: len(array) for name, array in data.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            "Plain arrays must all hold the same samples in the same order. Received: "
            f"{sizes} rows. For samples of several patterns use `Samples`, or predict "
            "each pattern by itself."
        )
    size = next(iter(sizes.values()))
    every = np.arange(size)
    x = {
        name: check_modality(array, every, Modality(name, reads[name]), size)[0]
        for name, array in data.items()
    }
    return Unlabelled(every, x, dict.fromkeys(x, every), group=every)


def _by_modalities(samples: Presence, reads: frozenset) -> dict[frozenset, np.ndarray]:
    """Samples that show the model the same modalities, whatever else they have."""
    found = {}
    for pattern, index in samples.patterns.items():
        found.setdefault(reads & set(pattern_modalities(pattern)), []).append(index)
    return {present: np.concatenate(some) for present, some in found.items()}


# What was compiled for a model and some modalities, as long as the model lives, and
# how many variables the model had.
_KEPT = weakref.WeakKeyDictionary()


def _answering(model: keras.Model, present: frozenset) -> tuple[list[str], Callable]:
    """What a sub-model reads, and how to ask it."""
    size, kept = _KEPT.get(model, (None, {}))
    if size != len(model.variables):  # LoRA or quantisation adds some
        kept = {}
        _KEPT[model] = len(model.variables), kept
    if present not in kept:
        part = submodel(model, present)
        kept[present] = sorted(part.input), answering(part)
    return kept[present]


def _answers(model: keras.Model, x: Mapping, task: Task, batch_size: int) -> dict:
    reads, answer = _answering(model, frozenset(x))
    logits = answer({name: x[name] for name in reads}, batch_size)
    squash = softmax if task.kind == "multiclass" else expit
    axis = {"axis": -1} if task.kind == "multiclass" else {}
    return {h: squash(z.astype("float64"), **axis) for h, z in sorted(logits.items())}


def _best(said: Mapping, present: frozenset, index: np.ndarray, needs: Mapping):
    whole = [head for head, needed in needs.items() if needed == present]
    if whole:
        return said[FUSION if FUSION in whole else min(whole)][index]
    alone = [h for h, needed in needs.items() if len(needed) == 1 and needed <= present]
    if not alone:
        return np.nan
    return np.mean([said[head][index] for head in alone], axis=0)
