"""What a model costs: parameters, bytes on disk, multiply-adds, time of one answer."""

import time
from collections.abc import Collection, Mapping
from pathlib import Path

import keras
import numpy as np

from mind_keras.fast import answering
from mind_keras.macs import macs
from mind_keras.submodels import submodel

WARM_UP, REPEATS = 5, 40


def costs(models: Mapping[str, keras.Model], files: Mapping[str, Path]) -> dict:
    """The sums over the models that one contender is made of.

    Times are of predictions of one sample with all modalities, on this machine, in
    milliseconds: the median and the 95th percentile. They are noisy: compare only what
    was measured in one run, and only what differs by a lot.

    Args:
        models: `{name: model}`.
        files: `{name: the .keras file}`.

    Returns:
        `{"parameters", "size_bytes", "macs", "latency_ms", "latency_p50_ms",
        "latency_p95_ms"}`. `"macs"` is None where `macs.macs` does not know them;
        `"latency_ms"` is the median under its older name.
    """
    counts = [macs(model) for model in models.values()]
    median, slow = np.percentile(latencies_ms(models.values()), [50, 95]).round(3)
    return {
        "parameters": sum(model.count_params() for model in models.values()),
        "size_bytes": sum(files[name].stat().st_size for name in models),
        "macs": None if None in counts else sum(counts),
        "latency_ms": float(median),
        "latency_p50_ms": float(median),
        "latency_p95_ms": float(slow),
    }


def latencies_ms(models: Collection[keras.Model]) -> np.ndarray:
    """Times in which all models answer one sample, one after another, warmed up.

    By what `mk.predict` uses, with the backend's own kernels.

    Returns:
        Milliseconds, `(REPEATS,)`.
    """
    whole = [submodel(model, [t.name for t in model.inputs]) for model in models]
    asked = [(answering(model), _one_row(model)) for model in whole]
    times = []
    for _ in range(WARM_UP + REPEATS):
        start = time.perf_counter()
        for answer, x in asked:
            answer(x, 1)
        times.append(time.perf_counter() - start)
    return 1000 * np.array(times[WARM_UP:])


def _one_row(model: keras.Model) -> dict:
    return keras.tree.map_structure(
        lambda tensor: np.zeros((1, *tensor.shape[1:]), "float32"), model.input
    )
