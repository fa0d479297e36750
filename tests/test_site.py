"""The site of documents: its code runs, and its lists are those of the package.

mkdocs builds it (`mkdocs build --strict`), checks links and anchors there, and is not
needed here.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from html import unescape
from xml.etree import ElementTree

import keras
import pytest
import typer
import yaml
from pages import ROOT, code, tables

import mind_keras
from mind_keras.cli import app
from mind_keras.config import validated

DOCS = ROOT / "docs"
PAGES = {
    str(path.relative_to(DOCS)): path.read_text("utf-8")
    for path in sorted(DOCS.rglob("*.md"))
}
API = {name: text for name, text in PAGES.items() if name.startswith("api/")}
PICTURES = sorted((DOCS / "pictures").glob("*.svg"))
LANGUAGES = {"bash", "csv", "python", "text", "yaml"}
# What they call is tested on each backend, in test_estimator.py and test_tuning.py.
COMPILES_MUCH = {"sklearn_tuning_tracking.md"}
NOT_RUN = re.compile(r"<!--\s*not run\b:?(.*?)-->(\n```python$)?", re.MULTILINE)
SVG = "{http://www.w3.org/2000/svg}"
# What a browser takes from its own system.
FONTS = {"system-ui", "sans-serif"}


# --- code ---


def blocks(text: str, language: str) -> Iterator[tuple[int, str, bool]]:
    """`(line, code, is run)` of each block of a language."""
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.M | re.S):
        before = text[: found.start()].splitlines() or [""]
        yield len(before) + 1, found[1], not NOT_RUN.match(before[-1])


def run(name: str, text: str) -> dict:
    """All Python of a page, in order and in one namespace."""
    names = {"__name__": "page"}
    for line, block, is_run in blocks(text, "python"):
        if is_run:
            # Lines are counted as in the page, so that an error says where it is.
            exec(compile("\n" * line + block, name, "exec"), names)
    return names


# Of KerasTuner 1.4, which has not moved on.
@pytest.mark.filterwarnings("ignore:currentThread:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:getName:DeprecationWarning")
@pytest.mark.parametrize("name", [n for n, t in PAGES.items() if "```python" in t])
def test_the_python_of_a_page_runs(name, tmp_path, monkeypatch):
    if name in COMPILES_MUCH and keras.config.backend() != "torch":
        pytest.skip("compiles a dozen networks; once is enough: torch")
    monkeypatch.chdir(tmp_path)
    run(name, PAGES[name])


def test_an_error_in_a_page_is_found_and_says_its_line():
    page = 'Text.\n\n```python\na = 1\n```\n\n```python\nassert a == 2, "no"\n```\n'
    with pytest.raises(AssertionError, match="no") as error:
        run("page.md", page)
    assert error.traceback[-1].lineno + 1 == 8


def left_out(text: str) -> list[str]:
    """Why blocks of a page are not run; refuses what is no reason, or of no block."""
    found = []
    for match in NOT_RUN.finditer(text):
        reason = match[1].strip()
        if not re.search(r"\w{3}", reason):
            raise ValueError(f"`not run` needs a reason. Received: {match[0]!r}.")
        if not match[2]:
            raise ValueError(f"Above no block of Python: {match[0]!r}.")
        found.append(reason)
    return found


def test_a_block_is_left_out_for_a_reason_alone():
    reasons = {name: why for name, text in PAGES.items() if (why := left_out(text))}
    print(reasons)
    assert reasons == {"multiclass_data.md": ["needs a copy of CREMA-D"]}
    block = "```python\n1 / 0\n```\n"
    assert not run("page.md", f"<!-- not run: takes hours -->\n{block}").keys() & {"x"}
    for comment in ("<!-- not run: -->", "<!-- not run -->", "<!-- not run: - -->"):
        with pytest.raises(ValueError, match="needs a reason"):
            left_out(f"{comment}\n{block}")
    with pytest.raises(ValueError, match="Above no block"):
        left_out(f"<!-- not run: takes hours -->\n\n{block}")


def test_no_python_hides_under_another_name():
    for name, text in PAGES.items():
        fences = re.findall(r"^\s*(`{3,}|~{3,})(.*)$", text, re.MULTILINE)
        opened = {language for _, language in fences[::2]}
        assert opened <= LANGUAGES and {fence for fence, _ in fences} <= {"```"}, name
        for _, block, _ in blocks(text, "text"):
            assert not re.search(r"^(import|from) ", block, re.MULTILINE), name


def test_pieces_of_configs_are_what_a_config_may_say():
    base = yaml.safe_load((ROOT / "configs" / "diabetes.yaml").read_text("utf-8"))
    shown = [b for t in PAGES.values() for _, b, _ in blocks(t, "yaml")]
    assert len(shown) >= 3
    for block in shown:
        validated(base | yaml.safe_load(block), {(): "config"})


# --- what the site holds ---


def entries(nav: object) -> Iterator[str]:
    """The pages that a navigation names."""
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from entries(part)


def mounted() -> set[str]:
    """Pages that lie outside of `docs/`, as the hook of mkdocs has them."""
    tree = ast.parse((ROOT / ".ci" / "site_hook.py").read_text("utf-8"))
    (value,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "MOUNTED"
    )
    known = ast.literal_eval(value)
    assert [name for name in known if not (ROOT / name).is_file()] == []
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return {*known.values(), *(f"notebooks/{path.name}" for path in notebooks)}


@pytest.fixture(scope="module")
def settings() -> dict:
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))


def test_the_navigation_names_every_page_once_and_no_other(settings):
    assert sorted(entries(settings["nav"])) == sorted({*PAGES} | mounted())


def test_the_site_is_made_of_what_is_here(settings):
    assert settings["theme"]["font"] is False
    assert "://" not in (ROOT / "mkdocs.yml").read_text("utf-8")
    files = [*settings["hooks"], *settings["watch"]]
    files += [f"docs/{name}" for name in settings["extra_css"]]
    assert [name for name in files if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_links_and_pictures_of_a_page_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGES[name]):
        assert (DOCS / name).parent.joinpath(target).exists(), target


# --- the interface ---


def targets() -> dict[str, str]:
    """`{what a page of the interface documents: the page}`."""
    found = [
        (target, name)
        for name, text in API.items()
        for target in re.findall(r"^::: (\S+)$", text, re.MULTILINE)
    ]
    assert len(dict(found)) == len(found)
    return dict(found)


def test_every_public_name_is_documented_where_it_lives():
    homes = {f"mind_keras.{home}.{n}" for n, home in mind_keras._HOME.items()}
    assert homes - {*targets()} == set()
    for target in targets():
        module, _, name = target.rpartition(".")
        assert inspect.getdoc(getattr(importlib.import_module(module), name)), target


def test_the_overview_names_every_public_name_with_its_page():
    (table,) = tables(API["api/index.md"])
    told = {}
    for row in table:
        page = re.search(r"\]\(([\w./]+)\)", row["there are"])[1]
        told |= dict.fromkeys(code(row["there are"]), f"api/{page}")
    commands = told.pop("mind-keras")
    assert commands == "api/../commands.md"
    found = {target.rpartition(".")[2]: page for target, page in targets().items()}
    assert sorted(told) == mind_keras.__all__
    assert told == {name: found[name] for name in told}


# --- commands ---


def walk(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    """The commands of a group and of the groups in it, by name."""
    if isinstance(command, typer.core.TyperGroup):
        for name, part in command.commands.items():
            yield from walk(part, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(walk(typer.main.get_command(app)))


def first_lines(command: object) -> str:
    """What a command says of itself."""
    return " ".join(command.help.split("\n\n")[0].split())


def arguments(command: object) -> list[tuple[str, str, str]]:
    """Name, help and default of what a command takes, but for `--debug`."""
    rows = []
    for taken in command.params:
        is_option = taken.param_type_name == "option"
        name = taken.opts[0] if is_option else taken.metavar
        default = taken.default
        if default in (None, [], ()) or default is False or taken.required:
            default = ""
        elif isinstance(default, list | tuple):
            default = " ".join(map(str, default))
        rows.append((name, (taken.help or "").strip(), str(default)))
    return [row for row in rows if row[0] != "--debug"]


def test_the_list_of_commands_is_that_of_the_program():
    rows = tables(PAGES["commands.md"])[0]
    told = {code(row["command"])[0]: row["does"] for row in rows}
    assert told == {f"mind-keras {n}": first_lines(c) for n, c in COMMANDS.items()}
    for row in rows:
        name = code(row["command"])[0].removeprefix("mind-keras ")
        assert row["command"].endswith(f"(#{name.replace(' ', '-')})"), name


@pytest.mark.parametrize("name", COMMANDS)
def test_arguments_of_a_command_are_those_of_the_program(name):
    section = PAGES["commands.md"].split(f"\n## {name}\n")[1].split("\n## ")[0]
    assert section.strip().startswith(first_lines(COMMANDS[name]))
    assert f"```bash\nmind-keras {name} " in section
    told = [
        (code(row["argument"])[0], unescape(row["is"]), row["default"].strip("`"))
        for row in tables(section)[0]
    ]
    told = [(name, text.replace("\\|", "|"), default) for name, text, default in told]
    assert told == arguments(COMMANDS[name])


# --- pictures ---


def faults(text: str) -> list[str]:
    """What keeps a picture from being read by all, and from standing alone."""
    root = ElementTree.fromstring(text)
    found = []
    if not {"viewBox", "role", "aria-labelledby"} <= {*root.attrib}:
        found.append("no viewBox, role or label")
    for name in ("title", "desc"):
        part = root.find(f"{SVG}{name}")
        is_told = part is not None and (part.text or "").strip()
        if not is_told or part.get("id") not in root.get("aria-labelledby", ""):
            found.append(f"no {name}")
    if {"script", "image", "foreignObject"} & {
        e.tag.split("}")[1] for e in root.iter()
    }:
        found.append("more than shapes and text")
    inside = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    if re.search(r"https?:|@import|url\((?!#)|\bhref|\bsrc=", inside):
        found.append("refers to something outside")
    fonts = re.findall(r"font-family[:=]\s*\"?([^;\"]+)", text)
    if {font.strip() for some in fonts for font in some.split(",")} - FONTS:
        found.append("a font that may not be there")
    return found


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_says_what_it_shows_and_stands_alone(path):
    assert faults(path.read_text("utf-8")) == []


def test_a_picture_that_is_not_for_all_is_found():
    good = PICTURES[0].read_text("utf-8")
    for old, new, fault in (
        ("<title ", "<text ", "no title"),
        ('id="desc"', 'id="about"', "no desc"),
        ('role="img"', "", "no viewBox, role or label"),
        ("</svg>", "<script/></svg>", "more than shapes and text"),
        ("</svg>", '<use href="x.svg"/></svg>', "refers to something outside"),
        ("system-ui", "Lato", "a font that may not be there"),
    ):
        changed = good.replace(old, new)
        if old == "<title ":
            changed = changed.replace("</title>", "</text>")
        assert faults(changed) == [fault], new


def test_every_picture_is_shown_with_words_in_its_place():
    shown = {}
    for name, text in PAGES.items():
        for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text):
            shown.setdefault((DOCS / name).parent / target, []).append(words)
    assert {*shown} == {*PICTURES}
    assert all(len(words.split()) > 5 for some in shown.values() for words in some)
