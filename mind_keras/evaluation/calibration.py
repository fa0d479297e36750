"""Temperature scaling: probabilities that are as sure as they are right.

A temperature is fitted on validation samples for each head and pattern, and judged on
others. `"best"` is treated as a head: where it repeats another it has that head's
temperature, where it is a mean of heads one of its own (a mean of calibrated
probabilities is not calibrated [1]). So within a head and pattern ranks are kept, and
with them AUROC and AUPRC of labels, and the most probable of classes.

[1] Ranjan & Gneiting (2010). https://doi.org/10.1111/j.1467-9868.2009.00726.x
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax, logit

from mind_keras.data.samples import Samples
from mind_keras.evaluation.table import (
    ALL,
    answered_by_pattern,
    check_probabilities,
    score,
)
from mind_keras.evaluation.temperatures import Temperature, Temperatures
from mind_keras.spec import BEST

FEWEST_SAMPLES = 30  # of a pattern, for a temperature of its own
FEWEST_OF_EACH = 5  # of both outcomes, or of the two most frequent classes
LOWEST, HIGHEST = 0.1, 10.0
METRICS = ("ece", "log_loss", "brier")
COLUMNS = ("model", "head", "pattern", "temperature", "n_validation")
COLUMNS += tuple(name for m in METRICS for name in (m, f"{m}_calibrated"))
COLUMNS += ("n", "note")


def fit_temperatures(
    probabilities: Mapping[str, np.ndarray], samples: Samples
) -> Temperatures:
    """The temperatures with the lowest log-loss on validation samples.

    One per head and pattern, for all labels. It is searched between `LOWEST` and
    `HIGHEST`, where the loss has one minimum at most. A pattern takes the temperature
    of the head over all patterns, and that is 1, where there are fewer than
    `FEWEST_SAMPLES` samples with a known label, fewer than `FEWEST_OF_EACH` of an
    outcome, or no minimum: some samples are told apart without a mistake, and would
    call for boundless sureness.

    Args:
        probabilities: `{head: (n, labels)}`, NaN where a head cannot answer.
        samples: The validation samples, in the same order.

    Raises:
        ValueError: If probabilities have a wrong shape or are none.

    Example:
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> spec = Spec(Task("death", "binary", ("death",)), (Modality("ehr", (1,)),))
        >>> y = np.tile([0, 0, 0, 1], 20)  # one in four, and the head says one in 10
        >>> samples = Samples(spec, y, {"ehr": np.zeros((80, 1))})
        >>> fitted = fit_temperatures({"ehr": np.full((80, 1), 0.1)}, samples)
        >>> round(fitted.of("ehr", "ehr").value, 2)  # log(9) / log(3)
        2.0
    """
    kind, values = samples.spec.task.kind, {}
    said = {
        head: check_probabilities(p, head, samples) for head, p in probabilities.items()
    }
    for head, p in sorted(said.items()):
        parts = answered_by_pattern(p, samples)
        own = {k: _fit(p[i], samples.y[i], kind) for k, i in parts.items()}
        common = own.pop(ALL)
        if common.note:
            common = replace(common, note=f"T = 1: {common.note}")
        others = {k: _or_common(one, common) for k, one in own.items()}
        values[head] = {ALL: common, **others}
    for pattern, head in _repeats(said, samples):
        values[BEST][pattern] = values[head][pattern]
    return Temperatures(kind, values)


def _fit(p: np.ndarray, y: np.ndarray, kind: str) -> Temperature:
    """The best temperature for these rows; a note where there is none."""
    known = ~np.isnan(y) if y.ndim == 2 else np.ones(len(y), bool)
    n = int(known.reshape(len(y), -1).any(1).sum())
    counts = np.sort(np.unique(y[known], return_counts=True)[1])
    if n < FEWEST_SAMPLES:
        return Temperature(1.0, 0, f"{n} validation samples, under {FEWEST_SAMPLES}")
    if len(counts) < 2 or counts[-2] < FEWEST_OF_EACH:
        return Temperature(1.0, 0, f"under {FEWEST_OF_EACH} of an outcome")
    eps = np.finfo(float).eps
    q = np.clip(p.astype(float), eps, 1 - eps)
    z = np.log(q) if kind == "multiclass" else logit(q[known])
    bounds = np.log([LOWEST, HIGHEST])

    def loss(log_temperature: float) -> float:
        scaled = z / np.exp(log_temperature)
        if kind == "multiclass":
            return -log_softmax(scaled, axis=1)[np.arange(len(y)), y].mean()
        return -log_expit(np.where(y[known] == 1, scaled, -scaled)).mean()

    at = minimize_scalar(loss, bounds=bounds, method="bounded").x
    if np.abs(bounds - at).min() < 1e-3:
        return Temperature(1.0, 0, f"no best T from {LOWEST} to {HIGHEST}")
    return Temperature(float(np.exp(at)), n)


def _or_common(own: Temperature, common: Temperature) -> Temperature:
    """Its own temperature, or else that of all patterns, and why."""
    if not own.note:
        return own
    where = "T = 1" if common.note else "T of all patterns"
    return replace(common, note=f"{where}: {own.note}")


def _repeats(said: Mapping, samples: Samples) -> Iterator[tuple[str, str]]:
    """Patterns on which `"best"` is the same as a head, and which one."""
    for pattern, index in samples.patterns.items() if BEST in said else ():
        for head in sorted(set(said) - {BEST}):
            if np.array_equal(said[head][index], said[BEST][index]):
                yield pattern, head
                break


def calibration_table(
    temperatures: Mapping[str, Temperatures],
    probabilities: Mapping[str, Mapping[str, np.ndarray]],
    samples: Samples,
) -> pd.DataFrame:
    """What temperature scaling does for samples that it was not fitted on.

    Args:
        temperatures: `{model: temperatures}`, fitted on validation samples.
        probabilities: `{model: {head: (n, labels)}}` of test samples.
        samples: The test samples, in the same order.

    Returns:
        The columns of `COLUMNS`, a row per model, head and pattern; numbers are those
        of `evaluation.score` without a label. Rows of `"all"` join patterns that are
        each scaled by a temperature of their own, and tell the one fitted on all.

    Raises:
        ValueError: If a model or head has no temperatures, or as in `score`.
    """
    lacking = sorted(set(probabilities) - set(temperatures))
    if lacking:
        raise ValueError(
            "Each model must have temperatures. Received: none for "
            f"{lacking}. Fit them on validation samples by `fit_temperatures`."
        )
    keys, tables = ["head", "pattern"], []
    for model, said in probabilities.items():
        fitted = temperatures[model]
        calibrated = fitted.apply(said, samples.pattern)
        before, after = _wide(said, samples), _wide(calibrated, samples)
        table = before.merge(after, on=keys, suffixes=("", "_calibrated"))
        one = [_told(fitted, *row) for row in table[keys].itertuples(index=False)]
        table["temperature"] = [t.value for t in one]
        table["n_validation"] = [t.n_validation for t in one]
        table["note"] = [t.note for t in one]
        tables.append(table.assign(model=model))
    return pd.concat(tables, ignore_index=True)[[*COLUMNS]]


def _told(fitted: Temperatures, head: str, pattern: str) -> Temperature:
    """The temperature of a row; of `"all"` it is not the only one behind it."""
    one = fitted.of(head, pattern)
    different = len({other.value for other in fitted.values[head].values()}) > 1
    joined = pattern == ALL and different
    return replace(one, note="each pattern has its own T") if joined else one


def _wide(said: Mapping[str, np.ndarray], samples: Samples) -> pd.DataFrame:
    """A row per head and pattern, a column per metric."""
    table = score(said, samples, metrics=METRICS, replicates=0)
    table = table[table["label"].isna()]
    wide = table.pivot(index=["head", "pattern"], columns="metric", values="value")
    n = table.groupby(["head", "pattern"])["n"].first()
    return wide.assign(n=n).rename_axis(columns=None).reset_index()
