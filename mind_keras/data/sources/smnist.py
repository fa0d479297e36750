"""S-MNIST: which digit, written (MNIST) and spoken?

Two layouts are read. The published pairs, six .npy files [1], whose speech is given as
39 x 13 cepstral coefficients; or MNIST's images beside a folder of spoken digits as
wav files, which are paired by class here.

[1] Khacef, Rodriguez & Miramond (2020), https://zenodo.org/records/4452953.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.media import arrays, digits, mnist
from mind_keras.data.media.faults import Faults
from mind_keras.data.media.folder import check_counts, check_folder
from mind_keras.data.media.pairing import pair_by_class
from mind_keras.data.media.reading import read_all
from mind_keras.data.media.ready import ready
from mind_keras.data.media.sound import Spectrogram
from mind_keras.data.samples import Samples
from mind_keras.data.speech.espeak import WORDS
from mind_keras.data.split import split_index
from mind_keras.data.splits import SPLITS, Splits
from mind_keras.spec import Modality, Spec, Task

TASK = Task("digit", kind="multiclass", labels=WORDS)
IMAGE = Modality("image", (28, 28, 1))
PUBLISHED = {"training images": 60_000, "test images": 10_000}
Progress = Callable[[str, int, float], None]


def load(
    *,
    path: str | Path | None = None,
    seed: int = 0,
    missing: Mapping | None = None,
    speech: str | Path | None = None,
    pairs: Sequence[int] = (8000, 2000, 2000),
    subset: bool = False,
    on_error: str = "refuse",
    progress: Progress = lambda stage, done, fraction: None,
) -> Splits:
    """Pairs of an image and an utterance of one digit, as `Splits`.

    The published pairs are drawn from, as many of each digit: test pairs from the
    test files, training and validation pairs from the training files. Their speech
    was repeated to make 60,000 of fewer utterances, so that `group` is the utterance:
    one that recurs is in one split only, and training rows whose utterance is in the
    test files are left out. With `speech`, images and utterances are paired by class;
    images of the test split are MNIST's test images, and `group` is the speaker, who
    is in one split only.

    Args:
        path: The folder of the six .npy files, or of `mnist.npz` or the four idx
            files.
        seed: Another seed, other pairs, splits and removal.
        missing: How modalities are removed; see `sources.load`.
        speech: A folder in one of `digits.LAYOUTS`; None: `path` has the pairs.
        pairs: Number of samples in training, validation and test, a multiple of 10
            each.
        subset: Whether fewer files than published are right.
        on_error: What is done about corrupt files: `"refuse"` or `"skip"`.
        progress: Called as `progress(stage, rows done, fraction)`.

    Raises:
        ValueError: If the folder is not laid out so, a file is corrupt, or there are
            too few.
    """
    size = _per_class(pairs)
    rng = np.random.default_rng([seed, 1])
    if speech is None:
        folder = check_folder(path, "smnist", arrays.NAMES)
        faults = Faults(folder, on_error)
        parts, notes = _published(folder, size, subset, seed, rng, faults)
    else:
        folder = check_folder(path, "smnist", [mnist.NEEDS])
        faults = Faults(check_folder(speech, "smnist", []), on_error)
        parts, notes = _paired(folder, size, subset, seed, rng, faults, progress)
    about = {"missing": missing, "seed": seed, "faults": faults, "notes": notes}
    return ready(parts, standardise=("image", "speech"), **about)


def _published(
    folder: Path,
    size: Sequence[int],
    subset: bool,
    seed: int,
    rng: np.random.Generator,
    faults: Faults,
) -> tuple[list[Samples], list[str]]:
    """Samples of the six files, and notes."""
    images, speech, digit = zip(
        *(arrays.read_pairs(folder, split) for split in arrays.SPLITS), strict=True
    )
    counts = zip(PUBLISHED, map(len, digit), strict=True)
    check_counts(dict(counts), PUBLISHED, subset=subset)
    utterance = [arrays.fingerprints(rows) for rows in speech]
    usable = [
        _usable(*part, faults)
        for part in zip(arrays.SPLITS, *(images, speech, digit), strict=True)
    ]
    faults.settle(sum(len(rows) for rows in usable))
    shared = np.isin(utterance[0][usable[0]], utterance[1][usable[1]])
    train, test = usable[0][~shared], usable[1]
    one, two = _share(utterance[0][train], digit[0][train], size, seed)
    spec = Spec(TASK, (IMAGE, Modality("speech", arrays.SPOKEN)))
    parts = []
    for k, rows in enumerate((train[one], train[two], test)):
        f = k // 2  # Training and validation samples are of the first file.
        rows = rows[_draw(digit[f][rows], size[k], SPLITS[k], rng)]
        x = {"image": images[f][rows], "speech": speech[f][rows]}
        id = [f"{arrays.SPLITS[f]}-{row}" for row in rows]
        parts.append(Samples(spec, digit[f][rows], x, id=id, group=utterance[f][rows]))
    note = f"{shared.sum():,} training pairs left out: their utterance is in the test."
    return parts, [note]


def _usable(
    split: str,
    images: np.ndarray,
    speech: np.ndarray,
    digit: np.ndarray,
    faults: Faults,
) -> np.ndarray:
    """Rows of finite numbers and a known class; others are faults."""
    for name, rows in (("data_wr", images), ("data_sp", speech)):
        for row in np.flatnonzero(~np.isfinite(rows).all(axis=(1, 2, 3))):
            faults.add(f"{name}_{split}.npy", f"row {row} must be finite")
    for row in np.flatnonzero(~np.isin(digit, range(10))):
        faults.add(f"labels_{split}.npy", f"row {row}: unexpected class {digit[row]}")
    finite = [np.isfinite(rows).all(axis=(1, 2, 3)) for rows in (images, speech)]
    return np.flatnonzero(finite[0] & finite[1] & np.isin(digit, range(10)))


def _paired(
    folder: Path,
    size: Sequence[int],
    subset: bool,
    seed: int,
    rng: np.random.Generator,
    faults: Faults,
    progress: Progress,
) -> tuple[list[Samples], list[str]]:
    """Samples of MNIST's images and a folder of wav files, and notes."""
    images = mnist.read_mnist(folder)
    counts = zip(PUBLISHED, (len(y) for _, y in images.values()), strict=True)
    check_counts(dict(counts), PUBLISHED, subset=subset)
    said = digits.spoken_digits(faults.folder, faults)
    voices = split_index(said["speaker"], np.zeros(len(said)), seed=seed)
    train = images["train"][1]
    pools = [*_share(np.arange(len(train)), train, size, seed)]
    pools.append(np.arange(len(images["test"][1])))
    sound = Spectrogram()
    spec = Spec(TASK, (IMAGE, Modality("speech", sound.shape)))
    parts = []
    for k, split in enumerate(SPLITS):
        pixels, digit = images[arrays.SPLITS[k // 2]]
        spoken = said.iloc[voices[k]]
        labels = {"image": digit[pools[k]], "speech": spoken["digit"].to_numpy()}
        chosen = pair_by_class(labels, size[k], rng)
        table = spoken.iloc[chosen["speech"]].assign(image=pools[k][chosen["image"]])
        speech, fine = read_all(
            table["path"],
            sound.read,
            sound.shape,
            faults=faults,
            progress=progress,
            stage=split,
        )
        x = {"image": pixels[table["image"]][fine, ..., None], "speech": speech[fine]}
        parts.append((split, table[fine], x))
    faults.settle(min(len(table) for _, table, _ in parts))
    return [_samples(spec, *part) for part in parts], [f"{len(said):,} utterances."]


def _samples(
    spec: Spec, split: str, table: pd.DataFrame, x: Mapping[str, np.ndarray]
) -> Samples:
    id = [f"{split}-{row}" for row in range(len(table))]
    columns = {"group": table["speaker"], "meta": table[["image", "speaker"]]}
    return Samples(spec, table["digit"], x, id=id, **columns)


def _share(
    group: np.ndarray, digit: np.ndarray, size: Sequence[int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation rows, in the shares asked for, of different groups."""
    share = size[1] / (size[0] + size[1])
    fractions = (1 - share, share / 2, share / 2)
    train, *rest = split_index(group, digit, fractions=fractions, seed=seed)
    return train, np.sort(np.concatenate(rest))


def _draw(
    digit: np.ndarray, size: int, split: str, rng: np.random.Generator
) -> np.ndarray:
    """As many rows of each digit, none twice."""
    counts = np.bincount(digit.astype(int), minlength=10)
    if counts.min() < size:
        raise ValueError(
            f"There must be as many pairs of each digit as asked for, {size:,} in "
            f"{split!r}. Received: {counts.tolist()} of the digits 0 to 9. Ask for "
            "fewer `pairs`."
        )
    rows = [
        rng.permutation(np.flatnonzero(digit == value))[:size] for value in range(10)
    ]
    return np.concatenate(rows)


def _per_class(pairs: Sequence[int]) -> list[int]:
    """Samples of each digit in each split."""
    whole = isinstance(pairs, Sequence) and not isinstance(pairs, str)
    whole = whole and all(type(n) is int and n > 0 and n % 10 == 0 for n in pairs)
    if not whole or len(pairs) != len(SPLITS):
        raise ValueError(
            f"`pairs` must be multiples of 10 for {SPLITS}, such as [8000, 2000, 2000]."
            f" Received: {pairs!r}."
        )
    return [n // len(WORDS) for n in pairs]
