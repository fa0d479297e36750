"""A whole distillation against the plain PyTorch program with live teachers.

Ours asks the teachers once (`mk.teacher_logits`, counted) and learns from their kept
answers; the plain program asks them in each step. The same student, teachers (three of
each modality, as in `configs/icu_mortality.yaml`), rows, epochs and validation. The
`ratio` is of all the processor's seconds, compilation among them; `later_ratio` of the
epochs after the first, with its quartiles.
"""

import mind_keras as mk
from benchmarks import made_up, plain_training
from benchmarks.clock import calls_in_turn, compared, fits_in_turn, rounded
from benchmarks.plain_weights import copied

BATCH = 16


def measure(quick: bool = False) -> list[dict]:
    """One row."""
    rows, epochs = (64, 4) if quick else (384, 10)
    about = made_up.spec(made_up.ICU)
    student = made_up.student(about, made_up.ICU)
    teachers = made_up.teachers(about)
    train = made_up.samples(about, rows)
    validation = made_up.samples(about, rows // 4, seed=1)
    program = plain_training.Program(
        copied(student, made_up.plain_student(about, made_up.ICU)),
        plain_teachers(about, teachers),
    )
    answers = []
    asking = calls_in_turn(
        {"ours": lambda: answers.append(mk.teacher_logits(teachers, train))}, rounds=0
    )["ours"].sum(0)
    taught = mk.Distiller(student, {m: [] for m in about.names}, task=about.task)
    options = {"answers": answers[0]}
    fits = {
        "ours": made_up.our_fit(taught, train, validation, BATCH, **options),
        "plain": made_up.plain_fit(program, train, validation, BATCH),
    }
    spent = fits_in_turn(fits, epochs - 1, whole=True)
    ours, plain = spent["ours"].sum(0) + asking, spent["plain"].sum(0)
    later = compared(spent)
    row = {"case": f"3 teachers per modality, {rows} rows, {epochs} epochs"}
    row |= {"ours_s": rounded(ours[0]), "plain_s": rounded(plain[0])}
    row |= {"asking_s": rounded(asking[0]), "first_epoch_s": later["first_s"]}
    row |= {"ratio": rounded(ours[0] / plain[0])}
    row |= {"wall_ratio": rounded(ours[1] / plain[1]), "later_ratio": later["ratio"]}
    return [row | {name: later[name] for name in ("low", "high")}]


def plain_teachers(about: mk.Spec, teachers: dict) -> dict:
    """The same teachers in PyTorch, weights and all."""
    return {
        m: [
            copied(model, made_up.plain_student(about, {m: encoder}))
            for model, encoder in zip(some, made_up.TEACHERS[m], strict=True)
        ]
        for m, some in teachers.items()
    }
