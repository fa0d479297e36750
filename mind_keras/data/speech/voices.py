"""Voices by name: who can speak, and how.

To add a voice: a file with `speakers`, `say` and `identity`, and a line here.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mind_keras.data.speech import espeak, formant


class Voice(NamedTuple):
    """A way to make speech.

    Args:
        speakers: `speakers(count, rng)`: different speakers, each with a `name`.
        say: `say(speaker, digit, rng)`: an utterance, `(n,)` at 8 kHz.
        identity: `identity()`: what the sound depends on beside the arguments, such
            as the version of a program.
    """

    speakers: Callable[[int, np.random.Generator], Sequence[Any]]
    say: Callable[[Any, int, np.random.Generator], np.ndarray]
    identity: Callable[[], str]


VOICES = {
    "espeak": Voice(espeak.speakers, espeak.say, espeak.identity),
    "formant": Voice(formant.speakers, formant.say, formant.identity),
}


def voice_of(name: str) -> Voice:
    """The voice of that name.

    Raises:
        ValueError: If there is none.

    Example:
        >>> voice_of("formant").identity()
        'formant 1'
    """
    if name not in VOICES:
        raise ValueError(f"Unknown voice {name!r}. Known: {sorted(VOICES)}.")
    return VOICES[name]
