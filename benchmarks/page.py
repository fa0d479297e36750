"""docs/performance.md: the results as a page.

Written from the JSON of the workers alone, so that a number can only be one that was
measured. The words of a benchmark are its module's docstring, read without importing.
"""

import ast
import json
from pathlib import Path

import mind_keras as mk
from benchmarks.catalogue import BENCHMARKS, OTHERS, table
from benchmarks.targets import TRAINING, verdicts

FOLDER = Path(__file__).parent


def read(folder: Path) -> list[dict]:
    """What workers kept, in the order of `BENCHMARKS` and their backends."""
    order = [f"{n}-{b}.json" for n, one in BENCHMARKS.items() for b in one.backends]
    files = [folder / name for name in order]
    return [json.loads(file.read_text("utf-8")) for file in files if file.is_file()]


def page(results: list[dict]) -> str:
    """The whole page."""
    quick = any(result["about"]["quick"] for result in results)
    parts = [HEAD.format(version=mk.__version__, quick=QUICK if quick else "")]
    parts += ["## Targets", TARGETS, table(_judged(results))]
    parts += ["## Which backend for what", WHICH, table(_fastest(results))]
    for name, about in BENCHMARKS.items():
        rows = _rows(results, name)
        shown = table(rows) if rows else "Not measured yet."
        parts += [f"## {about.title}", words(about.module), shown]
    commands = [f"* `{command}`: {what}." for command, what in OTHERS.items()]
    parts += ["## Others", OTHER, "\n".join(commands)]
    parts += ["## The machine", table(_machines(results)), GPU]
    return "\n\n".join(parts) + "\n"


def words(module: str) -> str:
    """The docstring of a benchmark, its first line as a sentence of its own."""
    path = FOLDER / f"{module.rpartition('.')[2]}.py"
    return ast.get_docstring(ast.parse(path.read_text("utf-8")))


def _rows(results: list[dict], name: str) -> list[dict]:
    return [
        {"backend": result["backend"], **row}
        for result in results
        if result["benchmark"] == name
        for row in result["rows"]
    ]


def _judged(results: list[dict]) -> list[dict]:
    found = []
    for verdict in verdicts(results):
        target, sign = verdict.target, "≥" if verdict.target.least else "≤"
        row = {"what": target.what, "on": target.on}
        row |= {"must be": f"{sign} {target.bound:g}", "is": verdict.value}
        found.append(row | {"there": verdict.backend, "met": verdict.met})
    return found


def _fastest(results: list[dict]) -> list[dict]:
    """A row per case: milliseconds of a training step on each backend."""
    cases = {}
    for row in _rows(results, "step"):
        if row["what"] == TRAINING:
            cases.setdefault(row["case"], {})[row["backend"]] = row
    found = []
    for case, by_backend in cases.items():
        times = {backend: row["ours_ms"] for backend, row in by_backend.items()}
        plain = min(row["plain_ms"] for row in by_backend.values())
        row = {"case": case, "fastest": min(sorted(times), key=times.get)}
        row |= {f"{backend}, ms": time for backend, time in sorted(times.items())}
        found.append(row | {"plain PyTorch, ms": plain})
    return found


def _machines(results: list[dict]) -> list[dict]:
    """Each different machine and set of versions, with what was measured there."""
    found = {}
    for result in results:
        about = result["about"]
        versions = ", ".join(f"{k} {v}" for k, v in about["versions"].items())
        row = {"cpu": about["cpu"], "cores": about["cores"]}
        row |= {"threads": about["threads"], "python": about["python"]}
        row |= {"versions": versions, "seed": about["seed"]}
        known = found.setdefault(json.dumps(row), {**row, "benchmarks": []})
        known["benchmarks"].append(f"{result['benchmark']} ({result['backend']})")
    return [
        {**row, "benchmarks": ", ".join(row["benchmarks"])} for row in found.values()
    ]


QUICK = """

**Some of these figures are of `--quick`**: few rounds and small sizes, for a first
look only."""

HEAD = """\
# Performance

Written by `python -m benchmarks page` (mind_keras {version}) from what
`python -m benchmarks` leaves; what is measured, and how, is in `benchmarks/`.{quick}

How to read it: **ratios, not times.** Ways that are compared take turns in one process,
so both meet the same machine; a `ratio` is the median over rounds of the first way's
seconds over the second's, with quartiles `low` and `high`, and below 1 the first is
quicker. Seconds are those of the processor, on one thread, so that others at work on
the machine count little; `wall` is the clock on the wall, which they disturb. `first_s`
is the first round, compilation among it. Times of different backends come from
different processes: take differences below a fifth for noise. Beside TensorFlow plain
PyTorch is slowed (it takes and gives back memory in each step), so that ratios on
TensorFlow flatter us; compare with the least plain time below."""

TARGETS = """\
`best`: on one of the backends; `worst`: on each; `there`: the one that decides."""

WHICH = """\
Milliseconds of the processor for a training step; of plain PyTorch the least of what
was found beside the backends. A short fit or a first look is
quickest where nothing is compiled (torch); a long one where a step costs least. A saved
student runs on any of them, so training and use need not share a backend."""

OTHER = "These came before, and print their figures themselves:"

GPU = "GPU: not measured."
