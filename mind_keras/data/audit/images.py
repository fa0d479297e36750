"""Check of pictures that are in two splits under two names."""

from collections.abc import Iterator

import numpy as np
from scipy.spatial.distance import cdist

from mind_keras.data.audit.context import Context
from mind_keras.data.audit.findings import Finding, judge, some, unchecked
from mind_keras.data.mimic.extraction import Extraction

# Mean difference of two thumbnails, in grey levels, below which they are alike.
ALIKE = 2.0
AT_ONCE = 256


def duplicate_images(extraction: Extraction, context: Context) -> Finding:
    """Is a picture in two splits?

    Equal pixels are a violation. Pictures with the same average hash (which of 8 x 8
    fields are above the mean) and almost the same thumbnail are a note: an image of the
    next minute, of the same patient or not. Empty images are left out.
    """
    rule = "No two splits hold images of the same pixels."
    table, pixels = context.pictured, context.pixels
    drawn = pixels.deviation > 0
    if not drawn.any():
        return unchecked(rule, "there are no images")
    split = table["split"].to_numpy(object)[drawn]
    stays, shots = table["stay_id"].to_numpy()[drawn], pixels.sha256[drawn]
    splits = table[drawn].groupby(shots)["split"].nunique()
    same = np.isin(shots, splits.index[splits > 1])
    alike = len(set(_alike(pixels.thumbnail[drawn], split)))
    empty = int((~drawn).sum())
    return judge(
        rule,
        [f"{same.sum()} images, {some(stays[same])} (stays)"] if same.any() else [],
        found=f"{len(shots):,} images"
        + (f", of which {alike} are much like one of another split" if alike else "")
        + (f"; {empty} empty ones left out" if empty else ""),
        cure="Split by patient before images are paired; drop copies of a file.",
    )


def _alike(thumbnails: np.ndarray, split: np.ndarray) -> Iterator[int]:
    """The images that have one much like them in another split."""
    size = thumbnails.shape[1] // 2
    fields = thumbnails.reshape(-1, size, 2, size, 2).mean(axis=(2, 4))
    fields = fields.reshape(len(fields), -1)
    bits = np.packbits(fields > fields.mean(axis=1, keepdims=True), axis=1)
    flat = thumbnails.reshape(len(thumbnails), -1)
    _, group = np.unique(bits, axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    for members in np.split(order, np.cumsum(np.bincount(group.ravel()))[:-1]):
        for start in range(0, len(members), AT_ONCE):
            part = members[start : start + AT_ONCE]
            near = cdist(flat[part], flat[members], "cityblock") < ALIKE * flat.shape[1]
            near &= split[part][:, None] != split[members]
            yield from part[near.any(axis=1)]
