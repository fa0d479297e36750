"""What works where: every encoder and fusion, in every format, by real runtimes.

    python -m benchmarks.export_table --results FILE.json    # and docs/export.md

Needs `pip install "mind_keras[export,tensorflow,jax,torch]"`. A small model holds every
encoder and fusion as a head of its own, so that one conversion per format and backend
tells of all; where that fails, each is converted alone. Each backend has a process.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[1] / "docs" / "export.md"
START, END = "<!-- made by benchmarks.export_table -->", "<!-- until here -->"
SERIES, IMAGE, ROW, TEXT = (12, 5), (24, 24, 1), (6,), (16,)
SHAPES = {"image": IMAGE, "row": ROW, "series": SERIES, "text": TEXT}
OPTIONS = {
    "conv1d": ("series", {"units": 8}),
    "gru": ("series", {"units": 8, "layers": 2}),
    "lstm": ("series", {"units": 8, "layers": 2}),
    "mlp": ("row", {}),
    "resnet": ("image", {"depth": 10, "width": 8}),
    "text": ("text", {"units": 8, "vocabulary": 64}),
    "transformer": ("series", {"units": 8, "attention_heads": 2}),
}
PACKAGES = ("keras", "tensorflow-cpu", "tf2onnx", "torch", "jax", "onnxruntime")
PACKAGES += ("openvino", "ai-edge-litert")


def everything():
    """A model with a head for each encoder and each fusion."""
    import keras

    from mind_keras.encoders import ENCODERS
    from mind_keras.fusion import EXCHANGES, FUSIONS

    keras.utils.set_random_seed(0)
    inputs = {name: keras.Input(shape, name=name) for name, shape in SHAPES.items()}
    codes = {
        name: ENCODERS[name](SHAPES[m], name=f"{name}_encoder", **options)(inputs[m])
        for name, (m, options) in OPTIONS.items()
    }
    two = {"ehr": codes["lstm"], "cxr": codes["resnet"]}
    for name, fuse in FUSIONS.items():
        codes[f"fusion {name}"] = fuse(two, name=f"fusion_{name}")
    maps = {"ehr": inputs["series"], "cxr": inputs["image"]}
    for name, exchange in EXCHANGES.items():
        changed = exchange(maps, name=f"fusion_{name}")
        flat = [keras.layers.Flatten()(changed[m]) for m in sorted(changed)]
        codes[f"fusion {name}"] = keras.layers.Concatenate()(flat)
    heads = {name: keras.layers.Dense(2)(code) for name, code in codes.items()}
    return keras.Model(inputs, heads)


def measure(folder: Path, format: str) -> dict[str, float | str]:
    """`{head: difference}` of one format made by the running backend, or why not."""
    from mind_keras.exporting.convert import plain

    model = plain(everything())
    try:
        return _differences(model, folder / "all", format)
    except Exception:  # One by one, then: whatever cannot be made is told.
        found = {}
        for head in model.output:
            part = plain(_only(model, head))
            try:
                found |= _differences(part, folder / head.replace(" ", "-"), format)
            except Exception as error:
                found[head] = f"{type(error).__name__}: {str(error)[:200]}"
        return found


def _only(model, head: str):
    """The model with one head."""
    import keras

    from mind_keras.submodels import heads

    needs = heads(model)[head]
    inputs = {m: model.input[m] for m in sorted(needs)}
    return keras.Model(inputs, {head: model.output[head]})


def _differences(model, folder: Path, format: str) -> dict[str, float]:
    import keras

    from mind_keras.exporting.asking import ask, difference
    from mind_keras.exporting.convert import convert, draw
    from mind_keras.exporting.formats import FORMATS

    folder.mkdir()
    file = folder / f"made{FORMATS[format].suffix}"
    x = draw(model, 4)
    if "text" in x:  # Numbers of words, not of the normal distribution.
        x["text"] = np.random.default_rng(0).integers(0, 64, (4, *TEXT))
        x["text"] = x["text"].astype("float32")
    expected = {h: keras.ops.convert_to_numpy(z) for h, z in model(x).items()}
    convert(model, format, file)
    said = ask(file, format, x)
    return {head: difference(said[head], z) for head, z in expected.items()}


def markdown(found: dict[str, dict]) -> str:
    """The table: a row for each head, a column for each format and backend."""
    columns = list(found)
    heads = list(next(iter(found.values())))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for head in heads:
        cells = [_cell(found[column].get(head, "no")) for column in columns]
        lines.append(f"| {head} | " + " | ".join(cells) + " |")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return "\n".join([*lines, "", f"Made with {packages}."])


def _cell(value: float | str) -> str:
    return "fails" if isinstance(value, str) else f"{value:.0e}"


def write(found: dict[str, dict]) -> None:
    """Put the table where the page has its marks."""
    before, _, rest = PAGE.read_text("utf-8").partition(START)
    _, _, after = rest.partition(END)
    text = f"{before}{START}\n{markdown(found)}\n{END}{after}"
    PAGE.write_text(text, "utf-8")


def main() -> None:
    """Measure each format on each backend that makes it, in a process of its own."""
    from mind_keras.exporting.formats import FORMATS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", help="a format, on the backend of the environment")
    parser.add_argument("--results", type=Path, required=True, help="what was found")
    options = parser.parse_args()
    if options.one:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), options.one)
        options.results.write_text(json.dumps(found), "utf-8")
        return
    found = json.loads(options.results.read_text()) if options.results.exists() else {}
    for made in FORMATS.values():
        for backend in made.makers:
            column = f"{made.name}, {backend}"
            if column not in found:
                found[column] = _elsewhere(made.name, backend)
                options.results.write_text(json.dumps(found, indent=1), "utf-8")
    write(found)


def _elsewhere(format: str, backend: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        words = ["-m", "benchmarks.export_table", "--one", format]
        subprocess.run(
            [sys.executable, *words, "--results", str(results)],
            env=os.environ | {"KERAS_BACKEND": backend},
            check=True,
        )
        return json.loads(results.read_text("utf-8"))


if __name__ == "__main__":
    main()
