"""Speech by espeak-ng, a program of the system, where it is installed.

Speakers are the program's voice variants: each has an accent, a speed and a pitch of
its own. The sound follows from the version of the program alone. A voice of
`voices.VOICES`: `speakers`, `say` and `identity`.
"""

import re
import shutil
import subprocess
from typing import NamedTuple

import numpy as np
from scipy.signal import resample_poly

from mind_keras.data.speech.clips import RATE

PROGRAM = "espeak-ng"
# Not "en-gb": with it, espeak-ng 1.51 leaves the variant out without a word.
ACCENTS = (
    "en",
    "en-us",
    "en-029",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
)
WORDS = "zero one two three four five six seven eight nine".split()
HEADER = 44  # Bytes of a RIFF header, whose length field is wrong on standard output.


class Speaker(NamedTuple):
    """A variant with an accent.

    Args:
        name: Names the speaker in tables and for the program: accent+variant.
        speed: Words per minute.
        pitch: The program's 0 to 99.
    """

    name: str
    speed: int
    pitch: int


def identity() -> str:
    """The version of the program, on which the sound depends.

    Raises:
        ValueError: If the program is not there.
    """
    return " ".join(_ask("--version").decode().split()[:4])


def speakers(count: int, rng: np.random.Generator) -> list[Speaker]:
    """Some of the program's variants, each once, so that speakers are different.

    Raises:
        ValueError: If there are fewer variants, or the program is not there.
    """
    listing = _ask("--voices=variant").decode()
    # Names of one word: `-v` takes no other. The order is that of the file system.
    variants = sorted(set(re.findall(r"!v/(\w+)\s*(?:\(|$)", listing, re.MULTILINE)))
    if count > len(variants):
        raise ValueError(
            f"Speakers of {PROGRAM} are its voice variants, each once. Received: "
            f"{count} speakers, where it has {len(variants)} variants. Ask for fewer "
            "by `speakers`, or take voice='formant'."
        )
    chosen = rng.permutation(variants)[:count]
    return [
        Speaker(f"{rng.choice(ACCENTS)}+{variant}", *_speed_and_pitch(rng))
        for variant in chosen.tolist()
    ]


def say(speaker: Speaker, digit: int, rng: np.random.Generator) -> np.ndarray:
    """One utterance, at a speed and pitch near the speaker's.

    Args:
        speaker: Of `speakers`.
        digit: 0 to 9.
        rng: For speed and pitch.

    Returns:
        Samples at 8 kHz, float64, `(n,)`.

    Raises:
        ValueError: If the program is not there, or fails.
    """
    speed = speaker.speed + int(rng.integers(-15, 16))
    pitch = int(np.clip(speaker.pitch + rng.integers(-8, 9), 0, 99))
    options = ["-v", speaker.name, "-s", str(speed), "-p", str(pitch)]
    sound = _ask(*options, "--stdout", WORDS[digit])
    rate = int.from_bytes(sound[24:28], "little")
    wave = np.frombuffer(sound[HEADER:], "<i2").astype("float64")
    return resample_poly(wave, RATE, rate)


def _speed_and_pitch(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(125, 206)), int(rng.integers(25, 76))


def _ask(*arguments: str) -> bytes:
    """What the program writes to standard output."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise ValueError(
            f"voice='espeak' needs the program {PROGRAM} on PATH. Received: none there."
            f" Install it (Debian: `apt install {PROGRAM}`, macOS: `brew install "
            f"{PROGRAM}`), or take voice='formant', which needs nothing."
        )
    told = subprocess.run([program, *arguments], capture_output=True, check=False)
    if told.returncode or len(told.stdout) <= HEADER:
        raise ValueError(
            f"{PROGRAM} must answer. Received: {told.stderr.decode().strip()!r} of "
            f"{' '.join([PROGRAM, *arguments])!r}. Is the installation whole?"
        )
    return told.stdout
