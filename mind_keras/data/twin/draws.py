"""Random numbers: one stream per purpose and block, so that order changes nothing.

To add a purpose: append it to `PURPOSES`. In another place it would change all twins.
"""

from statistics import NormalDist

import numpy as np
from scipy.special import expit

PURPOSES = ("people", "conditions", "course", "charts", "labs", "studies", "films")
QUANTILES = 2001


def stream(seed: int, purpose: str, *key: int) -> np.random.Generator:
    """The generator of one purpose, and one block or image.

    It is the one that `SeedSequence(seed).spawn` gives, without its siblings.

    Args:
        seed: Of the twin.
        purpose: One of `PURPOSES`.
        key: Number of the block, and of the image in it.

    Raises:
        ValueError: If the purpose is unknown.

    Example:
        >>> first, other = stream(0, "people", 3), stream(0, "charts", 3)
        >>> bool(first.random() == other.random())
        False
    """
    if purpose not in PURPOSES:
        raise ValueError(f"Unknown purpose {purpose!r}. Known: {PURPOSES}.")
    place = (PURPOSES.index(purpose), *key)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=place))


def intercepts(spread: np.ndarray, prevalence: np.ndarray) -> np.ndarray:
    """The b at which sigmoid(b + spread * N(0, 1)) is on average the prevalence.

    Bisection over the quantiles of a normal population, not over the drawn patients:
    what is drawn for one patient must not depend on how many others there are.

    Args:
        spread: Standard deviation of the scores, `(k,)`.
        prevalence: Share of positives, between 0 and 1, `(k,)`.

    Example:
        >>> intercepts(np.array([0.0, 2.0]), np.array([0.5, 0.5])).round(6) + 0.0
        array([0., 0.])
    """
    normal = NormalDist()
    places = (np.arange(QUANTILES) + 0.5) / QUANTILES
    population = np.array([normal.inv_cdf(place) for place in places])
    low, high = np.full(len(spread), -30.0), np.full(len(spread), 30.0)
    for _ in range(60):
        middle = (low + high) / 2
        share = expit(middle[:, None] + np.outer(spread, population)).mean(axis=1)
        low = np.where(share < prevalence, middle, low)
        high = np.where(share < prevalence, high, middle)
    return (low + high) / 2
