"""Samples made complete by values that stand in for what is missing.

What our students do without: here for the contrasts that need it. Filled samples have
lost who lacked what, so keep the samples as they were. A new way to fill is a new
`{modality: value}`; `filled` does the rest.
"""

from collections.abc import Mapping

import numpy as np

from mind_keras.data.samples import Samples
from mind_keras.spec import Spec


def filled(samples: Samples, values: Mapping[str, np.ndarray]) -> Samples:
    """The same samples, each with every modality.

    Args:
        samples: Samples of any patterns, preprocessed.
        values: `{modality: row}` for all modalities of the spec, what a sample gets
            that lacks it: of the modality's shape, or a number. Pixels stay uint8.

    Returns:
        Complete samples, in the same order.

    Raises:
        ValueError: If a modality has no value, or one that does not fit its rows.

    Example:
        >>> from mind_keras.data.sources import load
        >>> missing = {"mechanism": "mcar", "rate": {"serum": 0.5}}
        >>> train = load("diabetes", missing=missing).train
        >>> filled(train, zeros(train.spec))
        Samples(265 samples; serum+vitals: 265)
    """
    spec = samples.spec
    if set(values) != set(spec.names):
        raise ValueError(
            f"`values` must hold a row for each modality, {spec.names}. Received: "
            f"{sorted(values)}."
        )
    x = {name: _complete(samples, name, values[name]) for name in spec.names}
    return Samples(
        spec,
        samples.y,
        x,
        id=samples.id,
        group=samples.group,
        weight=samples.weight,
        meta=samples.meta,
    )


def zeros(spec: Spec) -> dict[str, float]:
    """Zeros for every modality: of standardised columns the mean, of pixels black.

    Example:
        >>> from mind_keras.data.sources import load
        >>> zeros(load("diabetes").spec)
        {'serum': 0.0, 'vitals': 0.0}
    """
    return dict.fromkeys(spec.names, 0.0)


def means(samples: Samples) -> dict[str, np.ndarray]:
    """The mean row of each modality, over the samples that have it.

    Args:
        samples: The training samples.

    Returns:
        `{modality: shape of its rows}`, float64. Hours and pixels have their own means.

    Raises:
        ValueError: If no sample has a modality.

    Example:
        >>> from mind_keras.data.sources import load
        >>> means(load("diabetes").train)["serum"].shape
        (6,)
    """
    absent = [name for name in samples.spec.names if not len(samples.x[name])]
    if absent:
        raise ValueError(
            "The mean of a modality takes samples that have it. Received: none with "
            f"{absent}. Take it out of the spec: `samples.only(...)`."
        )
    names = samples.spec.names
    return {name: samples.x[name].mean(axis=0, dtype="float64") for name in names}


def _complete(samples: Samples, name: str, value: np.ndarray) -> np.ndarray:
    rows, shape = samples.x[name], samples.spec.shape(name)
    value = np.asarray(value)
    if value.shape not in ((), shape) or not np.isfinite(value).all():
        raise ValueError(
            f"What fills modality {name!r} must be a number or a row of shape {shape}, "
            f"finite. Received: shape {value.shape}, {value.reshape(-1)[:3]}..."
        )
    if rows.dtype == np.uint8:
        value = np.rint(value)
        if value.min() < 0 or value.max() > 255:
            raise ValueError(
                f"What fills the pixels of {name!r} must lie between 0 and 255. "
                f"Received: {value.min()} to {value.max()}."
            )
    # calloc: where the value is 0, memory is taken up by the rows alone.
    complete = np.zeros((len(samples), *shape), rows.dtype)
    if value.any():
        complete[~samples.has(name)] = value
    complete[samples.rows[name]] = rows
    return complete
