"""Pattern groups against placeholders, where some samples lack their image.

Groups run the image encoder on images that exist. The placeholder way gives all other
samples an image of zeros and runs it on these too; the mask of their loss, which it
needs as well, is not counted. Both by `mk.fit`, so that only the rows differ. What is
saved are images: the more of a step they are, the more of it. The line through the
shares of paired samples, drawn on to 0 %, shows what all rows need, images or not; no
grouping can go below that.
"""

import numpy as np

import mind_keras as mk
from benchmarks import made_up
from benchmarks.clock import compared, fits_in_turn

SHARES = (0.18, 0.5, 1.0)
PIXELS = (96, 224)
BATCH = 32


def measure(quick: bool = False, only: str = "") -> list[dict]:
    """A row for each size of images and share of samples that have both modalities."""
    rows = []
    for pixels in PIXELS[:1] if quick else PIXELS:
        for share in SHARES:
            case = f"{share:.0%} paired, {pixels} px"
            if only in case:
                rows.append({"case": case, **one(pixels, share, quick)})
    return rows


def one(pixels: int, share: float, quick: bool) -> dict:
    """Times of a step."""
    steps, rounds = (2, 3) if quick else (5, 9 if pixels < 100 else 5)
    about, size = made_up.spec(made_up.ICU, pixels), BATCH * steps
    which = np.arange(round(share * size))
    grouped = made_up.samples(about, size, which={"cxr": which})
    filled = made_up.samples(about, size)
    filled.x["cxr"][len(which) :] = 0
    few, fits = made_up.samples(about, 2, seed=1), {}
    for name, train in {"groups": grouped, "placeholders": filled}.items():
        student = made_up.student(about, made_up.ICU)
        learner = mk.Distiller(student, task=about.task)
        fits[name] = made_up.our_fit(learner, train, few, BATCH)
    return compared(fits_in_turn(fits, rounds), steps - 1)
