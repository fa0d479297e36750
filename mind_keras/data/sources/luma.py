"""LUMA: which of up to 50 things, from an image, a spoken word and a text about it?

Bezirganyan et al. (2025), LUMA: a benchmark dataset for learning from uncertain and
multimodal data, https://arxiv.org/abs/2406.09864. Images come from the user's own
conversion of LUMA's pickles (`mind-keras data convert luma`); see
docs/multiclass_data.md.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mind_keras.data.media.faults import Faults
from mind_keras.data.media.folder import check_counts, check_folder
from mind_keras.data.media.luma import CLASSES, KNOWN, Form, Things
from mind_keras.data.media.pairing import pair_by_class
from mind_keras.data.media.ready import ready
from mind_keras.data.media.sound import Spectrogram
from mind_keras.data.media.text import BUCKETS, text_shape
from mind_keras.data.samples import Samples
from mind_keras.data.split import split_index
from mind_keras.data.splits import Splits
from mind_keras.spec import Modality, Spec, Task

LAYOUTS = ("compiled", "whole")
PUBLISHED = {"compiled": {"classes": KNOWN}, "whole": {"classes": len(CLASSES)}}
# 25,000, 4,000 and 4,000 samples, as in MILES.
FRACTIONS = (25 / 33, 4 / 33, 4 / 33)
NEEDS = {
    "compiled": [
        *("audio/datalist_train.csv", "audio/datalist_test.csv"),
        *("text_data_train.tsv", "text_data_test.tsv"),
    ],
    "whole": ["audio/datalist.csv", "text_data.tsv"],
}
Progress = Callable[[str, int, float], None]


def load(
    *,
    path: str | Path | None = None,
    seed: int = 0,
    missing: Mapping | None = None,
    layout: str = "compiled",
    images: str | Path | None = None,
    classes: int | Sequence[str] | None = None,
    per_class: int | None = None,
    fractions: Sequence[float] = FRACTIONS,
    image_size: int = 32,
    seconds: float = 1.5,
    rate: int = 16000,
    mels: int = 64,
    text: str = "ids",
    buckets: int = BUCKETS,
    length: int = 256,
    subset: bool = False,
    on_error: str = "refuse",
    progress: Progress = lambda stage, done, fraction: None,
) -> Splits:
    """Samples of an image, a recording and a text of one class, as `Splits`.

    `"compiled"` takes what LUMA's tool chose and aligned by row: its test files are the
    test, its training files training and validation. `"whole"` takes all images,
    recordings and texts, and puts as many of each class together, each of them once;
    then it splits the samples, each class in the same shares.

    Args:
        path: LUMA's data folder: `audio/`, `text_data*.tsv`.
        seed: Another seed, other pairs, splits and removal.
        missing: How modalities are removed; see `sources.load`.
        layout: `"compiled"` or `"whole"`.
        images: Folder of the converted images; None: `path`.
        classes: Names, or the number of those classes that have most samples (22 have
            1,500 or more); None: all.
        per_class: Of `"whole"`: samples of each class; None: as many as the rarest has.
        fractions: Shares of training, validation and test. `"compiled"` has its own
            test, and shares the rest as the first two.
        image_size: Height and width, pixels; LUMA's images have 32.
        seconds, rate, mels: Length of a recording, samples per second, and bands;
            frames have 32 ms, every 16 ms.
        text: A form of `text.TEXTS`: `"ids"` for the encoder `text`, or `"bag"`.
        buckets, length: Of the form.
        subset: Whether fewer classes than published are right.
        on_error: What is done about corrupt files and unknown classes: `"refuse"` or
            `"skip"`.
        progress: Called as `progress(stage, rows done, fraction)`.

    Raises:
        ValueError: If an option is unknown, the folder is not laid out so, a file is
            corrupt, or a class has too few samples.
    """
    _check(layout, per_class)
    folder = check_folder(path, "luma", NEEDS[layout])
    places = folder, folder if images is None else check_folder(images, "luma", [])
    sound = Spectrogram(rate, seconds, round(0.032 * rate), round(0.016 * rate), mels)
    form = Form(sound, image_size, text, buckets, length)
    shape = text_shape(text, buckets=buckets, length=length)
    faults = Faults(folder, on_error)
    if layout == "compiled":
        found = _compiled(places, classes, fractions, seed, faults, subset)
    else:
        found = _drawn(places, classes, per_class, fractions, seed, faults, subset)
    names, parts = found
    modalities = Modality("audio", sound.shape), Modality("text", shape)
    image = Modality("image", (image_size, image_size, 3))
    task = Task("thing", kind="multiclass", labels=names)
    spec = Spec(task, (image, *modalities))
    return ready(
        _samples(spec, parts, form, faults, progress),
        standardise=("audio",),
        missing=missing,
        seed=seed,
        faults=faults,
        notes=[f"{layout}: {len(names)} classes."],
    )


def _compiled(
    places: tuple[Path, Path],
    classes: int | Sequence[str] | None,
    fractions: Sequence[float],
    seed: int,
    faults: Faults,
    subset: bool,
) -> tuple[list[str], list[tuple]]:
    """Classes, and for each split `(things, rows, id)`, of files aligned by row."""
    things = {mark: Things(*places, f"_{mark}", faults) for mark in ("train", "test")}
    fine = {mark: _aligned(part, faults) for mark, part in things.items()}
    labels = {mark: part.labels["image"] for mark, part in things.items()}
    counts = Counter(labels["train"][fine["train"]].tolist())
    if not faults:
        check_counts({"classes": len(counts)}, PUBLISHED["compiled"], subset=subset)
    names = _chosen(counts, classes)
    rows = {m: fine[m][np.isin(labels[m][fine[m]], names)] for m in things}
    share = fractions[1] / (fractions[0] + fractions[1])
    thirds = (1 - share, share / 2, share / 2)
    train = labels["train"][rows["train"]]
    said = np.array(things["train"].recordings)[rows["train"]]
    first, *rest = split_index(said, train, fractions=thirds, seed=seed)
    later = np.sort(np.concatenate(rest))
    parts = [("train", rows["train"][first]), ("train", rows["train"][later])]
    parts.append(("test", rows["test"]))
    return names, [
        (
            things[m],
            dict.fromkeys(("audio", "image", "text"), r),
            [f"{m}-{k}" for k in r],
        )
        for m, r in parts
    ]


def _aligned(things: Things, faults: Faults) -> np.ndarray:
    """Rows that have one known class in all three tables; others are faults."""
    sizes = {name: len(labels) for name, labels in things.labels.items()}
    if len(set(sizes.values())) != 1:
        raise ValueError(
            "Compiled tables must be aligned: as many rows in each. Received: "
            f"{sizes}. Are they of different runs of LUMA's tool?"
        )
    one, *others = things.labels.values()
    same = np.all([one == other for other in others], axis=0)
    for row in np.flatnonzero(~same):
        said = {name: str(labels[row]) for name, labels in things.labels.items()}
        faults.add(things.tables["text"], f"row {row} must have one class, has {said}")
    return np.flatnonzero(same & np.isin(one, CLASSES))


def _drawn(
    places: tuple[Path, Path],
    classes: int | Sequence[str] | None,
    per_class: int | None,
    fractions: Sequence[float],
    seed: int,
    faults: Faults,
    subset: bool,
) -> tuple[list[str], list[tuple]]:
    """The same of all things, put together by class."""
    things = Things(*places, "", faults)
    counters = [Counter(labels.tolist()) for labels in things.labels.values()]
    counts = Counter({name: min(c[name] for c in counters) for name in CLASSES})
    counts = +counts  # Those that all modalities have.
    if not faults:
        check_counts({"classes": len(counts)}, PUBLISHED["whole"], subset=subset)
    names = _chosen(counts, classes)
    least = min(counts[name] for name in names)
    if per_class is not None and per_class > least:
        rare = [name for name in names if counts[name] < per_class]
        raise ValueError(
            "Every class must have `per_class` images, recordings and texts. Received: "
            f"per_class={per_class:,}; fewer have {rare}. Take fewer `classes`."
        )
    keep = {m: np.flatnonzero(np.isin(v, names)) for m, v in things.labels.items()}
    among = {m: things.labels[m][rows] for m, rows in keep.items()}
    rng = np.random.default_rng([seed, 2])
    pairs = pair_by_class(among, per_class or least, rng)
    rows = {m: keep[m][pairs[m]] for m in keep}
    label = things.labels["image"][rows["image"]]
    split = split_index(np.arange(len(label)), label, fractions=fractions, seed=seed)
    return names, [
        (things, {m: r[part] for m, r in rows.items()}, [f"pair-{k}" for k in part])
        for part in split
    ]


def _chosen(counts: Counter, classes: int | Sequence[str] | None) -> list[str]:
    """The classes asked for, sorted."""
    if isinstance(classes, int) and 2 <= classes <= len(counts):
        # The most frequent ones; where equal, the first in the alphabet.
        by_count = sorted(counts, key=lambda name: (-counts[name], name))
        return sorted(by_count[:classes])
    names = sorted(counts) if classes is None else classes
    listed = isinstance(names, Sequence) and not isinstance(names, str)
    if not listed or not set(names) <= set(counts) or len(set(names)) < 2:
        raise ValueError(
            f"`classes` must be names, or a number from 2 to {len(counts)}. Received: "
            f"{classes!r}. Those that have samples: {sorted(counts)}."
        )
    return sorted(set(names))


def _samples(
    spec: Spec,
    parts: Sequence[tuple],
    form: Form,
    faults: Faults,
    progress: Progress,
) -> list[Samples]:
    """Each split's files read; samples with a corrupt one are left out."""
    read = [
        (things, rows, np.array(id), *things.read(rows, form, progress))
        for things, rows, id in parts
    ]
    faults.settle(min(fine.sum() for *_, fine in read))
    return [
        Samples(
            spec,
            [spec.task.labels.index(n) for n in t.labels["image"][rows["image"][fine]]],
            {name: array[fine] for name, array in x.items()},
            id=id[fine],
            # A recording that recurs must not be in two splits.
            group=[t.recordings[row].name for row in rows["audio"][fine]],
        )
        for t, rows, id, x, fine in read
    ]


def _check(layout: str, per_class: int | None) -> None:
    if layout not in LAYOUTS:
        raise ValueError(f"`layout` must be one of {LAYOUTS}. Received: {layout!r}.")
    if per_class is None:
        return
    whole = type(per_class) is int and per_class > 0
    if layout == "compiled" or not whole:
        raise ValueError(
            "`per_class` must be a whole number from 1 up, of layout='whole': compiled "
            f"files have their samples chosen. Received: {per_class!r} for {layout!r}."
        )
