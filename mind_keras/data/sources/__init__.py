"""Ready data sets.

A source is a module with `load(*, seed, missing, ...) -> Splits`.
To add one: write the file, name its `load` in `SOURCES`.
"""

import inspect
from collections.abc import Callable, Mapping

from mind_keras.data.sources import (
    breast_cancer,
    cremad,
    diabetes,
    icu,
    luma,
    smnist,
    spoken_digits,
)
from mind_keras.data.splits import Splits

SOURCES = {
    "breast_cancer": breast_cancer.load,
    "cremad": cremad.load,
    "diabetes": diabetes.load,
    "icu": icu.load,
    "luma": luma.load,
    "smnist": smnist.load,
    "spoken_digits": spoken_digits.load,
}


def load(
    name: str,
    *,
    seed: int = 0,
    missing: Mapping | None = None,
    progress: Callable[[str, int, float], None] | None = None,
    **options: object,
) -> Splits:
    """A ready data set.

    Args:
        name: One of `SOURCES`.
        seed: Another seed, another split and another removal.
        missing: How modalities are removed: arguments of `missing.remove`, such as
            `{"mechanism": "mcar", "rate": {"serum": 0.3}}`. None: nothing is.
        progress: Called as `progress(stage, rows done, fraction)` by sources that take
            long.
        options: Further arguments of the source.

    Raises:
        ValueError: If the source or an option is unknown.

    Example:
        >>> missing = {"mechanism": "mcar", "rate": {"serum": 0.3}}
        >>> sorted(load("diabetes", missing=missing).train.patterns)
        ['serum+vitals', 'vitals']
    """
    if name not in SOURCES:
        raise ValueError(f"Unknown source {name!r}. Known: {sorted(SOURCES)}.")
    known = sorted(inspect.signature(SOURCES[name]).parameters)
    if progress is not None and "progress" in known:
        options["progress"] = progress
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"Unknown option {unknown} of source {name!r}. Known: {known}."
        )
    return SOURCES[name](seed=seed, missing=missing, **options)
