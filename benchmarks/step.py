"""A training step, and an answer, against plain PyTorch.

Ours is `mk.fit` and `mk.predict`, all that a user calls: batches, losses, metrics, the
check for NaN. The other is the program in `benchmarks/plain_training.py`. Both start
from the same weights and have the same maths (`tests/test_benchmarks.py`); rows are
arrays in memory on both sides.
"""

from functools import partial
from typing import NamedTuple

import mind_keras as mk
from benchmarks import made_up, plain_training
from benchmarks.clock import calls_in_turn, compared, fits_in_turn
from benchmarks.plain_weights import copied

ROUNDS = 9


class Case(NamedTuple):
    """What is measured.

    Args:
        encoders: `{modality: encoder}`.
        pixels: Of an image's side.
        batch: Rows in a step.
        steps: In a round, of which the first is not counted.
        answered: Rows that one call of `predict` answers.
        rounds: How many.
        quick: Whether `--quick` has it.
    """

    encoders: dict
    pixels: int = 96
    batch: int = 16
    steps: int = 11
    answered: int = 512
    rounds: int = ROUNDS
    quick: bool = True


def _ehr(name: str, **options: object) -> dict:
    return {"ehr": {"encoder": name, **options}}


LARGE = {"cxr": made_up.RESNET | {"depth": 18, "width": 64}}
SMALL = {"cxr": made_up.RESNET}
CASES = {
    "ICU student, 96 px, batch 16": Case(made_up.ICU, steps=6, answered=128),
    "ICU student, 96 px, batch 64": Case(made_up.ICU, batch=64, steps=3, answered=128),
    "ICU student, 224 px, batch 16": Case(
        made_up.ICU, 224, steps=3, answered=32, rounds=5, quick=False
    ),
    "ICU student, 224 px, batch 64": Case(
        made_up.ICU, 224, 64, steps=2, answered=32, rounds=3, quick=False
    ),
    "lstm 64": Case(_ehr("lstm", units=64)),
    "lstm 256": Case(_ehr("lstm", units=256), answered=128),
    "gru 64": Case(_ehr("gru", units=64)),
    "transformer 64": Case(_ehr("transformer", units=64), answered=128),
    "conv1d 64": Case(_ehr("conv1d", units=64)),
    "mlp 64": Case(_ehr("mlp", units=64)),
    "resnet 10 x 16, 96 px": Case(SMALL, steps=6, answered=128),
    "resnet 10 x 16, 224 px": Case(
        SMALL, 224, steps=3, answered=32, rounds=5, quick=False
    ),
    "resnet 18 x 64, 96 px": Case(LARGE, steps=2, answered=16, rounds=5, quick=False),
    "resnet 18 x 64, 224 px": Case(
        LARGE, 224, steps=2, answered=8, rounds=3, quick=False
    ),
}


def measure(quick: bool = False, only: str = "") -> list[dict]:
    """Rows of all cases whose name has `only` in it."""
    rows = []
    for name, case in CASES.items():
        if only in name and (case.quick or not quick):
            rounds = 3 if quick else case.rounds
            rows += [{"case": name, **row} for row in one(case, rounds)]
    return rows


def one(case: Case, rounds: int) -> list[dict]:
    """A row for training and one for answers."""
    about = made_up.spec(case.encoders, case.pixels)
    student = made_up.student(about, case.encoders)
    plain = copied(student, made_up.plain_student(about, case.encoders))
    train = made_up.samples(about, case.batch * case.steps)
    few = made_up.samples(about, 2, seed=1)
    asked = made_up.samples(about, case.answered, seed=2)
    rows = made_up.plain_data(asked)[0]
    answers = {
        "ours": partial(mk.predict, student, asked),
        "plain": partial(plain_training.predict, plain, rows),
    }
    answered = compared(calls_in_turn(answers, rounds), case.answered)
    program = plain_training.Program(plain)
    fits = {
        "ours": made_up.our_fit(
            mk.Distiller(student, task=made_up.TASK), train, few, case.batch
        ),
        "plain": made_up.plain_fit(program, train, few, case.batch),
    }
    trained = compared(fits_in_turn(fits, rounds), case.steps - 1)
    return [
        {"what": "training, per step", **trained},
        {"what": "answering, per row", **answered},
    ]
