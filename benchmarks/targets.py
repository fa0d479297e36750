"""What must hold, and whether the results say so. Add a target by a line in `TARGETS`.

A target is a bound on one column of the rows of one benchmark. It must hold on a
backend by name, on the `BEST` of all, or on all of them, that is on the `WORST`.
"""

from typing import NamedTuple

BEST, WORST = "best", "worst"
TRAINING, ANSWERING = "training, per step", "answering, per row"


class Target(NamedTuple):
    """A bound.

    Args:
        what: In words.
        benchmark: Whose results.
        column: Of its rows.
        bound: The number.
        where: `{column: value}` that a row must have; a value that ends in `*` is how
            the row's begins.
        on: A backend, `BEST` or `WORST`.
        least: Whether more is better.
    """

    what: str
    benchmark: str
    column: str
    bound: float
    where: dict
    on: str = WORST
    least: bool = False


class Verdict(NamedTuple):
    """What was found, and on which backend; `value` is None where nothing was."""

    target: Target
    value: float | None
    backend: str

    @property
    def met(self) -> str:
        """In a word."""
        if self.value is None:
            return "not measured"
        more = self.value >= self.target.bound
        fine = more if self.target.least else self.value <= self.target.bound
        return "yes" if fine else "no"


def _step(what: str, case: str, kind: str, on: str, bound: float) -> Target:
    return Target(what, "step", "ratio", bound, {"case": case, "what": kind}, on)


def _groups(pixels: int) -> Target:
    what = f"pattern groups / placeholders, 18 % paired, {pixels} px"
    return Target(what, "groups", "ratio", 0.35, {"case": f"18% paired, {pixels} px"})


def _latency(teachers: str) -> Target:
    what = f"{teachers} teachers / student, latency at batch 1"
    where = {"who": "student", "case": f"{teachers} teachers*"}
    return Target(what, "latency", "times_p50", 5.0, where, least=True)


ICU = "ICU student, 96 px, batch 16"
TARGETS = (
    _step("LSTM encoder, training / plain", "lstm 64", TRAINING, "torch", 1.3),
    _step("LSTM encoder, training / plain", "lstm 64", TRAINING, BEST, 1.0),
    _step("LSTM encoder, answering / plain", "lstm 64", ANSWERING, "torch", 1.3),
    _step("ICU student, training / plain", ICU, TRAINING, "torch", 1.2),
    _step("ICU student, training / plain", ICU, TRAINING, BEST, 1.0),
    Target("whole distillation / plain", "distil", "ratio", 0.5, {}, BEST),
    _groups(96),
    _groups(224),
    Target(
        "import mind_keras over import keras, s",
        "startup",
        "over_keras_s",
        0.3,
        {"case": "import keras, mind_keras"},
    ),
    Target(
        "mind-keras --help, s",
        "startup",
        "cpu_s",
        1.0,
        {"case": "mind-keras --help"},
    ),
    _latency("small"),
    _latency("large"),
    Target(
        "teachers / student, parameters",
        "latency",
        "times_parameters",
        8.0,
        {"who": "student"},
        least=True,
    ),
    # A tenth is for noise: 1 is linear.
    Target(
        "growth of seconds with samples, any stage",
        "growth",
        "slope",
        1.1,
        {"case": "samples"},
    ),
    Target(
        "growth of memory with samples, any stage",
        "growth",
        "MB slope",
        1.1,
        {"case": "samples"},
    ),
)


def verdicts(results: list[dict]) -> list[Verdict]:
    """Of all targets.

    Args:
        results: What workers kept: `{"benchmark", "backend", "rows", ...}`.
    """
    return [judged(target, results) for target in TARGETS]


def judged(target: Target, results: list[dict]) -> Verdict:
    """The value that decides: on a backend that of its worst row."""
    worst, best = (min, max) if target.least else (max, min)
    found = {}
    for result in results:
        if result["benchmark"] != target.benchmark:
            continue
        rows = [row for row in result["rows"] if _fits(row, target.where)]
        values = [
            row[target.column] for row in rows if row.get(target.column) is not None
        ]
        if values and target.on in (BEST, WORST, result["backend"]):
            found[result["backend"]] = worst(values)
    if not found:
        return Verdict(target, None, "")
    choose = best if target.on == BEST else worst
    backend = choose(sorted(found), key=found.get)
    return Verdict(target, found[backend], backend)


def _fits(row: dict, where: dict) -> bool:
    return all(
        str(row.get(column)).startswith(value[:-1])
        if value.endswith("*")
        else row.get(column) == value
        for column, value in where.items()
    )
