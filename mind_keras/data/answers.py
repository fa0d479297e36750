"""What teachers said of samples, kept with proof of what it was said of.

Answers are plain arrays, raw logits of every teacher, so that temperature and pool
can still be chosen, and so that sites can share answers instead of images. They name
the teachers and samples that they hold for by fingerprint, and refuse any other.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mind_keras.data.atomic import atomic_path
from mind_keras.data.samples import Samples


@dataclass(frozen=True, eq=False)
class Answers:
    """Logits of teachers on samples.

    Args:
        logits: `{head: one (n, labels) array per teacher}`, NaN rows where a sample
            lacks what the teacher needs.
        teachers: `{head: fingerprint of each teacher}`.
        samples: Fingerprint of the samples.
        pattern: Pattern of each sample, `(n,)`.

    Example:
        >>> said = {"a": [np.array([[1.0], [np.nan]])]}
        >>> answers = Answers(said, {"a": ["t0"]}, "s0", np.array(["a", "b"]))
        >>> {head: rows.shape for head, rows in answers.take("a", [0]).items()}
        {'a': (1, 1, 1)}
    """

    logits: Mapping[str, list[np.ndarray]]
    teachers: Mapping[str, list[str]]
    samples: str
    pattern: np.ndarray
    _able: dict = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for pattern in np.unique(self.pattern).tolist():
            first = np.flatnonzero(self.pattern == pattern)[0]
            for head, said in self.logits.items():
                able = [k for k, a in enumerate(said) if not np.isnan(a[first]).any()]
                if able:
                    self._able.setdefault(pattern, {})[head] = able

    def take(self, pattern: str, index: np.ndarray) -> dict[str, np.ndarray]:
        """Answers for samples of one pattern, `{head: (rows, teachers, labels)}`."""
        return {
            head: np.stack([self.logits[head][k][index] for k in able], axis=1)
            for head, able in self._able.get(pattern, {}).items()
        }

    def check_fresh(self, samples: str) -> None:
        """Refuse samples that these answers were not given for."""
        if samples != self.samples:
            raise ValueError(
                "Cached teacher answers hold only for the samples they were given for "
                f"(ids, rows and preprocessing). Received: samples {samples}, answers "
                f"for {self.samples}. Ask again with `mk.teacher_logits`."
            )

    def save(self, path: str | Path) -> None:
        """Write to an `.npz`, at once or not at all."""
        arrays = {
            f"{head}/{k}": array
            for head, said in self.logits.items()
            for k, array in enumerate(said)
        }
        about = json.dumps({"teachers": dict(self.teachers), "samples": self.samples})
        with atomic_path(Path(path)) as part, part.open("wb") as file:
            np.savez_compressed(
                file, about=np.array(about), pattern=self.pattern, **arrays
            )

    @classmethod
    def load(cls, path: str | Path) -> "Answers":
        """Read what `save` wrote; no pickle is loaded.

        Raises:
            OSError: If the file cannot be opened.
            ValueError: If it is damaged, or was not written by `save`.
        """
        with Path(path).open("rb") as handle:
            try:
                return cls(*_read(handle))
            # Damage shows anywhere in zip, NumPy or JSON; NumPy advises to allow
            # pickles, which would run what a stranger wrote.
            except Exception as fault:
                kind = type(fault).__name__
        raise ValueError(
            "Cached teacher answers must be a whole file that `mk.teacher_logits` "
            f"wrote. Received: {path}, which cannot be read ({kind}). Delete it: the "
            "teachers are then asked anew."
        )


def _read(handle: BinaryIO) -> tuple:
    """The fields of the answers in an `.npz`."""
    with np.load(handle, allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        logits = {
            head: [file[f"{head}/{k}"] for k in range(len(prints))]
            for head, prints in about["teachers"].items()
        }
        return logits, about["teachers"], about["samples"], file["pattern"]


def fingerprint(samples: Samples) -> str:
    """A digest of ids and rows: changes when data or preprocessing change."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update("\n".join(map(str, samples.id)).encode())
    for name in samples.spec.names:
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(samples.rows[name]).data)
        digest.update(np.ascontiguousarray(samples.x[name]).data)
    return digest.hexdigest()
