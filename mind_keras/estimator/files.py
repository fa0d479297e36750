"""A fitted `MindClassifier` as a folder of plain files: nothing in it is pickled.

student.keras  preprocessing.json  spec.json  estimator.json
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mind_keras.data.atomic import atomic_path
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.modelfile import load_model, save_model
from mind_keras.spec import Spec

MODEL, PREPROCESSING, SPEC = "student.keras", "preprocessing.json", "spec.json"
ABOUT = "estimator.json"
TABLE = ("n_features_in_", "feature_names_in_")


def save(folder: Path, parameters: Mapping, learnt: Mapping) -> None:
    """Write a new folder.

    Args:
        folder: Where; it must be empty, or not exist.
        parameters: Of the estimator.
        learnt: Its attributes, `LEARNT` and, of a table, those of `TABLE`.

    Raises:
        ValueError: If the folder holds files, or a parameter is no plain value.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"The folder must be empty, or not exist. Received: {folder}. Choose "
            "another one."
        )
    arrays = {name: learnt[name] for name in (*TABLE, "classes_") if name in learnt}
    about = {
        "parameters": dict(parameters),
        "arrays": {name: _to_plain(value) for name, value in arrays.items()},
        "medians": {name: _to_plain(m) for name, m in learnt["medians_"].items()},
    }
    text = _json(about)
    folder.mkdir(parents=True, exist_ok=True)
    save_model(learnt["student_"], folder / MODEL)
    _write(folder / SPEC, _json(learnt["spec_"].to_dict()))
    _write(folder / PREPROCESSING, learnt["preprocessing_"].to_json())
    _write(folder / ABOUT, text)  # Last: with it the folder is complete.


def load(folder: Path) -> tuple[dict, dict]:
    """Parameters and attributes, from a folder that `save` wrote.

    Raises:
        ValueError: If a file is not there.
    """
    about = _read(folder / ABOUT)
    learnt = {name: _from_plain(value) for name, value in about["arrays"].items()}
    learnt |= {
        "student_": load_model(folder / MODEL),
        "spec_": Spec.from_dict(_read(folder / SPEC)),
        "preprocessing_": Preprocessing(**_read(folder / PREPROCESSING)),
        "medians_": {name: _from_plain(m) for name, m in about["medians"].items()},
    }
    return about["parameters"], learnt


def _to_plain(value: np.ndarray | list | int) -> dict:
    """An array as text has it; of a multilabel task the classes are a list of them."""
    array = np.asarray(value)
    kind = "list" if isinstance(value, list) else "array"
    return {"kind": kind, "dtype": array.dtype.str, "values": array.tolist()}


def _from_plain(plain: Mapping) -> np.ndarray | list | int:
    array = np.array(plain["values"], plain["dtype"])
    return list(array) if plain["kind"] == "list" else array


def _json(values: object) -> str:
    try:
        return json.dumps(values, indent=1)
    except TypeError as fault:
        message = str(fault)
    raise ValueError(
        "What is saved must be plain: numbers, texts, lists, dicts. Received: "
        f"{message}. Name encoders and distances instead of giving objects, or save "
        "`student_` alone."
    )


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as part:
        part.write_text(text + "\n", "utf-8")


def _read(path: Path) -> dict:
    if not path.is_file():
        raise ValueError(
            f"The folder must be one that `MindClassifier.save` wrote. Received: "
            f"{path.parent} without {path.name}."
        )
    return json.loads(path.read_text("utf-8"))
