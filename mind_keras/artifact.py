"""The run folder: what one experiment leaves for others.

    config.yaml environment.json spec.json preprocessing.json metrics.json
    predictions.csv history.csv comparisons.csv calibration.csv calibration.json
    curves.json balance.csv subgroups.csv report.html card.md reference.npz
    summary.json extraction.json audit.html (of ICU data)
    student.keras student.<modality>.keras teachers/ controls/
    missing.csv (of a run of the missing-modality lab)
    seeds.csv seed-<k>/ (of several seeds: run folders, which have the models)

Every file is there whole or not at all, and `summary.json` comes last: a folder
without it is an unfinished run, which can be gone on with. Nothing in it is pickled.
A new file: write it in `run.py` before `finish`, name it in `FILES`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mind_keras.data.atomic import atomic_path
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.modelfile import load_model, save_model
from mind_keras.spec import Spec
from mind_keras.submodels import submodel

CONFIG, ENVIRONMENT, SUMMARY = "config.yaml", "environment.json", "summary.json"
METRICS, HISTORY, PREDICTIONS = "metrics.json", "history.csv", "predictions.csv"
SPEC, PREPROCESSING, REFERENCE = "spec.json", "preprocessing.json", "reference.npz"
COMPARISONS, SUBGROUPS, BALANCE = "comparisons.csv", "subgroups.csv", "balance.csv"
CALIBRATIONS, CALIBRATION, CURVES = "calibration.csv", "calibration.json", "curves.json"
REPORT, CARD, VERIFICATION = "report.html", "card.md", "verification.json"
# Over the runs `seed-<k>` in a folder of several seeds; and by `missing_lab`.
SEEDS, MISSING = "seeds.csv", "missing.csv"
# How the data were made: written by sources that have something to say.
EXTRACTION, AUDIT = "extraction.json", "audit.html"
# In the order in which a run is taken apart: first what says that it is complete.
FILES = (SUMMARY, VERIFICATION, METRICS, HISTORY, PREDICTIONS, SPEC, PREPROCESSING)
FILES += (COMPARISONS, SUBGROUPS, BALANCE, CALIBRATIONS, CALIBRATION, CURVES, SEEDS)
FILES += (MISSING, REFERENCE, REPORT, CARD, ENVIRONMENT, CONFIG)
DOCUMENTS = (EXTRACTION, AUDIT)
REFERENCE_ROWS = 32


@dataclass(frozen=True)
class Run:
    """A run folder, finished or not.

    Args:
        path: The folder.
    """

    path: Path

    @property
    def finished(self) -> bool:
        """Whether the run went to its end."""
        return (self.path / SUMMARY).is_file()

    def file_of(self, model: str) -> Path:
        """Where a model is kept: `"teacher:serum:0"` in `teachers/serum-0.keras`."""
        kind, _, which = model.partition(":")
        name = which.replace(":", "-")
        if kind == "teacher":
            return self.path / "teachers" / f"{name}.keras"
        if model == "student":
            return self.path / "student.keras"
        return self.path / "controls" / f"{kind}{'-' if name else ''}{name}.keras"

    def of_seed(self, seed: int) -> Path:
        """Where the run of a seed is kept, in a folder of several."""
        return self.path / f"seed-{seed}"

    def model(self, name: str) -> keras.Model:
        """A model of the run, as `metrics.json` calls it."""
        self._check_single(f"the model {name!r}")
        return load_model(self.file_of(name))

    def keep(self, name: str, model: keras.Model, history: pd.DataFrame) -> None:
        """Save a trained model and how it was trained; it counts as done from then."""
        rows = history.assign(model=name)[["model", "epoch", "metric", "value"]]
        if (self.path / HISTORY).exists():
            # As text: numbers that are read and written again might change.
            before = pd.read_csv(self.path / HISTORY, dtype=str)
            rows = pd.concat([before[before["model"] != name], rows])
        self.write_csv(HISTORY, rows)
        self.file_of(name).parent.mkdir(exist_ok=True)
        save_model(model, self.file_of(name))

    def spec(self) -> Spec:
        """What is predicted, and from what."""
        return Spec.from_dict(self.read_json(SPEC))

    def preprocessing(self) -> Preprocessing:
        """What turns raw rows into those the student reads."""
        return Preprocessing.from_json(self.read(PREPROCESSING))

    def summary(self) -> dict:
        """`summary.json`: the run at a glance, and what each model costs."""
        return self.read_json(SUMMARY)

    def metrics(self) -> pd.DataFrame:
        """`metrics.json`, a row per model, head, pattern, metric and label."""
        rows = pd.DataFrame(self.read_json(METRICS))
        return rows.astype({name: float for name in ("value", "low", "high")})

    def history(self) -> pd.DataFrame:
        """`history.csv`, a row per model, epoch and metric."""
        return pd.read_csv(self._there(HISTORY))

    def reference(self) -> tuple[dict, dict]:
        """`({modality: rows}, {head: logits})` of `reference.npz`."""
        with np.load(self._there(REFERENCE), allow_pickle=False) as file:
            parts = [(*name.split("/"), file[name]) for name in file.files]
        x = {name: array for kind, name, array in parts if kind == "x"}
        return x, {name: array for kind, name, array in parts if kind == "logits"}

    def read(self, name: str) -> str:
        """The text of a file of the run."""
        return self._there(name).read_text("utf-8")

    def read_json(self, name: str) -> dict | list:
        """The values of a JSON file of the run."""
        try:
            return json.loads(self.read(name))
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{self.path / name} must be JSON. Received: {error}. Is the file "
                "damaged? Run the experiment again."
            ) from None

    def write(self, name: str, text: str) -> None:
        """Write a file of text, at once or not at all."""
        with atomic_path(self.path / name) as part:
            part.write_text(text, "utf-8")

    def write_json(self, name: str, values: object) -> None:
        """Write plain values; NaN, which JSON lacks, must be None."""
        self.write(name, json.dumps(values, indent=1, allow_nan=False) + "\n")

    def write_csv(self, name: str, table: pd.DataFrame) -> None:
        """Write a table without its index."""
        with atomic_path(self.path / name) as part:
            table.to_csv(part, index=False)

    def write_metrics(self, table: pd.DataFrame) -> None:
        """Write `metrics.json`; undefined numbers become null."""
        plain = table.astype(object)
        self.write_json(METRICS, plain.where(table.notna(), None).to_dict("records"))

    def write_student(
        self, student: keras.Model, spec: Spec, preprocessing: Preprocessing, seed: int
    ) -> None:
        """What others need to use the student, and to see that it works for them."""
        self.write_json(SPEC, spec.to_dict())
        self.write(PREPROCESSING, preprocessing.to_json() + "\n")
        for name in spec.names:
            part = submodel(student, {name})
            save_model(part, self.path / f"student.{name}.keras")
        # Drawn, not taken from the data: a run folder holds no patient's row.
        rng = np.random.default_rng(seed)
        x = {
            name: rng.standard_normal((REFERENCE_ROWS, *spec.shape(name)), "float32")
            for name in spec.names
        }
        logits = student.predict(x, verbose=0)
        arrays = {f"x/{name}": rows for name, rows in x.items()}
        arrays |= {f"logits/{head}": rows for head, rows in sorted(logits.items())}
        with atomic_path(self.path / REFERENCE) as part, part.open("wb") as file:
            np.savez(file, **arrays)

    def finish(self, summary: Mapping) -> None:
        """Write `summary.json`: from then on the run is complete."""
        self.write_json(SUMMARY, summary)

    def _there(self, name: str) -> Path:
        path = self.path / name
        if not path.is_file():
            self._check_single(name)
            raise ValueError(
                f"A run folder must hold {name}. Received: {self.path} without "
                "it. Is it the folder of another program, or was a file moved?"
            )
        return path

    def _check_single(self, wanted: str) -> None:
        """Models, and what goes with them, are in the runs of single seeds."""
        if (self.path / SEEDS).is_file():
            one = self.of_seed(self.summary()["seeds"][0])
            raise ValueError(
                f"Each seed has a run folder of its own, which holds {wanted}. "
                f"Received: {self.path}, a run of several seeds. Name one of them, "
                f"as {one}."
            )


def load_run(path: str | Path) -> Run:
    """A finished run, to predict with or to look at.

    That of several seeds has metrics and a report, but no models: these are in the
    runs that `Run.of_seed` names.

    Raises:
        ValueError: If there is no run at the path, or it is not finished.
    """
    run = Run(Path(path))
    if not (run.path / CONFIG).is_file():
        raise ValueError(
            f"The path must be a run folder, with {CONFIG} in it. Received: "
            f"{run.path}, which {'has none' if run.path.is_dir() else 'is no folder'}."
        )
    if not run.finished:
        raise ValueError(
            f"The run must be finished. Received: {run.path} without {SUMMARY}. Go on "
            "with it: `mind-keras run CONFIG --resume --output "
            f"{run.path}`."
        )
    return run
