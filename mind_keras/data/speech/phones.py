"""Phones of the English digits, as targets of a formant synthesiser.

`DIGITS[k]` is the word of digit k as names of `PHONES`. Vowels have the mean formants
of 33 men [1]. Consonants are set by ear and eye, in the manner of [2]: they are
plausible, not measured. To add a word: its phones here, new ones in `PHONES`.

[1] Peterson & Barney (1952), Control methods used in a study of the vowels, table II.
https://doi.org/10.1121/1.1906875
[2] Klatt (1980), Software for a cascade/parallel formant synthesizer.
https://doi.org/10.1121/1.383940
"""

from typing import NamedTuple


class Phone(NamedTuple):
    """What the vocal tract aims at.

    Args:
        formants: First three resonances, Hz.
        milliseconds: Duration at rate 1.
        voice: Amplitude of the glottal pulses.
        noise: Amplitude of the friction or burst.
        centre, width: Where the friction is, Hz.
    """

    formants: tuple[float, float, float]
    milliseconds: float
    voice: float = 1.0
    noise: float = 0.0
    centre: float = 2500.0
    width: float = 2000.0


PHONES = {
    "iy": Phone((270, 2290, 3010), 160),
    "ih": Phone((390, 1990, 2550), 110),
    "eh": Phone((530, 1840, 2480), 130),
    "ah": Phone((640, 1190, 2390), 120),
    "aa": Phone((730, 1090, 2440), 140),
    "ao": Phone((570, 840, 2410), 140),
    "uh": Phone((440, 1020, 2240), 90),
    "uw": Phone((300, 870, 2240), 190),
    "w": Phone((290, 610, 2150), 80, voice=0.7),
    "r": Phone((310, 1060, 1380), 90, voice=0.8),
    "n": Phone((250, 1340, 2470), 90, voice=0.45),
    "v": Phone((220, 1100, 2080), 70, voice=0.4, noise=0.1),
    "z": Phone((240, 1390, 2530), 100, voice=0.4, noise=0.5, centre=3700, width=900),
    "s": Phone((320, 1390, 2530), 130, voice=0.0, noise=0.7, centre=3700, width=900),
    "f": Phone((340, 1100, 2080), 110, voice=0.0, noise=0.25, width=3500),
    "th": Phone((320, 1290, 2540), 100, voice=0.0, noise=0.12, width=3500),
    # A stop is a silence, then a burst.
    "t_closure": Phone((400, 1600, 2600), 50, voice=0.0),
    "t": Phone((400, 1600, 2600), 40, voice=0.0, noise=0.6, centre=3300, width=1500),
    "k_closure": Phone((300, 1990, 2850), 50, voice=0.0),
    "k": Phone((300, 1990, 2850), 40, voice=0.0, noise=0.6, centre=1900, width=800),
}
DIGITS = tuple(
    word.split()
    for word in (
        "z ih r ao uh",
        "w ah n",
        "t_closure t uw",
        "th r iy",
        "f ao r",
        "f aa ih v",
        "s ih k_closure k s",
        "s eh v ah n",
        "eh ih t_closure t",
        "n aa ih n",
    )
)
