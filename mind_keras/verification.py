"""Does the student answer equally wherever it is loaded? Asked, not assumed.

Each installed backend loads every saved student in a process of its own, by Keras
alone, and answers the rows of `reference.npz`. What they say is compared with what
the run said.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from mind_keras import backend
from mind_keras.artifact import REFERENCE, VERIFICATION, Run

TOLERANCE = 1e-5
WORKER = Path(__file__).with_name("verification_worker.py")


def verify(run: Run) -> pd.DataFrame:
    """Compare all backends that are installed; writes `verification.json`.

    Args:
        run: A finished run.

    Returns:
        A row per backend, file and head; columns `backend, file, head, difference,
        equal, note`: the largest difference of a probability, and whether it is at
        most 1e-5. A file that a backend cannot load is not equal, and the note says
        why.
    """
    rows = [row for name in backend.installed() for row in _rows(run, name)]
    table = pd.DataFrame(rows)
    table["equal"] = table["difference"] <= TOLERANCE
    table = table[["backend", "file", "head", "difference", "equal", "note"]]
    plain = table.astype(object).where(table.notna(), None).to_dict("records")
    run.write_json(VERIFICATION, {"tolerance": TOLERANCE, "rows": plain})
    return table


def _rows(run: Run, name: str) -> list[dict]:
    """One backend's answers beside those of the run."""
    x, expected = run.reference()
    kind = run.spec().task.kind
    files = ["student.keras", *(f"student.{modality}.keras" for modality in sorted(x))]
    said, rows = _ask(run.path, files, name), []
    for file in files:
        row = {"backend": name, "file": file, "head": "", "difference": np.nan}
        if f"{file}/error" in said:
            rows.append(row | {"note": str(said[f"{file}/error"]).splitlines()[0]})
        for head, logits in expected.items():
            if f"{file}/logits/{head}" in said:
                p = _probabilities(said[f"{file}/logits/{head}"], kind)
                far = np.abs(p - _probabilities(logits, kind)).max()
                rows.append(row | {"head": head, "difference": float(far), "note": ""})
    return rows


def _ask(folder: Path, files: list[str], name: str) -> dict[str, np.ndarray]:
    """What the models say in a process of another backend, or why they do not."""
    with tempfile.TemporaryDirectory() as scratch:
        answers = Path(scratch) / "answers.npz"
        paths = [folder / REFERENCE, answers, *(folder / file for file in files)]
        # -P: the worker's neighbours must not pass for other packages' modules.
        done = subprocess.run(
            [sys.executable, "-P", str(WORKER), *map(str, paths)],
            env=os.environ | {"KERAS_BACKEND": name},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["the process died"])[-1]
            return {f"{file}/error": np.array(last) for file in files}
        with np.load(answers, allow_pickle=False) as file:
            return dict(file)


def _probabilities(logits: np.ndarray, kind: str) -> np.ndarray:
    logits = logits.astype("float64")
    return softmax(logits, axis=-1) if kind == "multiclass" else expit(logits)
