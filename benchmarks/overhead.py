"""What distillation costs per training step, over plain training in Keras.

The same student on the same rows by plain `keras.Model.fit`, and by the `Distiller`
with cached answers of three teachers per modality under `mk.fit`, which may be quicker
than plain Keras where it has quicker kernels.
"""

import keras
import numpy as np

import mind_keras as mk
from benchmarks import made_up
from benchmarks.clock import Watch, compared, fits_in_turn
from mind_keras.data.answers import Answers, fingerprint

BATCH = 16


class Plain(keras.utils.PyDataset):
    """Complete rows, sliced as a user would."""

    def __init__(self, samples: mk.Samples, batch_size: int) -> None:
        super().__init__()
        self.samples, self.batch_size = samples, batch_size

    def __len__(self) -> int:
        return -(-len(self.samples) // self.batch_size)

    def __getitem__(self, step: int) -> tuple:
        index = slice(step * self.batch_size, (step + 1) * self.batch_size)
        x = {m: self.samples.x[m][index] for m in self.samples.spec.names}
        return x, dict.fromkeys((*x, "fusion"), self.samples.y[index])


def measure(quick: bool = False) -> list[dict]:
    """One row."""
    steps, rounds = (2, 3) if quick else (11, 9)
    about = made_up.spec(made_up.ICU)
    train, few = made_up.samples(about, BATCH * steps), made_up.samples(about, 2)
    student = made_up.student(about, made_up.ICU)
    taught = mk.Distiller(student, {m: [] for m in about.names}, task=about.task)
    options = {"answers": random_answers(train)}
    fits = {
        "distiller": made_up.our_fit(taught, train, few, BATCH, **options),
        "keras": plain_fit(made_up.student(about, made_up.ICU), train, few),
    }
    case = f"ICU student, 96 px, batch {BATCH}, per step"
    return [{"case": case, **compared(fits_in_turn(fits, rounds), steps - 1)}]


def plain_fit(model: keras.Model, train: mk.Samples, validation: mk.Samples):
    """A fit in plain Keras, as `benchmarks.clock` wants it."""
    loss = keras.losses.BinaryCrossentropy(from_logits=True)

    def fit(watch: Watch) -> None:
        model.compile(
            keras.optimizers.AdamW(weight_decay=0.0),
            loss={head: loss for head in mk.heads(model)},
        )
        model.fit(
            Plain(train, BATCH),
            validation_data=Plain(validation, BATCH),
            epochs=watch.epochs,
            callbacks=[keras.callbacks.TerminateOnNaN(), watch],
            shuffle=False,
            verbose=0,
        )

    return fit


def random_answers(samples: mk.Samples) -> Answers:
    """What three teachers of each modality might say."""
    rng = np.random.default_rng(1)
    said = {
        m: [rng.normal(size=(len(samples), 1)).astype("float32") for _ in range(3)]
        for m in samples.spec.names
    }
    prints = {m: ["a", "b", "c"] for m in said}
    return Answers(said, prints, fingerprint(samples), samples.pattern)
