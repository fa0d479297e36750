"""Does the student answer equally wherever it is loaded? Asked, not assumed.

Each installed backend loads every saved student in a process of its own, by Keras
alone, and answers the rows of `reference.npz`. So does the runtime of every export in
`exports/`. What they say is compared with what the run said.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from mind_keras import backend
from mind_keras.artifact import REFERENCE, VERIFICATION, Run
from mind_keras.exporting.asking import TOLERANCE, ask
from mind_keras.exporting.formats import EXPORTS, find_format, missing
from mind_keras.exporting.sidecar import read_sidecar
from mind_keras.process import failure
from mind_keras.spec import pattern_name

WORKER = Path(__file__).with_name("verification_worker.py")
COLUMNS = ["backend", "file", "pattern", "head", "difference", "equal", "note"]


def verify(run: Run) -> pd.DataFrame:
    """Compare all backends that are installed, and all exports of the run.

    Writes `verification.json`, the certificate of the run: its tolerance and its rows.

    Args:
        run: A finished run.

    Returns:
        A row per backend or runtime, file and head; columns `backend, file, pattern,
        head, difference, equal, note`: the pattern that the file is for, the largest
        difference of a probability, and whether it is at most 1e-5. A file that cannot
        be loaded is not equal, and the note says why.
    """
    table = pd.DataFrame(_rows(run)).reindex(columns=COLUMNS)
    table["equal"] = table["difference"] <= TOLERANCE
    plain = table.astype(object).where(table.notna(), None).to_dict("records")
    run.write_json(VERIFICATION, {"tolerance": TOLERANCE, "rows": plain})
    return table


def _rows(run: Run) -> Iterator[dict]:
    """Every file's answers beside those of the run."""
    x, expected = run.reference()
    kind = run.spec().task.kind
    for about, said in [*_of_backends(run, x), *_of_exports(run, x)]:
        heads = sorted(expected.keys() & said.keys())
        if not heads:
            note = about["note"] or "it answers no head of the run"
            yield about | {"head": "", "difference": np.nan, "note": note}
        for head in heads:
            p = _probabilities(said[head], kind)
            far = np.abs(p - _probabilities(expected[head], kind)).max()
            yield about | {"head": head, "difference": float(far)}


def _of_backends(run: Run, x: dict) -> Iterator[tuple[dict, dict]]:
    """What each installed backend says of each saved student."""
    files = {f"student.{modality}.keras": modality for modality in sorted(x)}
    files = {"student.keras": pattern_name(x), **files}
    for name in backend.installed():
        said = _ask_backend(run.path, list(files), name)
        for file, pattern in files.items():
            note = str(said.get(f"{file}/error", ""))
            about = {"backend": name, "file": file, "pattern": pattern}
            start = f"{file}/logits/"
            yield (
                about | {"note": "".join(note.splitlines()[:1])},
                {k.removeprefix(start): said[k] for k in said if k.startswith(start)},
            )


def _of_exports(run: Run, x: dict) -> Iterator[tuple[dict, dict]]:
    """What the runtime of each export says."""
    for path in sorted((run.path / EXPORTS).glob("*.json")):
        file = path.with_suffix("")
        about = {"backend": "", "file": f"{EXPORTS}/{file.name}", "pattern": ""}
        said, note = {}, ""
        try:
            values = read_sidecar(path)
            made = find_format(values["format"])
            types = {tensor["modality"]: tensor["dtype"] for tensor in values["inputs"]}
            about |= {"backend": made.runtime, "pattern": pattern_name(types)}
            if missing((made.runtime,)):
                note = f"{made.runtime} is not installed"
            else:
                rows = {name: x[name].astype(types[name]) for name in sorted(types)}
                said = ask(file, made.name, rows)
        # A damaged sidecar has many ways to be wrong; whatever it is, it is the answer.
        except (ValueError, KeyError, TypeError) as error:
            note = str(error)
        yield about | {"note": note}, said


def _ask_backend(folder: Path, files: list[str], name: str) -> dict[str, np.ndarray]:
    """What the models say in a process of another backend, or why they do not."""
    with tempfile.TemporaryDirectory() as scratch:
        answers = Path(scratch) / "answers.npz"
        paths = [folder / REFERENCE, answers, *(folder / file for file in files)]
        # -P: the worker's neighbours must not pass for other packages' modules.
        if last_words := failure(["-P", WORKER, *paths], name):
            return {f"{file}/error": np.array(last_words) for file in files}
        with np.load(answers, allow_pickle=False) as file:
            return dict(file)


def _probabilities(logits: np.ndarray, kind: str) -> np.ndarray:
    logits = logits.astype("float64")
    return softmax(logits, axis=-1) if kind == "multiclass" else expit(logits)
