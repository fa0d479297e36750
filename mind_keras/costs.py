"""What a model costs: parameters, bytes on disk, and the time of one answer."""

import time
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

WARM_UP, REPEATS = 5, 30


def costs(models: Mapping[str, keras.Model], files: Mapping[str, Path]) -> dict:
    """The sums over the models that one contender is made of.

    The time is the median of single predictions of one sample with all modalities, on
    this machine, in milliseconds. It is noisy: compare only what was measured in one
    run, and only what differs by a lot.

    Args:
        models: `{name: model}`.
        files: `{name: the .keras file}`.

    Returns:
        `{"parameters", "size_bytes", "latency_ms"}`.
    """
    return {
        "parameters": sum(model.count_params() for model in models.values()),
        "size_bytes": sum(files[name].stat().st_size for name in models),
        "latency_ms": round(sum(latency_ms(model) for model in models.values()), 3),
    }


def latency_ms(model: keras.Model) -> float:
    """The median time of one answer, milliseconds, after a few to warm up."""
    x = keras.tree.map_structure(
        lambda tensor: np.zeros((1, *tensor.shape[1:]), "float32"), model.input
    )
    times = []
    for _ in range(WARM_UP + REPEATS):
        start = time.perf_counter()
        model.predict_on_batch(x)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times[WARM_UP:]))
