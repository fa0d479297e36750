"""The shared words: what a modality, a task and a pattern are.

Everything else in the package speaks in these terms. Standard library only, so
that the words can be used where neither Keras nor NumPy is imported.
"""

import itertools
import operator
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

KINDS = ("binary", "multilabel", "multiclass")
FUSION = "fusion"
BEST = "best"
RESERVED = (FUSION, BEST, "all", "id", "group", "labels", "teacher_logits")


def pattern_name(modalities: Iterable[str]) -> str:
    """The name of the set of modalities that a sample has.

    Example:
        >>> pattern_name({"ehr", "cxr"})
        'cxr+ehr'
    """
    return "+".join(sorted(modalities))


def pattern_modalities(pattern: str) -> tuple[str, ...]:
    """The modalities of a pattern, sorted.

    Example:
        >>> pattern_modalities("cxr+ehr")
        ('cxr', 'ehr')
    """
    return tuple(pattern.split("+"))


def _sizes(name: str, shape: Iterable[int]) -> tuple[int, ...]:
    try:
        return tuple(operator.index(size) for size in shape)
    except TypeError:
        raise ValueError(
            f"The shape of modality {name!r} must be a tuple of whole numbers, such as "
            f"(48, 76). Received: {shape!r}."
        ) from None


@dataclass(frozen=True)
class Modality:
    """One kind of input: a table, a time series, an image, ...

    Args:
        name: A word; it names the input and the head of the student.
        shape: Shape of one sample's row, without the batch: `(48, 76)`.
        features: Names along the last axis; optional, used for tables in files.

    Example:
        >>> Modality("ehr", (48, 76)).shape
        (48, 76)
    """

    name: str
    shape: tuple[int, ...]
    features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", _sizes(self.name, self.shape))
        object.__setattr__(self, "features", tuple(self.features))
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.name):
            raise ValueError(
                "A modality's name must be a word of letters, digits and `_` that "
                f"starts with a letter. Received: {self.name!r}."
            )
        if self.name in RESERVED:
            raise ValueError(
                f"A modality must not be named as one of {RESERVED}, which have a "
                f"meaning of their own. Received: {self.name!r}."
            )
        if not self.shape or min(self.shape) < 1:
            raise ValueError(
                "`shape` must hold the positive sizes of one row, without the batch. "
                f"Received: shape={self.shape} for modality {self.name!r}."
            )
        different = len(set(self.features))
        if self.features and {len(self.features), different} != {self.shape[-1]}:
            raise ValueError(
                "`features` must name every entry of the last axis, each differently. "
                f"Received: {different} different names for shape {self.shape} of "
                f"{self.name!r}."
            )


@dataclass(frozen=True)
class Task:
    """What is predicted.

    Args:
        name: A word for tables and files.
        kind: `"binary"` (one yes/no label), `"multilabel"` (several yes/no labels,
            each may be unknown) or `"multiclass"` (one of several classes).
        labels: One name for binary, one per label for multilabel, one per class
            for multiclass.

    Example:
        >>> Task("mortality", kind="binary", labels=("death",)).outputs
        1
    """

    name: str
    kind: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.labels, str):
            raise ValueError(
                "`labels` must be a sequence of names. Received the single string "
                f"{self.labels!r}. Write `labels=({self.labels!r},)`."
            )
        object.__setattr__(self, "labels", tuple(str(label) for label in self.labels))
        if self.kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}. Received: {self.kind!r}.")
        fewest = 2 if self.kind == "multiclass" else 1
        if len(self.labels) < fewest or (self.kind == "binary" and self.outputs != 1):
            raise ValueError(
                "A binary task has exactly one label, a multilabel task at least one, "
                f"a multiclass task at least two. Received: kind={self.kind!r}, "
                f"labels={self.labels}."
            )
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"`labels` must differ. Received: {self.labels}.")

    @property
    def outputs(self) -> int:
        """How many logits a head has: one per label or class."""
        return len(self.labels)


@dataclass(frozen=True)
class Spec:
    """A task and the modalities it may be solved from.

    Args:
        task: The task.
        modalities: At least one, with different names.

    Example:
        >>> task = Task("mortality", kind="binary", labels=("death",))
        >>> spec = Spec(task, (Modality("ehr", (48, 76)), Modality("cxr", (96, 96, 1))))
        >>> spec.names
        ('cxr', 'ehr')
        >>> spec.patterns
        ('cxr', 'ehr', 'cxr+ehr')
    """

    task: Task
    modalities: tuple[Modality, ...]

    def __post_init__(self) -> None:
        given = self.modalities
        some = tuple(given) if isinstance(given, Iterable) else (None,)
        if not all(isinstance(modality, Modality) for modality in some):
            raise ValueError(
                "`modalities` must be a tuple of `Modality`, such as "
                f"`(Modality('a', (4,)),)`. Received: {given!r}."
            )
        object.__setattr__(self, "modalities", some)
        names = [modality.name for modality in self.modalities]
        if not names or len(set(names)) != len(names):
            raise ValueError(
                "`modalities` must be at least one, with different names. "
                f"Received: {names}."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The modalities' names, sorted."""
        return tuple(sorted(modality.name for modality in self.modalities))

    @property
    def complete(self) -> str:
        """The pattern of a sample that has every modality."""
        return pattern_name(self.names)

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every pattern a sample can have, small ones first."""
        sizes = range(1, len(self.names) + 1)
        sets = (s for k in sizes for s in itertools.combinations(self.names, k))
        return tuple(pattern_name(s) for s in sets)

    def modality(self, name: str) -> Modality:
        """The modality of that name.

        Raises:
            ValueError: If there is none.
        """
        for modality in self.modalities:
            if modality.name == name:
                return modality
        raise ValueError(f"Unknown modality {name!r}. Known: {self.names}.")

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of one row of a modality."""
        return self.modality(name).shape

    def to_dict(self) -> dict:
        """Plain values, for JSON. `Spec.from_dict` is the inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "Spec":
        """A spec from the plain values of `to_dict`."""
        modalities = tuple(Modality(**modality) for modality in values["modalities"])
        return cls(Task(**values["task"]), modalities)
