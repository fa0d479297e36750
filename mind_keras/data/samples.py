"""Samples: the rows that exist, and nothing else.

A modality holds one row for each sample that has it (`x[m]`: `(n_m, ...)`) and
which samples these are (`rows[m]`: `(n_m,)`). There is no array with holes, so
there is nothing to impute and nothing to mask. All checks of a user's data
happen here, at the door; later stages trust what they get.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mind_keras.data.checks import (
    check_labels,
    check_mapping,
    check_modality,
    check_per_sample,
    check_present,
)
from mind_keras.data.frames import read_frames
from mind_keras.data.presence import Presence
from mind_keras.data.prior import label_prior
from mind_keras.spec import Spec


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Presence):
    """Samples of one split, each with at least one modality.

    Args:
        spec: What the modalities and the task are.
        y: Labels. Binary `(n,)` or `(n, 1)` of 0/1; multilabel `(n, labels)` of 0/1,
            NaN where unknown; multiclass `(n,)` of class indices.
        x: `{modality: (n_m, *shape)}`, only the rows that exist.
        rows: `{modality: (n_m,)}`, the sample each row belongs to. A modality
            left out here has a row for every sample, in order.
        id: Names of the samples, `(n,)`, all different. Default: 0, 1, 2, ...
        group: Patient (or speaker, site, ...) of each sample, `(n,)`; groups never
            cross splits and are what the bootstrap draws. Default: `id`.
        weight: Weight of each sample in the loss, `(n,)`, not negative.
        meta: Further columns for tables and subgroups, one row per sample.

    Raises:
        ValueError: If shapes, dtypes, values, labels or row numbers break a rule.

    Example:
        >>> from mind_keras.spec import Modality, Spec, Task
        >>> task = Task("death", kind="binary", labels=("death",))
        >>> spec = Spec(task, (Modality("a", (2,)), Modality("b", (3,))))
        >>> x = {"a": np.zeros((4, 2)), "b": np.ones((2, 3))}
        >>> Samples(spec, y=[0, 1, 0, 1], x=x, rows={"b": [1, 3]})
        Samples(4 samples; a: 2, a+b: 2)
    """

    spec: Spec
    y: np.ndarray
    x: Mapping[str, np.ndarray]
    rows: Mapping[str, np.ndarray] | None = None
    id: np.ndarray | None = None
    group: np.ndarray | None = None
    weight: np.ndarray | None = None
    meta: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        y = check_labels(self.y, self.spec.task)
        size = len(y)
        x, rows = {}, {}
        check_mapping(self.x, "x")
        given = {} if self.rows is None else check_mapping(self.rows, "rows")
        unknown = sorted((set(self.x) | set(given)) - set(self.spec.names))
        if unknown:
            raise ValueError(f"Unknown modality {unknown}. Known: {self.spec.names}.")
        for name in self.spec.names:
            modality = self.spec.modality(name)
            array = self.x.get(name, np.empty((0, *modality.shape), "float32"))
            default = None if name in self.x else np.empty(0, "int64")
            x[name], rows[name] = check_modality(
                array, given.get(name, default), modality, size
            )
        checked = {"y": y, "x": x, "rows": rows, **check_per_sample(self, size)}
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        self._check_no_empty_sample()

    @classmethod
    def from_arrays(
        cls,
        spec: Spec,
        x: Mapping[str, np.ndarray],
        y: np.ndarray,
        *,
        present: Mapping[str, np.ndarray] | None = None,
        id: np.ndarray | None = None,
        group: np.ndarray | None = None,
        weight: np.ndarray | None = None,
        meta: pd.DataFrame | None = None,
    ) -> "Samples":
        """Samples from arrays in the order of the samples.

        Args:
            spec: What the modalities and the task are.
            x: `{modality: (n, *shape)}`, or only the present rows, `(n_m, *shape)`.
            y: Labels, as in `Samples`.
            present: `{modality: (n,) of bool}`, who has it; default: everybody.
            id, group, weight, meta: As in `Samples`.

        Raises:
            ValueError: If a rule of `Samples` is broken, or `x` and `present` differ.

        Example:
            >>> from mind_keras.spec import Modality, Spec, Task
            >>> task = Task("death", kind="binary", labels=("death",))
            >>> spec = Spec(task, (Modality("a", (2,)), Modality("b", (3,))))
            >>> x = {"a": np.zeros((3, 2)), "b": np.ones((1, 3))}
            >>> has_b = np.array([False, True, False])
            >>> Samples.from_arrays(spec, x, [0, 1, 1], present={"b": has_b})
            Samples(3 samples; a: 2, a+b: 1)
        """
        check_mapping(x, "x")
        rows = {
            name: check_present(mask, x.get(name, ()), name, len(y))
            for name, mask in (present or {}).items()
        }
        return cls(spec, y, x, rows, id, group, weight, meta)

    @classmethod
    def from_frames(
        cls,
        spec: Spec,
        frames: Mapping[str, pd.DataFrame],
        labels: pd.DataFrame,
        *,
        on: str,
        label_columns: Iterable[str] | None = None,
        group: str | None = None,
        weight: str | None = None,
        meta: Iterable[str] = (),
    ) -> "Samples":
        """Samples from tables that share an id column.

        `labels` says which samples there are. A sample that a modality's frame
        does not list, or lists with every feature NaN, lacks the modality.

        Args:
            spec: What the modalities and the task are; each modality is a table.
            frames: `{modality: frame}` with the column `on` and the columns
                `Modality.features`, or, without names, all others in order.
            labels: One row per sample: `on`, the label columns and those named below.
            on: The id column.
            label_columns: Default: `task.labels`; for a multiclass task one column,
                `task.name`, of class names or indices.
            group, weight: Columns of `labels` with patients and sample weights.
            meta: Columns of `labels` to keep for tables and subgroups.

        Raises:
            ValueError: If a rule of `Samples` is broken, a column is absent or not
                numeric, an id is repeated, or a row is NaN in part.

        Example:
            >>> from mind_keras.spec import Modality, Spec, Task
            >>> task = Task("death", kind="binary", labels=("death",))
            >>> spec = Spec(task, (Modality("a", (2,)), Modality("b", (1,))))
            >>> a = pd.DataFrame({"stay": [7, 8], "sodium": [140, 131], "ph": [7.4, 7]})
            >>> b = pd.DataFrame({"stay": [8, 9], "age_years": [71, 54]})
            >>> y = pd.DataFrame({"stay": [7, 8, 9], "death": [0, 1, 0]})
            >>> Samples.from_frames(spec, {"a": a, "b": b}, y, on="stay")
            Samples(3 samples; a: 1, a+b: 1, b: 1)
        """
        columns = {"label_columns": label_columns, "group": group}
        columns |= {"weight": weight, "meta": meta}
        return cls(spec, **read_frames(spec, frames, labels, on=on, **columns))

    @property
    def prior(self) -> np.ndarray:
        """How frequent each label or class is, weighted, `(labels,)`."""
        return label_prior(self.y, self.spec.task, self.weight)

    def take(self, index: Iterable[int] | Iterable[bool]) -> "Samples":
        """The samples at `index` (different integers, or a mask), in that order.

        Example:
            >>> from mind_keras.data.sources import load
            >>> train = load("diabetes").train
            >>> len(train.take(range(10)))
            10
        """
        index = np.arange(len(self))[list(index)]
        x, rows = {}, {}
        for name in self.spec.names:
            where = np.flatnonzero(self.has(name)[index])
            x[name] = self.x[name][self.rows_of(name, index[where])]
            rows[name] = where
        return Samples(
            self.spec,
            self.y[index],
            x,
            rows,
            id=self.id[index],
            group=self.group[index],
            weight=None if self.weight is None else self.weight[index],
            meta=None if self.meta is None else self.meta.iloc[index],
        )

    def only(self, *modalities: str) -> "Samples":
        """These modalities alone, and the samples that have at least one of them.

        The `Spec` shrinks with them: a teacher of one modality learns from this.

        Example:
            >>> from mind_keras.data.sources import load
            >>> load("diabetes").train.only("serum").spec.names
            ('serum',)
        """
        kept = tuple(self.spec.modality(name) for name in modalities)
        some = np.any([self.has(name) for name in modalities], axis=0)
        if not some.any():
            raise ValueError(f"No sample has any of the modalities {modalities}.")
        taken = self.take(np.flatnonzero(some))
        return replace(
            taken,
            spec=Spec(self.spec.task, kept),
            x={name: taken.x[name] for name in modalities},
            rows={name: taken.rows[name] for name in modalities},
        )
