"""From a functional Keras model to a file of another format, on one backend.

Contract: `MAKE[format](model, path)` writes a file or folder. `model` is a `Plain`:
its inputs are named after modalities, its outputs after heads, and its batch is
free. What is written here is not trusted: `exporting.export` runs it.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from mind_keras.exporting.onnx_repairs import repair
from mind_keras.graph import graph, reach

SEED = 0


def convert(model: keras.Model, format: str, path: Path) -> None:
    """Write a model in a format that the running backend can make.

    Args:
        model: As `plain` gives it.
        format: A name of `MAKE`.
        path: The file or folder, which must not be there.
    """
    with _quietly():
        # Keras exports only models that were called.
        model(draw(model, 1))
        MAKE[format](model, path)


@contextmanager
def _quietly() -> Iterator[None]:
    """Each exporter has a page of warnings; what counts is what the result says."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # By no level of a logger: TensorFlow, imported late, sets that of its own.
        logging.disable(max(before, logging.WARNING))
        try:
            yield
        finally:
            logging.disable(before)


def plain(model: keras.Model) -> keras.Model:
    """The model as a dict of modalities to a dict of heads, both sorted.

    Its layers are the model's own; its batch is free.

    Example:
        >>> rows = keras.Input((3,), name="ehr")
        >>> model = plain(keras.Model(rows, keras.layers.Dense(1)(rows)))
        >>> list(model.input), list(model.output)
        (['ehr'], ['ehr'])
    """
    inputs, outputs = graph(model)
    given = {
        name: keras.Input(tensor.shape[1:], name=name, dtype=tensor.dtype)
        for name, tensor in sorted(inputs.items())
    }
    known = {id(tensor): given[name] for name, tensor in inputs.items()}
    heads = dict(zip(outputs, reach(list(outputs.values()), known), strict=True))
    return keras.Model(given, dict(sorted(heads.items())), name=model.name)


def draw(model: keras.Model, rows: int) -> dict[str, np.ndarray]:
    """Drawn rows for a `plain` model: what an export is checked with.

    Standard normal; bytes of 0 to 255, as images have; other whole numbers are 0 or 1,
    which any vocabulary holds.
    """
    random = np.random.default_rng(SEED)
    drawn = {}
    for name, tensor in sorted(model.input.items()):
        size = (rows, *tensor.shape[1:])
        if "int" in tensor.dtype:
            top = 256 if tensor.dtype == "uint8" else 2
            drawn[name] = random.integers(0, top, size).astype(tensor.dtype)
        else:
            drawn[name] = random.standard_normal(size).astype(tensor.dtype)
    return drawn


def unrolled(model: keras.Model) -> keras.Model:
    """The same model and weights, its recurrent layers written out step by step.

    A loop is a construct that plain LiteRT does not run with a free batch, nor OpenVINO
    as it comes from TensorFlow. Long series make a large graph.
    """
    made = type(model).from_config(_unroll(model.get_config()))
    made.set_weights(model.get_weights())
    return made


def _unroll(config):
    """The configuration with every `unroll` on, however deep."""
    if isinstance(config, dict):
        return {k: k == "unroll" or _unroll(v) for k, v in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_unroll(value) for value in config)
    return config


def _listed(model: keras.Model) -> keras.Model:
    """With lists for dicts, in the same order: Keras' way to ONNX takes no others."""
    listed = keras.Model(
        [model.input[name] for name in sorted(model.input)],
        [model.output[head] for head in sorted(model.output)],
    )
    drawn = draw(model, 1)
    listed([drawn[name] for name in sorted(drawn)])
    return listed


def _to_saved_model(model: keras.Model, path: Path) -> None:
    model.export(path, format="tf_saved_model", verbose=False)


def _to_litert(model: keras.Model, path: Path) -> None:
    unrolled(model).export(path, format="litert", verbose=False)


def _to_onnx(model: keras.Model, path: Path) -> None:
    _listed(model).export(str(path), format="onnx", verbose=False)
    repair(path, sorted(model.output))


def _to_openvino(model: keras.Model, path: Path) -> None:
    import openvino

    file = path.with_suffix(".onnx")
    _to_onnx(unrolled(model), file)
    # Read by the core, not by `openvino.convert_model`, which reports on its use.
    made = openvino.Core().read_model(file)
    # Half precision is the default, and would not answer alike.
    openvino.save_model(made, path, compress_to_fp16=False)
    file.unlink()


MAKE = {
    "litert": _to_litert,
    "onnx": _to_onnx,
    "openvino": _to_openvino,
    "tf_saved_model": _to_saved_model,
}
