"""Models, rows and sizes that the benchmarks share: an ICU stay and its X-ray."""

import keras
import numpy as np

import mind_keras as mk
from benchmarks import plain, plain_training
from benchmarks.clock import Watch

TASK = mk.Task("mortality", kind="binary", labels=("death",))
SERIES = (48, 76)
LSTM = {"encoder": "lstm", "units": 64}
RESNET = {"encoder": "resnet", "depth": 10, "width": 16, "rescale": True}
ICU = {"cxr": RESNET, "ehr": LSTM}
# Three of each modality, the largest first, as in configs/icu_mortality.yaml.
TEACHERS = {
    "cxr": [RESNET, RESNET | {"depth": 6, "width": 32}, RESNET | {"depth": 6}],
    "ehr": [
        LSTM | {"units": 128, "layers": 2},
        LSTM,
        {"encoder": "gru", "units": 64},
    ],
}


def spec(encoders: dict, pixels: int = 96) -> mk.Spec:
    """Of the modalities that have an encoder."""
    shapes = {"cxr": (pixels, pixels, 1), "ehr": SERIES}
    return mk.Spec(TASK, tuple(mk.Modality(m, shapes[m]) for m in sorted(encoders)))


def samples(
    about: mk.Spec, rows: int, seed: int = 0, which: dict | None = None
) -> mk.Samples:
    """Images in uint8, series and tables from a normal distribution.

    Args:
        about: The spec.
        rows: How many samples.
        seed: Of the rows.
        which: `{modality: samples that have it}`; the others have all.
    """
    rng = np.random.default_rng(seed)
    which = which or {}
    x, labels = {}, about.task.outputs
    y = rng.permuted(np.tile(np.arange(rows)[:, None] % 2, (1, labels)), axis=0)
    for name in about.names:
        shape = (len(which.get(name, range(rows))), *about.shape(name))
        if len(shape) == 4:
            x[name] = rng.integers(0, 256, shape, "uint8")
        else:
            x[name] = rng.normal(size=shape).astype("float32")
    return mk.Samples(about, y, x, which or None)


def student(about: mk.Spec, encoders: dict, seed: int = 0) -> keras.Model:
    """A student, not trained."""
    keras.utils.set_random_seed(seed)
    return mk.build_student(about, encoders)


def teachers(
    about: mk.Spec, number: int = 3, encoders: dict = TEACHERS
) -> dict[str, list[keras.Model]]:
    """Teachers of each modality, not trained: that changes no time."""
    keras.utils.set_random_seed(1)
    return {
        m: [
            mk.build_teacher(about, m, **encoders[m][k % len(encoders[m])])
            for k in range(number)
        ]
        for m in about.names
    }


def plain_student(about: mk.Spec, encoders: dict) -> plain.Student:
    """The same in PyTorch, with weights of its own."""
    shapes = {m: about.shape(m) for m in encoders}
    return plain.Student(shapes, encoders, about.task.outputs)


def plain_data(rows: mk.Samples) -> tuple:
    """Complete rows as `(x, y)` for the plain program."""
    x = plain_training.as_plain({m: rows.x[m] for m in rows.spec.names})
    return x, rows.y.reshape(len(rows), -1).astype("float32")


def our_fit(learner, train, validation, batch_size, **options):
    """A fit as `benchmarks.clock` wants it: `mk.fit`, which no patience ends."""

    def fit(watch: Watch) -> None:
        epochs = watch.epochs
        mk.fit(
            learner,
            train,
            validation,
            epochs=epochs,
            patience=epochs,
            batch_size=batch_size,
            callbacks=[watch],
            **options,
        )

    return fit


def plain_fit(program: plain_training.Program, train, validation, batch_size):
    """A fit of the plain program, as `benchmarks.clock` wants it."""
    data = plain_data(train), plain_data(validation)

    def fit(watch: Watch) -> None:
        program.fit(*data, watch.epochs, batch_size, watch)

    return fit
