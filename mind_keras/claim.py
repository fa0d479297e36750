"""Taking a folder for a run: new, to go on with, or to write anew.

`claim` refuses whatever could destroy or mix results. It deletes nothing but files
that a run writes.
"""

import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import keras
import yaml

from mind_keras.artifact import CONFIG, DOCUMENTS, ENVIRONMENT, FILES, Run

LIBRARIES = ("keras", "numpy", "pandas", "scipy", "scikit-learn")


def environment(version: str, *, seed: int, config_digest: str) -> dict:
    """What a result depends on beside the config, for `environment.json`.

    Args:
        version: Of this package.
        seed: Of the run.
        config_digest: Of the config.

    Example:
        >>> sorted(environment("0.1.0", seed=0, config_digest="a1"))[:3]
        ['backend', 'backend_version', 'config_digest']
    """
    backend = keras.config.backend()
    return {
        "mind_keras": version,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in LIBRARIES},
        "backend": backend,
        # Its distribution has many names (tensorflow-cpu, ...), its module has one.
        "backend_version": str(sys.modules[backend].__version__),
        "platform": f"{platform.system()} {platform.machine()}",
        "seed": seed,
        "config_digest": config_digest,
    }


def claim(
    output: str | Path,
    config: str,
    versions: Mapping,
    *,
    overwrite: bool = False,
    resume: bool = False,
) -> Run:
    """Make or open the folder of a run.

    Args:
        output: The folder.
        config: The whole experiment as YAML.
        versions: From `environment`.
        overwrite: Delete what an earlier run wrote there.
        resume: Go on with the same run, if config and versions are the same.

    Raises:
        ValueError: If the folder holds anything and neither was asked for; if it is
            not a run's; if what is resumed differs, with what differs.
    """
    run = Run(Path(output))
    if run.path.exists() and not run.path.is_dir():
        raise ValueError(f"The output must be a folder. Received: the file {run.path}.")
    if overwrite and resume:
        raise ValueError("A run is either resumed or overwritten. Received: both.")
    if run.path.is_dir() and any(run.path.iterdir()):
        if resume:
            _check_same(run, config, versions)
            _sweep(run)
            return run
        if not overwrite:
            raise ValueError(_in_use(run))
        _clear(run)
    run.path.mkdir(parents=True, exist_ok=True)
    run.write(CONFIG, config)
    run.write_json(ENVIRONMENT, dict(versions))
    return run


def _in_use(run: Run) -> str:
    state = "a finished run" if run.finished else "files"
    state = "an unfinished run" if _unfinished(run) else state
    cure = "Go on with it by --resume, or start" if _unfinished(run) else "Start"
    return (
        f"The output folder must be empty. Received: {run.path}, which holds {state}. "
        f"{cure} anew by --overwrite, or choose another --output."
    )


def _unfinished(run: Run) -> bool:
    return not run.finished and (run.path / CONFIG).is_file()


def _check_same(run: Run, config: str, versions: Mapping) -> None:
    """Refuse to go on with another experiment, or under other versions."""
    changes = _changes(yaml.safe_load(run.read(CONFIG)), yaml.safe_load(config))
    if not changes:
        changes = _changes(run.read_json(ENVIRONMENT), dict(versions))
    if changes:
        raise ValueError(
            "A resumed run must be the same experiment on the same versions. Received: "
            f"{run.path}, where {'; '.join(changes)}. Start anew by --overwrite, or "
            "choose another --output."
        )


def _changes(before: object, now: object, path: str = "") -> list[str]:
    """What differs between two trees of plain values, as `a.b was 1 and is 2`."""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return [f"`{path}` was {before!r} and is {now!r}"] if before != now else []
    return [
        change
        for key in dict.fromkeys([*before, *now])
        for change in _changes(
            before.get(key), now.get(key), f"{path}.{key}".strip(".")
        )
    ]


def _clear(run: Run) -> None:
    """Delete what a run writes, and nothing else."""
    if not (run.path / CONFIG).is_file():
        raise ValueError(
            "Only the folder of a run is overwritten. Received: "
            f"{run.path}, which has no {CONFIG}. Choose another --output."
        )
    # The config goes last: whatever interrupts this, the folder stays recognisable.
    *others, config = FILES
    for name in (*others, *DOCUMENTS):
        (run.path / name).unlink(missing_ok=True)
    for model in [run.path / "student.keras", *run.path.glob("student.*.keras")]:
        model.unlink(missing_ok=True)
    for folder in ("teachers", "controls", "exports"):
        shutil.rmtree(run.path / folder, ignore_errors=True)
    for one in run.path.glob("seed-*"):
        if (one / CONFIG).is_file():
            _clear(Run(one))
            if not any(one.iterdir()):
                one.rmdir()
    _sweep(run)
    (run.path / config).unlink()


def _sweep(run: Run) -> None:
    """Delete what a killed process left half-written, which `atomic_path` hides."""
    for left in run.path.rglob(".*.part*"):
        left.unlink()
