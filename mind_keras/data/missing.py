"""Modalities removed by a stated mechanism, so that partial data are real rows.

A sample with the standardised score z (see `mechanisms.py`, where a new one is added)
loses the modality with the probability sigmoid(intercept + strength * z), the
intercept being such that the mean over those who have it is the rate asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from mind_keras.data.mechanisms import MECHANISMS
from mind_keras.data.samples import Samples

OPTIONS = ("mechanism", "rate", "on", "strength", "seed")


def remove(
    samples: Samples,
    mechanism: str,
    rate: Mapping[str, float],
    *,
    on: str | None = None,
    strength: float = 2.0,
    reference: Samples | None = None,
    seed: int | Sequence[int] = 0,
) -> Samples:
    """The same samples with fewer rows.

    At least one modality stays: a sample that would lose all it has gets one of
    them back, each with the same chance. Where only some of a sample's modalities have
    a rate, this never happens; where two complete ones have the rates a and b under
    MCAR, each is in truth removed at its rate less ab / 2.

    Args:
        samples: Samples, partial or not.
        mechanism: `"mcar"` (by chance alone), `"mar"` (by the observed column `on`)
            or `"mnar"` (by the label, or the column `on` that goes with it).
        rate: `{modality: share}` of the samples that have it who lose it, 0 <= share
            < 1.
        on: A column of `samples.meta`, or `modality.feature` of one that stays.
        strength: Log-odds of a loss per standard deviation of the score.
        reference: Where score and intercept are fitted; default: `samples`. Give
            the training samples when the others are treated alike.
        seed: Same seed, same removal.

    Raises:
        ValueError: If a name is unknown, a rate is no share, or `on` does not fit.

    Example:
        >>> from mind_keras.data.sources import load
        >>> train = load("diabetes").train
        >>> remove(train, "mcar", {"serum": 0.5}).patterns.keys()
        dict_keys(['serum+vitals', 'vitals'])
    """
    reference = samples if reference is None else reference
    _check_names(reference, mechanism, rate)
    if not _is_number(strength):
        raise ValueError(f"`strength` must be a number. Received: {strength!r}.")
    score = MECHANISMS[mechanism]
    fitted = score(reference, on, rate)
    if mechanism != "mcar" and np.ptp(fitted) == 0:
        raise ValueError(
            f"{mechanism!r} must have values that vary, of `on` or of the label. "
            f"Received {fitted[0]} for all samples, on={on!r}. Use 'mcar'."
        )
    slope = strength / (fitted.std() or 1.0)
    effect = slope * (score(samples, on, rate) - fitted.mean())
    fitted = slope * (fitted - fitted.mean())
    has = np.stack([samples.has(name) for name in samples.spec.names], axis=1)
    chance = np.zeros(has.shape)
    for k, name in enumerate(samples.spec.names):
        if rate.get(name):
            intercept = _intercept(fitted[reference.has(name)], rate[name])
            chance[:, k] = expit(intercept + effect)
    return _without(samples, _draw(has, chance, np.random.default_rng(seed)))


def remove_from_parts(
    parts: Sequence[Samples], missing: Mapping | None, *, seed: int
) -> list[Samples]:
    """Training, validation and test samples treated alike, by different draws.

    Args:
        parts: Training samples first: the mechanism is fitted on them.
        missing: Arguments of `remove` as a plain dict, or None for no removal.
        seed: For the draws, unless `missing` has a `seed` of its own.
    """
    if missing is None:
        return list(parts)
    if not isinstance(missing, Mapping):
        raise ValueError(
            "`missing` must be a mapping, such as {'mechanism': 'mcar', 'rate': "
            f"{{{parts[0].spec.names[0]!r}: 0.3}}}}, or None. Received: {missing!r}."
        )
    options = dict(missing)
    unknown = sorted(set(options) - set(OPTIONS), key=str)
    absent = sorted({"mechanism", "rate"} - set(options))
    if unknown or absent:
        raise ValueError(
            f"`missing` must have `mechanism` and `rate`, and may have {OPTIONS[2:]}. "
            f"Received: unknown {unknown}, without {absent}."
        )
    seed = options.pop("seed", seed)
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(
            f"`seed` of `missing` must be a whole number from 0 up. Received: {seed!r}."
        )
    return [
        remove(part, reference=parts[0], seed=(seed, k), **options)
        for k, part in enumerate(parts, start=1)
    ]


def _intercept(effect: np.ndarray, rate: float) -> float:
    """The b at which the mean of sigmoid(b + effect) is the rate."""
    reach = np.abs(effect).max(initial=0.0) + 1.0
    low, high = logit(rate) - reach, logit(rate) + reach
    return brentq(lambda b: expit(b + effect).mean() - rate, low, high)


def _draw(has: np.ndarray, chance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Which (sample, modality) is lost; never all of a sample."""
    lost = has & (rng.random(has.shape) < chance)
    back = (rng.random(has.shape) + has).argmax(axis=1)
    emptied = np.flatnonzero((lost == has).all(axis=1))
    lost[emptied, back[emptied]] = False
    return lost


def _without(samples: Samples, lost: np.ndarray) -> Samples:
    x, rows = {}, {}
    for k, name in enumerate(samples.spec.names):
        stays = ~lost[samples.rows[name], k]
        x[name], rows[name] = samples.x[name][stays], samples.rows[name][stays]
    return replace(samples, x=x, rows=rows)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _check_names(samples: Samples, mechanism: str, rate: Mapping[str, float]) -> None:
    if mechanism not in [*MECHANISMS]:
        raise ValueError(f"Unknown mechanism {mechanism!r}. Known: {[*MECHANISMS]}.")
    if not isinstance(rate, Mapping):
        raise ValueError(
            "`rate` must be a dict of shares by modality, such as "
            f"{{{samples.spec.names[0]!r}: 0.3}}. Received: {rate!r}."
        )
    for name, share in rate.items():
        if not samples.has(samples.spec.modality(name).name).any():
            raise ValueError(f"No sample has the modality {name!r} to be removed.")
        if not _is_number(share) or not 0 <= share < 1:
            raise ValueError(
                f"`rate` must be at least 0 and less than 1. Received: {share!r} for "
                f"{name!r}. To do without a modality, use `Samples.only`."
            )
