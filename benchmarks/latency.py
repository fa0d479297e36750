"""One patient: the student against the ensemble of its teachers, in time and size.

Student and teachers are those of `configs/icu_mortality.yaml`, at 96 and 224 px; its
teachers are small, so that a CPU can train them. In the last case they have the sizes
that the field uses for such data: ResNet-34 and LSTM(256) are MedFuse's (Hayat et al.,
2022, arXiv 2207.07027), with two more beside each. Each answers one sample at a time,
one model after another, as `mk.predict` does; the two take turns. `p50` and `p95` are
milliseconds on the wall, sizes are of `.keras` files, `times_*` say how much less the
student takes. Its answer can be quicker by hardly more than `times_macs`, the ratio of
multiply-adds, which with small teachers is little.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

from benchmarks import made_up
from benchmarks.clock import rounded
from mind_keras.costs import costs, latencies_ms
from mind_keras.modelfile import save_model

STUDENT = {
    "cxr": made_up.RESNET | {"depth": 6},
    "ehr": {"encoder": "gru", "units": 16},
}
FIELD = {
    "cxr": [made_up.RESNET | {"depth": depth, "width": 64} for depth in (34, 18, 10)],
    "ehr": [
        made_up.LSTM | {"units": 256, "layers": 2},
        made_up.LSTM | {"units": 256},
        made_up.LSTM | {"units": 128},
    ],
}
CASES = {
    "small teachers, 96 px": (96, made_up.TEACHERS),
    "small teachers, 224 px": (224, made_up.TEACHERS),
    "large teachers, 224 px": (224, FIELD),
}


def measure(quick: bool = False) -> list[dict]:
    """Rows of student and teachers for each size of images and of teachers."""
    rows = []
    for case, (pixels, encoders) in list(CASES.items())[: 1 if quick else None]:
        about = made_up.spec(STUDENT, pixels)
        student = {"student": made_up.student(about, STUDENT)}
        teachers = {
            f"{m}-{k}": teacher
            for m, some in made_up.teachers(about, encoders=encoders).items()
            for k, teacher in enumerate(some)
        }
        rows += compare(case, student, teachers, 1 if quick else 3)
    return rows


def compare(case: str, student: dict, teachers: dict, rounds: int) -> list[dict]:
    """A row of each of the two."""
    parts = {"student": student, "teachers": teachers}
    with tempfile.TemporaryDirectory() as folder:
        sizes = {name: size(models, Path(folder)) for name, models in parts.items()}
    times = {name: [] for name in parts}
    for _ in range(rounds):
        for name, models in parts.items():
            times[name].append(latencies_ms(models.values()))
    rows = []
    for name, some in times.items():
        median, slow = np.percentile(np.concatenate(some), [50, 95])
        ways = {"p50_ms": rounded(median), "p95_ms": rounded(slow)}
        rows.append({"case": case, "who": name, **ways, **sizes[name]})
    ours, theirs = rows
    for column in ("p50_ms", "parameters", "size_bytes", "macs"):
        ours[f"times_{column.split('_')[0]}"] = rounded(theirs[column] / ours[column])
    return rows


def size(models: dict[str, keras.Model], folder: Path) -> dict:
    """Parameters, bytes and multiply-adds."""
    files = {name: folder / f"{name}.keras" for name in models}
    for name, file in files.items():
        save_model(models[name], file)
    found = costs(models, files)
    return {name: found[name] for name in ("parameters", "size_bytes", "macs")}
