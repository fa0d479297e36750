"""How each stage grows, over three decades of samples, and tenfold everything else.

Tables of 16 numbers and tiny models, so that what grows is ours. Seconds are of the
processor (compilation among them, where a call compiles); MB is the most memory that a
stage took beyond what was held before it; both are medians of three calls. `slope` is
that of the logarithms over the last tenfold: 1 is twice the work for twice the samples;
where fixed costs rule it is lower (less than 10 ms, or 2 MB, count as so much).
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

import mind_keras as mk
from benchmarks import made_up
from benchmarks.clock import now, rounded
from benchmarks.memory import give_back, with_peak

BATCH, REPLICATES, CALLS = 256, 20, 3
MLP = {"encoder": "mlp", "units": 8, "layers": 1}
# Seconds and MB below which clocks and allocators decide; less counts as so much.
SHORTEST, SMALLEST = 0.01, 2.0


class Size(NamedTuple):
    """How much of what."""

    samples: int = 1_000
    labels: int = 2
    modalities: int = 2
    teachers: int = 1


SAMPLES = (100, 1_000, 10_000, 100_000)
TENFOLD = {"labels": (2, 20), "modalities": (2, 20), "teachers": (1, 10)}


def measure(quick: bool = False) -> list[dict]:
    """A row for each axis and stage."""
    axes = {"samples": SAMPLES[:3] if quick else SAMPLES} | ({} if quick else TENFOLD)
    rows, _ = [], stages(Size())  # What is done once in a process is done here.
    for axis, values in axes.items():
        found = [stages(Size(**{axis: value})) for value in values]
        for stage in found[0]:
            seconds, megabytes = zip(*(one[stage] for one in found), strict=True)
            row = {"case": axis, "at": listed(values), "stage": stage}
            row |= {"s": listed(map(rounded, seconds))}
            row |= {"slope": slope(values, seconds, SHORTEST)}
            if None not in megabytes:
                row |= {"MB": listed(map(rounded, megabytes))}
                row |= {"MB slope": slope(values, megabytes, SMALLEST)}
            rows.append(row)
    return rows


def listed(values: Iterable[float]) -> str:
    """One after another, as a cell of a table."""
    return " / ".join(f"{value:,}" for value in values)


def slope(values: Sequence[float], costs: Sequence[float], least: float) -> float:
    """Of log cost over log value, between the last two; no cost is below `least`.

    Example:
        >>> slope([1, 10, 100], [5.0, 1.0, 100.0], least=0.1)
        2.0
        >>> slope([1, 10], [0.001, 1.0], least=0.1)
        1.0
    """
    rise = np.diff(np.log(np.maximum(costs[-2:], least)))
    return rounded(float(rise[0] / np.diff(np.log(values[-2:]))[0]))


def stages(size: Size) -> dict[str, tuple]:
    """`{stage: (seconds, MB)}`, one after another."""
    spec = _spec(size)
    train, few = made_up.samples(spec, size.samples), made_up.samples(spec, 20, seed=1)
    encoders = {m: MLP for m in spec.names}
    models = {f"{k}": made_up.student(spec, encoders, k) for k in range(2)}
    teachers = {
        m: [mk.build_teacher(spec, m, **MLP) for _ in range(size.teachers)]
        for m in spec.names
    }
    answers = mk.teacher_logits(teachers, train)
    learner = mk.Distiller(models["0"], {m: [] for m in teachers}, task=spec.task)
    scored = {"metrics": ["auroc"], "replicates": REPLICATES}
    with tempfile.TemporaryDirectory() as folder:
        calls = {
            "batches": partial(_walk, train, answers),
            "teacher_logits": partial(mk.teacher_logits, teachers, train),
            "fit": partial(_fit, learner, train, few, answers),
            "predict": partial(mk.predict, models["0"], train),
            "evaluate": partial(mk.evaluate, models["0"], train, **scored),
            "compare": partial(mk.compare, models, train, **scored),
            "save": partial(_save, answers, folder),
        }
        return {stage: _cost(call) for stage, call in calls.items()}


def _cost(call: Callable) -> tuple[float, float | None]:
    seconds, megabytes = [], []
    for _ in range(CALLS):
        give_back()
        start = now()
        megabytes.append(with_peak(call)[1])
        seconds.append((now() - start)[0])
    peak = None if None in megabytes else np.median(megabytes).item()
    return np.median(seconds).item(), peak


def _walk(train: mk.Samples, answers: object) -> None:
    batches = mk.batches(train, BATCH, teacher_logits=answers)
    for step in range(len(batches)):
        batches[step]


def _fit(learner: mk.Distiller, train: mk.Samples, few: mk.Samples, answers) -> None:
    mk.fit(learner, train, few, epochs=1, batch_size=BATCH, answers=answers)


def _save(answers: object, folder: str) -> None:
    answers.save(Path(tempfile.mkdtemp(dir=folder), "answers.npz"))


def _spec(size: Size) -> mk.Spec:
    labels = tuple(f"label {k}" for k in range(size.labels))
    task = mk.Task("labels", kind="multilabel", labels=labels)
    names = [f"table{k:02}" for k in range(size.modalities)]
    return mk.Spec(task, tuple(mk.Modality(name, (16,)) for name in names))
