"""An experiment as a file: YAML to a typed, frozen `Config`, and back.

The sections below are the whole language. What a file may not say is refused, with
the line that says it. The names of sources, encoders, fusions and controls, and their
options, pass through to those who build them. To add a setting: one field in its
section, handed on in `run.py`.
"""

import difflib
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pydantic
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from mind_keras import marked_yaml
from mind_keras.space import check_over


def _named(kind: str) -> Callable[[Any], dict[str, Any]]:
    """A name alone is short for `{kind: name}`; options may stand beside it."""

    def spell_out(value: Any) -> dict[str, Any]:
        value = {kind: value} if isinstance(value, str) else value
        if not isinstance(value, dict) or not isinstance(value.get(kind), str):
            raise ValueError(f"be a name, or a mapping with `{kind}: name`")
        return value

    return spell_out


def _weight(value: Any) -> float:
    if type(value) in (int, float) and 0 <= value < math.inf:
        return float(value)
    raise ValueError("be a number from 0 up, or one for each head")


def _weights(value: Any) -> float | dict[str, float]:
    if isinstance(value, dict):
        return {str(head): _weight(weight) for head, weight in value.items()}
    return _weight(value)


def _some(teachers: list[Any]) -> list[Any]:
    if not teachers:
        raise ValueError("name at least one teacher, or be left out")
    return teachers


def _seeds(value: Any) -> list[int]:
    """Whole numbers, or ranges as `0..9`, both ends included; each once."""
    found = []
    for one in value if isinstance(value, list) else [value]:
        ends = re.fullmatch(r"(\d+)\.\.(\d+)", one) if isinstance(one, str) else None
        if ends:
            found += range(int(ends[1]), int(ends[2]) + 1)
        elif type(one) is int and one >= 0:
            found.append(one)
        else:
            raise ValueError("be whole numbers from 0 up, or ranges as 0..9")
    if len(set(found)) < len(found):
        raise ValueError("name each seed once")
    return found


Over = Annotated[dict[str, Any], pydantic.PlainValidator(check_over)]
Seeds = Annotated[list[int], pydantic.PlainValidator(_seeds)]
Encoder = Annotated[dict[str, Any], pydantic.BeforeValidator(_named("encoder"))]
Fusion = Annotated[dict[str, Any], pydantic.BeforeValidator(_named("fusion"))]
Weight = Annotated[float | dict[str, float], pydantic.PlainValidator(_weights)]
Teachers = Annotated[list[Encoder], pydantic.AfterValidator(_some)]


class Section(pydantic.BaseModel):
    """A part of the file: nothing unknown, nothing converted, nothing changed later."""

    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )


