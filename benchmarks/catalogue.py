"""Which benchmarks there are, and on which backends they run.

A benchmark is a module with `measure(quick) -> rows`, each row a dict of plain values.
Add one by its file and a line in `BENCHMARKS`; command, worker and page find it there.
"""

from typing import NamedTuple

from mind_keras.backend import BACKENDS

# Where the backend does not matter.
ONE = ("torch",)


class Benchmark(NamedTuple):
    """A benchmark, which is imported only in a worker.

    Args:
        module: Where `measure` is.
        title: Its heading on the page.
        backends: On which it runs.
        keeps: Whether freed memory is kept; not where memory is what is measured.
    """

    module: str
    title: str
    backends: tuple[str, ...] = BACKENDS
    keeps: bool = True


BENCHMARKS = {
    "step": Benchmark("benchmarks.step", "Training steps and answers"),
    "distil": Benchmark("benchmarks.distil", "A whole distillation"),
    "groups": Benchmark("benchmarks.groups", "Pattern groups"),
    "cached": Benchmark("benchmarks.cached", "Cached and live teachers"),
    "overhead": Benchmark("benchmarks.overhead", "The Distiller and plain Keras"),
    "startup": Benchmark("benchmarks.startup", "Start-up"),
    "pipeline": Benchmark("benchmarks.pipeline", "Making batches", ONE),
    "latency": Benchmark("benchmarks.latency", "Student and teacher ensemble"),
    "growth": Benchmark("benchmarks.growth", "Growth", keeps=False),
}
# Benchmarks that are older, and commands of their own.
OTHERS = {
    "python -m benchmarks.extraction": "one pass over raw tables, by engine",
    "python -m benchmarks.bootstrap": "the bootstrap against scikit-learn loops",
}


def table(rows: list[dict]) -> str:
    """Rows in Markdown; a column that a row lacks is left open there.

    Example:
        >>> print(table([{"case": "a", "ms": 1.5}, {"case": "b", "note": "none"}]))
        | case | ms | note |
        | --- | --- | --- |
        | a | 1.5 |  |
        | b |  | none |
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[shown(row.get(column)) for column in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def shown(value: object) -> str:
    """A value as a cell of a table."""
    return "" if value is None else str(value)
