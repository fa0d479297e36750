"""Tiny models and data that tests share. Two modalities: a series and a table."""

import keras
import numpy as np

import mind_keras as mk

LABELS = {
    "binary": ("yes",),
    "multilabel": ("one", "two", "three"),
    "multiclass": ("red", "green", "blue", "grey"),
}
SHAPES = {"ehr": (5, 3), "lab": (4,), "note": (6,)}


def spec(kind="binary", modalities=("ehr", "lab")):
    task = mk.Task("test", kind=kind, labels=LABELS[kind])
    return mk.Spec(task, tuple(mk.Modality(m, SHAPES[m]) for m in modalities))


def samples(kind="binary", patterns=None, seed=0, modalities=("ehr", "lab"), **columns):
    """Samples of given patterns, `{pattern: how many}`, shuffled."""
    rng = np.random.default_rng(seed)
    patterns = patterns or {"ehr": 8, "ehr+lab": 12, "lab": 4}
    names = rng.permutation(np.repeat(list(patterns), list(patterns.values())))
    size, about = len(names), spec(kind, modalities)
    rows = {
        m: np.flatnonzero([m in name.split("+") for name in names]) for m in modalities
    }
    x = {m: rng.normal(size=(len(rows[m]), *SHAPES[m])) for m in modalities}
    outputs = about.task.outputs
    if kind == "multiclass":
        y = rng.permutation(np.arange(size) % outputs)
    else:
        y = rng.permuted(
            np.tile((np.arange(size) % 2)[:, None], (1, outputs)), axis=0
        ).astype("float32")
    if kind == "multilabel":
        y[rng.random(y.shape) < 0.2] = np.nan
    return mk.Samples(
        about, y, x, rows, id=[f"{seed}-{i}" for i in range(size)], **columns
    )


def encoder(shape, units=6, norm=True, dropout=0.0):
    """Dense + BatchNorm (+ Dropout): statistics and noise make mistakes visible."""
    given = keras.Input(shape)
    code = keras.layers.Flatten()(given)
    code = keras.layers.Dense(units, activation="tanh")(code)
    if norm:
        code = keras.layers.BatchNormalization(momentum=0.5)(code)
    if dropout:
        code = keras.layers.Dropout(dropout)(code)
    return keras.Model(given, code)


def student(about, seed=1, **options):
    keras.utils.set_random_seed(seed)
    encoders = {m: encoder(about.shape(m), **options) for m in about.names}
    return mk.build_student(about, encoders)


def teacher(about, modality, seed=2, scale=3.0, **options):
    """A teacher with an opinion: its kernel is larger than at birth."""
    keras.utils.set_random_seed(seed)
    model = mk.build_teacher(
        about, modality, encoder=encoder(about.shape(modality), **options)
    )
    head = model.layers[-1]
    head.set_weights([w * scale + 0.3 for w in head.get_weights()])
    return model


def teachers(about, sizes=(5, 7), **options):
    return {
        m: [teacher(about, m, seed=10 * i + n, units=n, **options) for n in sizes]
        for i, m in enumerate(about.names)
    }


def weights(model):
    return [keras.ops.convert_to_numpy(w).copy() for w in model.weights]


def difference(first, second):
    """Largest difference between two models' weights."""
    pairs = zip(weights(first), weights(second), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)
