"""Presence: which sample has which modality.

Kept as row numbers, `rows[m]`, beside the rows that exist, `x[m]`; everything else
(masks, patterns) follows from them and is never stored twice.
"""

from abc import ABC
from collections.abc import Mapping

import numpy as np

from mind_keras.spec import pattern_name


class Presence(ABC):
    """What labelled and unlabelled samples share: `id`, `x` and `rows`.

    A subclass holds `id`, `(n,)`; `x`, `{modality: (n_m, ...)}` with every modality
    of the spec as a key; and `rows`, `{modality: (n_m,)}`.
    """

    id: np.ndarray
    x: Mapping[str, np.ndarray]
    rows: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.id)

    def __repr__(self) -> str:
        counts = ", ".join(f"{p}: {len(i)}" for p, i in self.patterns.items())
        return f"{type(self).__name__}({len(self)} samples; {counts})"

    def has(self, modality: str) -> np.ndarray:
        """Which samples have the modality, `(n,)` of bool."""
        present = np.zeros(len(self), bool)
        present[self.rows[modality]] = True
        return present

    @property
    def pattern(self) -> np.ndarray:
        """The pattern of each sample, `(n,)` of str."""
        names = np.array(sorted(self.x))
        has = np.stack([self.has(name) for name in names], axis=1)
        codes, code_of = np.unique(has, axis=0, return_inverse=True)
        patterns = np.array([pattern_name(names[code]) for code in codes])
        return patterns[code_of.reshape(-1)]

    @property
    def patterns(self) -> dict[str, np.ndarray]:
        """`{pattern: indices of its samples}`, sorted by pattern."""
        pattern = self.pattern
        return {str(p): np.flatnonzero(pattern == p) for p in np.unique(pattern)}

    def rows_of(self, modality: str, index: np.ndarray) -> np.ndarray:
        """The rows of a modality that belong to the samples at `index`.

        Every one of these samples must have the modality: another gets -1.
        """
        position = np.full(len(self), -1)
        position[self.rows[modality]] = np.arange(len(self.rows[modality]))
        return position[index]

    def _check_no_empty_sample(self) -> None:
        empty = ~np.any([self.has(name) for name in self.x], axis=0)
        if empty.any():
            raise ValueError(
                "Every sample must have at least one modality. Received: "
                f"{empty.sum()} without any, e.g. id {self.id[empty][:3].tolist()}. "
                "Drop them, or check `rows`."
            )
