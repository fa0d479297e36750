"""One benchmark on one backend, in a process of its own.

`python -m benchmarks.worker NAME BACKEND --output FILE`. `python -m benchmarks` starts
one for each pair; alone it serves whoever works on one figure (`--only TEXT`).
"""

import importlib
import inspect
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.catalogue import BENCHMARKS, table
from benchmarks.memory import keep_freed
from mind_keras.data.atomic import atomic_path

# One thread, whichever library counts.
THREADS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
PACKAGES = ("keras", "numpy", "torch", "jax", "tensorflow", "tensorflow_cpu")

app = typer.Typer(add_completion=False)


@app.command()
def main(
    name: str,
    backend: str,
    output: Annotated[Path | None, typer.Option()] = None,
    quick: Annotated[bool, typer.Option()] = False,
    only: Annotated[str, typer.Option(help="Cases with this in their name.")] = "",
    core: Annotated[int, typer.Option(help="Keep to this core; -1: to none.")] = -1,
) -> None:
    """Measure, print the table, and keep it as JSON."""
    os.environ.update(THREADS, KERAS_BACKEND=backend)
    if core >= 0:
        os.sched_setaffinity(0, {core})
    if BENCHMARKS[name].keeps:
        keep_freed()
    function = importlib.import_module(BENCHMARKS[name].module).measure
    options = {"only": only} if "only" in inspect.signature(function).parameters else {}
    rows = function(quick, **options)
    print(table(rows), flush=True)
    if output is not None:
        about = {"quick": quick, "core": core, "seed": 0, **machine()}
        found = {"benchmark": name, "backend": backend, "about": about, "rows": rows}
        output.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(output) as part:
            part.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def machine() -> dict:
    """What the figures depend on, besides the code."""
    return {
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "threads": 1,
        "python": platform.python_version(),
        "versions": {"mind_keras": _own_version(), **_versions()},
    }


def cpu() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line for line in lines if line.startswith("model name")]
    return named[0].split(": ")[1] if named else platform.machine()


def _own_version() -> str:
    return importlib.import_module("mind_keras").__version__


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    app()
