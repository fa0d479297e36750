"""What a body does: the true values behind charts and laboratory, by hour.

    x(t) = mean + spread * (loads . latents * (1 + 0.3 t / 48 h) + 0.7 stay
           + 0.75 other + 0.6 drift(t) + 0.25 noise)

with standard normal terms; `other` for some signals only, `drift` an AR(1) of 0.9 per
hour. To add a signal: a row in `SIGNALS`, its items in `charting.ITEMS`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from mind_keras.data.twin.draws import stream
from mind_keras.data.twin.people import HOUR, LATENTS

CHARTED_HOURS = 144
WORSENING, PERSONAL, OTHER, DRIFT, FLICKER = 0.3 / 48, 0.7, 0.75, 0.6, 0.25
MEMORY = 0.9
BUSIER = 0.15


class Signal(NamedTuple):
    """A continuous variable, in the unit of the 17 variables (FiO2 in %).

    Args:
        mean, spread: Of the healthy middle, and of a standard deviation.
        loads: Of the latents shared, ehr, image.
        gap: Mean hours between measurements; None: once in a stay.
        ever: Share of stays that have it at all.
        low, high: The least and the most that is shown.
        step: Values are multiples of it.
        other: Whether stays differ by a second term.
    """

    mean: float
    spread: float
    loads: tuple[float, float, float]
    gap: float | None
    ever: float
    low: float
    high: float
    step: float = 1.0
    other: bool = False


SIGNALS = {
    "Heart rate": Signal(86, 16, (0.45, 0.45, 0.05), 1.0, 1, 20, 220),
    "Systolic blood pressure": Signal(118, 18, (-0.25, -0.5, 0), 1.3, 1, 40, 250),
    "Diastolic blood pressure": Signal(60, 11, (-0.2, -0.4, 0), 1.3, 1, 15, 150),
    "Mean blood pressure": Signal(77, 12, (-0.25, -0.5, 0), 1.3, 1, 20, 180),
    "Respiratory rate": Signal(19, 5, (0.35, 0.1, 0.15), 1.0, 1, 4, 60),
    "Oxygen saturation": Signal(97, 2.3, (-0.3, -0.05, -0.2), 1.0, 1, 50, 100),
    "Temperature": Signal(36.9, 0.6, (0.3, 0.1, 0), 4, 1, 32, 42, 0.1, True),
    "Fraction inspired oxygen": Signal(
        *(48, 13, (0.35, 0.1, 0.2), 5, 0.55, 21, 100, 5, True)
    ),
    "Glucose": Signal(140, 42, (0.1, 0.4, 0), 6, 0.95, 34, 900, 1, True),
    "pH": Signal(7.38, 0.07, (-0.3, -0.3, -0.05), 11, 0.6, 6.8, 7.8, 0.01, True),
    "Weight": Signal(82, 20, (0, 0, 0.05), 30, 0.95, 35, 220, 0.1, True),
    "Height": Signal(170, 10, (0, 0, 0), None, 0.55, 140, 210, 1, True),
}


@dataclass(frozen=True, eq=False)
class Course:
    """What is fixed about a block of stays before anything is measured.

    Args:
        latents: `(n, 3)`.
        hours: How long each stay is charted, `(n,)`; 0 for a silent one.
        personal, other: Terms per stay and signal, `(n, 12)`.
        drift: Terms per stay, hour and signal, `(n, 144, 12)`.
    """

    latents: np.ndarray
    hours: np.ndarray
    personal: np.ndarray
    other: np.ndarray
    drift: np.ndarray

    def times(
        self, gap: float, rng: np.random.Generator, ever: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Stay numbers and minutes since `intime` of measurements, `(events,)` each.

        A Poisson number at even chance over the charted hours; the iller, the more.
        """
        busier = np.exp(BUSIER * self.latents[:, 0])
        has = rng.random(len(self.hours)) < ever
        stay = np.repeat(
            np.arange(len(has)), rng.poisson(has * busier * self.hours / gap)
        )
        return stay, np.floor(rng.random(len(stay)) * self.hours[stay] * 60)

    def values(
        self,
        name: str,
        stay: np.ndarray,
        minutes: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """What is measured of a signal at some times, `(events,)`.

        Args:
            name: One of `SIGNALS`.
            stay: Number of the stay in the block, `(events,)`.
            minutes: Since `intime`, `(events,)`; may be before it.
            rng: For the noise of the measurement.
        """
        k, signal = [*SIGNALS].index(name), SIGNALS[name]
        hours = (minutes / 60).clip(0, CHARTED_HOURS - 1)
        x = (self.latents @ np.array(signal.loads))[stay] * (1 + WORSENING * hours)
        x += PERSONAL * self.personal[stay, k]
        x += OTHER * signal.other * self.other[stay, k]
        x += DRIFT * self.drift[stay, hours.astype(int), k]
        x += FLICKER * rng.normal(size=len(stay))
        steps = np.round((signal.mean + signal.spread * x) / signal.step)
        # Rounded again, since 738 * 0.01 is 7.380000000000001.
        return np.round(steps * signal.step, 2).clip(signal.low, signal.high)


def draw_course(seed: int, number: int, stays: pd.DataFrame) -> Course:
    """The course of a block of stays.

    Args:
        seed: Of the twin.
        number: Of the block.
        stays: A whole block of `people.draw_block`.

    Example:
        >>> from mind_keras.data.twin.people import draw_block
        >>> course = draw_course(0, 0, draw_block(0, 0))
        >>> bool(course.hours.max() <= 144)
        True
    """
    rng = stream(seed, "course", number)
    size = (len(stays), len(SIGNALS))
    personal, other = rng.normal(size=(2, *size))
    drift = rng.normal(size=(CHARTED_HOURS, *size))
    fresh = np.sqrt(1 - MEMORY**2)
    for hour in range(1, CHARTED_HOURS):
        drift[hour] = MEMORY * drift[hour - 1] + fresh * drift[hour]
    seconds = (stays["end"] - stays["intime"]).dt.total_seconds().to_numpy()
    hours = np.minimum(seconds / HOUR, CHARTED_HOURS) * ~stays["silent"].to_numpy()
    latents = stays[[*LATENTS]].to_numpy()
    return Course(latents, hours, personal, other, np.moveaxis(drift, 0, 1))
