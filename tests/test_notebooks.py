"""What notebooks promise before they are run; `.ci/notebooks.py` runs them."""

import ast
import configparser
import json
import re
from pathlib import Path

import pytest

import mind_keras as mk

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAGIC = re.compile(r"^(\s*)(%.*)$", re.MULTILINE)

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict]:
    notebook = json.loads(path.read_text("utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def text(cell: dict) -> str:
    return "".join(cell["source"])


def public_names(source: str) -> set[str]:
    """The names that a cell takes from the package."""
    tree = ast.parse(MAGIC.sub(r"\1pass  # \2", source))
    nodes = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute))
    return {
        n.attr for n in nodes if isinstance(n.value, ast.Name) and n.value.id == "mk"
    }


def test_there_are_five_in_the_order_in_which_they_are_read():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05"]


@each
def test_a_notebook_opens_in_colab_at_its_own_address(path):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    repository = setup["metadata"]["url"].removeprefix("https://github.com/")
    badge = f"https://colab.research.google.com/github/{repository}/blob/main/"
    first = text(cells(path, "markdown")[0])
    assert first.startswith("# ")
    assert f"({badge}{path.relative_to(ROOT).as_posix()})" in first


@each
def test_what_is_not_installed_is_installed_first_and_by_all_alike(path):
    first = text(cells(path, "code")[0])
    assert first == text(cells(NOTEBOOKS[0], "code")[0])
    assert "%pip install --quiet mind_keras" in first


@each
def test_what_is_kept_was_run_from_top_to_bottom_and_shows_no_warning(path):
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == [*range(1, len(code) + 1)]
    shown = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in shown} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert "stderr" not in {output.get("name") for output in shown}
    assert not re.search(r"/(home|root|tmp|Users)/|[Ww]arning:", json.dumps(shown))


@each
def test_a_notebook_uses_public_names_only(path):
    used = set().union(*(public_names(text(cell)) for cell in cells(path, "code")))
    assert used and used <= {*mk.__all__}


@each
def test_links_lead_somewhere_and_readers_are_told_what_to_see(path):
    prose = "\n".join(map(text, cells(path, "markdown")))
    for target in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (path.parent / target).is_file(), target
    assert "ou should see" in prose


def test_names_are_found_beside_magic():
    found = public_names("if a:\n    %pip install x\nmk.load(mk.no_such)\nother.thing")
    assert found == {"load", "no_such"}
