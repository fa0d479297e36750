"""Cached teacher answers against live teachers, in a training step.

Asking once is not counted: it costs about what one epoch of live teachers does. Both
are a `Distiller` under `mk.fit`; teachers are those of `configs/icu_mortality.yaml`.
"""

import mind_keras as mk
from benchmarks import made_up
from benchmarks.clock import compared, fits_in_turn

NUMBERS = (1, 3, 5)
BATCH = 16


def measure(quick: bool = False) -> list[dict]:
    """A row for each number of teachers per modality."""
    steps, rounds = (2, 3) if quick else (5, 9)
    about = made_up.spec(made_up.ICU)
    train, few = made_up.samples(about, BATCH * steps), made_up.samples(about, 2)
    rows = []
    for number in NUMBERS[:1] if quick else NUMBERS:
        teachers = made_up.teachers(about, number)
        answers = mk.teacher_logits(teachers, train)
        heard = {m: [] for m in about.names}
        fits = {}
        for name, asked in {"cached": heard, "live": teachers}.items():
            student = made_up.student(about, made_up.ICU)
            learner = mk.Distiller(student, asked, task=about.task)
            options = {"answers": answers if name == "cached" else None}
            fits[name] = made_up.our_fit(learner, train, few, BATCH, **options)
        row = compared(fits_in_turn(fits, rounds), steps - 1)
        rows.append({"case": f"{number} per modality, per step", **row})
    return rows
