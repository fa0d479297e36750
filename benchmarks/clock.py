"""Times of ways that take turns in one process, so that both meet the same machine.

On a shared machine a time alone says little, and a ratio of times taken minutes apart
no more. Here every way runs one epoch, or one call, in each round; a ratio is of one
round, and what is reported is the median of the ratios with their quartiles. Seconds
are those of the processor, so that others at work do not count; wall seconds beside
them. The first round compiles: it is reported alone. The first step, or call, of a turn
is not counted: after another's turn, caches and memory are the other's.
"""

import threading
import time
from collections.abc import Callable

import keras
import numpy as np

QUARTILES = (0.25, 0.75)


def now() -> np.ndarray:
    """Seconds of the processor, and of the clock on the wall, `(2,)`."""
    return np.array([time.process_time(), time.perf_counter()])


class Watch(keras.callbacks.Callback):
    """Runs a fit in a thread that goes on by one epoch whenever it is its turn.

    Time counts from the end of an epoch's first step to its validation; of the first
    epoch, all counts, and what comes before it, since compilation may happen there.

    Args:
        fit: Called with this callback; must run `epochs` epochs, with validation.
        epochs: How many.
        whole: Whether first steps and validation count.
    """

    def __init__(self, fit: Callable, epochs: int, whole: bool = False) -> None:
        super().__init__()
        self.whole = whole
        self.spent, self.fault = [], None
        self._fit, self.epochs = fit, epochs
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def one_epoch(self) -> None:
        """Let the fit run one epoch.

        Raises:
            RuntimeError: If it ended before its time, whatever the reason.
        """
        before = len(self.spent)
        self._turn.release()
        self._back.acquire()
        if len(self.spent) == before:
            raise RuntimeError(
                "A way must train as many epochs as there are rounds. Received: an "
                f"end after {before}. Did it stop early?"
            ) from self.fault

    def _run(self) -> None:
        self._turn.acquire()
        self._start = now()
        try:
            self._fit(self)
        except BaseException as fault:
            self.fault = fault
        finally:
            self._back.release()

    def on_epoch_begin(self, epoch, logs=None) -> None:
        """Wait for the turn."""
        if epoch:
            self._turn.acquire()
            self._start = now()

    def on_train_batch_end(self, batch, logs=None) -> None:
        """The first step has warmed up."""
        if batch == 0 and self.spent and not self.whole:
            self._start = now()

    def on_test_begin(self, logs=None) -> None:
        """The steps of the epoch are done."""
        if not self.whole:
            self.spent.append(now() - self._start)

    def on_epoch_end(self, epoch, logs=None) -> None:
        """Hand over; after the last epoch only when the fit has returned."""
        if self.whole:
            self.spent.append(now() - self._start)
        if epoch < self.epochs - 1:
            self._back.release()


def fits_in_turn(
    fits: dict[str, Callable], rounds: int, whole: bool = False
) -> dict[str, np.ndarray]:
    """Time some ways of training, an epoch each in every round.

    Args:
        fits: `{name: fit}`, each called with a `Watch`, in a thread of its own; it must
            train `rounds + 1` epochs, with validation.
        rounds: How many are counted; one more comes before.
        whole: Whether first steps and validation count.

    Returns:
        `{name: seconds}`, `(rounds + 1, 2)`: processor and wall.
    """
    watches = {name: Watch(fit, rounds + 1, whole) for name, fit in fits.items()}
    for _ in range(rounds + 1):
        for watch in watches.values():
            watch.one_epoch()
    return {name: np.array(watch.spent) for name, watch in watches.items()}


def calls_in_turn(calls: dict[str, Callable], rounds: int) -> dict[str, np.ndarray]:
    """Time some functions; returns as `fits_in_turn`.

    The second of two calls in a turn counts; in the first round, the first.
    """
    spent = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            if number:
                call()
            start = now()
            call()
            spent[name].append(now() - start)
    return {name: np.array(some) for name, some in spent.items()}


def compared(spent: dict[str, np.ndarray], units: int = 1) -> dict:
    """A row of the first way against the second.

    Args:
        spent: Of two ways, as from `fits_in_turn`.
        units: Steps, or rows, in a round: times are given for one of them.

    Returns:
        Milliseconds, `<name>_ms` of the processor and `<name>_wall_ms`, medians; the
        median `ratio` of the processor's seconds with its quartiles `low` and `high`;
        `wall_ratio`; and `first_s`, wall seconds of the first way's first round.
    """
    first, second = spent
    row = {}
    for column, kind in enumerate(("", "_wall")):
        for name in (first, second):
            median = np.median(spent[name][1:, column])
            row[f"{name}{kind}_ms"] = rounded(1000 * median / units)
    ratios = spent[first][1:] / spent[second][1:]
    row["ratio"] = rounded(np.median(ratios[:, 0]))
    row["low"], row["high"] = map(rounded, np.quantile(ratios[:, 0], QUARTILES))
    row["wall_ratio"] = rounded(np.median(ratios[:, 1]))
    row["first_s"] = rounded(spent[first][0, 1])
    return row


def rounded(number: float) -> float:
    """Four digits, which is more than such measurements hold."""
    return float(f"{number:.4g}")
