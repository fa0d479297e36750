"""What the repository promises outside its code, and the size of its code."""

import ast
import configparser
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

import mind_keras

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "mind_keras").rglob("*.py"))
BACKENDS = {"jax", "tensorflow", "torch"}
LINES_OF_A_FILE = 300
LINES_OF_CODE = 200
LINES_OF_A_FUNCTION = 30


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def prose(tree: ast.AST) -> set[int]:
    """The lines that hold docstrings and error messages."""
    parts = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node):
            parts.append(node.body[0])
    return {n for part in parts for n in range(part.lineno, part.end_lineno + 1)}


def lines_of_code(function: ast.FunctionDef) -> int:
    """The lines of a function's body that are not prose."""
    body = range(function.body[0].lineno, function.end_lineno + 1)
    return len(set(body) - prose(function))


def long_functions(text: str) -> list[str]:
    """Functions that do not fit in view."""
    functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef))
    return [f.name for f in functions if lines_of_code(f) > LINES_OF_A_FUNCTION]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_file_is_one_idea_and_a_function_fits_in_view(path):
    text = path.read_text("utf-8")
    lines = len(text.splitlines())
    assert lines <= LINES_OF_A_FILE
    assert lines - len(prose(ast.parse(text))) <= LINES_OF_CODE
    assert long_functions(text) == []


def test_only_code_counts_for_the_length_of_a_function():
    text = "        'text'\n" * 40
    assert long_functions(f'def f():\n    """Title.\n{text}    """\n    return 1') == []
    assert long_functions(f"def f():\n    raise ValueError(\n{text})") == []
    assert long_functions("def f(\n" + "    x,\n" * 40 + "):\n    return 1") == []
    assert long_functions("def f():\n" + "    x = 1\n" * 30) == []
    assert long_functions("def f():\n" + "    x = 1\n" * 31) == ["f"]


def test_every_module_says_what_it_is():
    trees = {path.name: ast.parse(path.read_text("utf-8")) for path in SOURCES}
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_the_citation_is_of_this_version_and_names_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == mind_keras.__version__
    (paper,) = citation["references"]
    assert paper["identifiers"][0]["value"] == "arXiv:2502.01158"


def test_the_package_asks_for_no_backend_and_for_lower_bounds_only(setup):
    required = setup["options"]["install_requires"].split("\n")[1:]
    assert not {re.split("[<>=]", line)[0] for line in required} & BACKENDS
    extras = setup["options.extras_require"]
    asked = required + [line for name in extras for line in extras[name].split("\n")]
    bound = re.compile(r"[\w-]+>=[\d.]+|")
    assert [line for line in asked if not bound.fullmatch(line)] == []


def test_what_the_readme_tells_people_to_run_is_what_ci_runs():
    readme = (ROOT / "README.md").read_text("utf-8")
    script = (ROOT / ".ci" / "run").read_text("utf-8").replace("$backend", "jax")
    blocks = re.findall(r"```(?:bash|sh|shell)\n(.*?)```", readme, re.DOTALL)[:2]
    commands = [c.strip() for block in blocks for c in re.split(r"&&|\n", block)]
    pips = [c.split("install ")[1] for c in commands if c.startswith("pip install")]
    runs = [c for c in commands if c.startswith(("mind-keras", "make"))]
    runs = [command.split(" --output")[0] for command in runs]
    assert len(pips) == 2 and len(runs) == 2
    assert [part for part in pips + runs if part not in script] == []


@pytest.fixture
def every_backend():
    """The script that `make test` runs, as a module."""
    path = ROOT / ".ci" / "every_backend.py"
    about = importlib.util.spec_from_file_location("every_backend", path)
    module = importlib.util.module_from_spec(about)
    about.loader.exec_module(module)
    return module


def test_what_no_backend_changes_is_tested_once_and_all_else_on_each(every_backend):
    jobs = every_backend.jobs()
    once = jobs.pop(every_backend.NO_BACKEND)
    assert set(jobs) == BACKENDS
    assert all((ROOT / name).exists() for name in once if not name.startswith("--"))
    left_out = {name.removeprefix("--ignore=") for name in jobs["jax"]}
    assert jobs["jax"] == jobs["tensorflow"] == jobs["torch"]
    files = [p for f in ("mind_keras", "tests") for p in (ROOT / f).rglob("*.py")]
    for path in files:
        name = str(path.relative_to(ROOT))
        beneath = any(part in once for part in (name, *map(str, Path(name).parents)))
        is_once = beneath and f"--ignore={name}" not in once
        assert is_once == (name in left_out), name


@pytest.mark.parametrize(
    ("code", "options", "failed"),
    [(0, [], 0), (5, [], 1), (5, ["-k", "flow"], 0), (3, ["-k", "flow"], 1)],
)
def test_a_crash_or_a_job_without_tests_is_not_green(
    every_backend, monkeypatch, code, options, failed
):
    monkeypatch.setattr(every_backend, "follow", lambda *_: code)
    counts = every_backend.run("jax", [], options)
    assert counts == {"passed": 0, "failed": failed, "skipped": 0}
