"""Batches without a model: what `mk.batches` costs per row, beside copying the rows.

Rows are in memory; the other way takes the same shuffled rows out of the arrays, and
does nothing else. Labels, weights and cached answers come on top.
"""

import numpy as np

import mind_keras as mk
from benchmarks import made_up
from benchmarks.clock import calls_in_turn, compared, rounded

BATCH = 64
CASES = {
    "series 48 x 76": ({"ehr": made_up.LSTM}, 96),
    "images 96 px, uint8": ({"cxr": made_up.RESNET}, 96),
    "images 224 px, uint8": ({"cxr": made_up.RESNET}, 224),
    "series and images 96 px": (made_up.ICU, 96),
}


def measure(quick: bool = False) -> list[dict]:
    """A row for each kind of rows."""
    size, rounds = (256, 3) if quick else (2048, 9)
    rows = []
    for case, (encoders, pixels) in CASES.items():
        samples = made_up.samples(made_up.spec(encoders, pixels), size)
        ways = {"batches": walked(samples), "copying": copied(samples)}
        row = compared(calls_in_turn(ways, rounds), size)
        del row["first_s"]
        speed = {"rows_per_s": rounded(1000 / row["batches_ms"])}
        rows.append({"case": f"{case}, per row", **row, **speed})
    return rows


def walked(samples: mk.Samples):
    """An epoch of batches."""
    batches = mk.batches(samples, BATCH)

    def epoch() -> None:
        batches.on_epoch_end()
        for step in range(len(batches)):
            batches[step]

    return epoch


def copied(samples: mk.Samples):
    """The same rows taken out of the arrays."""
    rng = np.random.default_rng(0)

    def epoch() -> None:
        index = rng.permutation(len(samples)).reshape(-1, BATCH)
        for some in index:
            for array in samples.x.values():
                array[some]

    return epoch
