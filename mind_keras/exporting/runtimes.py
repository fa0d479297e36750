"""What an exported file says, by its own runtime alone.

Run as a script in a process of its own: python -P runtimes.py FORMAT FILE ROWS.npz
ANSWERS.npz. It needs neither this package nor, but for a SavedModel, Keras.
To add a format: a function of a file that gives one of rows, named in `ANSWER`.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

Rows = dict[str, np.ndarray]
LOGITS = "_logits"


def in_two_sizes(ask: Callable[[Rows], Rows], x: Rows) -> Rows:
    """The answers to all rows: the first asked alone, the rest together.

    So that a batch size that was baked in does not pass.
    """
    parts = [ask({name: rows[:1] for name, rows in x.items()})]
    if len(next(iter(x.values()))) > 1:
        parts.append(ask({name: rows[1:] for name, rows in x.items()}))
    return {h: np.concatenate([np.array(part[h]) for part in parts]) for h in parts[0]}


def ask_onnx(file: Path) -> Callable[[Rows], Rows]:
    """By onnxruntime."""
    import onnxruntime

    # One thread: a small model, and machines are shared.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        file, options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    heads = [name.removesuffix(LOGITS) for name in names]
    return lambda x: dict(zip(heads, session.run(names, x), strict=True))


def ask_openvino(file: Path) -> Callable[[Rows], Rows]:
    """By OpenVINO."""
    import openvino

    # In full precision: some processors have a faster half, which answers otherwise.
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(file, "CPU", settings)
    heads = {
        name.removesuffix(LOGITS): port
        for port in model.outputs
        for name in port.names
        if name.endswith(LOGITS)
    }

    def ask(x: Rows) -> Rows:
        said = model(x)
        return {head: np.array(said[port]) for head, port in heads.items()}

    return ask


def ask_litert(file: Path) -> Callable[[Rows], Rows]:
    """By the LiteRT interpreter, which needs no TensorFlow."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file))
    return lambda x: interpreter.get_signature_runner()(**x)


def ask_saved_model(file: Path) -> Callable[[Rows], Rows]:
    """By TensorFlow, through the layer of Keras that reads SavedModels."""
    import keras

    return keras.layers.TFSMLayer(file)


ANSWER = {
    "litert": ask_litert,
    "onnx": ask_onnx,
    "openvino": ask_openvino,
    "tf_saved_model": ask_saved_model,
}


if __name__ == "__main__":
    format, file, rows, answers = sys.argv[1:]
    with np.load(rows, allow_pickle=False) as given:
        x = dict(given)
    np.savez(answers, **in_two_sizes(ANSWER[format](Path(file)), x))
