"""How fast it is: `python -m benchmarks`, and the page of it.

    python -m benchmarks                       # every benchmark on every backend
    python -m benchmarks --only step --quick   # smaller, for a first look
    python -m benchmarks page                  # docs/performance.md from the results

Each benchmark runs on each backend in a process of its own with one thread, one after
another. Results are `OUTPUT/<benchmark>-<backend>.json` and, as tables, `results.md`.
"""

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import page as pages
from benchmarks.catalogue import BENCHMARKS
from mind_keras.backend import BACKENDS, installed
from mind_keras.data.atomic import atomic_path

app = typer.Typer(add_completion=False)
Output = Annotated[Path, typer.Option(help="Where results are kept.")]
FOLDER = Path("runs/benchmarks")


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    only: Annotated[list[str] | None, typer.Option(help="Benchmarks.")] = None,
    backend: Annotated[list[str] | None, typer.Option(help="Backends.")] = None,
    quick: Annotated[bool, typer.Option(help="Smaller and fewer.")] = False,
    core: Annotated[int, typer.Option(help="Keep to this core; -1: to none.")] = -1,
    output: Output = FOLDER,
) -> None:
    """Measure; a benchmark that fails is named at the end, and exits 1."""
    if context.invoked_subcommand:
        return
    names = chosen(only, list(BENCHMARKS), "benchmark")
    backends = chosen(backend, list(BACKENDS), "backend")
    if importlib.util.find_spec("torch") is None:
        raise typer.BadParameter("The plain programs need torch. It is not installed.")
    failed = []
    for name in names:
        for one in [b for b in BENCHMARKS[name].backends if b in backends]:
            if one not in installed():
                typer.echo(f"{name} on {one}: skipped, it is not installed.")
            elif not measured(name, one, quick, core, output):
                failed.append(f"{name} on {one}")
    with atomic_path(output / "results.md") as part:
        part.write_text(pages.page(pages.read(output)), "utf-8")
    typer.echo(str(output / "results.md"))
    if failed:
        typer.echo(f"Failed: {', '.join(failed)}.", err=True)
        raise typer.Exit(1)


@app.command()
def page(
    output: Output = FOLDER,
    page: Annotated[Path, typer.Option()] = Path("docs/performance.md"),
) -> None:
    """Write the page from the results that are there."""
    results = pages.read(output)
    if not results:
        raise typer.BadParameter(
            f"There must be results. Received: {output}, which has none. Run "
            "`python -m benchmarks` first."
        )
    with atomic_path(page) as part:
        part.write_text(pages.page(results), "utf-8")
    typer.echo(str(page))


def chosen(given: list[str] | None, known: list[str], what: str) -> list[str]:
    """Names that were asked for, in the known order; all if none were."""
    unknown = sorted(set(given or ()) - set(known))
    if unknown:
        raise typer.BadParameter(f"Unknown {what} {unknown}. Known: {known}.")
    return [name for name in known if not given or name in given]


def measured(name: str, backend: str, quick: bool, core: int, output: Path) -> bool:
    """Run a worker, and say whether it went well."""
    file, start = output / f"{name}-{backend}.json", time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.worker", name, backend]
    command += ["--output", str(file), "--core", str(core)]
    typer.echo(f"\n{name} on {backend}")
    done = subprocess.run(command + ["--quick"] * quick)
    typer.echo(f"{time.perf_counter() - start:.0f} s")
    return done.returncode == 0


if __name__ == "__main__":
    app()
