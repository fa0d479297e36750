"""What a student is compared with: a visible list of rivals.

To add a control: write the function `(bench) -> {name: Contender}` in a file here,
name it in `CONTROLS`. Where it learns from some of the samples only, say which in
`LEARNS_FROM` too: `run` then tells before training that there are none. Where it is
nothing without several modalities, name it in `JOIN`.
"""

from collections.abc import Sequence

from mind_keras.controls.adaptive import adaptive
from mind_keras.controls.bench import Bench, Contender
from mind_keras.controls.distilling import same_size_teacher, single_teacher
from mind_keras.controls.ensemble import teachers
from mind_keras.controls.feature_teaching import g2d, umt
from mind_keras.controls.filling import mean_fill, modality_dropout, zero_fill
from mind_keras.controls.g_blend import g_blend
from mind_keras.controls.medfuse import medfuse
from mind_keras.controls.miles import miles
from mind_keras.controls.ogm_ge import ogm_ge
from mind_keras.controls.students import late_fusion, no_kd, single_head, unimodal
from mind_keras.spec import Spec

CONTROLS = {
    "no_kd": no_kd,
    "single_head": single_head,
    "unimodal": unimodal,
    "late_fusion": late_fusion,
    "teachers": teachers,
    "single_teacher": single_teacher,
    "same_size_teacher": same_size_teacher,
    "umt": umt,
    "g2d": g2d,
    "medfuse": medfuse,
    "zero_fill": zero_fill,
    "mean_fill": mean_fill,
    "modality_dropout": modality_dropout,
    "adaptive": adaptive,
    "ogm_ge": ogm_ge,
    "g_blend": g_blend,
    "miles": miles,
}


def _complete(spec: Spec) -> list[frozenset]:
    return [frozenset(spec.names)]


def _each_modality(spec: Spec) -> list[frozenset]:
    return [frozenset([name]) for name in spec.names]


def _complete_and_each(spec: Spec) -> list[frozenset]:
    return _complete(spec) + _each_modality(spec)


LEARNS_FROM = {
    "single_head": _complete,
    "unimodal": _each_modality,
    "late_fusion": _each_modality,
    "same_size_teacher": _each_modality,
    "umt": _complete_and_each,
    "g2d": _complete_and_each,
    "medfuse": _each_modality,
    "adaptive": _complete,
    "ogm_ge": _complete,
    "g_blend": _complete_and_each,
    "miles": _complete,
}

# Those that have a fusion head, whatever the student has: not of one modality alone.
JOIN = {
    "single_head",
    "umt",
    "g2d",
    "medfuse",
    "zero_fill",
    "mean_fill",
    "modality_dropout",
    "ogm_ge",
    "g_blend",
    "miles",
}


def check_joining(names: Sequence[str], spec: Spec) -> None:
    """Where there is one modality, there is no student that joins any.

    Raises:
        ValueError: If a control joins modalities that are not there.

    Example:
        >>> import mind_keras as mk
        >>> check_joining(["no_kd", "zero_fill"], mk.load("diabetes").spec)
    """
    joining = [name for name in names if name in JOIN]
    if len(spec.names) < 2 and joining:
        raise ValueError(
            f"The controls {joining} join modalities, two or more. Received: data of "
            f"{list(spec.names)} alone. Leave them out of `controls`."
        )


__all__ = ["CONTROLS", "JOIN", "LEARNS_FROM", "Bench", "Contender", "check_joining"]
