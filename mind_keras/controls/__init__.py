"""What a student is compared with: a visible list of rivals.

To add a control: write the function `(bench) -> {name: Contender}` in a file here,
name it in `CONTROLS`. Where it learns from some of the samples only, say which in
`LEARNS_FROM` too: `run` then tells before training that there are none.
"""

from mind_keras.controls.bench import Bench, Contender
from mind_keras.controls.ensemble import teachers
from mind_keras.controls.students import late_fusion, no_kd, single_head, unimodal
from mind_keras.spec import Spec

CONTROLS = {
    "no_kd": no_kd,
    "single_head": single_head,
    "unimodal": unimodal,
    "late_fusion": late_fusion,
    "teachers": teachers,
}


def _complete(spec: Spec) -> list[frozenset]:
    return [frozenset(spec.names)]


def _each_modality(spec: Spec) -> list[frozenset]:
    return [frozenset([name]) for name in spec.names]


LEARNS_FROM = {
    "single_head": _complete,
    "unimodal": _each_modality,
    "late_fusion": _each_modality,
}

__all__ = ["CONTROLS", "LEARNS_FROM", "Bench", "Contender"]
