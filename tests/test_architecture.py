"""Who may import whom; and each rule is seen to fail where it is broken."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BACKENDS = {"jax", "tensorflow", "torch"}


def lint_imports(root: Path) -> subprocess.CompletedProcess:
    """Run import-linter on a tree, in a process that has not imported another."""
    code = (
        "from importlinter.cli import lint_imports; exit(lint_imports(no_cache=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True
    )


def backend_imports(root: Path) -> list[str]:
    """Imports of a backend in files that are not named for it, `file:line module`."""
    found = []
    for path in sorted((root / "mind_keras").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                backend = name.split(".")[0]
                if backend in BACKENDS and not path.stem.endswith(f"_{backend}"):
                    found.append(f"{path.name}:{node.lineno} {name}")
    return found


@pytest.fixture
def tree(tmp_path) -> Path:
    """A copy of the package and its contracts, to break."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mind_keras", tmp_path / "mind_keras", ignore=ignore)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


def plant(tree: Path, module: str, code: str) -> None:
    """Add a line of code to a module."""
    path = tree / "mind_keras" / module
    path.write_text(path.read_text("utf-8") + f"\n{code}\n", "utf-8")


def test_the_package_keeps_its_contracts():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout
    assert "3 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "code", "broken"),
    [
        ("data/samples.py", "import mind_keras.models", "Imports go down only"),
        ("spec.py", "from mind_keras import losses", "Imports go down only"),
        (
            "evaluation/metrics.py",
            "def late():\n    import keras",
            "Data and evaluation know no Keras, but for the batches",
        ),
        ("losses.py", "def late():\n    import torch.nn", "Nobody imports a backend"),
    ],
)
def test_an_import_against_the_flow_breaks_a_contract(tree, module, code, broken):
    plant(tree, module, code)
    result = lint_imports(tree)
    assert result.returncode == 1
    assert f"{broken} BROKEN" in result.stdout


def test_a_module_without_a_place_in_the_flow_breaks_a_contract(tree):
    (tree / "mind_keras" / "anywhere.py").write_text('"""Somewhere."""\n')
    result = lint_imports(tree)
    assert result.returncode == 1
    assert "- mind_keras.anywhere" in result.stdout


def test_no_file_imports_a_backend_it_is_not_named_for():
    assert backend_imports(ROOT) == []


@pytest.mark.parametrize(
    "code",
    [
        "import torch",
        "import numpy, jax.numpy as jnp",
        "from tensorflow import keras",
        "def late():\n    from torch.nn import Linear",
    ],
)
def test_an_import_of_a_backend_is_found_but_in_a_file_named_for_it(tree, code):
    plant(tree, "losses.py", code)
    found = backend_imports(tree)
    assert len(found) == 1 and found[0].startswith("losses.py:")
    backend = found[0].split()[1].split(".")[0]
    (tree / "mind_keras/losses.py").rename(tree / f"mind_keras/losses_{backend}.py")
    assert backend_imports(tree) == []
