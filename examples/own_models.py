"""Your own student and your own teachers: any functional Keras models will do.

    python examples/own_models.py

Real patients (WDBC, scikit-learn) with three modalities, some of them missing. The
student has a head that no builder of ours makes, and the teachers come from files.
"""

import tempfile
from pathlib import Path

import keras

import mind_keras as mk
from mind_keras.training import having

missing = {"mechanism": "mcar", "rate": {"error": 0.3, "worst": 0.3}}
data = mk.load("breast_cancer", missing=missing)


def pretrained(modality: str, folder: Path) -> Path:
    """A model that was trained somewhere else, in plain Keras, and saved."""
    samples = having(data.train, frozenset([modality]))
    model = keras.Sequential(
        [
            keras.Input(data.spec.shape(modality)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile("adam", loss=loss)
    model.fit(samples.x[modality], samples.y, epochs=20, verbose=0)
    model.save(folder / f"{modality}.keras")
    return folder / f"{modality}.keras"


with tempfile.TemporaryDirectory() as folder:
    teachers = {m: [pretrained(m, Path(folder))] for m in data.spec.names}

    # The ten lines.
    x = {m: keras.Input(data.spec.shape(m), name=m) for m in data.spec.names}
    code = {m: keras.layers.Dense(8, activation="relu")(x[m]) for m in x}
    pair = keras.layers.Concatenate()([code["mean"], code["error"]])
    joint = keras.layers.Concatenate()([pair, code["worst"]])
    read = {**code, "pair": pair, "fusion": joint}
    student = keras.Model(x, {h: keras.layers.Dense(1)(c) for h, c in read.items()})
    distiller = mk.Distiller(student, teachers, task=data.spec.task)
    distiller.compile(keras.optimizers.Adam(0.01))
    distiller.fit(mk.batches(data.train, heads=mk.heads(student)), epochs=20, verbose=0)
    table = mk.evaluate(student, data.test, metrics=["auroc"], replicates=200)

print(table.to_string(index=False))
