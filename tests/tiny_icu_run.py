"""A small run on the stays of the twin per task, made once for all tests."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import tiny_icu

from mind_keras.artifact import Run
from mind_keras.config import Config
from mind_keras.run import run

CXR = {"encoder": "resnet", "depth": 6, "width": 4, "rescale": True}
EHR = {"encoder": "gru", "units": 4}


def config(task: str = "mortality", **changes) -> Config:
    """A run of a few seconds."""
    values = {
        "name": f"tiny_{task}",
        "seed": 1,
        "data": {
            **{"source": "icu", "task": task, "image_size": 16, "hours": 6},
            "extraction": str(tiny_icu.folder(task, hours=6)),
        },
        "teachers": {"cxr": [CXR], "ehr": [EHR | {"units": 6}]},
        "student": {"encoders": {"cxr": CXR, "ehr": EHR}},
        # Too few stays have both modalities for a joint teacher.
        "distillation": {"joint_target": "product"},
        "training": {"epochs": 2, "batch_size": 16},
        "teacher_training": {"epochs": 2, "batch_size": 16},
        "evaluation": {"replicates": 5},
    }
    return Config(**values | changes)


@functools.cache
def finished(task: str = "mortality") -> Run:
    """The run, finished. Look at it, and copy it before changing anything."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # One teacher does for the second task: compiling costs most of the time.
    changes = {} if task == "mortality" else {"teachers": {"ehr": [EHR]}}
    return run(config(task, **changes), Path(folder) / "run")
