"""A student leaves Keras: made, run by its own runtime, compared, and only then kept.

`export` is the door; `formats` says what there is and what it needs, `convert` makes
it, `elsewhere` on another backend where this one cannot, `runtimes` run it.
"""

import json
import tempfile
from pathlib import Path

import keras

from mind_keras.data.preprocessing import Preprocessing
from mind_keras.exporting.asking import TOLERANCE, UnansweredError, ask, difference
from mind_keras.exporting.convert import convert, draw, plain
from mind_keras.exporting.elsewhere import convert_elsewhere
from mind_keras.exporting.formats import Format, check_path, choose_maker, find_format
from mind_keras.exporting.sidecar import checked, describe, sidecar_of
from mind_keras.modelfile import save_model
from mind_keras.spec import Spec

BATCHES = (1, 3)


def export(
    model: keras.Model,
    path: str | Path,
    *,
    format: str,
    spec: Spec | None = None,
    preprocessing: Preprocessing | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a student, or a part of one, in a format that needs no Keras.

    The file is run by its own runtime, on drawn rows, one alone and three together, and
    is kept if it answers as the model does: logits within 1e-5 (of the largest, where
    that is above 1). Where the running backend cannot make the format, a process on
    another does. Beside it lies `<file>.json`: which input is which modality, which
    output which head, and what else is given here.

    Args:
        model: Functional, `{modality: (batch, ...)}` to `{head: (batch, labels)}`: a
            student, a `submodel`, a teacher.
        path: The file to write, ending in `.onnx`, `.tflite` (LiteRT) or `.xml`
            (OpenVINO, whose weights are in a `.bin` beside it), or the folder of a
            SavedModel.
        format: One of `litert`, `onnx`, `openvino`, `tf_saved_model`.
        spec: For the sidecar: the task, and the labels.
        preprocessing: For the sidecar: how raw values become rows.
        overwrite: Whether an export that is there is replaced.

    Returns:
        The path.

    Raises:
        ValueError: If the format is unknown, or what it needs is not installed; if the
            path is taken or of another format; if the model cannot be converted, or
            the result does not answer as the model does.

    Example:
        >>> import mind_keras as mk
        >>> spec = mk.load("diabetes").spec
        >>> student = mk.build_student(spec, {"serum": "mlp", "vitals": "mlp"})
        >>> mk.export(student, "student.onnx", format="onnxx")
        Traceback (most recent call last):
        ValueError: Unknown format 'onnxx'. Known: ['litert', 'onnx', 'openvino',
        'tf_saved_model'].
    """
    made, path = find_format(format), Path(path)
    check_path(made, path)
    _check_free(made, path, overwrite)
    backend = choose_maker(made, keras.backend.backend())
    model = plain(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target: moving within a disk is at once or not at all.
    with tempfile.TemporaryDirectory(prefix=".export", dir=path.parent) as scratch:
        part = Path(scratch) / "made" / path.name
        part.parent.mkdir()
        _make(model, made, part, backend)
        found = describe(model, made, spec, preprocessing)
        differences = _compare(model, made, part)
        found["checked"] = checked(made, BATCHES, differences, backend)
        sidecar_of(part).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        _keep(part, path)
    return path


def _check_free(made: Format, path: Path, overwrite: bool) -> None:
    files = [path, sidecar_of(path), *map(path.with_suffix, made.beside)]
    there = [file for file in files if file.exists()]
    ours = sidecar_of(path).is_file() and path.is_dir() == (not made.suffix)
    if there and not overwrite:
        raise ValueError(
            f"The path of an export must be free. Received: {there[0]}, which is "
            "there. Pass `overwrite=True` (`--overwrite`), or choose another path."
        )
    if path.exists() and not ours:
        raise ValueError(
            "Only an export is replaced by an export. Received: "
            f"{path}, without {sidecar_of(path).name} beside it, or of another format. "
            "Move it away, or choose another path."
        )


def _make(model: keras.Model, made: Format, part: Path, backend: str) -> None:
    """Convert here if this backend makes the format, else in another process."""
    if backend != keras.backend.backend():
        saved = part.parent.parent / "model.keras"
        save_model(model, saved)
        convert_elsewhere(saved, made.name, part, backend)
        return
    try:
        convert(model, made.name, part)
    except Exception as error:  # Exporters raise what they like.
        raise ValueError(
            f"A model must be one that Keras on {backend} can convert to {made.name}. "
            f"Received: {model.name!r}, and {type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}. Has it layers that this format "
            "lacks? Try another format."
        ) from error


def _compare(model: keras.Model, made: Format, part: Path) -> dict[str, float]:
    """`{head: the largest difference}` at all batch sizes, none too large."""
    x = draw(model, sum(BATCHES))
    expected = {h: keras.ops.convert_to_numpy(z) for h, z in model(x).items()}
    try:
        said = ask(part, made.name, x)
    except UnansweredError as error:
        raise ValueError(
            f"An export must run in {made.runtime}. Received: {error} Nothing was "
            "written. Try another format or backend."
        ) from None
    found = {
        head: difference(said[head], logits) if head in said else float("inf")
        for head, logits in expected.items()
    }
    if max(found.values()) > TOLERANCE:
        told = {head: float(f"{far:.2g}") for head, far in found.items()}
        raise ValueError(
            f"An export must answer as the model does, within {TOLERANCE}. Received: "
            f"differences of {told} by {made.runtime}. Nothing was written. Does the "
            "model compute in half precision? Else try another format or backend."
        )
    return found


def _keep(part: Path, path: Path) -> None:
    """Move what was made to where it belongs, the file itself last."""
    if path.is_dir():  # A file is replaced at once, a folder must make room.
        path.rename(part.parent.parent / "replaced")
    for file in sorted(part.parent.iterdir(), key=lambda file: file == part):
        file.replace(path.with_name(file.name))
