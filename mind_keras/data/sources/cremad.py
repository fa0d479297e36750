"""CREMA-D: which emotion, from the voice and the face of an actor?

7,442 clips of 91 actors, six emotions: Cao et al. (2014), CREMA-D: Crowd-sourced
emotional multimodal actors dataset, https://doi.org/10.1109/TAFFC.2014.2336244. Videos
are not read: the user extracts pictures from them, see docs/multiclass_data.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mind_keras.data.media.clips import EMOTIONS, clips, published_split
from mind_keras.data.media.faults import Faults
from mind_keras.data.media.folder import check_counts, check_folder
from mind_keras.data.media.pictures import read_picture
from mind_keras.data.media.reading import read_all
from mind_keras.data.media.ready import ready
from mind_keras.data.media.sound import Spectrogram
from mind_keras.data.samples import Samples
from mind_keras.data.split import split_index
from mind_keras.data.splits import Splits
from mind_keras.spec import Modality, Spec, Task

TASK = Task("emotion", kind="multiclass", labels=tuple(EMOTIONS.values()))
PUBLISHED = {"clips": 7442, "actors": 91}
FRACTIONS = (0.7, 0.15, 0.15)
VALIDATION = 0.1  # Of the training clips of published splits, which have none.
Progress = Callable[[str, int, float], None]


def load(
    *,
    path: str | Path | None = None,
    seed: int = 0,
    missing: Mapping | None = None,
    frames: str = "Image-01-FPS",
    image_size: int = 112,
    seconds: float = 3.0,
    rate: int = 16000,
    mels: int = 64,
    fractions: Sequence[float] = FRACTIONS,
    split_files: Sequence[str | Path] | None = None,
    subset: bool = False,
    on_error: str = "refuse",
    progress: Progress = lambda stage, done, fraction: None,
) -> Splits:
    """The clips as `Splits`, with the modalities `audio` and `video`.

    `audio` is a log-mel spectrogram, `video` one picture, uint8. `meta` has actor,
    sentence, level, and where `VideoDemographics.csv` is in the folder age, sex, race
    and ethnicity, for `evaluation.subgroups`.

    Args:
        path: The folder, which has `AudioWAV/` and the pictures.
        seed: Another seed, another split and another removal.
        missing: How modalities are removed; see `sources.load`.
        frames: Folder of pictures within `path`: `<clip>/*.jpg` or `<clip>.jpg`.
        image_size: Height and width of a picture, pixels.
        seconds, rate, mels: Length of a clip, samples per second, and bands; frames
            have 32 ms, every 16 ms.
        fractions: Shares of the actors in training, validation and test; no actor is
            in two.
        split_files: Files of published training and test clips instead, such as those
            of OGM-GE. A tenth of the training clips become the validation. Actors are
            then in several splits, and `group` is the clip.
        subset: Whether fewer clips than published are right.
        on_error: What is done about corrupt or unknown files: `"refuse"` or `"skip"`.
        progress: Called as `progress(stage, rows done, fraction)`.

    Raises:
        ValueError: If the folder is not laid out so, or a file is corrupt.
    """
    folder = check_folder(path, "cremad", ["AudioWAV", frames])
    faults = Faults(folder, on_error)
    table = clips(folder, folder / frames, faults)
    counts = {"clips": len(table), "actors": table["actor"].nunique()}
    if not faults:  # What cannot be used is told first.
        check_counts(counts, PUBLISHED, subset=subset)
    sound = Spectrogram(rate, seconds, round(0.032 * rate), round(0.016 * rate), mels)
    whole = _whole(table, sound, image_size, faults, progress)
    if split_files is None:
        # Everybody acts every emotion: there is nothing to stratify.
        same = np.zeros(len(whole))
        parts = split_index(whole.group, same, fractions=fractions, seed=seed)
        note = "Split by actor: nobody is in two splits. Groups are actors."
    else:
        whole = replace(whole, group=whole.id)
        parts = _published(whole, split_files, faults, seed)
        note = "Published split: actors are in several splits. Groups are clips."
    return ready(
        [whole.take(part) for part in parts],
        standardise=("audio",),
        notes=[note],
        missing=missing,
        seed=seed,
        faults=faults,
    )


def _whole(
    table: pd.DataFrame,
    sound: Spectrogram,
    size: int,
    faults: Faults,
    progress: Progress,
) -> Samples:
    """All clips of which sound and picture can be read."""
    about, square = {"faults": faults, "progress": progress}, (size, size, 3)
    audio, heard = read_all(
        table["wav"], sound.read, sound.shape, stage="audio", **about
    )
    look, about = partial(read_picture, size=size), about | {"dtype": "uint8"}
    video, seen = read_all(table["picture"], look, square, stage="video", **about)
    fine = heard & seen
    faults.settle(int(fine.sum()))
    table = table[fine]
    return Samples(
        Spec(TASK, (Modality("audio", sound.shape), Modality("video", square))),
        table["emotion"].map([*EMOTIONS].index),
        {"audio": audio[fine], "video": video[fine]},
        id=table["clip"],
        group=table["actor"],
        meta=table.drop(columns=["clip", "emotion", "wav", "picture"]),
    )


def _published(
    whole: Samples, split_files: Sequence[str | Path], faults: Faults, seed: int
) -> list[np.ndarray]:
    """The clips of published files; some of the training ones for validation."""
    if isinstance(split_files, str) or len(split_files) != 2:
        raise ValueError(
            "`split_files` must be two files, of training and of test clips. "
            f"Received: {split_files!r}."
        )
    train, test = (published_split(Path(file)) for file in split_files)
    known = set(whole.id)
    absent = sorted({*train, *test} - known)
    if absent and not faults:
        raise ValueError(
            "Every clip of `split_files` must be in the folder. Received: "
            f"{len(absent)} that are not, e.g. {absent[:3]}."
        )
    rows = np.flatnonzero(np.isin(whole.id, train))
    half = VALIDATION / 2
    fractions = (1 - VALIDATION, half, half)
    first, *rest = split_index(
        whole.id[rows], whole.y[rows].reshape(-1), fractions=fractions, seed=seed
    )
    later = np.sort(np.concatenate(rest))
    return [rows[first], rows[later], np.flatnonzero(np.isin(whole.id, test))]
