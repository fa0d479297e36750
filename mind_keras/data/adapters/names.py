"""What others call the 17 variables.

Case, blanks, `_` and `-` do not matter, nor does the spelling "Glascow" of the
published files. To add a name: `ALIASES`.
"""

import re
from collections.abc import Iterable

import numpy as np

from mind_keras.data.mimic.variables import NAMES

ALIASES = {
    "Capillary refill rate": ("capillary refill", "capillary refill time", "crt"),
    "Diastolic blood pressure": ("dbp", "diastolic bp"),
    "Fraction inspired oxygen": ("fio2", "inspired o2 fraction"),
    "Glasgow coma scale eye opening": ("gcs eye", "gcs eye opening"),
    "Glasgow coma scale motor response": ("gcs motor", "gcs motor response"),
    "Glasgow coma scale total": ("gcs", "gcs total", "glasgow coma scale"),
    "Glasgow coma scale verbal response": ("gcs verbal", "gcs verbal response"),
    "Glucose": ("blood glucose",),
    "Heart rate": ("hr", "pulse"),
    "Height": ("body height",),
    "Mean blood pressure": ("mbp", "map", "mean bp", "mean arterial pressure"),
    "Oxygen saturation": ("spo2", "sao2", "o2 saturation"),
    "Respiratory rate": ("rr", "resp rate"),
    "Systolic blood pressure": ("sbp", "systolic bp"),
    "Temperature": ("temp", "body temperature"),
    "Weight": ("body weight",),
    "pH": ("arterial ph", "blood ph"),
}


def variable_numbers(names: Iterable[str]) -> np.ndarray:
    """The place of each name in `variables.NAMES`, -1 for an unknown one.

    Example:
        >>> variable_numbers(["HR", "Glascow coma scale total", "lactate"]).tolist()
        [8, 5, -1]
    """
    return np.array([_PLACES.get(_plain(name), -1) for name in names], "int64")


def _plain(name: str) -> str:
    words = re.sub(r"[\s_-]+", " ", name).strip().lower()
    return words.replace("glascow", "glasgow")


_PLACES = {
    _plain(name): place
    for place, variable in enumerate(NAMES)
    for name in (variable, *ALIASES[variable])
}
