"""What turns raw rows into the rows a model sees, fitted on training rows only.

A `Preprocessing` is part of the run folder (`preprocessing.json`), so that
prediction takes raw rows: tables are standardised, hourly values of a hospital stay
become columns first, images stay as they are.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from sklearn.preprocessing import StandardScaler

from mind_keras.data.mimic.columns import expand, names
from mind_keras.data.mimic.normaliser import fit_statistics, standardise
from mind_keras.data.mimic.variables import NAMES
from mind_keras.data.samples import Samples


@dataclass(frozen=True)
class Preprocessing:
    """Standardisation of the last axis of some modalities, after expansion of series.

    Args:
        mean: `{modality: mean of each feature}`.
        std: `{modality: standard deviation of each feature}`.
        series: `{modality: {"layout": a name of columns.LAYOUTS, "hours": number}}`
            for modalities whose raw rows are hourly values, `(hours, 17)`, NaN where
            nothing was measured.

    Example:
        >>> scale = Preprocessing(mean={"a": [1.0]}, std={"a": [2.0]})
        >>> scale.transform("a", np.array([[5.0]])).tolist()
        [[2.0]]
    """

    mean: Mapping[str, list[float]] = field(default_factory=dict)
    std: Mapping[str, list[float]] = field(default_factory=dict)
    series: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)

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

    @classmethod
    def fit_series(
        cls,
        train: Samples,
        modality: str,
        *,
        layout: str = "reference76",
        statistics: tuple[list[float], list[float]] | None = None,
    ) -> "Preprocessing":
        """For one modality of hourly values, already expanded in the samples.

        Args:
            train: Training samples; their rows are `columns.expand`'s.
            modality: Its name.
            layout: The name of their layout in `columns.LAYOUTS`.
            statistics: `(mean, std)` of each column, such as
                `normaliser.statistics_from(path)`; None: fitted on the rows, on the
                columns of numbers alone.

        Raises:
            ValueError: As in `normaliser.fit_statistics`, or if statistics do not fit
                the layout.

        Example:
            >>> from mind_keras.spec import Modality, Spec, Task
            >>> task = Task("death", kind="binary", labels=("death",))
            >>> spec = Spec(task, (Modality("ehr", (4, 76)),))
            >>> grids = np.random.default_rng(0).normal(80, 9, (2, 4, 17))
            >>> grids[:, :, [0, 3, 4, 5, 6]] = np.nan
            >>> train = Samples(spec, [0, 1], {"ehr": expand(grids, "reference76")})
            >>> scale = Preprocessing.fit_series(train, "ehr")
            >>> scale.raw_shape("ehr", (4, 76)), scale.transform("ehr", grids).shape
            ((4, 17), (2, 4, 76))
        """
        rows, wide = train.x[modality], len(names(layout))
        mean, std = statistics or fit_statistics(rows, layout)
        if {len(mean), len(std), rows.shape[-1]} != {wide}:
            raise ValueError(
                f"Rows and `statistics` must have the {wide} columns of layout "
                f"{layout!r}. Received: rows of shape {rows.shape}, {len(mean)} means "
                f"and {len(std)} standard deviations. Are they of another layout?"
            )
        known = {"layout": layout, "hours": rows.shape[1]}
        return cls({modality: mean}, {modality: std}, {modality: known})

    def raw_shape(self, modality: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a raw row, from that of a row the model sees.

        Example:
            >>> Preprocessing().raw_shape("serum", (6,))
            (6,)
        """
        if modality not in self.series:
            return shape
        return (int(self.series[modality]["hours"]), len(NAMES))

    def expand(self, modality: str, array: np.ndarray) -> np.ndarray:
        """Raw rows as the columns of the model, not standardised.

        Hourly values `(n, hours, 17)` become `(n, hours, columns)`, float32, without
        NaN; rows of any other modality are unchanged.

        Raises:
            ValueError: If hourly values have another shape, or as in `columns.expand`.
        """
        if modality not in self.series:
            return array
        array, shape = np.asarray(array), self.raw_shape(modality, ())
        if array.shape[1:] != shape:
            raise ValueError(
                f"Raw rows of modality {modality!r} must have the shape {shape}: the "
                f"{shape[0]} hours by {shape[1]} variables (`variables.NAMES`), NaN "
                "where nothing was measured. Received: an array of shape "
                f"{array.shape}, the first axis counting rows. Columns are made from "
                "them here, not before."
            )
        return expand(array, str(self.series[modality]["layout"]))

    def standardised(self, modality: str, array: np.ndarray) -> np.ndarray:
        """Standardised rows, float32; a modality that was not fitted is unchanged."""
        if modality not in self.mean:
            return array
        out = np.empty(np.shape(array), "float32")
        return standardise(array, self.mean[modality], self.std[modality], out)

    def transform(self, modality: str, array: np.ndarray) -> np.ndarray:
        """Raw rows as the model sees them: expanded, then standardised, float32.

        Rows of a modality that was not fitted, such as images, are unchanged.
        """
        if modality not in self.series:
            return self.standardised(modality, array)
        rows = self.expand(modality, array)
        # In place: the columns of all stays are large, and nobody else has them.
        return standardise(rows, self.mean[modality], self.std[modality], rows)

    def apply(self, samples: Samples) -> Samples:
        """The same samples standardised; those of a series are expanded already."""
        x = {name: self.standardised(name, array) for name, array in samples.x.items()}
        return replace(samples, x=x)

    def undo(self, samples: Samples) -> Samples:
        """The samples that `apply` was given, but for rounding.

        Example:
            >>> from mind_keras.data.sources import load
            >>> data = load("diabetes")
            >>> raw = data.preprocessing.undo(data.test)
            >>> bool(np.allclose(raw.x["vitals"][:, 0], raw.meta["age"], atol=1e-3))
            True
        """
        x = {
            name: array * np.array(self.std[name]) + np.array(self.mean[name])
            if name in self.mean
            else array
            for name, array in samples.x.items()
        }
        return replace(samples, x=x)

    def to_json(self) -> str:
        """For `preprocessing.json`. `Preprocessing.from_json` is the inverse."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Preprocessing":
        """A preprocessing from the text of `to_json`."""
        return cls(**json.loads(text))
