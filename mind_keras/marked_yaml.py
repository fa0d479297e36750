"""YAML in which every value knows where it was said.

`load` gives plain values and marks, `{path: place}`: the path of a value is the tuple
of its keys, its place reads `configs/diabetes.yaml, line 12`. `override` sets a value
from the command line and marks it so. Two habits of YAML 1.1 that cost people their
experiments are undone: `1e-3` is a number, and a key said twice is an error.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

Path = tuple[str | int, ...]
Marks = dict[Path, str]


class _Loader(yaml.SafeLoader):
    """Safe, and reads `1e-3` as YAML 1.2 does."""


class _Dumper(yaml.SafeDumper):
    """The inverse: quotes a text that looks like `1e-3`."""


_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$")
for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver(
        "tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789")
    )


def load(text: str, source: str) -> tuple[Any, Marks]:
    """The values of a YAML document, and where each was said.

    Args:
        text: The document.
        source: What to call it in marks and errors, e.g. the file's name.

    Raises:
        ValueError: If it is not YAML or says a key twice, with line and column.

    Example:
        >>> values, marks = load("student:\\n  fusion: concat", "a.yaml")
        >>> values["student"], marks["student", "fusion"]
        ({'fusion': 'concat'}, 'a.yaml, line 2')
    """
    try:
        values = yaml.load(text, Loader=_Loader)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}"
        problem = ", ".join(filter(None, (error.context, error.problem)))
        raise ValueError(
            f"{source}, {where}: cannot be read as YAML: {problem}."
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"#x{error.character:04x}"
        raise ValueError(
            f"{source}, line {line}: cannot be read as YAML: it holds the character "
            f"{character}, which no text has. Is it saved as UTF-8?"
        ) from None
    return values, {**dict(_marks(node, (), source)), (): source}


def dump(values: Any) -> str:
    """Plain values as YAML that `load` reads back, in their order."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _marks(
    node: yaml.Node | None, path: Path, source: str
) -> Iterator[tuple[Path, str]]:
    children: list[tuple[str | int, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        children = [(key.value, key, value) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        children = [(index, item, item) for index, item in enumerate(node.value)]
    seen: dict[str | int, int] = {}
    for key, start, value in children:
        line = start.start_mark.line + 1
        if key in seen:
            raise ValueError(
                f"{source}, line {line}: a key must be said once. Received `{key}` "
                f"also on line {seen[key]}. Remove one of them."
            )
        seen[key] = line
        yield (*path, key), f"{source}, line {line}"
        yield from _marks(value, (*path, key), source)


def place(marks: Marks, path: Path) -> str:
    """Where a value was said, or failing that what it belongs to."""
    return next(
        marks[path[:size]] for size in range(len(path), -1, -1) if path[:size] in marks
    )


def override(values: dict, marks: Marks, text: str) -> None:
    """Set one value, `a.b=c`, in place; `c` is YAML, entries of lists are numbers.

    Raises:
        ValueError: If the text has another form or the path leads nowhere.

    Example:
        >>> values = {"sizes": [{"units": 64}]}
        >>> override(values, {}, "sizes.0.units=32")
        >>> values
        {'sizes': [{'units': 32}]}
    """
    here = f"--set {text}"
    keys, equals, value = text.partition("=")
    if not equals or not all(key.strip() for key in keys.split(".")):
        raise ValueError(
            "An override must have the form `key.key=value`, such as "
            f"`student.fusion=sum`. Received: {text!r}."
        )
    path: Path = ()
    inner: Any = values
    *parents, last = (key.strip() for key in keys.split("."))
    for key in parents:
        path = (*path, _key(inner, key, here))
        marks.setdefault(path, here)
        if isinstance(inner, dict) and inner.get(key) is None:
            inner[key] = {}
        inner = inner[path[-1]]
    path = (*path, _key(inner, last, here))
    inner[path[-1]] = load(value, here)[0]
    for stale in [known for known in marks if known[: len(path)] == path]:
        del marks[stale]
    marks[path] = here


def _key(container: Any, key: str, here: str) -> str | int:
    """The key as its container counts it, if the container has place for it."""
    if isinstance(container, dict):
        return key
    if not isinstance(container, list):
        raise ValueError(
            f"{here}: `{key}` must have a mapping to stand in. Received: "
            f"{container!r}. Set that whole, as `...={{{key}: value}}`."
        )
    if not key.isdecimal() or int(key) >= len(container):
        raise ValueError(
            f"{here}: an entry of a list must be a number from 0 to "
            f"{len(container) - 1}. Received: {key!r}."
        )
    return int(key)
