"""Batches in which only rows that exist are found, for `fit` on any backend.

Everything in a batch is keyed by *pattern* first, so that one step sees samples of
every pattern side by side:

    x = {"cxr+ehr": {"cxr": (16, ...), "ehr": (16, ...)}, "ehr": {"ehr": (48, ...)}}
    y = {"cxr+ehr": {"cxr": (16, 1), "ehr": (16, 1), "fusion": (16, 1)}, "ehr": ...}

Each batch has the same number of rows per pattern: one structure, one compilation.
"""

import math
from collections.abc import Callable, Mapping

import keras
import numpy as np

from mind_keras.data.answers import Answers, fingerprint
from mind_keras.data.samples import Samples
from mind_keras.spec import FUSION, Task, pattern_modalities

# What `y` is keyed by where a batch carries more than labels.
LABELS, ANSWERS, BELIEFS = "labels", "teacher_logits", "beliefs"


def unpacked(y, key: str) -> tuple:
    """Labels, and what a batch carries under `key` beside them, else None."""
    if isinstance(y, Mapping) and LABELS in y:
        return y[LABELS], y.get(key)
    return y, None


class Batches(keras.utils.PyDataset):
    """Batches of `Samples`. Made by `batches`, which explains the arguments."""

    def __init__(
        self,
        samples: Samples,
        counts: dict[str, int],
        *,
        once: bool,
        heads: Mapping[str, frozenset],
        teacher_logits: Answers | None,
        augment: Mapping[str, Callable],
        shuffle: bool,
        seed: int,
        **workers: object,
    ) -> None:
        super().__init__(**workers)
        self.samples, self.counts, self.heads = samples, counts, heads
        self.answers, self.augment = teacher_logits, augment
        self.shuffle, self.seed = shuffle, seed
        self.index = samples.patterns
        self.steps = max(math.ceil(len(self.index[p]) / counts[p]) for p in counts)
        repeats = any(self.steps * counts[p] != len(self.index[p]) for p in counts)
        self.discount = once and repeats
        self.weighted = self.discount or samples.weight is not None
        self.at_epoch(0)

    def at_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch, by seed and number alone.

        `Distiller.fit` calls this, since Keras' own hooks are called a number of times
        that differs between backends.
        """
        order, times = {}, np.zeros(len(self.samples), "int64")
        for number, pattern in enumerate(sorted(self.counts)):
            index = self.index[pattern]
            rng = np.random.default_rng([self.seed, epoch, number])
            drawn = rng.permutation(index) if self.shuffle else index
            drawn = np.resize(drawn, self.steps * self.counts[pattern])
            np.add.at(times, drawn, 1)
            order[pattern] = drawn.reshape(self.steps, -1)
        # Set at once: TensorFlow may still read the epoch before in a thread.
        self.epoch, self.drawn = epoch, (order, times)

    def __len__(self) -> int:
        return self.steps

    def on_epoch_end(self) -> None:
        """Draw anew."""
        self.at_epoch(self.epoch + 1)

    def __getitem__(self, step: int) -> tuple:
        order, times = self.drawn
        x, y, w, answers = {}, {}, {}, {}
        for pattern in sorted(self.counts):
            index = order[pattern][step]
            present = pattern_modalities(pattern)
            heads = [h for h, needs in self.heads.items() if needs <= set(present)]
            x[pattern] = {name: self._rows(name, index) for name in present}
            y[pattern] = dict.fromkeys(heads, self.samples.y[index])
            w[pattern] = dict.fromkeys(heads, self._weight(index, times[index]))
            if self.answers is not None:
                answers[pattern] = self.answers.take(pattern, index)
        if self.answers is not None:
            y = {LABELS: y, ANSWERS: answers}
        return (x, y, w) if self.weighted else (x, y)

    def _rows(self, modality: str, index: np.ndarray) -> np.ndarray:
        rows = self.samples.x[modality][self.samples.rows_of(modality, index)]
        if modality not in self.augment:
            return rows
        augment = self.augment[modality]
        if isinstance(augment, keras.Layer):
            rows = augment(rows, training=True)
        else:
            rows = augment(rows)
        return keras.ops.convert_to_numpy(rows)

    def _weight(self, index: np.ndarray, times: np.ndarray) -> np.ndarray:
        weight = np.ones(len(index), "float32")
        if self.samples.weight is not None:
            weight = self.samples.weight[index]
        return weight / times.astype("float32") if self.discount else weight

    def check_fits(self, task: Task, reads: frozenset) -> None:
        """Refuse a model of another task or of other modalities."""
        spec = self.samples.spec
        if spec.task != task:
            raise ValueError(
                "The batches must be of the Distiller's task. Received: "
                f"{spec.task}, expected {task}."
            )
        if not set(spec.names) <= reads:
            raise ValueError(
                "The batches must hold modalities that the student reads, and no "
                f"other. Received: {spec.names}. The student reads {sorted(reads)}. "
                "Choose with `samples.only(...)`."
            )


def batches(
    samples: Samples,
    batch_size: int = 64,
    *,
    composition: str | Mapping[str, int] = "proportional",
    heads: Mapping[str, frozenset] | None = None,
    teacher_logits: Answers | None = None,
    augment: Mapping[str, Callable] | None = None,
    shuffle: bool = True,
    seed: int = 0,
    workers: int = 1,
) -> Batches:
    """Batches of samples for `fit` and `evaluate`, grouped by pattern.

    No row is left out of an epoch. Groups that do not come out even are filled with
    rows of the same pattern, drawn again. In proportional batches a row that is drawn
    k times in an epoch weighs 1/k, so that every sample has the same total weight,
    and counts once in weighted metrics (as all metrics of a `Distiller` are).

    Args:
        samples: What to draw from.
        batch_size: Most rows in a batch, all patterns together.
        composition: `"proportional"` to the data; `"balanced"`, as many rows of each
            pattern; or `{pattern: rows in each batch}`. The last two draw rows of rare
            patterns more often, and count them each time.
        heads: `{head: modalities it needs}`, as from `mk.heads(student)`, for students
            with other heads than one per modality and `"fusion"` on all.
        teacher_logits: Cached answers from `mk.teacher_logits`, for these samples.
        augment: `{modality: layer or function on (rows, ...)}`, applied to each batch;
            teachers and student see the same rows. Excludes cached answers.
        shuffle: Draw anew each epoch.
        seed: Of the order; the same seed gives the same epochs.
        workers: Threads that prepare batches ahead.

    Returns:
        A `keras.utils.PyDataset` of `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        ValueError: If a name is unknown, a batch has no room for every pattern, cached
            answers are of other samples, or they are combined with augmentation.

    Example:
        >>> import mind_keras as mk
        >>> missing = {"mechanism": "mcar", "rate": {"serum": 0.5}}
        >>> data = mk.load("diabetes", missing=missing)
        >>> x, y, *_ = mk.batches(data.train, 32)[0]
        >>> sorted(x), sorted(y["serum+vitals"])
        (['serum+vitals', 'vitals'], ['fusion', 'serum', 'vitals'])
    """
    if not isinstance(samples, Samples):
        raise ValueError(
            f"Batches are made of `Samples`. Received: {type(samples).__name__}. Of "
            "`Splits` give one part: `mk.batches(data.train)`."
        )
    augment = dict(augment or {})
    unknown = sorted(set(augment) - set(samples.spec.names))
    if unknown:
        known = samples.spec.names
        raise ValueError(f"Unknown modality {unknown} in `augment`. Known: {known}.")
    if augment and teacher_logits is not None:
        raise ValueError(
            "Cached teacher answers hold for the rows as they are; with augmentation "
            f"they would be answers to other rows. Received: `augment` for "
            f"{sorted(augment)} and `teacher_logits`. Leave one of them out: without "
            "the cache, teachers answer live, on the augmented rows."
        )
    if teacher_logits is not None:
        teacher_logits.check_fresh(fingerprint(samples))
    sizes = {pattern: len(index) for pattern, index in samples.patterns.items()}
    return Batches(
        samples,
        _counts(sizes, batch_size, composition),
        once=composition == "proportional",
        heads=default_heads(samples) if heads is None else dict(heads),
        teacher_logits=teacher_logits,
        augment=augment,
        shuffle=shuffle,
        seed=seed,
        workers=workers,
    )


def default_heads(samples: Samples) -> dict[str, frozenset]:
    """One head per modality, and the fusion head on all of several."""
    heads = {name: frozenset([name]) for name in samples.spec.names}
    if len(heads) > 1:
        heads[FUSION] = frozenset(samples.spec.names)
    return heads


def _counts(
    sizes: dict[str, int], batch_size: int, composition: str | Mapping[str, int]
) -> dict[str, int]:
    """Rows of each pattern in every batch."""
    if isinstance(composition, Mapping):
        counts = {pattern: int(count) for pattern, count in composition.items()}
        if set(counts) != set(sizes) or min(counts.values()) < 1:
            raise ValueError(
                "`composition` must give a positive number of rows for each pattern of "
                f"the samples. Received: {counts}. The patterns are {sorted(sizes)}."
            )
        return counts
    if composition not in ("proportional", "balanced"):
        raise ValueError(
            "`composition` must be 'proportional', 'balanced' or a dict of rows per "
            f"pattern. Received: {composition!r}."
        )
    if batch_size != int(batch_size) or batch_size < len(sizes):
        raise ValueError(
            "A batch must have room for a row of each pattern. Received: batch_size="
            f"{batch_size} for {len(sizes)} patterns {sorted(sizes)}."
        )
    if composition == "balanced":
        return dict.fromkeys(sizes, batch_size // len(sizes))
    steps = math.ceil(sum(sizes.values()) / batch_size)
    while sum(math.ceil(size / steps) for size in sizes.values()) > batch_size:
        steps += 1
    return {pattern: math.ceil(size / steps) for pattern, size in sizes.items()}
