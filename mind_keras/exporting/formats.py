"""The formats a student can leave Keras in, and what each needs to be installed.

Standard library only. To add a format: a line in `FORMATS`, how it is made in
`convert.MAKE`, and how its own runtime answers in `runtimes.ANSWER`.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

# Where those of a run are, within its folder: `mind-keras verify RUN` looks there.
EXPORTS = "exports"


@dataclass(frozen=True)
class Format:
    """A format.

    Args:
        name: As Keras calls it.
        suffix: Of the file; `""` where it is a folder.
        makers: `{backend of Keras: modules that must be there to make it}`, the
            preferred one first.
        runtime: The module that runs it.
        beside: Suffixes of further files that belong to it.
    """

    name: str
    suffix: str
    makers: dict[str, tuple[str, ...]]
    runtime: str
    beside: tuple[str, ...] = ()


# TensorFlow first: its ONNX keeps a recurrent layer as one operation, where that of
# torch writes out every step.
_TO_ONNX = {
    "tensorflow": ("tensorflow", "tf2onnx", "onnx"),
    "torch": ("torch", "onnx"),
}
_TO_SAVED = {"tensorflow": ("tensorflow",), "jax": ("jax", "tensorflow")}
FORMATS = {
    made.name: made
    for made in (
        Format("litert", ".tflite", {"tensorflow": ("tensorflow",)}, "ai_edge_litert"),
        Format("onnx", ".onnx", _TO_ONNX, "onnxruntime"),
        Format("openvino", ".xml", _TO_ONNX, "openvino", (".bin",)),
        Format("tf_saved_model", "", _TO_SAVED, "tensorflow"),
    )
}


def find_format(name: str) -> Format:
    """A format by its name.

    Raises:
        ValueError: If there is no such format.

    Example:
        >>> find_format("onnx").suffix
        '.onnx'
    """
    if name not in FORMATS:
        raise ValueError(f"Unknown format {name!r}. Known: {sorted(FORMATS)}.")
    return FORMATS[name]


def check_path(made: Format, path: Path) -> None:
    """Refuse a file whose ending says that it is something else.

    Raises:
        ValueError: If the suffix is not that of the format.
    """
    if made.suffix and path.suffix != made.suffix:
        raise ValueError(
            f"The path of a {made.name} export must end in {made.suffix!r}. Received: "
            f"{path}. Try {path.with_suffix(made.suffix)}."
        )


def choose_maker(made: Format, running: str) -> str:
    """The backend that makes a format: the running one if it can, else another.

    Args:
        made: The format.
        running: The backend that Keras runs on here.

    Raises:
        ValueError: If none that can is installed with what it needs, or the runtime
            that would check the export is not.
    """
    able = [name for name, needs in made.makers.items() if not missing(needs)]
    absent = missing((made.runtime,))
    if not able or absent:
        ways = " or ".join(" + ".join(needs) for needs in made.makers.values())
        backend = running if running in made.makers else next(iter(made.makers))
        raise ValueError(
            f"An export to {made.name} is made by {ways}, and checked by "
            f"{made.runtime}. Received: Keras on {running}; not installed: "
            f"{sorted({*missing(sum(made.makers.values(), ())), *absent})}. Get them "
            f'with `pip install "mind_keras[export,{backend}]"`.'
        )
    return running if running in able else able[0]


def missing(modules: tuple[str, ...]) -> list[str]:
    """Those that could not be imported here.

    Example:
        >>> missing(("json", "no_such_module"))
        ['no_such_module']
    """
    return [name for name in modules if importlib.util.find_spec(name) is None]
