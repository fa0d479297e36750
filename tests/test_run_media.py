"""Runs on users' folders: three modalities end to end, and the shipped experiments."""

from pathlib import Path

import pytest
from data.media import folders

from mind_keras.artifact import load_run
from mind_keras.config import Config, read_config
from mind_keras.controls import CONTROLS
from mind_keras.data.sources import load
from mind_keras.run import _models, run

CONFIGS = Path(__file__).parents[1] / "configs"
MLP = {"encoder": "mlp", "units": 4, "layers": 1}
TEXT = {"encoder": "text", "units": 4, "width": 4, "vocabulary": 64}
SEVEN = {"audio", "image", "text", "audio+image", "audio+text", "image+text"}
SEVEN |= {"audio+image+text"}
SIZES = {
    "smnist": {"image": (28, 28, 1), "speech": (39, 13, 1)},
    "cremad": {"audio": (186, 64, 1), "video": (112, 112, 3)},
    "luma": {"audio": (92, 64, 1), "image": (32, 32, 3), "text": (256,)},
}


def test_three_modalities_are_evaluated_in_all_seven_patterns(tmp_path):
    folder = folders.luma(tmp_path / "luma", {"_train": 240, "_test": 120})
    encoders = {"audio": MLP, "image": MLP, "text": TEXT}
    config = Config(
        name="tiny",
        data={
            "source": "luma",
            "path": str(folder),
            "subset": True,
            "image_size": 8,
            "seconds": 0.2,
            "rate": 8000,
            "mels": 8,
            "length": 12,
            "fractions": [0.5, 0.3, 0.2],
            "missing": {"mechanism": "mcar", "rate": dict.fromkeys(encoders, 0.3)},
        },
        teachers={m: [encoder] for m, encoder in encoders.items()},
        student={"encoders": encoders},
        training={"epochs": 1},
        teacher_training={"epochs": 1},
        evaluation={"replicates": 5},
    )
    done = run(config, tmp_path / "run")
    student = done.metrics().query("model == 'student'")
    assert {*student["pattern"]} >= SEVEN
    assert {*student["head"]} >= {"audio", "image", "text", "fusion"}
    fusion = student.query("pattern == 'audio+image+text' and head == 'fusion'")
    assert (fusion["n"] > 5).all() and fusion["value"].notna().any()
    assert "compiled: 4 classes." in done.read("data.txt")
    assert load_run(done.path).model("student") is not None


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Tiny copies of what the shipped experiments are run on."""
    root = tmp_path_factory.mktemp("copies")
    return {
        "smnist": {"path": folders.smnist(root / "s"), "pairs": [80, 30, 30]},
        "cremad": {"path": folders.cremad(root / "c")},
        "luma": {
            "path": folders.luma(root / "l", {"": 60}),
            "classes": 4,
            "per_class": 15,
        },
    }


@pytest.mark.parametrize("name", ["smnist", "cremad", "luma"])
def test_the_models_of_a_shipped_experiment_fit_its_data(name, copies):
    config = read_config(CONFIGS / f"{name}.yaml")
    assert "Not run by us on the real" in (CONFIGS / f"{name}.yaml").read_text()
    assert set(config.controls) <= set(CONTROLS)
    # The smallest of three teachers: large ones take long to build, and fit as well.
    assert [len(teachers) for teachers in config.teachers.values()] == [3] * len(
        SIZES[name]
    )
    smallest = {m: teachers[-1:] for m, teachers in config.teachers.items()}
    config = config.model_copy(update={"teachers": smallest})
    options = config.data.options | {"subset": True} | copies[name]
    spec = load(config.data.source, **options).spec
    assert {m: spec.shape(m) for m in spec.names} == SIZES[name]
    models = _models(config, spec)
    assert set(models.teachers) == set(spec.names)
    teachers = sum(t.count_params() for (t,) in models.teachers.values())
    assert 2 * models.distiller.student.count_params() < teachers
