"""Presence: which sample has which modality.

Kept as row numbers, `rows[m]`, beside the rows that exist, `x[m]`; everything else
(masks, patterns) follows from them and is never stored twice.
"""

from abc import ABC
from collections.abc import Mapping
from functools import cached_property

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
        names, code = self._coded
        return np.array(names)[code]

    @property
    def patterns(self) -> dict[str, np.ndarray]:
        """`{pattern: indices of its samples}`, sorted by pattern."""
        names, code = self._coded
        return {
            name: np.flatnonzero(code == k)
            for name, k in sorted(zip(names, range(len(names)), strict=True))
        }

    def rows_of(self, modality: str, index: np.ndarray) -> np.ndarray:
        """The rows of a modality that belong to the samples at `index`.

        Every one of these samples must have the modality: another gets -1.
        """
        return self._positions[modality][index]

    @cached_property
    def _positions(self) -> dict[str, np.ndarray]:
        """Which row of each modality is a sample's, `(n,)`; -1 for none.

        Made once: batches ask for a few samples at a time, of as many as there are.
        """
        found = {}
        for modality, rows in self.rows.items():
            found[modality] = np.full(len(self), -1)
            found[modality][rows] = np.arange(len(rows))
        return found

    @cached_property
    def _coded(self) -> tuple[list[str], np.ndarray]:
        """The patterns that there are, and the number of each sample's, `(n,)`."""
        modalities = sorted(self.x)
        code, first = np.zeros(len(self), "int64"), np.zeros(0, "int64")
        for modality in modalities:
            code = 2 * code + self.has(modality)
            _, first, code = np.unique(code, return_index=True, return_inverse=True)
        has = {modality: self.has(modality)[first] for modality in modalities}
        return [
            pattern_name([m for m in modalities if has[m][k]])
            for k in range(len(first))
        ], code

    def _check_no_empty_sample(self) -> None:
        empty = ~np.any([self.has(name) for name in self.x], axis=0)
        if empty.any():
            raise ValueError(
                "Every sample must have at least one modality. Received: "
                f"{empty.sum()} without any, e.g. id {self.id[empty][:3].tolist()}. "
                "Drop them, or check `rows`."
            )
