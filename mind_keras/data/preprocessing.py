"""What turns raw rows into the rows a model sees, fitted on training rows only.

A `Preprocessing` is part of the run folder (`preprocessing.json`), so that
prediction takes raw rows.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from sklearn.preprocessing import StandardScaler

from mind_keras.data.samples import Samples


@dataclass(frozen=True)
class Preprocessing:
    """Standardisation of the last axis of some modalities.

    Args:
        mean: `{modality: mean of each feature}`.
        std: `{modality: standard deviation of each feature}`.

    Example:
        >>> scale = Preprocessing(mean={"a": [1.0]}, std={"a": [2.0]})
        >>> scale.transform("a", np.array([[5.0]])).tolist()
        [[2.0]]
    """

    mean: Mapping[str, list[float]] = field(default_factory=dict)
    std: Mapping[str, list[float]] = field(default_factory=dict)

    @classmethod
    def fit(cls, train: Samples, modalities: tuple[str, ...]) -> "Preprocessing":
        """Statistics of the training rows that exist.

        Feature by feature: the last axis stays, all others are averaged over. A
        feature that never varies is divided by 1.

        Raises:
            ValueError: If no training sample has one of the modalities.
        """
        mean, std = {}, {}
        for name in modalities:
            rows = train.x[name]
            if not len(rows):
                raise ValueError(
                    "A modality must have training rows to be standardised. Received "
                    f"none of {name!r}. Leave it out of the `Spec`."
                )
            rows = rows.reshape(-1, rows.shape[-1]).astype("float64")
            scaler = StandardScaler().fit(rows)
            mean[name], std[name] = scaler.mean_.tolist(), scaler.scale_.tolist()
        return cls(mean, std)

    def transform(self, modality: str, array: np.ndarray) -> np.ndarray:
        """Standardised rows, float32; a modality that was not fitted is unchanged."""
        if modality not in self.mean:
            return array
        mean, std = self.mean[modality], self.std[modality]
        return ((np.asarray(array, "float64") - mean) / std).astype("float32")

    def apply(self, samples: Samples) -> Samples:
        """The same samples with all modalities transformed."""
        x = {name: self.transform(name, array) for name, array in samples.x.items()}
        return replace(samples, x=x)

    def to_json(self) -> str:
        """For `preprocessing.json`. `Preprocessing.from_json` is the inverse."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Preprocessing":
        """A preprocessing from the text of `to_json`."""
        return cls(**json.loads(text))
