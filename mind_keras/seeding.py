"""First weights that follow from a seed alone, and seeding that others do not feel."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np


def fresh(
    seed: int, build: Callable[..., keras.Model], *args: object, **options: object
) -> keras.Model:
    """A model whose first weights follow from the seed alone.

    Example:
        >>> def one():
        ...     return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> first, second = (fresh(3, one).get_weights()[0] for _ in "ab")
        >>> bool((first == second).all())
        True
    """
    keras.utils.set_random_seed(seed)
    return build(*args, **options)


@contextmanager
def restored() -> Iterator[None]:
    """What Keras' seeding does to the generators of Python and NumPy is undone.

    Example:
        >>> with restored():
        ...     keras.utils.set_random_seed(1)
        ...     first = random.random()
        >>> first == random.Random(1).random() != random.random()
        True
    """
    kept = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
