"""Check that each column of the series is the variable that it is said to be.

To change what is plausible: `PLAUSIBLE`. The limits are wide: they are to catch swapped
columns and units, not unusual patients.
"""

import numpy as np
from scipy.stats import rankdata

from mind_keras.data.audit.context import Context
from mind_keras.data.audit.findings import Finding, judge
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.mimic.variables import NAMES

# Lowest and highest value, then the same for the median over all hours. Values: limits
# of variable_ranges of mimic3-benchmarks (Harutyunyan et al., 2019), outliers included;
# medians: ours.
PLAUSIBLE = {
    "Capillary refill rate": (0, 1, 0, 1),
    "Diastolic blood pressure": (0, 375, 40, 95),
    "Fraction inspired oxygen": (0.2, 1.1, 0.2, 1),
    "Glasgow coma scale eye opening": (1, 4, 1, 4),
    "Glasgow coma scale motor response": (1, 6, 1, 6),
    "Glasgow coma scale total": (3, 15, 3, 15),
    "Glasgow coma scale verbal response": (0, 5, 0, 5),
    "Glucose": (0, 2200, 70, 250),
    "Heart rate": (0, 390, 55, 125),
    "Height": (100, 275, 150, 190),
    "Mean blood pressure": (0, 375, 50, 120),
    "Oxygen saturation": (0, 100, 85, 100),
    "Respiratory rate": (0, 330, 8, 32),
    "Systolic blood pressure": (0, 375, 80, 170),
    "Temperature": (14.2, 47, 34, 40),
    "Weight": (0, 400, 45, 120),
    "pH": (6.3, 8.4, 7, 7.7),
}
# Uncleaned tables have outliers; if they are more, it is another variable.
OUTLIERS, FEWEST = 0.01, 20
PRESSURES = tuple(
    f"{name} blood pressure" for name in ("Diastolic", "Mean", "Systolic")
)
OFTEN = ("Heart rate", "Respiratory rate", "Oxygen saturation", *PRESSURES)
RARELY = ("Height", "Weight")
# Stays from which a correlation is believed.
ENOUGH = 50


def channels(extraction: Extraction, context: Context) -> Finding:
    """Are the columns the variables of `NAMES`, in order and in their units?"""
    names = list(extraction.manifest.get("variables", []))
    problems = [] if names == list(NAMES) else ["the manifest names other variables"]
    series = extraction.series
    if series.ndim != 2 or series.shape[1] != len(NAMES):
        problems.append(f"the series has the shape {series.shape}")
    else:
        problems += _of_series(series)
        problems += _of_stays(context)
    return judge(
        f"The series has the {len(NAMES)} variables in order, with plausible values.",
        problems,
        found=f"{len(NAMES)} variables, {len(series):,} hours",
        cure="Take columns by name, convert units by item id, and clean the ranges.",
    )


def _of_series(series: np.ndarray) -> list[str]:
    """What is wrong with values and medians."""
    problems, median = [], {}
    for k, name in enumerate(NAMES):
        values = np.asarray(series[:, k])
        values = values[~np.isnan(values)]
        low, high, least, most = PLAUSIBLE[name]
        outside = ~((values >= low) & (values <= high))
        if outside.sum() > OUTLIERS * len(values) and outside.sum() > 3:
            problems.append(
                f"{name}: {outside.mean():.0%} of the values are not in {low} to {high}"
            )
        if len(values) >= FEWEST:
            median[name] = float(np.median(values))
            if not least <= median[name] <= most:
                problems.append(
                    f"{name}: the median {median[name]:.3g} is not in {least} to {most}"
                )
    order = [median[name] for name in PRESSURES if name in median]
    if order != sorted(order):
        problems.append(
            f"medians of diastolic, mean and systolic pressure do not rise: {order}"
        )
    return problems


def _of_stays(context: Context) -> list[str]:
    """What is wrong with how often and how alike variables are."""
    if context.charted is None:
        return []
    count = dict(zip(NAMES, context.charted.count.sum(axis=0), strict=True))
    problems = [
        f"{seldom} was measured more often than {often}"
        for often in OFTEN
        for seldom in RARELY
        if FEWEST <= count[often] < count[seldom]
    ]
    pressures = [count[name] for name in PRESSURES]
    if min(pressures) >= FEWEST and max(pressures) > 2 * min(pressures):
        problems.append(
            "one blood pressure was measured over twice as often as another"
        )
    return problems + _of_heart_rate(context.charted.mean)


def _of_heart_rate(mean: np.ndarray) -> list[str]:
    """Pressures go together; the heart rate, of like size, does not go with them."""
    index = [NAMES.index(name) for name in (*PRESSURES, "Heart rate")]
    known = mean[np.isfinite(mean[:, index]).all(axis=1)][:, index]
    if len(known) < ENOUGH:
        return []
    ranks = rankdata(known, axis=0)
    spread = ranks.std(axis=0)
    if not spread.all():
        return []
    alike = np.corrcoef(ranks, rowvar=False)
    among = alike[np.triu_indices(3, k=1)].mean()
    heart = alike[3, :3].mean()
    if heart < among:
        return []
    return [
        f"heart rate goes with the pressures (rank correlation {heart:.2f}) more than "
        f"they go together ({among:.2f})"
    ]
