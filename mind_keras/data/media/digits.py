"""Folders of spoken digits, as published: which file says what, by whom.

Contract: `spoken_digits(folder)` is a table of `path, digit, speaker`. A new layout is
a line in `LAYOUTS`: where its files lie, and how their names are read.
"""

import re
from pathlib import Path

import pandas as pd

from mind_keras.data.media.faults import Faults
from mind_keras.data.speech.espeak import WORDS

LAYOUTS = {
    # Free Spoken Digit Dataset.
    "fsdd": (["recordings/*.wav"], r"recordings/(\d)_([^_/]+)_\d+\.wav"),
    "audiomnist": (["data/*/*.wav"], r"data/\d+/(\d)_(\d+)_\d+\.wav"),
    # Other words than digits are left alone.
    "speech_commands": (
        [f"{word}/*.wav" for word in WORDS],
        rf"({'|'.join(WORDS)})/([0-9a-f]+)_nohash_\d+\.wav",
    ),
}


def spoken_digits(folder: Path, faults: Faults) -> pd.DataFrame:
    """The wav files of a folder in one of the `LAYOUTS`, sorted by path.

    Args:
        folder: `recordings/` (FSDD), `data/` (AudioMNIST) or `zero/` to `nine/`
            (Speech Commands) lie in it.
        faults: Where files of another name are noted.

    Returns:
        Columns `path`, `digit` (0 to 9) and `speaker`.

    Raises:
        ValueError: If the folder has none of the layouts.
    """
    for places, pattern in LAYOUTS.values():
        paths = sorted(path for place in places for path in folder.glob(place))
        if paths:
            return _table(folder, paths, pattern, faults)
    raise ValueError(
        "A folder of spoken digits must hold recordings/*.wav (FSDD), data/*/*.wav "
        "(AudioMNIST) or zero/*.wav to nine/*.wav (Speech Commands). Received: "
        f"{folder}, with none of them. Is the archive unpacked?"
    )


def _table(
    folder: Path, paths: list[Path], pattern: str, faults: Faults
) -> pd.DataFrame:
    rows = []
    for path in paths:
        match = re.fullmatch(pattern, path.relative_to(folder).as_posix())
        if match is None:
            faults.add(path, f"its name must say digit and speaker, as {pattern}")
            continue
        digit = WORDS.index(match[1]) if match[1] in WORDS else int(match[1])
        rows.append((path, digit, match[2]))
    return pd.DataFrame(rows, columns=["path", "digit", "speaker"])
