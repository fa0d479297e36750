"""Teachers and students: names, heads, saving, learning; and what is refused."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from checks import (
    SMALL,
    assert_close,
    build_encoder,
    check_one_step_learns_everywhere,
    check_stock_layers_only,
    draw,
    policy,
)

from mind_keras.encoders import ENCODERS
from mind_keras.models import build_student, build_teacher
from mind_keras.spec import Modality, Spec, Task

TASK = Task("ward", kind="multiclass", labels=("a", "b", "c"))
MODALITIES = (
    Modality("labs", (5,)),
    Modality("ehr", (6, 3)),
    Modality("cxr", (16, 16, 2)),
)
SPEC = Spec(TASK, MODALITIES)
PAIR = Spec(TASK, MODALITIES[:2])
ENCODER = {
    "labs": {"encoder": "mlp", "units": 8},
    "ehr": {"encoder": "lstm", "units": 6},
    "cxr": {"encoder": "resnet", **SMALL["resnet"]},
}
BOTH = {"labs": "mlp", "ehr": "lstm"}


def student_of(count=3, **options):
    spec = Spec(TASK, MODALITIES[:count])
    return build_student(spec, {m: ENCODER[m] for m in spec.names}, **options)


def predict(model, rows):
    return model.predict(rows, verbose=0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_student_has_a_head_per_modality_and_one_on_the_fusion_of_several(count):
    student = student_of(count)
    names = sorted(m.name for m in MODALITIES[:count])
    heads = sorted([*names, "fusion"]) if count > 1 else names
    assert list(student.input) == names
    assert list(student.output) == heads
    answers = predict(student, draw(student))
    assert {head: a.shape for head, a in answers.items()} == dict.fromkeys(
        heads, (8, 3)
    )


def test_the_order_in_which_modalities_and_encoders_are_named_does_not_matter():
    forth = student_of()
    back = build_student(
        Spec(TASK, MODALITIES[::-1]), dict(reversed(ENCODER.items())), heads=None
    )
    assert [w.shape for w in back.weights] == [w.shape for w in forth.weights]
    back.set_weights(forth.get_weights())
    rows = draw(forth)
    assert_close(predict(back, rows), predict(forth, rows))


def test_a_head_is_its_encoders_code_times_its_matrix():
    student = student_of(2)
    rows = draw(student)
    codes = {m: predict(student.get_layer(f"{m}_encoder"), rows[m]) for m in rows}
    codes["fusion"] = np.concatenate([codes["ehr"], codes["labs"]], axis=1)
    expected = {}
    for head, code in sorted(codes.items()):
        kernel, bias = student.get_layer(f"{head}_head").get_weights()
        expected[head] = code.astype("float64") @ kernel + bias
    assert_close(predict(student, rows), expected, atol=1e-5)


def test_heads_may_be_chosen_and_the_fusion_is_built_only_for_its_head():
    alone = student_of(2, heads=("fusion",))
    apart = student_of(2, heads=("labs", "ehr"))
    assert list(alone.output) == ["fusion"]
    assert list(apart.output) == ["ehr", "labs"]
    assert "fusion" not in [layer.name for layer in apart.layers]


def test_fusion_options_reach_the_fusion():
    student = student_of(2, fusion={"fusion": "sum", "units": 4})
    assert student.get_layer("fusion").output.shape == (None, 4)
    assert student.get_layer("fusion_head").count_params() == 4 * 3 + 3


def test_a_teacher_gives_the_logits_of_its_encoder_and_head():
    teacher = build_teacher(SPEC, "ehr", encoder="lstm", units=7)
    assert list(teacher.input) == ["ehr"]
    assert teacher.count_params() == 4 * (3 * 7 + 7 * 7 + 7) + 7 * 3 + 3
    rows = draw(teacher)
    code = predict(teacher.get_layer("ehr_encoder"), rows["ehr"])
    kernel, bias = teacher.get_layer("ehr_head").get_weights()
    assert_close(predict(teacher, rows), code @ kernel + bias, atol=1e-5)


def test_any_functional_model_serves_as_an_encoder():
    pixels = keras.Input((None, None, 2))
    backbone = keras.Model(pixels, keras.layers.Conv2D(5, 3, strides=2)(pixels))
    tokens = keras.Input((5,), dtype="int32")
    words = keras.Model(tokens, keras.layers.Embedding(9, 4)(tokens))
    student = build_student(SPEC, {"labs": words, "ehr": "gru", "cxr": backbone})
    assert student.get_layer("cxr_encoder").output_shape == (None, 5)
    assert student.get_layer("labs_encoder").output_shape == (None, 4)
    assert student.input["labs"].dtype == "int32"
    assert {id(v) for v in backbone.weights} <= {id(v) for v in student.weights}
    teacher = build_teacher(SPEC, "cxr", encoder=backbone)
    assert teacher.count_params() == backbone.count_params() + 5 * 3 + 3


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_under_mixed_precision_codes_are_bfloat16_but_logits_and_weights_float32(name):
    _, shape = build_encoder(name, ENCODERS[name])
    spec = Spec(TASK, (Modality("part", shape), MODALITIES[0]))
    part = {"encoder": name, **SMALL.get(name, {})}
    with policy("mixed_bfloat16"):
        student = build_student(spec, {"part": part, "labs": "mlp"}, fusion="sum")
        teacher = build_teacher(spec, "part", **part)
    assert student.get_layer("part_encoder").output.dtype == "bfloat16"
    assert {v.dtype for v in student.trainable_variables} == {"float32"}
    answers = {**student(draw(student)), "teacher": teacher(draw(teacher))}
    dtypes = {keras.backend.standardize_dtype(a.dtype) for a in answers.values()}
    assert dtypes == {"float32"}


def test_one_step_moves_every_weight_of_a_student():
    task = Task("death", kind="binary", labels=("death",))
    student = build_student(Spec(task, MODALITIES), ENCODER)
    check_one_step_learns_everywhere(student, draw(student))


LOAD_ALONE = """
import sys
sys.modules["mind_keras"] = None
import keras, numpy as np
student = keras.saving.load_model(sys.argv[1])
rows = dict(np.load(sys.argv[2]))
np.savez(sys.argv[3], **student.predict(rows, verbose=0))
"""


def test_a_saved_student_predicts_the_same_where_this_package_is_missing(tmp_path):
    shapes = {name: build_encoder(name, ENCODERS[name])[1] for name in ENCODERS}
    spec = Spec(TASK, tuple(Modality(name, shape) for name, shape in shapes.items()))
    encoders = {name: {"encoder": name, **SMALL.get(name, {})} for name in ENCODERS}
    student = build_student(spec, encoders, fusion="sum")
    rows = draw(student)
    paths = [str(tmp_path / name) for name in ("student.keras", "x.npz", "y.npz")]
    check_stock_layers_only(student, paths[0])
    np.savez(paths[1], **rows)
    subprocess.run([sys.executable, "-c", LOAD_ALONE, *paths], check=True)
    assert_close(dict(np.load(paths[2])), predict(student, rows))


@pytest.mark.parametrize(
    ("encoders", "message"),
    [
        ({"labs": "mlp"}, r"one encoder for each.*\('ehr', 'labs'\).*\('labs',\)"),
        (BOTH | {"mri": "mlp"}, r"\('ehr', 'labs'\).*'mri'"),
        (BOTH | {"ehr": "rnn"}, "Unknown encoder 'rnn'. Known: .*'lstm', 'mlp'"),
        (BOTH | {"ehr": {"units": 3}}, 'Unknown encoder None.*{"encoder": name'),
        (
            BOTH | {"ehr": {"encoder": "lstm", "depth": 3, "stem": 1}},
            r"\['depth', 'stem'\] of encoder 'lstm'. Known: \('units', 'layers', 'drop",
        ),
        (BOTH | {"ehr": {"encoder": "lstm", "name": "x"}}, r"options \['name'\]"),
        (BOTH | {"ehr": keras.layers.LSTM}, "Encoder must be one of .*'lstm'"),
    ],
)
def test_wrong_encoders_are_refused_with_the_known_ones(encoders, message):
    with pytest.raises(ValueError, match=message):
        build_student(PAIR, encoders)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"fusion": "max"},
            r"Unknown fusion 'max'. Known: \('concat', .*'sum', 'mmtm'",
        ),
        ({"fusion": "max", "heads": ("labs", "ehr")}, "Unknown fusion 'max'"),
        ({"fusion": "mmtm"}, r"with a middle.*'ehr_encoder' with 0.*`layers` of 2"),
        (
            {"fusion": {"fusion": "mmtm", "rank": 3}},
            r"\['rank'\] of fusion 'mmtm'. Known: \('bottleneck',\)",
        ),
        (
            {"fusion": {"fusion": "sum", "size": 3}},
            r"\['size'\] of fusion 'sum'. Known: \('units',\)",
        ),
        ({"heads": ("joint",)}, r"names of \('ehr', 'labs', 'fusion'\).*'joint'"),
        ({"heads": ("fusion", "fusion")}, "different names"),
        ({"heads": ()}, r"Received: \(\)"),
        ({"heads": ("labs",)}, r"reach a head.*leaves out \['ehr'\]"),
    ],
)
def test_wrong_fusions_and_heads_are_refused_with_the_known_ones(options, message):
    with pytest.raises(ValueError, match=message):
        build_student(PAIR, BOTH, **options)


def test_one_modality_has_no_fusion_head_to_ask_for():
    with pytest.raises(ValueError, match=r"of \('labs',\).*two modalities or more"):
        student_of(1, heads=("fusion",))


@pytest.mark.parametrize(
    ("modality", "options", "message"),
    [
        ("mri", {}, r"Unknown modality 'mri'. Known: \('cxr', 'ehr', 'labs'\)"),
        ("labs", {"encoder": "lstm"}, r"\(time, features\).*for 'labs_encoder'"),
        ("labs", {"encoder": "mlp", "width": 3}, r"\['width'\] of encoder 'mlp'"),
        (
            "labs",
            {"encoder": keras.Sequential([keras.Input((5,))]), "units": 3},
            r"encoder given by name. Received: \['units'\]",
        ),
    ],
)
def test_a_wrong_teacher_is_refused_with_the_known_names(modality, options, message):
    with pytest.raises(ValueError, match=message):
        build_teacher(SPEC, modality, **options)
