"""An experiment's file: what it may say, what it may not, and how it is told."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_icu
import yaml

import mind_keras
from mind_keras import marked_yaml
from mind_keras.config import (
    Config,
    Distillation,
    TeacherTraining,
    Training,
    read_config,
)
from mind_keras.controls import CONTROLS
from mind_keras.data.sources import load
from mind_keras.run import _models

CONFIGS = sorted((Path(__file__).parents[1] / "configs").rglob("*.yaml"))
SMALL = """\
name: small
data: {source: diabetes}
teachers:
  serum: [{encoder: mlp, units: 64}]
student:
  encoders:
    serum: {encoder: mlp, units: 8}
    vitals: mlp
"""


@pytest.fixture
def write(tmp_path):
    def file(text: str) -> Path:
        (tmp_path / "a.yaml").write_text(text, "utf-8")
        return tmp_path / "a.yaml"

    return file


def fault(path: Path, *overrides: str) -> str:
    """The complaint about a file, its path cut to the name."""
    with pytest.raises(ValueError) as error:
        read_config(path, overrides)
    return str(error.value).replace(str(path), path.name)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_is_named_after_its_file_and_read(path):
    assert read_config(path).name == path.stem


ICU = {path.stem: path for path in CONFIGS if path.name.startswith("icu")}


@pytest.mark.parametrize("name", ICU)
def test_the_models_of_a_configuration_on_hospital_stays_fit_its_data(name):
    # On the shared small extraction; a twin of 2,000 stays takes minutes.
    path = ICU[name]
    asked = read_config(path).data.options
    extraction = tiny_icu.folder(asked["task"], hours=asked["hours"])
    config = read_config(path, [f"data.extraction={extraction}", "data.image_size=32"])
    assert set(config.controls) <= set(CONTROLS)
    models = _models(config, load(config.data.source, **config.data.options).spec)
    size = {m: [model.count_params() for model in models.teachers[m]]
            for m in ("cxr", "ehr")}  # fmt: skip
    student = models.distiller.student.count_params()
    assert all(sorted(sizes, reverse=True) == sizes for sizes in size.values())
    if "smoke" not in name:
        assert [len(set(sizes)) for sizes in size.values()] == [3, 3]
        assert 8 * student <= sum(map(sum, size.values()))


def test_what_the_file_says_is_what_the_config_holds(write):
    config = read_config(write(SMALL + "training: {epochs: 3, learning_rate: 1e-3}\n"))
    assert config.teachers == {"serum": [{"encoder": "mlp", "units": 64}]}
    assert config.student.encoders["serum"] == {"encoder": "mlp", "units": 8}
    assert (config.training.epochs, config.training.learning_rate) == (3, 0.001)


def test_options_of_the_source_pass_through(write):
    path = write(SMALL.replace("diabetes}", "diabetes, missing: {rate: {serum: 0.5}}}"))
    assert read_config(path).data.options == {"missing": {"rate": {"serum": 0.5}}}
    assert read_config(path).data.source == "diabetes"


def test_a_name_alone_is_short_for_a_part_without_options(write):
    student = read_config(write(SMALL + "  fusion: sum\n")).student
    assert student.encoders["vitals"] == {"encoder": "mlp"}
    assert student.fusion == {"fusion": "sum"}


def test_a_weight_is_a_number_or_one_for_each_head(write):
    text = "distillation: {task_weight: 2, distillation_weight: {serum: 0, fusion: 1}}"
    found = read_config(write(SMALL + text)).distillation
    assert found.task_weight == 2.0
    assert found.distillation_weight == {"serum": 0.0, "fusion": 1.0}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_written_config_reads_back_equal(path, write):
    config = read_config(path, ["training.learning_rate=1e-7", "data.note='1e-3'"])
    again = read_config(write(config.to_yaml()))
    assert again == config
    assert again.digest == config.digest
    assert again.data.options["note"] == "1e-3"


def test_a_written_config_keeps_the_order_of_the_story(write):
    written = yaml.safe_load(read_config(write(SMALL)).to_yaml())
    assert list(written) == list(Config.model_fields)


def test_a_whole_number_is_the_same_weight(write):
    texts = ["task_weight: 2", "task_weight: 2.0", "task_weight: 2e0"]
    paths = [SMALL + f"distillation: {{{text}}}" for text in texts]
    assert len({read_config(write(path)).digest for path in paths}) == 1


def test_the_digest_depends_on_what_is_said_not_on_how(write):
    plain = read_config(write(SMALL)).digest
    values = yaml.safe_load(SMALL) | {"training": {"learning_rate": 0.001}}
    values["teachers"] = {"serum": [{"units": 64, "encoder": "mlp"}]}
    turned = yaml.safe_dump(dict(reversed(values.items())), sort_keys=False)
    assert read_config(write("# a note\n" + turned)).digest == plain
    assert read_config(write(SMALL), ["training.learning_rate=0.002"]).digest != plain
    assert len(plain) == 64


def test_a_config_cannot_be_changed(write):
    with pytest.raises(ValueError, match="frozen"):
        read_config(write(SMALL)).seed = 1


def test_an_override_is_as_if_the_file_said_it(write):
    changes = {
        "training.epochs=3": "training: {epochs: 3}\n",
        "student.fusion={fusion: sum, units: 4}": "  fusion: {fusion: sum, units: 4}\n",
        "training={epochs: 3}": "training:\n  epochs: 3\n",
        "controls=[no_kd]": "controls: [no_kd]\n",
    }
    for override, text in changes.items():
        assert read_config(write(SMALL), [override]) == read_config(write(SMALL + text))


def test_an_override_reaches_into_lists_and_the_last_one_counts(write):
    overrides = ["teachers.serum.0.units=3", "teachers.serum.0.units=5"]
    assert read_config(write(SMALL), overrides).teachers["serum"][0]["units"] == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SMALL + "  fuson: sum\n",
            "a.yaml, line 9: unknown key `student.fuson`. Did you mean `fusion`? "
            "Known: encoders, fusion.",
        ),
        (
            SMALL + "training:\n\n  zzz: 3\n",
            "a.yaml, line 11: unknown key `training.zzz`. Known: epochs, batch_size, "
            "learning_rate, patience, weight_decay.",
        ),
        (
            SMALL + "training: {epochs: ten}\n",
            "a.yaml, line 9: `training.epochs` must be a valid integer. "
            "Received: 'ten'.",
        ),
        (
            SMALL + "training: {epochs: true}\n",
            "a.yaml, line 9: `training.epochs` must be a valid integer. "
            "Received: True.",
        ),
        (
            SMALL + "training: {learning_rate: .inf}\n",
            "a.yaml, line 9: `training.learning_rate` must be a finite number. "
            "Received: inf.",
        ),
        (
            SMALL + "distillation:\n  task_weight: {serum: -1}\n",
            "a.yaml, line 10: `distillation.task_weight` must be a number from 0 up, "
            "or one for each head. Received: {'serum': -1}.",
        ),
        (
            SMALL + "distillation: {task_weight: {serum: {a: 1}}}\n",
            "a.yaml, line 9: `distillation.task_weight` must be a number from 0 up, "
            "or one for each head. Received: {'serum': {'a': 1}}.",
        ),
        (
            SMALL + "distillation:\n  joint_target: sum\n",
            "a.yaml, line 10: `distillation.joint_target` must be 'stacked', "
            "'product' or 'mean'. Received: 'sum'.",
        ),
        (
            SMALL + "controls:\n- no_kd\n- 3\n",
            "a.yaml, line 11: `controls.1` must be a valid string. Received: 3.",
        ),
        (
            SMALL.replace("[{encoder: mlp, units: 64}]", "[]"),
            "a.yaml, line 4: `teachers.serum` must name at least one teacher, or be "
            "left out. Received: [].",
        ),
        (
            SMALL.replace("{encoder: mlp, units: 64}", "{units: 64}"),
            "a.yaml, line 4: `teachers.serum.0` must be a name, or a mapping with "
            "`encoder: name`. Received: {'units': 64}.",
        ),
        (
            SMALL.replace("source: diabetes", "rate: 1"),
            "a.yaml, line 2: `data.source` must be given. Received none.",
        ),
        (
            SMALL.removeprefix("name: small\n"),
            "a.yaml: `name` must be given. Received none.",
        ),
        (
            SMALL + "seed: 1\nname: other\n",
            "a.yaml, line 10: a key must be said once. Received `name` also on "
            "line 1. Remove one of them.",
        ),
    ],
)
def test_a_fault_is_told_with_its_line_the_rule_and_what_was_received(
    write, text, message
):
    assert fault(write(text)) == message


def test_a_file_that_is_no_yaml_is_told_with_line_and_column(write):
    assert fault(write(SMALL + "controls: [no_kd\nseed: 1\n")) == (
        "a.yaml, line 10, column 5: cannot be read as YAML: while parsing a flow "
        "sequence, expected ',' or ']', but got ':'."
    )
    assert fault(write(SMALL + "seed: \x07\n")) == (
        "a.yaml, line 9: cannot be read as YAML: it holds the character #x0007, which "
        "no text has. Is it saved as UTF-8?"
    )


def test_a_tag_that_would_run_code_is_refused(write):
    found = fault(write(SMALL + "seed: !!python/object/apply:os.getpid []\n"))
    assert found.startswith("a.yaml, line 9, column 7: cannot be read as YAML: could")


def test_a_file_that_holds_no_mapping_is_told_the_keys(write):
    for text, received in {"": "None", "- 1": "[1]"}.items():
        assert fault(write(text)) == (
            f"a.yaml: a configuration must be a mapping. Received: {received}. Known "
            "keys: name, seed, seeds, data, teachers, student, distillation, training, "
            "teacher_training, controls, evaluation, sweep, tracking."
        )


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.yaml"):
        read_config(tmp_path / "none.yaml")


def test_all_faults_are_told_at_once(write):
    found = fault(write(SMALL + "lvl: 1\ntraining: {epochs: 0}\n"), "seed=-1")
    assert [line.split(":")[0] for line in sorted(found.splitlines())] == [
        "--set seed=-1",
        "a.yaml, line 10",
        "a.yaml, line 9",
    ]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "student.fuson=sum",
            "--set student.fuson=sum: unknown key `student.fuson`. Did you mean "
            "`fusion`? Known: encoders, fusion.",
        ),
        (
            "studnt.fusion=sum",
            "--set studnt.fusion=sum: unknown key `studnt`. Did you mean `student`? "
            "Known: name, seed, seeds, data, teachers, student, distillation, "
            "training, teacher_training, controls, evaluation, sweep, tracking.",
        ),
        (
            "student={encoders: {serum: 3}}",
            "--set student={encoders: {serum: 3}}: `student.encoders.serum` must be a "
            "name, or a mapping with `encoder: name`. Received: 3.",
        ),
        (
            "student.encoders.vitals.units=8",
            "--set student.encoders.vitals.units=8: `units` must have a mapping to "
            "stand in. Received: 'mlp'. Set that whole, as `...={units: value}`.",
        ),
        (
            "teachers.serum.1.units=8",
            "--set teachers.serum.1.units=8: an entry of a list must be a number from "
            "0 to 0. Received: '1'.",
        ),
        (
            "seed=[",
            "--set seed=[, line 1, column 2: cannot be read as YAML: while parsing a "
            "flow node, expected the node content, but found '<stream end>'.",
        ),
        (
            "student..fusion=sum",
            "An override must have the form `key.key=value`, such as "
            "`student.fusion=sum`. Received: 'student..fusion=sum'.",
        ),
        (
            "seed",
            "An override must have the form `key.key=value`, such as "
            "`student.fusion=sum`. Received: 'seed'.",
        ),
    ],
)
def test_a_faulty_override_is_told_as_it_was_typed(write, override, message):
    assert fault(write(SMALL), override) == message


def test_every_value_knows_its_line():
    text = "a:\n  - {b: 1,\n     c: 2}\n  - 3\n"
    _, marks = marked_yaml.load(text, "f")
    lines = {("a",): 1, ("a", 0): 2, ("a", 0, "b"): 2, ("a", 0, "c"): 3, ("a", 1): 4}
    assert marks == {path: f"f, line {n}" for path, n in lines.items()} | {(): "f"}


def test_an_experiment_is_read_without_keras():
    code = "import sys, mind_keras.config; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("section", "target"),
    [
        (Distillation, mind_keras.Distiller),
        (Training, mind_keras.fit),
        (TeacherTraining, mind_keras.fit_teachers),
    ],
    ids=lambda item: item.__name__,
)
def test_a_section_says_only_what_its_function_takes(section, target):
    assert set(section.model_fields) <= set(inspect.signature(target).parameters)


def test_defaults_of_the_teachers_are_their_own():
    config = Config(name="a", data={"source": "a"}, student={"encoders": {"m": "mlp"}})
    assert config.teacher_training.weight_decay > config.training.weight_decay == 0.0
