"""The voice of espeak-ng: of a stand-in program, and of the real one where it is."""

import os
import shutil
import sys

import numpy as np
import pytest

from mind_keras.data.speech import espeak
from mind_keras.data.speech.voices import VOICES, voice_of

# Says 22,050 samples a second: as many hundreds of them as the pitch, of value speed.
PROGRAM = f"""#!{sys.executable}
import sys, struct
told = sys.argv[1:]
if told == ["--version"]:
    print("eSpeak NG text-to-speech: 9.9  Data at: /somewhere")
    print("and some more to make it longer than a header")
elif told == ["--voices=variant"]:
    print("Pty Language       Age/Gender VoiceName          File")
    for name, file in [("Rob", "rob"), ("Mr", "Mr serious"), ("f2", "f2"), ("m", "m1")]:
        print(" 5  variant   --/M   " + name + "   !v/" + file + "    (en-us 5)")
elif told[1].endswith("+m1"):
    sys.exit("no such voice")
else:
    speed, pitch, word = int(told[3]), int(told[5]), told[7]
    assert told[::2][:3] == ["-v", "-s", "-p"] and told[6] == "--stdout"
    body = struct.pack("<h", speed * (1 + len(word))) * (100 * pitch)
    head = b"RIFF" + b"\\xff" * 20 + struct.pack("<I", 22050) + b"\\xff" * 16
    sys.stdout.buffer.write(head + body)
"""


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def program(tmp_path, monkeypatch):
    path = tmp_path / espeak.PROGRAM
    path.write_text(PROGRAM)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])


def test_speakers_are_different_variants_of_one_word(program):
    found = espeak.speakers(3, generator())
    accents, variants = zip(
        *(speaker.name.split("+") for speaker in found), strict=True
    )
    assert sorted(variants) == ["f2", "m1", "rob"]
    assert set(accents) <= set(espeak.ACCENTS) and "en-gb" not in espeak.ACCENTS
    assert found == espeak.speakers(3, generator()) != espeak.speakers(3, generator(1))
    with pytest.raises(ValueError, match=r"4 speakers, where it has 3 variants.*fewer"):
        espeak.speakers(4, generator())


def test_an_utterance_has_the_speed_pitch_and_word_at_8_khz(program):
    someone = espeak.Speaker("en+f2", 150, 50)
    wave = espeak.say(someone, 3, generator())
    speed, pitch = wave[len(wave) // 2] / 6, len(wave) * 22050 / 8000 / 100
    assert 135 <= speed <= 165 and 42 <= pitch <= 58
    lengths = {len(espeak.say(someone, 3, generator(seed))) for seed in range(6)}
    assert len(lengths) > 1
    high = espeak.say(someone._replace(pitch=99), 3, generator(1))
    assert len(high) <= 100 * 99 * 8000 / 22050 + 1


def test_every_sample_after_the_header_is_heard(program, monkeypatch):
    monkeypatch.setattr(espeak, "resample_poly", lambda wave, up, down: wave)
    wave = espeak.say(espeak.Speaker("en+f2", 150, 50), 3, generator())
    assert len(wave) % 100 == 0 and np.ptp(wave) == 0


def test_the_identity_is_the_version_not_where_it_is(program):
    assert espeak.identity() == "eSpeak NG text-to-speech: 9.9"


def test_a_program_that_fails_or_is_not_there_is_told(program, monkeypatch):
    with pytest.raises(ValueError, match=r"Received: 'no such voice' of 'espeak-ng -v"):
        espeak.say(espeak.Speaker("en+m1", 150, 50), 3, generator())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"on PATH.*apt install espeak-ng.*'formant'"):
        espeak.speakers(1, generator())


@pytest.mark.skipif(not shutil.which(espeak.PROGRAM), reason="espeak-ng not installed")
def test_the_real_program_says_the_same_twice_and_hears_accent_and_variant():
    for accent in espeak.ACCENTS:
        waves = [
            espeak.say(espeak.Speaker(f"{accent}+{v}", 160, 50), 7, generator())
            for v in ("f2", "f2", "m3")
        ]
        np.testing.assert_array_equal(waves[0], waves[1])
        assert waves[0].shape != waves[2].shape or not np.allclose(waves[0], waves[2])


def test_an_unknown_voice_lists_the_known():
    with pytest.raises(ValueError, match=r"'alto'. Known: \['espeak', 'formant'\]"):
        voice_of("alto")
    assert all(voice_of(name) is VOICES[name] for name in VOICES)
