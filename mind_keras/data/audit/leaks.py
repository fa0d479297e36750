"""Check that no single number tells the label: what does is not a measurement."""

from collections.abc import Iterator

import numpy as np

from mind_keras.data.audit.context import THUMBNAIL, Context
from mind_keras.data.audit.findings import Finding, judge, unchecked
from mind_keras.data.audit.ranking import auroc
from mind_keras.data.mimic.extraction import Extraction
from mind_keras.data.mimic.variables import NAMES

TOO_GOOD = 0.98
# Positive and negative training samples from which an AUROC is believed.
LEAST = 20
SHOWN = 3


def label_leak(extraction: Extraction, context: Context) -> Finding:
    """Does a channel, what was measured at all, or a corner of the image tell all?"""
    rule = (
        f"No single feature tells a label with an AUROC above {TOO_GOOD} in train "
        f"({LEAST} or more of each kind)."
    )
    if context.labels is None:
        return unchecked(rule, context.why_no_labels)
    train = (extraction.samples["split"] == "train").to_numpy()
    labels = context.labels[train]
    enough = np.min([(labels == k).sum(axis=0) for k in (0, 1)], axis=0) >= LEAST
    if not enough.any():
        return unchecked(rule, f"no label has {LEAST} of each kind in train")
    best, told = 0.5, []
    for name, values in _features(extraction, context):
        area = auroc(values[train], labels, least=LEAST)
        area = np.nan_to_num(np.maximum(area, 1 - area), nan=0.5)
        best = max(best, area.max())
        told += [
            f"{name} tells {extraction.task.labels[k]!r} ({area[k]:.3f})"
            for k in np.flatnonzero(area > TOO_GOOD)
        ]
    more = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return judge(
        rule,
        told[:SHOWN] + more,
        found=f"the best single feature has {best:.3f}, for {enough.sum()} labels",
        cure="Look where this feature is from: it is written after the outcome, or "
        "because of it.",
    )


def _features(
    extraction: Extraction, context: Context
) -> Iterator[tuple[str, np.ndarray]]:
    """`(name, (n,) numbers)`; NaN where a sample does not have it."""
    samples, charted = extraction.samples, context.charted
    yield "having hourly values", samples["has_ehr"].to_numpy(float)
    yield "having an image", (samples["image"] >= 0).to_numpy(float)
    for k, name in enumerate(NAMES if charted else ()):
        yield f"the mean of {name}", charted.mean[:, k]
        yield f"the last value of {name}", charted.last[:, k]
        yield f"how often there is {name}", charted.count[:, k]
        yield f"whether there is {name}", (charted.count[:, k] > 0).astype(float)
    thumbnail, half = context.pixels.thumbnail, THUMBNAIL // 2
    halves = {"upper": slice(2), "lower": slice(-2, None)}
    sides = {"left": slice(2), "right": slice(-2, None)}
    of_images = {"brightness of the image": thumbnail.mean(axis=(1, 2))}
    of_images["contrast of the image"] = context.pixels.deviation
    of_images |= {
        f"{a} {b} corner of the image": thumbnail[:, rows, columns].mean(axis=(1, 2))
        for a, rows in halves.items()
        for b, columns in sides.items()
    }
    of_images["centre of the image"] = thumbnail[:, half - 2 : half + 2].mean(
        axis=(1, 2)
    )
    for name, numbers in of_images.items():
        values = np.full(len(samples), np.nan)
        values[context.pictured.index] = numbers
        yield name, values
