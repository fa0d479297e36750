"""Students of every fusion: what they reach, learn, save, and say in half precision."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from checks import assert_close, check_stock_layers_only, draw, policy
from tiny import array, samples, spec, teacher, weights

import mind_keras as mk
from mind_keras.fusion import EXCHANGES, FUSIONS
from mind_keras.parts import Parts

NAMES = sorted(FUSIONS | EXCHANGES)
ABOUT = spec(modalities=("ehr", "lab", "note"))
UNITS = {"ehr": 7, "lab": 5, "note": 6}
PATTERNS = {"ehr": 6, "lab": 6, "ehr+lab": 6, "ehr+lab+note": 12}


def build(fusion, **options):
    keras.utils.set_random_seed(3)
    encoders = {m: {"encoder": "mlp", "units": u} for m, u in UNITS.items()}
    return mk.build_student(ABOUT, encoders, fusion=fusion, **options)


@pytest.fixture(scope="module", params=NAMES)
def student(request):
    return build(request.param)


def test_a_unimodal_head_works_without_the_others_and_says_what_the_student_says(
    student,
):
    needs = {m: {m} for m in ABOUT.names} | {"fusion": set(ABOUT.names)}
    assert mk.heads(student) == needs
    x = draw(student)
    whole = student(x)
    for m in ABOUT.names:
        part = mk.submodel(student, {m})
        assert list(part.input) == list(part.output) == [m]
        assert_close(array(part({m: x[m]})[m]), array(whole[m]))


def test_in_parts_it_says_what_it_says_as_a_whole(student):
    x = draw(student)
    rows = {"ehr": [0, 1], "ehr+lab+note": [2, 3, 4], "lab+note": [5, 6, 7]}
    batch = {p: {m: x[m][i] for m in p.split("+")} for p, i in rows.items()}
    said, whole = Parts(student)(batch), student(x)
    heard = {
        head: [i for p, some in rows.items() if m <= set(p.split("+")) for i in some]
        for head, m in mk.heads(student).items()
    }
    expected = {head: array(whole[head])[index] for head, index in heard.items()}
    assert_close({h: array(z) for h, z in said.items()}, expected)


def test_one_step_on_mixed_patterns_moves_every_weight(student):
    before = weights(student)
    distiller = mk.Distiller(student, {"ehr": [teacher(ABOUT, "ehr")]}, task=ABOUT.task)
    distiller.compile(keras.optimizers.SGD(0.1))
    data = samples(patterns=PATTERNS, modalities=ABOUT.names)
    told = distiller.fit(mk.batches(data, 30), verbose=0).history
    assert np.isfinite(told["loss"]).all()
    pairs = zip(student.weights, before, weights(student), strict=True)
    assert [v.path for v, old, new in pairs if np.array_equal(old, new)] == []


@pytest.mark.parametrize("fusion", NAMES)
def test_under_mixed_float16_logits_are_finite_float32(fusion):
    with policy("mixed_float16"):
        model = build(fusion)
    x = draw(model)
    half, full = model(x), build(fusion)(x)
    assert model.get_layer("fusion").output.dtype == "float16"
    for head, logits in half.items():
        assert keras.backend.standardize_dtype(logits.dtype) == "float32"
        np.testing.assert_allclose(array(logits), array(full[head]), atol=0.02)


LOAD_ALONE = """
import sys
sys.modules["mind_keras"] = None
import keras, numpy as np
where, *names = sys.argv[1:]
students = [keras.saving.load_model(f"{where}/{name}.keras") for name in names]
students = [keras.Model(s.input, s.output, name=n) for n, s in zip(names, students)]
rows = students[0].input
together = keras.Model(rows, {s.name: s(rows) for s in students})
said = together.predict(dict(np.load(f"{where}/x.npz")), verbose=0)
np.savez(f"{where}/y", **{f"{n} {h}": z for n in names for h, z in said[n].items()})
"""


def test_saved_students_say_the_same_where_this_package_is_missing(tmp_path):
    students = []
    for fusion in NAMES:
        model = build(fusion)
        check_stock_layers_only(model, tmp_path / f"{fusion}.keras")
        students.append(keras.Model(model.input, model.output, name=fusion))
    rows = students[0].input
    together = keras.Model(rows, {s.name: s(rows) for s in students})
    x = draw(together)
    np.savez(tmp_path / "x", **x)
    command = [sys.executable, "-c", LOAD_ALONE, tmp_path, *NAMES]
    subprocess.run(command, check=True)
    expected = together.predict(x, verbose=0)
    found = dict(np.load(tmp_path / "y.npz"))
    assert_close(found, {f"{n} {h}": z for n in NAMES for h, z in expected[n].items()})
