"""What distillation costs per training step: `python -m benchmarks.distiller`.

The same student of ICU size (LSTM(64) on 48 x 76, ResNet-10 on 96 x 96), trained on
the same rows by plain `keras.Model.fit` and by the `Distiller` with cached answers of
three teachers per modality. Epochs alternate in one process; the median of the ratios
is what counts, since single times on a shared machine do not.
"""

import argparse
import json
import statistics
import time

import keras
import numpy as np

import mind_keras as mk
from mind_keras.data.answers import Answers, fingerprint

TASK = mk.Task("mortality", kind="binary", labels=("death",))
SPEC = mk.Spec(TASK, (mk.Modality("cxr", (96, 96, 1)), mk.Modality("ehr", (48, 76))))
ENCODERS = {
    "cxr": {"encoder": "resnet", "depth": 10, "width": 16},
    "ehr": {"encoder": "lstm", "units": 64},
}


class Plain(keras.utils.PyDataset):
    """Complete rows, sliced as a user would."""

    def __init__(self, samples: mk.Samples, batch_size: int) -> None:
        super().__init__()
        self.samples, self.batch_size = samples, batch_size

    def __len__(self) -> int:
        return len(self.samples) // self.batch_size

    def __getitem__(self, step: int) -> tuple:
        index = slice(step * self.batch_size, (step + 1) * self.batch_size)
        x = {m: self.samples.x[m][index] for m in SPEC.names}
        return x, dict.fromkeys(("cxr", "ehr", "fusion"), self.samples.y[index])


def random_samples(rows: int) -> mk.Samples:
    rng = np.random.default_rng(0)
    x = {m: rng.normal(size=(rows, *SPEC.shape(m))) for m in SPEC.names}
    return mk.Samples(SPEC, np.arange(rows) % 2, x)


def random_answers(samples: mk.Samples) -> Answers:
    rng = np.random.default_rng(1)
    said = {
        m: [rng.normal(size=(len(samples), 1)).astype("float32") for _ in range(3)]
        for m in SPEC.names
    }
    prints = {m: ["a", "b", "c"] for m in SPEC.names}
    return Answers(said, prints, fingerprint(samples), samples.pattern)


def seconds_per_step(fit: object, steps: int) -> float:
    start = time.perf_counter()
    fit()
    return (time.perf_counter() - start) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=9)
    given = parser.parse_args()
    samples = random_samples(given.batch_size * given.steps)
    keras.utils.set_random_seed(0)
    plain, student = (mk.build_student(SPEC, ENCODERS) for _ in range(2))
    heads = mk.heads(student)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    plain.compile("adam", loss=dict.fromkeys(heads, loss))
    taught = mk.Distiller(student, {m: [] for m in SPEC.names}, task=TASK)
    taught.compile("adam")
    rows = Plain(samples, given.batch_size)
    cached = random_answers(samples)
    batches = mk.batches(samples, given.batch_size, teacher_logits=cached)
    ways = {
        "plain": lambda: plain.fit(rows, verbose=0, shuffle=False),
        "distiller": lambda: taught.fit(batches, verbose=0),
    }
    for fit in ways.values():  # compilation
        fit()
    times = {name: [] for name in ways}
    for _ in range(given.epochs):
        for name, fit in ways.items():
            times[name].append(seconds_per_step(fit, given.steps))
    ratios = [d / p for d, p in zip(times["distiller"], times["plain"], strict=True)]
    result = {
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "batch_size": given.batch_size,
        "plain_ms": round(1000 * statistics.median(times["plain"]), 2),
        "distiller_ms": round(1000 * statistics.median(times["distiller"]), 2),
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_quartiles": [round(q, 3) for q in np.quantile(ratios, [0.25, 0.75])],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
