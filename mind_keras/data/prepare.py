"""The last step of every source of tables: remove modalities, then standardise."""

from collections.abc import Mapping, Sequence

from mind_keras.data.missing import remove_from_parts
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits


def prepare(parts: Sequence[Samples], *, missing: Mapping | None, seed: int) -> Splits:
    """Splits of raw parts, with statistics of the training rows left after removal."""
    parts = remove_from_parts(parts, missing, seed=seed)
    scale = Preprocessing.fit(parts[0], parts[0].spec.names)
    return Splits(*map(scale.apply, parts), preprocessing=scale)
