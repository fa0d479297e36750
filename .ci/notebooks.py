"""Run the notebooks from top to bottom, each in a folder of its own.

    python .ci/notebooks.py                   all of them; nothing is changed
    python .ci/notebooks.py 01 05 --write     these, and keep what they show

A cell that fails or writes to the error output (a wall of warnings) fails the run, and
so does a path of this machine in what is shown. `KERAS_BACKEND` names the backend.
Pictures are kept as they are drawn; the report of a run, a megabyte, is not.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
SECONDS = 900  # of one cell, on a machine that does other things too
LEFT_OUT = "The report is drawn here when the cell is run."
FRAME = "<iframe"
# What TensorFlow writes when it is imported, and where it finds no GPU.
CHATTER = re.compile(
    r"(WARNING: All log messages before absl|[IW]0000 |E0000 .*cuInit|\s*$)"
)


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """What all cells show, in order."""
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [output for cell in code for output in cell.outputs]


def warnings(text: str) -> list[str]:
    """The lines that are no chatter."""
    return [line for line in text.splitlines() if not CHATTER.match(line)]


def complaints(notebook: nbformat.NotebookNode, folder: Path) -> list[str]:
    """What a reader should not see: warnings, and paths of this machine."""
    shown = outputs(notebook)
    found = [o.text for o in shown if o.get("name") == "stderr"]
    found = ["\n".join(warnings(text)) for text in found if warnings(text)]
    paths = re.compile("|".join(map(re.escape, map(str, (folder, Path.home(), ROOT)))))
    texts = [str(o.get("text", "")) + str(o.get("data", "")) for o in shown]
    return found + [f"a path: {p}" for text in texts for p in paths.findall(text)]


def tidied(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """As it is kept: without times, chatter and whole pages."""
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    for output in outputs(notebook):
        page = output.get("data", {}).get("text/html", "")
        if page.startswith(FRAME):
            output.data = {"text/plain": LEFT_OUT}
    return notebook


def run(path: Path, *, write: bool) -> tuple[list[str], float]:
    """Run one notebook; what is wrong with it, and how many seconds it took."""
    begun = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3")
        try:
            client.execute(cwd=str(folder))
            wrong = complaints(notebook, folder)
        except CellExecutionError as error:
            wrong = [str(error)]
    if write and not wrong:
        nbformat.validate(tidied(notebook))
        nbformat.write(notebook, path)
    return wrong, time.perf_counter() - begun


def main() -> int:
    """Run what the command line names, side by side, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="beginnings of names; default: all")
    parser.add_argument("--write", action="store_true", help="keep what is shown")
    given = parser.parse_args()
    # The notebook draws into itself.
    os.environ.pop("MPLBACKEND", None)
    begins = tuple(given.names or [""])
    chosen = [p for p in sorted(NOTEBOOKS.glob("*.ipynb")) if p.name.startswith(begins)]
    if not chosen:
        raise SystemExit(f"There must be such a notebook. Received: {given.names}.")
    failed = False
    with ProcessPoolExecutor() as pool:
        done = pool.map(partial(run, write=given.write), chosen)
        for path, (wrong, seconds) in zip(chosen, done, strict=True):
            print(f"{path.name}: {seconds:.0f} s", flush=True)
            for text in wrong:
                print(f"  must not be shown: {text[-2000:]}")
            failed = failed or bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
