"""Predictions for new samples of any pattern: raw values in, a table out.

Raw values are a file, or a folder: an extraction, or raw MIMIC tables and images, from
which the stays are extracted by the rules of the run's own data.
"""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from mind_keras.artifact import CALIBRATION, EXTRACTION, Run
from mind_keras.data.atomic import atomic_path
from mind_keras.data.files import Unlabelled, read_samples
from mind_keras.data.mimic.dataset import new_samples
from mind_keras.data.mimic.extract import extract
from mind_keras.data.mimic.extraction import MANIFEST, read_extraction
from mind_keras.data.mimic.options import Options
from mind_keras.evaluation.temperatures import Temperatures
from mind_keras.longtable import long_table
from mind_keras.prediction import predict
from mind_keras.spec import BEST

Progress = Callable[[str, int, float], None]


def predict_file(
    run: Run,
    data: str | Path,
    output: str | Path,
    *,
    calibrated: bool = False,
    progress: Progress = lambda stage, done, fraction: None,
) -> int:
    """Answer new samples with the student of a run.

    Args:
        run: A finished run.
        data: A file of raw values, see `data.files.read_samples`; or, for a run on
            hospital stays, an extraction, or a folder with MIMIC-IV (`icu/`, `hosp/`)
            and perhaps MIMIC-CXR-JPG in it, at most two levels down: outcomes need not
            be known.
        output: The `.csv` to write: `id, pattern, head, label, probability`, a row per
            head that can answer.
        calibrated: Apply the temperatures of the run, `calibration.json`; what has
            none, as for lack of validation samples, stays as it is, with a warning.
        progress: Called as `progress(stage, rows done, fraction)`.

    Returns:
        How many samples were answered.

    Raises:
        ValueError: If the data are not such, or there are no temperatures.
    """
    spec = run.spec()
    temperatures = _temperatures(run) if calibrated else None
    if Path(data).is_dir():
        samples = _read_folder(run, Path(data), progress)
    else:
        samples = read_samples(data, spec, run.preprocessing())
    said = predict(run.model("student"), samples, task=spec.task)
    if temperatures:
        _warn_of_the_uncalibrated(temperatures.not_fitted(said, samples.pattern))
        said = temperatures.apply(said, samples.pattern)
    table = long_table(said, samples, spec.task)
    with atomic_path(Path(output)) as part:
        table.to_csv(part, index=False)
    return len(samples)


def _temperatures(run: Run) -> Temperatures:
    """The temperatures of the run's student."""
    if not (run.path / CALIBRATION).is_file():
        raise ValueError(
            f"Calibrated predictions need the {CALIBRATION} that a run leaves. "
            f"Received: {run.path} without it. Run the experiment again with this "
            "version of mind_keras, or predict without --calibrated."
        )
    temperatures = Temperatures.from_json(run.read(CALIBRATION))
    kind, heads = run.spec().task.kind, {*run.summary()["heads"], BEST}
    if temperatures.kind != kind or set(temperatures.values) != heads:
        raise ValueError(
            f"{CALIBRATION} must be of the run's own student: {kind}, heads "
            f"{sorted(heads)}. Received: {temperatures.kind}, heads "
            f"{sorted(temperatures.values)}. Was the file moved?"
        )
    return temperatures


def _warn_of_the_uncalibrated(places: list[str]) -> None:
    if places:
        warnings.warn(
            f"The run could fit no temperature for these: {places}. Their answers "
            "are the student's own, not calibrated.",
            stacklevel=3,
        )


def _read_folder(run: Run, data: Path, progress: Progress) -> Unlabelled:
    if not (run.path / EXTRACTION).is_file():
        raise ValueError(
            "A folder of new samples needs a run on hospital stays. Received: "
            f"{data}, for {run.path}, which was trained on other data. Give a .csv "
            "or an .npz."
        )
    own = run.read_json(EXTRACTION)
    if (data / MANIFEST).is_file():
        made = read_extraction(data)
        if made.manifest["hours"] != own["hours"]:
            raise ValueError(
                f"New stays must have the window of the run's own, {own['hours']} "
                f"hours. Received: {data}, of {made.manifest['hours']} (None: whole "
                "stays). Extract again with the same --hours."
            )
        return new_samples(made, run.spec(), run.preprocessing())
    mimic_iv, mimic_cxr = _roots(data)
    options = Options.like(
        own["options"], mimic_iv=mimic_iv, mimic_cxr=mimic_cxr, labelled=False
    )
    with tempfile.TemporaryDirectory() as folder:
        made = extract(Path(folder) / "extraction", options, progress=progress)
        return new_samples(made, run.spec(), run.preprocessing())


def _roots(data: Path) -> tuple[Path, Path | None]:
    """The folders of MIMIC-IV and of MIMIC-CXR-JPG, at most two levels down."""
    levels = ("", "*/", "*/*/")
    tables = [p.parent for level in levels for p in sorted(data.glob(f"{level}icu"))]
    forms = [f"{level}mimic-cxr-2.*-metadata.csv*" for level in levels]
    images = [path.parent for form in forms for path in sorted(data.glob(form))]
    return next(iter(tables), data), next(iter(images), None)
