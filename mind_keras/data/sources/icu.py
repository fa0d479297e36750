"""ICU stays with time series and chest X-rays: MIMIC-IV and MIMIC-CXR-JPG, or a twin.

Without a path to the real thing a synthetic twin is generated on first use, in a cache
folder. The split is by a hash of the patient's id, or by the user's files.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from mind_keras import __version__
from mind_keras.data.audit import Audit, audit
from mind_keras.data.cache import cache_folder
from mind_keras.data.mimic.dataset import MODALITIES, to_splits
from mind_keras.data.mimic.extract import extract
from mind_keras.data.mimic.extraction import MANIFEST, Extraction, read_extraction
from mind_keras.data.mimic.options import Options
from mind_keras.data.mimic.partition import FRACTIONS
from mind_keras.data.splits import Splits
from mind_keras.data.twin.generate import generate

Progress = Callable[[str, int, float], None]


def load(
    *,
    seed: int = 0,
    missing: Mapping | None = None,
    task: str = "mortality",
    extraction: str | Path | None = None,
    mimic_iv: str | Path | None = None,
    mimic_cxr: str | Path | None = None,
    stays: int = 2000,
    twin_seed: int = 0,
    hours: int | None = 48,
    reference: str | None = None,
    labs: bool = False,
    split_files: Sequence[str | Path] | None = None,
    fractions: Sequence[float] = FRACTIONS,
    views: Sequence[str] = ("AP",),
    lookback_hours: float = 0.0,
    intubated: str = "minimum",
    codes: str | Path | None = None,
    mapping: str | Path | None = None,
    layout: str = "reference76",
    image_size: int = 96,
    modalities: Sequence[str] = MODALITIES,
    accept: Sequence[str] = (),
    cache: str | Path | None = None,
    engine: str | None = None,
    progress: Progress = lambda stage, done, fraction: None,
) -> Splits:
    """ICU stays as `Splits`, audited.

    Args:
        seed: Of the removal of modalities; the split does not depend on it.
        missing: How modalities are removed; see `sources.load`.
        task: `"mortality"` or `"phenotyping"`.
        extraction: A folder of `mind-keras data extract`, taken as it is.
        mimic_iv, mimic_cxr: Raw data, extracted on first use. Without them, and
            without `extraction`, the twin is generated.
        stays, twin_seed: Size and seed of the twin.
        hours: Length of the window and of each series.
        reference, labs, split_files, fractions, views, lookback_hours, intubated,
            codes, mapping, engine: As in `data.mimic.options.Options`.
        layout: Columns of the series, one of `columns.LAYOUTS`.
        image_size: Height and width of an image, pixels.
        modalities: `"ehr"`, `"cxr"`, or both.
        accept: Checks of the audit whose violation is accepted.
        cache: Where twin and extractions are kept. Default: the environment variable
            `MIND_KERAS_CACHE`, or the user's cache folder.
        progress: Called as `progress(stage, rows done, fraction)`.

    Raises:
        ValueError: If the audit finds a violation, or the data break a rule.
    """
    if hours is None and extraction is None:
        raise ValueError(
            "Series need one length. Received: hours=None, whole stays. Extract these "
            "by `mind-keras data extract --hours all`, then give `extraction` and "
            "`hours`."
        )
    rules = {"task": task, "hours": hours, "reference": reference, "labs": labs}
    rules |= {"split_files": split_files and tuple(split_files), "engine": engine}
    rules |= {"fractions": tuple(fractions), "views": tuple(views)}
    rules |= {"lookback_hours": lookback_hours, "intubated": intubated}
    rules |= {"codes": codes, "mapping": mapping}
    found = _extraction(
        extraction,
        cache=cache_folder(cache),
        roots=(mimic_iv, mimic_cxr),
        twin=(stays, twin_seed),
        rules=rules,
        progress=progress,
    )
    report = _checked(found, task, rules["split_files"], accept)
    data = to_splits(
        found,
        layout=layout,
        hours=hours,
        image_size=image_size,
        modalities=modalities,
        missing=missing,
        seed=seed,
    )
    manifest = json.dumps(found.manifest, indent=1) + "\n"
    documents = {"extraction.json": manifest, "audit.html": report.html()}
    return replace(data, documents=documents)


def _checked(
    found: Extraction, task: str, split_files: tuple | None, accept: Sequence[str]
) -> Audit:
    """The audit of an extraction, which must have passed."""
    if found.task.name != task:
        raise ValueError(
            f"The extraction must be of the task {task!r}. Received: {found.path}, of "
            f"{found.task.name!r}."
        )
    report = audit(found, split_files=split_files, accept=accept)
    if report.violations:
        names = [finding.check for finding in report.violations]
        raise ValueError(
            f"The data must pass the audit. Received: violations of {names}.\n"
            f"{report.markdown()}\nCure the extraction, or accept a violation by "
            f"`data.accept: {names}`."
        )
    return report


def _extraction(
    extraction: str | Path | None,
    *,
    cache: Path,
    roots: tuple,
    twin: tuple[int, int],
    rules: Mapping,
    progress: Progress,
) -> Extraction:
    """The extraction that is there, or one made of raw data or of the twin."""
    if extraction is not None:
        return read_extraction(extraction)
    cache.mkdir(parents=True, exist_ok=True)
    # Runs that begin side by side would write the same folders.
    with FileLock(cache / "icu.lock"):
        return _cached(cache, roots, twin, rules, progress)


def _cached(
    cache: Path, roots: tuple, twin: tuple[int, int], rules: Mapping, progress: Progress
) -> Extraction:
    if roots == (None, None):
        raw = _twin(cache, *twin, progress)
        roots = raw / "mimic-iv", raw / "mimic-cxr-jpg"
    elif roots[0] is None:
        raise ValueError(
            "Chest X-rays are paired with ICU stays. Received: `mimic_cxr` without "
            "`mimic_iv`. Give both, or `mimic_iv` alone."
        )
    options = Options(mimic_iv=roots[0], mimic_cxr=roots[1], **rules)
    name = f"{options.task}-{_digest([options.digest, __version__, _inputs(roots)])}"
    folder = cache / "icu" / name
    if (folder / MANIFEST).is_file():
        return read_extraction(folder)
    return extract(folder, options, resume=folder.exists(), progress=progress)


def _twin(cache: Path, stays: int, seed: int, progress: Progress) -> Path:
    folder = cache / "twin" / f"icu-{stays}-{seed}-{__version__}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        generate(folder, stays=stays, seed=seed, progress=progress)
    return folder


def _inputs(roots: Sequence[str | Path | None]) -> list:
    """Names, sizes and times of the tables: other ones are extracted anew."""
    there = [Path(root) for root in roots if root is not None]
    # Not `**`: a folder of chest X-rays has hundreds of thousands of files.
    forms = ("*.csv*", "*/*.csv*")
    tables = [path for r in there for form in forms for path in sorted(r.glob(form))]
    stats = [(path.name, path.stat()) for path in tables]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]
