"""What people install: a source distribution, and the wheel that is built from it.

`python -m build` does the same in an environment of its own; here the build back end is
called as it is installed, which needs no network.
"""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import mind_keras

ROOT = Path(__file__).parents[1]
NEEDED = re.search(r"setuptools>=(\d+)", (ROOT / "pyproject.toml").read_text())[1]
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info")
OUTSIDE = ("LICENSE", "README.md", "pyproject.toml", "setup.cfg")
# Of the pip of the test environment nothing is to be found, only what was unpacked.
RUN = """
import sys
from importlib.metadata import distribution
import mind_keras
from mind_keras.data.mimic.phenotypes import PHENOTYPES

assert mind_keras.__file__.startswith(sys.argv[1]), mind_keras.__file__
assert len(PHENOTYPES) == 25
(script,) = distribution("mind_keras").entry_points.select(group="console_scripts")
assert script.name == "mind-keras"
sys.argv = [script.name, "--help"]
script.load()()
"""


def build(folder: Path, kind: str, output: Path) -> Path:
    """A distribution of the sources in a folder: `"sdist"` or `"wheel"`."""
    code = f"import setuptools.build_meta as b, sys; b.build_{kind}(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", code, output],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (made,) = output.glob({"sdist": "*.tar.gz", "wheel": "*.whl"}[kind])
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    """The sources, unpacked from their distribution."""
    if int(importlib.metadata.version("setuptools").split(".")[0]) < int(NEEDED):
        pytest.skip(f"setuptools {NEEDED} or newer is not installed")
    folder = tmp_path_factory.mktemp("packaging")
    shutil.copytree(
        ROOT / "mind_keras", folder / "tree" / "mind_keras", ignore=LEFT_OUT
    )
    shutil.copytree(ROOT / "tests", folder / "tree" / "tests", ignore=LEFT_OUT)
    for path in sorted(ROOT.iterdir()):
        if path.is_file():
            shutil.copy(path, folder / "tree")
    with tarfile.open(build(folder / "tree", "sdist", folder)) as archive:
        # Python before 3.11.4 knows no filter.
        careful = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder / "sources", **careful)
    (unpacked,) = (folder / "sources").iterdir()
    return unpacked


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory) -> Path:
    """The wheel of these sources, unpacked: what is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(build(sdist, "wheel", folder)) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture(scope="module")
def metadata(wheel) -> Message:
    """What the wheel says of itself."""
    (path,) = wheel.glob("*.dist-info/METADATA")
    return Parser().parsestr(path.read_text("utf-8"))


def files(folder: Path) -> set[str]:
    """All files below a folder but compiled ones."""
    found = (p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc")
    return {path.relative_to(folder).as_posix() for path in found}


def test_a_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    installed = {name for name in files(wheel) if ".dist-info/" not in name}
    package = {f"mind_keras/{name}" for name in files(ROOT / "mind_keras")}
    assert installed == package
    assert "mind_keras/py.typed" in installed
    assert any(name.endswith(".csv") for name in installed)


def test_the_sources_hold_what_a_wheel_is_built_from(sdist):
    assert set(OUTSIDE) <= files(sdist)
    assert files(ROOT / "mind_keras") <= files(sdist / "mind_keras")


def test_what_is_installed_runs_without_the_repository(wheel, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", RUN, wheel],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "mind-keras [OPTIONS] COMMAND" in done.stdout


def test_the_metadata_name_version_python_and_licence(metadata):
    assert metadata["Version"] == mind_keras.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License"] == "Apache-2.0"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload().startswith("# mind_keras\n")


def test_every_python_that_is_promised_is_one_that_may_install(metadata):
    label = "Programming Language :: Python :: 3."
    promised = [c for c in metadata.get_all("Classifier") if c.startswith(label)]
    minors = sorted(int(c.removeprefix(label)) for c in promised)
    assert minors == list(range(11, 11 + len(minors))) and len(minors) >= 3


def test_no_backend_is_installed_unasked_and_each_has_an_extra(metadata):
    asked = metadata.get_all("Requires-Dist")
    plain = {re.split(r"[<>=]", line)[0] for line in asked if "extra ==" not in line}
    backends = {"jax", "tensorflow", "torch"}
    assert plain >= {"keras", "numpy"} and not plain & backends
    assert set(metadata.get_all("Provides-Extra")) >= {*backends, "fast", "test"}
