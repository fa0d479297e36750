"""CREMA-D's clips: what the name of a file says, and which pictures belong to it.

A name is `{actor}_{sentence}_{emotion}_{level}`, as `1001_DFA_ANG_XX`.
"""

import re
from pathlib import Path

import pandas as pd

from mind_keras.data.media.faults import Faults
from mind_keras.data.media.folder import read_table
from mind_keras.data.media.pictures import SUFFIXES

EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
NAME = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX|X)")
DEMOGRAPHICS = ("Age", "Sex", "Race", "Ethnicity")


def clips(folder: Path, frames: Path, faults: Faults) -> pd.DataFrame:
    """A row for each wav file of `folder/AudioWAV`, sorted by name.

    Args:
        folder: CREMA-D's.
        frames: Where pictures are: `<clip>/*.jpg`, of which the middle one in the order
            of names counts, or `<clip>.jpg`. Also .png.
        faults: Where files of another name or class, and clips without pictures, are
            noted.

    Returns:
        Columns `clip, actor, sentence, emotion, level, wav, picture`, and where
        `VideoDemographics.csv` is there `age, sex, race, ethnicity`.
    """
    pictures = _pictures(frames)
    rows = []
    for wav in sorted((folder / "AudioWAV").glob("*.wav")):
        match = NAME.fullmatch(wav.stem)
        if match is None or match[3] not in EMOTIONS:
            why = f"its name must be actor_sentence_emotion_level, with {[*EMOTIONS]}"
            faults.add(wav, why)
        elif wav.stem not in pictures:
            faults.add(wav, f"its picture must be {frames / wav.stem}/*.jpg")
        else:
            rows.append((wav.stem, *match.groups(), wav, pictures[wav.stem]))
    names = ["clip", "actor", "sentence", "emotion", "level", "wav", "picture"]
    table = pd.DataFrame(rows, columns=names)
    people = folder / "VideoDemographics.csv"
    return _with_people(table, people) if people.is_file() else table


def _pictures(frames: Path) -> dict[str, Path]:
    """The picture of each clip."""
    found: dict[str, list[Path]] = {}
    for path in frames.rglob("*"):
        if path.suffix.lower() in SUFFIXES:
            clip = path.stem if NAME.fullmatch(path.stem) else path.parent.name
            found.setdefault(clip, []).append(path)
    return {clip: sorted(paths)[len(paths) // 2] for clip, paths in found.items()}


def _with_people(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    people = read_table(path, ["ActorID", *DEMOGRAPHICS])
    people = people[["ActorID", *DEMOGRAPHICS]].rename(columns=str.lower)
    people["age"] = pd.to_numeric(people["age"], errors="coerce")
    people = people.rename(columns={"actorid": "actor"}).drop_duplicates("actor")
    return table.merge(people, on="actor", how="left")


def published_split(path: Path) -> list[str]:
    """The clips of a split file, lines of `clip,EMO` without a header [1].

    Raises:
        ValueError: If the file is missing, or a line is no clip.

    [1] Peng et al. (2022), https://github.com/GeWu-Lab/OGM-GE_CVPR2022.
    """
    if not path.is_file():
        raise ValueError(
            "`split_files` must be the files of training and of test clips, lines of "
            f"clip,EMO. Received: {path}, which is no file."
        )
    lines = path.read_text("utf-8-sig").split()
    names = [line.split(",")[0] for line in lines]
    strange = [name for name in names if NAME.fullmatch(name) is None]
    if strange or not names:
        raise ValueError(
            "A split file must have lines of clip,EMO, as 1001_DFA_ANG_XX,ANG. "
            f"Received: {path}, with {strange[:3]}."
        )
    return names
