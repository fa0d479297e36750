"""Pattern groups against placeholders, where some samples lack their image.

Groups run the image encoder on images that exist. The placeholder way gives all other
samples an image of zeros and runs it on these too; the mask of their loss, which it
needs as well, is not counted. Both by `mk.fit`, so that only the rows differ.
"""

import numpy as np

import mind_keras as mk
from benchmarks import made_up
from benchmarks.clock import compared, fits_in_turn

SHARES = (0.18, 0.5, 1.0)
BATCH = 32


def measure(quick: bool = False) -> list[dict]:
    """A row for each share of samples that have both modalities."""
    steps, rounds = (2, 3) if quick else (5, 9)
    about = made_up.spec(made_up.ICU)
    few, rows = made_up.samples(about, 2, seed=1), []
    for share in SHARES:
        size = BATCH * steps
        which = np.arange(round(share * size))
        grouped = made_up.samples(about, size, which={"cxr": which})
        filled = made_up.samples(about, size)
        filled.x["cxr"][len(which) :] = 0
        fits = {}
        for name, train in {"groups": grouped, "placeholders": filled}.items():
            student = made_up.student(about, made_up.ICU)
            learner = mk.Distiller(student, task=about.task)
            fits[name] = made_up.our_fit(learner, train, few, BATCH)
        row = compared(fits_in_turn(fits, rounds), steps - 1)
        rows.append({"case": f"{share:.0%} paired, per step", **row})
    return rows
