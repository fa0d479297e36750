"""Real encoders in small, and the data for them, built alike in every process."""

import numpy as np

import mind_keras as mk

TASK = mk.Task("death", kind="binary", labels=("death",))
SPEC = mk.Spec(TASK, (mk.Modality("ehr", (8, 3)), mk.Modality("cxr", (16, 16, 1))))
# No narrower: plain torch would write beyond its memory (`windows_torch.NARROW`).
RESNET = {"encoder": "resnet", "depth": 6, "width": 16, "stem": "stride1"}


def arrays(size=32, seed=0):
    rng = np.random.default_rng(seed)
    x = {
        m: rng.normal(size=(size, *SPEC.shape(m))).astype("float32") for m in SPEC.names
    }
    return x, (np.arange(size) % 2)[:, None].astype("float32")


def samples(x, y):
    """8 samples with both, 16 without an image, 8 without a series."""
    rows = {"ehr": np.arange(24), "cxr": np.r_[:8, 24:32]}
    some = {m: x[m][index] for m, index in rows.items()}
    return mk.Samples(SPEC, y, some, rows)


def student():
    return mk.build_student(
        SPEC, {"ehr": {"encoder": "lstm", "units": 4}, "cxr": RESNET}, fusion="sum"
    )


def teacher(modality, units):
    options = {
        "ehr": {"encoder": "gru", "units": units},
        "cxr": {**RESNET, "width": units},
    }
    return mk.build_teacher(SPEC, modality, **options[modality])
