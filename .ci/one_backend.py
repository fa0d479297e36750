"""Does a student work where only one backend is installed, and no mind_keras?

    python .ci/one_backend.py keep RUN FOLDER   save RUN's student and its answers
    python .ci/one_backend.py check FOLDER      load all kept there and compare

`KERAS_BACKEND` names the one backend; the script fails if another can be imported.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

# From here on nothing can import the package: the student must not need it.
sys.modules["mind_keras"] = None

import keras  # noqa: E402
import numpy as np  # noqa: E402

BACKENDS = {"jax", "tensorflow", "torch"}
TOLERANCE = 1e-5


def probabilities(student: keras.Model, x: dict) -> dict[str, np.ndarray]:
    """The student's answers by head, from its logits."""
    logits = student.predict_on_batch(x)
    heads = {head: keras.ops.convert_to_numpy(value) for head, value in logits.items()}
    return {head: 1 / (1 + np.exp(-value)) for head, value in heads.items()}


def keep(run: Path, folder: Path) -> None:
    """Save a student with random rows and its answers to them."""
    student = keras.saving.load_model(run / "student.keras")
    random = np.random.default_rng(0)
    x = {
        tensor.name: random.normal(size=(32, *tensor.shape[1:])).astype("float32")
        for tensor in student.inputs
    }
    answers = probabilities(student, x)
    folder = folder / keras.backend.backend()
    folder.mkdir(parents=True)
    shutil.copy(run / "student.keras", folder)
    np.savez(folder / "x.npz", **x)
    np.savez(folder / "answers.npz", **answers)


def check(folder: Path) -> None:
    """Load every student kept in the folder and compare its answers."""
    kept = sorted(folder.iterdir())
    if {path.name for path in kept} != BACKENDS:
        raise SystemExit(f"A student of each of {BACKENDS} is needed. Found: {kept}.")
    for path in kept:
        student = keras.saving.load_model(path / "student.keras")
        with np.load(path / "x.npz") as x, np.load(path / "answers.npz") as answers:
            found = probabilities(student, dict(x))
            if set(found) != set(answers):
                raise SystemExit(f"Heads differ: {set(found)} and {set(answers)}.")
            worst = max(np.abs(found[head] - answers[head]).max() for head in answers)
        print(f"{path.name} -> {keras.backend.backend()}: |dp| <= {worst:.1e}")
        if not worst <= TOLERANCE:
            raise SystemExit(f"The difference must be at most {TOLERANCE}.")


def main() -> None:
    """Check that the backend is alone, then do what the command line says."""
    others = BACKENDS - {os.environ["KERAS_BACKEND"]}
    installed = sorted(name for name in others if importlib.util.find_spec(name))
    if installed:
        raise SystemExit(f"One backend must be alone. Also installed: {installed}.")
    command, *paths = sys.argv[1:]
    {"keep": keep, "check": check}[command](*map(Path, paths))


if __name__ == "__main__":
    main()
