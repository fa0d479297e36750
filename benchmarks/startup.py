"""How long until something happens: imports and the command line, process by process.

Each is a fresh Python whose start is subtracted; commands take turns. `import
mind_keras` imports nothing by itself, so the time in which every public name is there
is given too. Seconds, medians; `over_keras_s` is what comes on top of `import keras`.
"""

import os
import resource
import subprocess
import sys
import time

import numpy as np

from benchmarks.clock import rounded

EVERY_NAME = "import keras, mind_keras as mk; [getattr(mk, n) for n in mk.__all__]"
COMMANDS = {
    "python": ["-c", "pass"],
    "import keras": ["-c", "import keras"],
    "import keras, mind_keras": ["-c", "import keras, mind_keras"],
    "import keras, every name of mind_keras": ["-c", EVERY_NAME],
    "mind-keras --help": ["-m", "mind_keras", "--help"],
}
FIRST, KERAS = "python", "import keras"


def measure(quick: bool = False) -> list[dict]:
    """A row for each command."""
    spent = {name: [] for name in COMMANDS}
    for _ in range(1 if quick else 5):
        for name, command in COMMANDS.items():
            spent[name].append(seconds(command))
    times = {name: np.array(some) for name, some in spent.items()}
    return [row(name, times) for name in COMMANDS if name != FIRST]


def row(name: str, times: dict[str, np.ndarray]) -> dict:
    """Medians over rounds of differences within a round."""
    cpu, wall = np.median(times[name] - times[FIRST], axis=0)
    found = {"case": name, "cpu_s": rounded(cpu), "wall_s": rounded(wall)}
    if name.startswith(f"{KERAS},"):
        over = np.median(times[name] - times[KERAS], axis=0)[0]
        found["over_keras_s"] = rounded(over)
    return found


def seconds(command: list[str]) -> tuple[float, float]:
    """Of the processor, and on the wall, that a Python takes for a command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall
