"""One small extraction of the twin per task, made once for all tests that look at one.

Imports no Keras.
"""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from twin import twin

from mind_keras.data.mimic.extract import extract
from mind_keras.data.mimic.extraction import Extraction, read_extraction
from mind_keras.data.mimic.options import Options

STAYS = 120
IMAGE_SIZE = 32
# So that each split has some of each pattern.
FRACTIONS = (0.5, 0.2, 0.3)


def options(task: str = "mortality", **changes) -> Options:
    """What is extracted of the twin, unless a test changes it."""
    roots = {"mimic_iv": twin(STAYS) / "mimic-iv"}
    roots["mimic_cxr"] = twin(STAYS) / "mimic-cxr-jpg"
    rules = {"task": task, "image_size": IMAGE_SIZE, "fractions": FRACTIONS}
    return Options(**roots | rules | changes)


@functools.cache
def folder(task: str = "mortality", **changes) -> Path:
    """The folder of an extraction. Do not write to it."""
    parent = Path(tempfile.mkdtemp(prefix="tiny_icu"))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    extract(parent / "extraction", options(task, **changes))
    return parent / "extraction"


def extraction(task: str = "mortality", **changes) -> Extraction:
    """The extraction itself."""
    return read_extraction(folder(task, **changes))


def copy(target: Path, task: str = "mortality", **changes) -> Path:
    """A copy to break."""
    shutil.copytree(folder(task, **changes), target / "extraction")
    return target / "extraction"


def files(path: Path) -> dict[str, bytes]:
    """Every file of a folder: its bytes by its name."""
    found = (file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in found}
