"""MIND for Keras 3: unimodal teachers, one small multimodal student.

    import mind_keras as mk

The names below are the whole public interface. They are imported on first use, so
that `import mind_keras` chooses no backend and costs nothing.
"""

import importlib

_HOME = {
    "Modality": "spec",
    "Task": "spec",
    "Spec": "spec",
    "Samples": "data.samples",
    "Splits": "data.splits",
    "split": "data.split",
    "load": "data.sources",
    "batches": "data.batches",
    "build_teacher": "models",
    "build_student": "models",
    "submodel": "submodels",
    "heads": "submodels",
    "teacher_logits": "teachers",
    "fit_joint_teacher": "stacking",
    "Distiller": "distiller",
    "fit": "training",
    "fit_teachers": "training",
    "predict": "prediction",
    "evaluate": "prediction",
    "export": "exporting",
    "compare": "prediction",
    "Balance": "balancing",
    "AdaptiveWeights": "adaptive",
    "MindClassifier": "estimator",
    "run_experiment": "notebook",
    "show_report": "notebook",
}

__all__ = sorted(_HOME)
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'mind_keras' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mind_keras.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
