"""The last step of every source of media: remove modalities, standardise some."""

from collections.abc import Mapping, Sequence

from mind_keras.data.media.faults import Faults
from mind_keras.data.missing import remove_from_parts
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits


def ready(
    parts: Sequence[Samples],
    *,
    missing: Mapping | None,
    seed: int,
    standardise: Sequence[str],
    faults: Faults,
    notes: Sequence[str] = (),
) -> Splits:
    """Splits of raw parts; what was skipped, and how they were made, goes along.

    Args:
        parts: Training, validation and test samples.
        missing, seed: As in `sources.load`.
        standardise: Modalities whose last axis is standardised, with statistics of the
            training rows left after removal. Others (pixels of uint8, hashed text)
            stay as they are.
        faults: What was skipped.
        notes: Sentences for the run folder.
    """
    parts = remove_from_parts(parts, missing, seed=seed)
    scale = Preprocessing.fit(parts[0], tuple(standardise))
    count = f"{len(faults):,} faults skipped."
    text = "\n".join([*notes, count, faults.text]).strip() + "\n"
    return Splits(
        *map(scale.apply, parts), preprocessing=scale, documents={"data.txt": text}
    )
