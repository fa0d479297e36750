"""One small run on real patients, made once for all tests that look at one."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from mind_keras.artifact import Run
from mind_keras.config import Config
from mind_keras.run import run

ONE = {"encoder": "mlp", "units": 4, "layers": 1}
CONFIG = Config(
    name="tiny",
    seed=3,
    data={
        "source": "diabetes",
        "missing": {"mechanism": "mcar", "rate": {"serum": 0.2, "vitals": 0.2}},
    },
    teachers={"serum": [ONE | {"units": 8}, ONE], "vitals": [ONE]},
    student={"encoders": {"serum": ONE, "vitals": ONE}},
    training={"epochs": 2, "batch_size": 256},
    teacher_training={"epochs": 2, "batch_size": 256},
    controls=["no_kd", "single_head", "unimodal", "late_fusion", "teachers"],
    evaluation={"replicates": 20, "subgroups": {"sex": None}},
)


@functools.cache
def finished() -> Run:
    """The run, finished. Look at it, and copy it before changing anything."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    return run(CONFIG, Path(folder) / "run")


def copy(folder: Path) -> Run:
    """A copy to break."""
    shutil.copytree(finished().path, folder / "run")
    return Run(folder / "run")
