"""What a search may set, and to what: choices by dotted setting, plain values.

A choice is a list of values, or a range `{"low": 1, "high": 8, "log": True}`: from low
to high, evenly or (log) evenly in the logarithm; of whole numbers if both ends are.
"""

import copy
import itertools
import math
from collections.abc import Mapping

import numpy as np

Choices = Mapping[str, list | Mapping]
# Of a config. Numbers of other data, or of other seeds, do not compare.
SWEPT = ("student", "distillation", "training", "teachers", "teacher_training")


def check_choice(choice: object) -> list | dict:
    """A list that is not empty, or a range.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(choice, list) and choice:
        return choice
    if isinstance(choice, Mapping) and {"low", "high"} <= set(choice):
        ends = [choice["low"], choice["high"]]
        log = choice.get("log", False)
        fine = all(type(end) in (int, float) and math.isfinite(end) for end in ends)
        known = set(choice) <= {"low", "high", "log"} and type(log) is bool
        if fine and known and ends[0] < ends[1] and (ends[0] > 0 or not log):
            return dict(choice)
    raise ValueError(
        "be a list of values, or {low: number, high: larger number}, with `log: true` "
        "of numbers above 0"
    )


def check_over(value: object) -> dict:
    """Choices by dotted setting of a config.

    Raises:
        ValueError: If it is no mapping, a setting is of no section in `SWEPT`, or a
            choice is none; the words continue "must ...".
    """
    if not isinstance(value, dict) or not value:
        raise ValueError("be a mapping of settings, as `student.fusion: [concat, sum]`")
    for setting, choice in value.items():
        section, _, rest = str(setting).partition(".")
        if section not in SWEPT or not rest:
            raise ValueError(
                f"name settings of {', '.join(SWEPT)}, as `distillation.temperature`; "
                f"not `{setting}`"
            )
        try:
            check_choice(choice)
        except ValueError as fault:
            raise ValueError(f"{fault}: `{setting}`") from None
    return value


def grid(over: Choices) -> list[dict]:
    """Every combination of listed values, the last setting fastest.

    Raises:
        ValueError: If a choice is a range, which has no end of values.

    Example:
        >>> grid({"student.fusion": ["concat", "sum"], "training.epochs": [3]})[1]
        {'student.fusion': 'sum', 'training.epochs': 3}
    """
    ranges = [name for name, choice in over.items() if not isinstance(choice, list)]
    if ranges:
        raise ValueError(
            f"A grid is of lists. Received: ranges for {ranges}. Say how many `trials` "
            "to draw, or list the values."
        )
    return [dict(zip(over, values, strict=True)) for values in _product(over)]


def draws(over: Choices, trials: int, seed: int) -> list[dict]:
    """Settings at random; more trials begin with those of fewer.

    Of lists alone, without repetition: all of the grid at most.

    Args:
        over: Choices by setting.
        trials: How many.
        seed: Another seed, other draws.

    Example:
        >>> over = {"a": {"low": 1.0, "high": 100.0, "log": True}, "b": [1, 2]}
        >>> first, second = draws(over, 2, seed=0)
        >>> draws(over, 1, seed=0) == [first], 1 <= second["a"] <= 100
        (True, True)
    """
    if all(isinstance(choice, list) for choice in over.values()):
        every = grid(over)
        order = np.random.default_rng(seed).permutation(len(every))
        return [every[k] for k in order[:trials]]
    return [
        {name: _draw(choice, rng) for name, choice in over.items()}
        for rng in (np.random.default_rng([seed, trial]) for trial in range(trials))
    ]


def place(values: Mapping, settings: Mapping[str, object]) -> dict:
    """A copy of nested values with some of them set.

    Args:
        values: Mappings and lists in each other.
        settings: `{"a.b.0": value}`; what stands between is made where it lacks, but
            for entries of lists.

    Raises:
        ValueError: If a path leads nowhere.

    Example:
        >>> place({"sizes": [{"units": 64}]}, {"sizes.0.units": 32, "more.x": 1})
        {'sizes': [{'units': 32}], 'more': {'x': 1}}
    """
    made = copy.deepcopy(dict(values))
    for setting, value in settings.items():
        *parents, last = setting.split(".")
        inner = made
        try:
            for key in parents:
                inner = _into(inner, key)
            inner[int(last) if isinstance(inner, list) else last] = value
        except (TypeError, ValueError, IndexError):
            raise ValueError(
                "A setting must be a path of keys, entries of lists as numbers. "
                f"Received: {setting!r}, which leads nowhere."
            ) from None
    return made


def _into(inner: dict | list, key: str) -> dict | list:
    if isinstance(inner, list):
        return inner[int(key)]
    if inner.get(key) is None:
        inner[key] = {}
    return inner[key]


def _product(over: Choices) -> itertools.product:
    return itertools.product(*over.values())


def _draw(choice: list | Mapping, rng: np.random.Generator) -> object:
    if isinstance(choice, list):
        return choice[rng.integers(len(choice))]
    low, high = choice["low"], choice["high"]
    whole = isinstance(low, int) and isinstance(high, int)
    if not choice.get("log"):
        return int(rng.integers(low, high + 1)) if whole else rng.uniform(low, high)
    found = math.exp(rng.uniform(math.log(low), math.log(high)))
    return round(found) if whole else found