class Data(Section):
    """A source by name, and its options; `seed` is by default that of the run."""

    model_config = pydantic.ConfigDict(extra="allow")

    source: str
    seed: pydantic.NonNegativeInt | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What `load` takes beside the source and the seed."""
        return dict(self.model_extra)


class Student(Section):
    """The encoder of each modality, and how their codes are joined."""

    encoders: dict[str, Encoder] = Field(min_length=1)
    fusion: Fusion = {"fusion": "concat"}


class Distillation(Section):
    """The arguments of `Distiller`. A weight is a number, or a number for each head.

    With the `joint_target` `stacked` the fusion head has a teacher of its own, made of
    the unimodal ones (`fit_joint_teacher`).
    """

    temperature: PositiveFloat = 2.0
    distance: str = "kl"
    ensemble: str = "probability"
    joint_target: Literal["stacked", "product", "mean"] = "stacked"
    task_weight: Weight | None = None
    distillation_weight: Weight = 1.0


class Training(Section):
    """How the student and the controls are trained; `patience` counts epochs."""

    epochs: PositiveInt = 100
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 0.001
    patience: PositiveInt = 10
    weight_decay: NonNegativeFloat = 0.0


class TeacherTraining(Training):
    """The same for the teachers: larger models, which overfit sooner."""

    epochs: PositiveInt = 50
    weight_decay: NonNegativeFloat = 0.001


class Evaluation(Section):
    """Replicates of the bootstrap, and the level of its intervals.

    `margin` is what the student may lose on the headline metric and count as not
    inferior; `subgroups` are columns of the samples' metadata, with edges of bands.
    """

    replicates: PositiveInt = 1000
    level: float = Field(default=0.95, gt=0, lt=1)
    margin: PositiveFloat = 0.01
    subgroups: dict[str, list[float] | None] = {}


class Sweep(Section):
    """What `mind-keras sweep` tries: all of a grid, or so many `trials` at random."""

    over: Over
    trials: PositiveInt | None = None


class Tracking(Section):
    """Where a run is told of, beside its folder; options as in `tracking.TRACKERS`."""

    tensorboard: bool | dict[str, Any] = False
    mlflow: bool | dict[str, Any] = False
    wandb: bool | dict[str, Any] = False


class Config(Section):
    """One experiment. The backend is not part of it.

    Example:
        >>> config = Config(
        ...     name="small",
        ...     data={"source": "diabetes"},
        ...     student={"encoders": {"serum": "mlp", "vitals": "mlp"}},
        ... )
        >>> config.student.fusion, config.training.epochs
        ({'fusion': 'concat'}, 100)
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    seed: pydantic.NonNegativeInt = 0
    seeds: Seeds = []
    data: Data
    teachers: dict[str, Teachers] = {}
    student: Student
    distillation: Distillation = Distillation()
    training: Training = Training()
    teacher_training: TeacherTraining = TeacherTraining()
    controls: list[str] = []
    evaluation: Evaluation = Evaluation()
    sweep: Sweep | None = None
    tracking: Tracking | None = None

    def to_yaml(self) -> str:
        """The whole experiment as a file, defaults spelled out."""
        return marked_yaml.dump(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """SHA-256 of what is said, whatever the order and form of the file.

        What a sweep tries and who is told changes no result.
        """
        values = self.model_dump(mode="json", exclude={"sweep", "tracking"})
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def read_config(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Read an experiment from a YAML file.

    Args:
        path: The file.
        overrides: Values to set, as `"student.fusion=sum"`, later ones last. What
            follows the first `=` is YAML.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If the file or an override is no YAML, or says something that
            `Config` does not know; with every fault and its line.

    Example:
        >>> config = read_config("configs/diabetes.yaml", ["training.epochs=3"])
        >>> config.name, config.training.epochs
        ('diabetes', 3)
    """
    values, marks = marked_yaml.load(Path(path).read_text("utf-8"), str(path))
    if not isinstance(values, dict):
        raise ValueError(
            f"{path}: a configuration must be a mapping. Received: {values!r}. "
            f"Known keys: {', '.join(Config.model_fields)}."
        )
    for text in overrides:
        marked_yaml.override(values, marks, text)
    return validated(values, marks)


def validated(values: dict[str, Any], marks: marked_yaml.Marks) -> Config:
    """A config of plain values.

    Args:
        values: By section.
        marks: Where each was said; `{(): "here"}` for all of them.

    Raises:
        ValueError: With every fault and its place.
    """
    try:
        return Config.model_validate(values)
    except pydantic.ValidationError as error:
        faults = [_fault(fault, marks) for fault in error.errors()]
        raise ValueError("\n".join(faults)) from None


def _fault(fault: dict[str, Any], marks: marked_yaml.Marks) -> str:
    """One complaint of pydantic in our words: place, rule, what was received, cure."""
    path = fault["loc"]
    place, name = marked_yaml.place(marks, path), ".".join(map(str, path))
    if fault["type"] == "missing":
        return f"{place}: `{name}` must be given. Received none."
    if fault["type"] != "extra_forbidden":
        rule = re.sub("^(Value error,|.* should)", "must", fault["msg"])
        return f"{place}: `{name}` {rule}. Received: {fault['input']!r}."
    section = Config
    for part in path[:-1]:
        annotation = section.model_fields[part].annotation
        section = next(iter(get_args(annotation)), annotation)  # Of `Section | None`.
    known = list(section.model_fields)
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    guess = f"Did you mean `{close[0]}`? " if close else ""
    return f"{place}: unknown key `{name}`. {guess}Known: {', '.join(known)}."
