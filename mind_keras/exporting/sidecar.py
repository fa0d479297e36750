"""`<file>.json` beside an export: what its format cannot say.

Which input is which modality and which output which head, in order, with shapes and
types; the labels; how raw values become rows; and by what the file was checked.
"""

import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import keras

from mind_keras.data.preprocessing import Preprocessing
from mind_keras.exporting.asking import TOLERANCE
from mind_keras.exporting.formats import Format
from mind_keras.exporting.onnx_repairs import output_name
from mind_keras.spec import Spec


def sidecar_of(file: Path) -> Path:
    """Where it is: the whole name of the file and `.json`.

    Example:
        >>> sidecar_of(Path("student.onnx")).name
        'student.onnx.json'
    """
    return file.with_name(f"{file.name}.json")


def describe(
    model: keras.Model,
    made: Format,
    spec: Spec | None,
    preprocessing: Preprocessing | None,
) -> dict:
    """What there is to say of an export before it is checked, as plain values.

    Args:
        model: As `convert.plain` gives it.
        made: The format.
        spec: Adds the task and the labels of each head.
        preprocessing: Adds how raw values become rows.
    """
    named = made.name in ("onnx", "openvino")
    inputs = [
        {"modality": name, "name": name, **_tensor(tensor)}
        for name, tensor in sorted(model.input.items())
    ]
    outputs = [
        {"head": head, "name": output_name(head) if named else head, **_tensor(tensor)}
        for head, tensor in sorted(model.output.items())
    ]
    return {
        "format": made.name,
        "model": model.name,
        "inputs": inputs,
        "outputs": outputs,
        "values": "logits",
        "task": None if spec is None else _task(spec),
        "preprocessing": _of_inputs(preprocessing, set(model.input)),
    }


def checked(
    made: Format, batches: tuple[int, ...], differences: Mapping, backend: str
) -> dict:
    """By what an export was checked, and how well it did.

    Args:
        made: The format.
        batches: The batch sizes that were tried.
        differences: `{head: the largest difference}`.
        backend: The backend that made it.
    """
    return {
        "runtime": made.runtime,
        "runtime_version": _version(made.runtime),
        "made_by": f"keras {keras.__version__} on {backend}",
        "batch_sizes": list(batches),
        "tolerance": TOLERANCE,
        "difference": dict(differences),
    }


def read_sidecar(path: Path) -> dict:
    """The values of a sidecar.

    Raises:
        ValueError: If it is not one.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
        known = {"format", "inputs", "outputs"} <= set(values)
    except (json.JSONDecodeError, TypeError):
        known = False
    if not known:
        raise ValueError(
            "A sidecar must be JSON with format, inputs and outputs, as an export "
            f"writes it. Received: {path}. Is it damaged? Export again."
        )
    return values


def _task(spec: Spec) -> dict:
    link = "softmax" if spec.task.kind == "multiclass" else "sigmoid"
    task = {"name": spec.task.name, "kind": spec.task.kind}
    return task | {"labels": list(spec.task.labels), "probabilities": link}


def _of_inputs(preprocessing: Preprocessing | None, modalities: set) -> dict | None:
    """That of the modalities which the model reads."""
    if preprocessing is None:
        return None
    return {
        part: {name: value for name, value in values.items() if name in modalities}
        for part, values in asdict(preprocessing).items()
    }


def _tensor(tensor) -> dict:
    return {"shape": list(tensor.shape), "dtype": tensor.dtype}


def _version(module: str) -> str | None:
    """The version of the distribution that a module is of."""
    found = importlib.metadata.packages_distributions().get(module)
    return importlib.metadata.version(found[0]) if found else None
