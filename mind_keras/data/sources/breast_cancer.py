"""569 breast masses: malignant or benign, from the nuclei of a needle aspirate?

Ten properties of the cell nuclei in an image (radius, texture, ...), as three
modalities: their `mean`, their standard `error` and their `worst` (mean of the three
largest) values. Real data (WDBC), shipped with scikit-learn: Street, Wolberg &
Mangasarian (1993), Nuclear feature extraction for breast tumor diagnosis.
https://doi.org/10.1117/12.148698
"""

from collections.abc import Mapping, Sequence

from sklearn.datasets import load_breast_cancer

from mind_keras.data.prepare import prepare
from mind_keras.data.samples import Samples
from mind_keras.data.split import FRACTIONS, split
from mind_keras.data.splits import Splits
from mind_keras.spec import Modality, Spec, Task

# In the order of the source's columns.
FEATURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
)
MODALITIES = ("mean", "error", "worst")
SPEC = Spec(
    Task("malignancy", kind="binary", labels=("malignant",)),
    tuple(Modality(name, (10,), features=FEATURES) for name in MODALITIES),
)


def load(
    *,
    seed: int = 0,
    missing: Mapping | None = None,
    fractions: Sequence[float] = FRACTIONS,
) -> Splits:
    """The masses as `Splits`; `id` is the row number in scikit-learn's table.

    Args:
        seed: Another seed, another split and another removal.
        missing: How modalities are removed; see `sources.load`.
        fractions: Shares of training, validation and test.

    Example:
        >>> data = load()
        >>> data.spec.names, sum(len(samples) for _, samples in data.items())
        (('error', 'mean', 'worst'), 569)
    """
    table = load_breast_cancer()
    columns = table.data.reshape(-1, len(MODALITIES), len(FEATURES))
    samples = Samples.from_arrays(
        SPEC,
        {name: columns[:, k] for k, name in enumerate(MODALITIES)},
        # The source codes malignant as 0.
        table.target == 0,
    )
    parts = split(samples, fractions=fractions, seed=seed)
    return prepare(parts, missing=missing, seed=seed)
