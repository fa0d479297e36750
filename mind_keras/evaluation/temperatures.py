"""Temperatures: how far the logits of each head and pattern are divided.

Fitted by `calibration.fit_temperatures`, kept with a run as `calibration.json`, applied
to what heads say of new samples. Only numbers and names are in the file.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from scipy.special import expit, logit, softmax

from mind_keras.evaluation.table import ALL
from mind_keras.spec import KINDS

VERSION = 1


@dataclass(frozen=True)
class Temperature:
    """A temperature, of how many validation samples, and what to know about it.

    Args:
        value: T > 0; above 1 where the head was too sure.
        n_validation: Samples that it was fitted on; 0 where it was not fitted.
        note: Why it was not fitted on the pattern's own samples; else empty.
    """

    value: float
    n_validation: int
    note: str = ""


@dataclass(frozen=True)
class Temperatures:
    """The temperatures of a model.

    Args:
        kind: Of the task.
        values: `{head: {pattern: temperature}}`, with `"all"` for other patterns.

    Example:
        >>> given = {"ehr": {"all": Temperature(2.0, 400)}}
        >>> temperatures = Temperatures("binary", given)
        >>> p, patterns = {"ehr": np.array([[0.9], [np.nan]])}, np.array(["ehr", "cxr"])
        >>> temperatures.apply(p, patterns)["ehr"].round(2).tolist()
        [[0.75], [nan]]
        >>> Temperatures.from_json(temperatures.to_json()) == temperatures
        True
    """

    kind: str
    values: Mapping[str, Mapping[str, Temperature]]

    def of(self, head: str, pattern: str) -> Temperature:
        """The temperature of a head on a pattern.

        Raises:
            ValueError: If the head has none.
        """
        if head not in self.values:
            raise ValueError(
                f"Unknown head {head!r}. Known: {sorted(self.values)}. Were these "
                "temperatures fitted for another model?"
            )
        return self.values[head].get(pattern, self.values[head][ALL])

    def apply(
        self, probabilities: Mapping[str, np.ndarray], pattern: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Calibrated probabilities, `{head: (n, labels)}`, NaN where they were NaN.

        Args:
            probabilities: `{head: (n, labels)}`.
            pattern: Of each sample, `(n,)`.
        """
        calibrated = {}
        for head, p in probabilities.items():
            by = np.array([[self.of(head, name).value] for name in pattern])
            calibrated[head] = soften(np.asarray(p, float), by, self.kind)
        return calibrated

    def not_fitted(
        self, probabilities: Mapping[str, np.ndarray], pattern: np.ndarray
    ) -> list[str]:
        """Heads and patterns that `apply` leaves as they are: nothing was fitted.

        Args:
            probabilities, pattern: As in `apply`.

        Returns:
            As `"cxr of cxr+ehr (why)"`, in order.
        """
        return [
            f"{head} of {name} ({self.of(head, name).note})"
            for head, p in sorted(probabilities.items())
            for name in np.unique(pattern[~np.isnan(p).all(axis=1)])
            if self.of(head, name).n_validation == 0
        ]

    def to_json(self) -> str:
        """Text for `calibration.json`."""
        heads = {
            head: {pattern: asdict(one) for pattern, one in patterns.items()}
            for head, patterns in self.values.items()
        }
        return json.dumps(
            {"version": VERSION, "kind": self.kind, "heads": heads}, indent=1
        )

    @classmethod
    def from_json(cls, text: str) -> "Temperatures":
        """The temperatures in the text of `to_json`.

        Raises:
            ValueError: If the text is not such, or of another version.
        """
        try:
            about = json.loads(text)
            version, kind = about["version"], about["kind"]
            values = {
                head: {pattern: Temperature(**one) for pattern, one in patterns.items()}
                for head, patterns in about["heads"].items()
            }
            every = [one.value for some in values.values() for one in some.values()]
            whole = all(0 < value < math.inf for value in every)
            whole &= all(ALL in patterns for patterns in values.values())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            whole, version, kind = False, f"none ({type(error).__name__})", None
        if not whole or version != VERSION or kind not in KINDS:
            raise ValueError(
                f"Temperatures must be JSON of version {VERSION}, of a kind of {KINDS} "
                f"and with a positive number for {ALL!r} for each head. Received: "
                f"version {version}, kind {kind!r}. Run the experiment again with this "
                "version of mind_keras."
            )
        return cls(kind, values)


def soften(p: np.ndarray, temperature: np.ndarray, kind: str) -> np.ndarray:
    """Probabilities of logits that are divided by a temperature [1].

    Args:
        p: Probabilities, `(n, labels)`, float64.
        temperature: T > 0, `(n, 1)`.
        kind: Of the task: classes share a softmax, labels have a sigmoid each.

    Example:
        >>> soften(np.array([[0.9]]), np.array([[2.0]]), "binary").round(2).item()
        0.75

    [1] Guo et al. (2017), section 4.2. https://arxiv.org/abs/1706.04599
    """
    if kind == "multiclass":
        with np.errstate(divide="ignore"):  # A probability of 0 stays one.
            return softmax(np.log(p) / temperature, axis=1)
    return expit(logit(p) / temperature)
