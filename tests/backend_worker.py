"""Run by `test_backends` in a process of its own, on the backend of its environment.

    python backend_worker.py FOLDER train?

Plain Keras first, while `mind_keras` cannot be imported; then 20 steps of distillation.
"""

import sys
from pathlib import Path

import keras
import numpy as np


def alone(folder, x, y):
    """What each student says, and that it trains on, without `mind_keras`."""
    sys.modules["mind_keras"] = None  # importing it now raises ImportError
    said = {}
    for file in sorted(folder.glob("student*.keras")):
        model = keras.saving.load_model(file)
        rows = {name: x[name] for name in model.input}
        for head, logits in model.predict(rows, verbose=0).items():
            said[f"{file.stem}/{head}"] = logits
    loss = dict.fromkeys(model.output, "mse")
    model.compile("adam", loss=loss)
    labels = dict.fromkeys(loss, y)
    said["loss"] = model.fit(rows, labels, verbose=0).history["loss"]
    del sys.modules["mind_keras"]
    return said


def train(folder, x, y):
    """The losses of 20 steps of SGD from the same weights on the same batches."""
    import backend_models

    import mind_keras as mk

    student = keras.saving.load_model(folder / "student.keras")
    teachers = {m: [folder / f"teacher_{m}_{k}.keras" for k in (0, 1)] for m in x}
    held = backend_models.samples(x, y)
    distiller = mk.Distiller(student, teachers, task=held.spec.task)
    distiller.compile(keras.optimizers.SGD(0.02))
    history = distiller.fit(mk.batches(held, 16), epochs=10, verbose=0).history
    return {f"train/{name}": np.array(values) for name, values in history.items()}


def resume(folder, x, y):
    """A Distiller that another backend compiled and saved trains on here."""
    import backend_models

    import mind_keras as mk

    known = {"Distiller": mk.Distiller}  # asking for it registers it
    distiller = keras.saving.load_model(folder / "distiller.keras", known)
    before = int(keras.ops.convert_to_numpy(distiller.optimizer.iterations))
    batches = mk.batches(backend_models.samples(x, y), 16)
    loss = distiller.fit(batches, verbose=0).history["loss"]
    after = int(keras.ops.convert_to_numpy(distiller.optimizer.iterations))
    return {"resume/loss": loss, "resume/steps": [before, after]}


def main():
    """Do all that was asked, and leave the numbers in the folder."""
    folder = Path(sys.argv[1])
    with np.load(folder / "data.npz") as data:
        y, x = data["y"], {name: data[name] for name in ("cxr", "ehr")}
    said = alone(folder, x, y) | resume(folder, x, y)
    if "train" in sys.argv:
        said |= train(folder, x, y)
    np.savez(folder / f"{keras.backend.backend()}.npz", **said)


if __name__ == "__main__":
    main()
