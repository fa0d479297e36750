"""Run the tests on each backend, side by side, and sum them up.

`python .ci/every_backend.py [options of pytest]` fails if a backend is not
installed, fails a test, or runs none. A backend cannot change within a process.
What no backend can change is tested once, in a process where Keras cannot be
imported: a test that needs it there fails. Plain `pytest` runs everything.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
BACKENDS = ("jax", "tensorflow", "torch")
# Files and folders that know no Keras, but for two; a job of its own.
TABLES = (
    "mind_keras/data",
    "mind_keras/evaluation",
    "tests/data",
    "tests/evaluation",
    "tests/test_architecture.py",
    "tests/test_cli_data.py",
    "tests/test_docs.py",
    "tests/test_repository.py",
)
BUT = ("mind_keras/data/batches.py", "tests/data/test_batches.py")
NO_BACKEND = "none"  # Keras knows none of this name, and refuses to be imported.
# On JAX tests of tiny models are compilation: unoptimised code halves their time.
QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
# Jobs share the processors, and our models are too small for several threads each.
SET = {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
NO_TESTS = 5  # as pytest exits where options, such as `-k flow`, leave none


def jobs() -> dict[str, list[str]]:
    """What pytest is to run in each process, by the backend there."""
    tables = [ROOT / name for name in TABLES]
    files = [file for path in tables for file in (path, *path.rglob("*.py"))]
    names = {str(file.relative_to(ROOT)) for file in files if file.is_file()}
    rest = [f"--ignore={name}" for name in sorted(names - set(BUT))]
    once = [*TABLES, *(f"--ignore={name}" for name in BUT)]
    # The longest first.
    return dict.fromkeys(BACKENDS, rest) | {NO_BACKEND: once}


def run(backend: str, arguments: list[str], options: list[str]) -> dict[str, int]:
    """Count the tests of one job that passed, failed and were skipped."""
    env = os.environ | SET | {"KERAS_BACKEND": backend}
    if backend == "jax":
        env.setdefault("XLA_FLAGS", QUICK)
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={record}"]
        code = follow([*command, *arguments, *options], env, backend)
        totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        if record.exists():
            suite = ElementTree.parse(record).find("testsuite")
            totals = {name: int(suite.get(name)) for name in totals}
    failed = totals["failures"] + totals["errors"]
    passed = totals["tests"] - failed - totals["skipped"]
    # A crash, or a run without any test, fails no test; it must not look green.
    good = (0, NO_TESTS) if options else (0,)
    failed = failed or int(code not in good)
    return {"passed": passed, "failed": failed, "skipped": totals["skipped"]}


def follow(command: list[str], env: dict[str, str], name: str) -> int:
    """Run a command, and say line by line what it says; its exit status."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=env, **output) as process:
        for row in process.stdout:
            print(f"{name:>10} | {row}", end="", flush=True)
    return process.returncode


def line(name: str, counts: dict[str, int]) -> str:
    """One job's result as text."""
    return f"{name}: " + ", ".join(f"{n} {what}" for what, n in counts.items())


def main() -> int:
    """Run every job, print the summary, and say whether all is well."""
    work, options = jobs(), sys.argv[1:]
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(work))) as pool:
        begun = {name: pool.submit(run, name, work[name], options) for name in work}
        results = {name: job.result() for name, job in begun.items()}
    print("\n=== every backend ===")
    for name, counts in results.items():
        print(line(name, counts))
    total = {
        what: sum(counts[what] for counts in results.values())
        for what in ("passed", "failed", "skipped")
    }
    print(line("total", total))
    return int(total["failed"] > 0 or not total["passed"])


if __name__ == "__main__":
    sys.exit(main())
