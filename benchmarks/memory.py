"""The most memory that a call takes, of all libraries together.

Python's own `tracemalloc` sees NumPy, but neither torch nor XLA; the system sees all.
Linux counts the peak of a process, and can be told to start again.
"""

import contextlib
import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

PROCESS = Path("/proc/self")
# Numbers of glibc's mallopt: trim threshold, mmap threshold, number of arenas.
KEEP = {-1: 2**30, -3: 2**25, -8: 1}


def keep_freed() -> None:
    """Let the C library keep what is freed, where it can be told to.

    Else it may give memory back after each step and take it anew, page by page; who is
    struck depends on the thread.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for number, value in KEEP.items():
            mallopt(number, value)


def with_peak(call: Callable[[], object]) -> tuple[object, float | None]:
    """What a call returns, and MB at its peak beyond those before it.

    None where the system does not tell, as outside Linux.

    Example:
        >>> result, peak = with_peak(lambda: len(b"x" * 50_000_000))
        >>> result, peak is None or peak > 40
        (50000000, True)
    """
    if not (PROCESS / "clear_refs").exists():
        return call(), None
    (PROCESS / "clear_refs").write_text("5")  # The peak counts anew; see man 5 proc.
    before = _status("VmRSS")
    result = call()
    return result, max(_status("VmHWM") - before, 0.0)


def give_back() -> None:
    """What is free goes back to the system, before a peak is looked at.

    Else a call that takes no more than that would count none, and a larger one all.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _status(name: str) -> float:
    lines = (PROCESS / "status").read_text("utf-8").splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1000  # From kB.
