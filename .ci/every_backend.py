"""Run the tests once on each backend and sum them up.

`python .ci/every_backend.py [options of pytest]` fails if a backend is not
installed, fails a test, or runs none. A backend cannot change within a process.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

BACKENDS = ("jax", "tensorflow", "torch")
ROOT = Path(__file__).resolve().parents[1]


def run(backend: str, options: list[str]) -> dict[str, int]:
    """Count the tests of one backend that passed, failed and were skipped."""
    print(f"\n=== {backend} ===", flush=True)
    env = os.environ | {"KERAS_BACKEND": backend, "MPLBACKEND": "Agg"}
    if backend == "torch":
        env["OMP_NUM_THREADS"] = "1"
    if backend == "jax":
        # Tests of tiny models are compilation: unoptimised code halves their time.
        quick = "--xla_backend_optimization_level=0"
        quick += " --xla_llvm_disable_expensive_passes=true"
        env.setdefault("XLA_FLAGS", quick)
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.xml"
        command = [sys.executable, "-m", "pytest", f"--junitxml={record}", *options]
        code = subprocess.run(command, cwd=ROOT, env=env).returncode
        totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        if record.exists():
            suite = ElementTree.parse(record).find("testsuite")
            totals = {name: int(suite.get(name)) for name in totals}
    failed = totals["failures"] + totals["errors"]
    passed = totals["tests"] - failed - totals["skipped"]
    # A crash, or a run without any test, fails no test; it must not look green.
    failed = failed or int(code != 0)
    return {"passed": passed, "failed": failed, "skipped": totals["skipped"]}


def line(name: str, counts: dict[str, int]) -> str:
    """One backend's result as text."""
    return f"{name}: " + ", ".join(f"{n} {what}" for what, n in counts.items())


def main() -> int:
    """Test every backend, print the summary, and say whether all is well."""
    results = {backend: run(backend, sys.argv[1:]) for backend in BACKENDS}
    print("\n=== every backend ===")
    for backend, counts in results.items():
        print(line(backend, counts))
    total = {
        what: sum(counts[what] for counts in results.values())
        for what in ("passed", "failed", "skipped")
    }
    print(line("total", total))
    return int(total["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
