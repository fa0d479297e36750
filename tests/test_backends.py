"""The same file and the same training on every installed backend."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import backend_models
import keras
import numpy as np
import pytest

import mind_keras as mk

OWN = keras.backend.backend()
BACKENDS = [b for b in ("jax", "tensorflow", "torch") if importlib.util.find_spec(b)]
# Each pair of backends trains side by side once: in the session of the first.
PAIRS = [b for b in BACKENDS if b > OWN]
HERE = Path(__file__).parent


def work(folder, backend):
    """What the worker finds on a backend, in a process of its own."""
    settings = {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"}
    settings["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent)])
    trains = ["train"] if backend in PAIRS or (PAIRS and backend == OWN) else []
    done = subprocess.run(
        [sys.executable, str(HERE / "backend_worker.py"), str(folder), *trains],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(folder / f"{backend}.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A student and teachers as this backend saves them, trained a little."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("models")
    x, y = backend_models.arrays()
    np.savez(folder / "data.npz", **x, y=y)
    for m in x:
        for k, units in enumerate((3, 5)):
            backend_models.teacher(m, units).save(folder / f"teacher_{m}_{k}.keras")
    student = backend_models.student()
    distiller = mk.Distiller(student, {}, task=backend_models.TASK)
    distiller.compile("adam")
    distiller.fit(mk.batches(backend_models.samples(x, y), 16), verbose=0)
    student.save(folder / "student.keras")
    distiller.save(folder / "distiller.keras")
    for m in x:
        mk.submodel(student, {m}).save(folder / f"student.{m}.keras")
    logits = {head: keras.ops.convert_to_numpy(z) for head, z in student(x).items()}
    return folder, logits


@pytest.fixture(scope="module")
def said(models):
    folder, _ = models
    return {backend: work(folder, backend) for backend in BACKENDS}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_student_saved_here_predicts_and_trains_there_without_mind_keras(
    models, said, backend
):
    _, logits = models
    for head, expected in logits.items():
        np.testing.assert_allclose(
            said[backend][f"student/{head}"], expected, atol=1e-5
        )
    for m in ("cxr", "ehr"):
        alone = said[backend][f"student.{m}/{m}"]
        np.testing.assert_allclose(alone, logits[m], atol=1e-5)
    assert np.isfinite(said[backend]["loss"]).all()


def test_a_distiller_saved_here_trains_on_there(said):
    """Adam goes on from its two steps; the next loss is the same everywhere."""
    for backend in BACKENDS:
        assert said[backend]["resume/steps"].tolist() == [2, 4]
        np.testing.assert_allclose(
            said[backend]["resume/loss"], said[OWN]["resume/loss"], rtol=1e-3
        )


def test_equal_weights_and_batches_give_equal_losses(said):
    if not PAIRS:
        pytest.skip("each pair of backends trains once: in the session of the first")
    ours = {name: v for name, v in said[OWN].items() if name.startswith("train/")}
    assert len(ours["train/loss"]) == 10
    whole = 1e-3 * ours["train/loss"].min()  # a small term is measured by the whole
    for backend in PAIRS:
        theirs = said[backend]
        np.testing.assert_allclose(theirs["train/loss"], ours["train/loss"], rtol=1e-3)
        for name, values in ours.items():
            np.testing.assert_allclose(theirs[name], values, atol=whole, err_msg=name)
