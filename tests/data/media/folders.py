"""Tiny folders in the layouts in which S-MNIST, CREMA-D and LUMA are published.

What a file says can be read back from it: a tone's pitch is that of its class, a
picture's brightness that of its class, the last pixel is the number of the row.
"""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.io import wavfile

from mind_keras.data.media.clips import EMOTIONS
from mind_keras.data.speech.espeak import WORDS

RATE = 8000
PITCH = 300  # Hz between classes.


def wav(
    path: Path, kind: int, *, rate: int = RATE, seconds: float = 0.5, seed: int = 0
):
    """A tone whose pitch says the class, with a little noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(rate * seconds)) / rate
    wave = np.sin(2 * np.pi * PITCH * (kind + 1) * time)
    wave += 0.01 * np.random.default_rng(seed).normal(size=len(time))
    wavfile.write(path, rate, (0.4 * wave * 32767).astype("int16"))


def picture(path: Path, value: int, size=(12, 10)):
    """A picture of one brightness."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 255 - value, 7)).save(path)


def cut(path: Path, keep: int):
    """Leave only the first bytes of a file."""
    path.write_bytes(path.read_bytes()[:keep])


def smnist(folder: Path, *, train=200, test=40, utterances=50) -> Path:
    """The six files of the published pairs; some utterances are repeated.

    A speech row begins with its class and with the number of the utterance; those of
    the training file are numbered from 0, those of the test file from 1000.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for split, size in (("train", train), ("test", test)):
        digit = np.arange(size) % 10
        rng = np.random.default_rng(size)
        images = rng.random((size, 784))
        images[:, 0], images[:, -1] = digit, np.arange(size)
        number = np.arange(size) % utterances + (0 if split == "train" else 1000)
        speech = np.zeros((size, 507))
        speech[:, 0], speech[:, 1], speech[:, 2] = digit, number, number % 7
        np.save(folder / f"data_wr_{split}.npy", images)
        np.save(folder / f"data_sp_{split}.npy", speech)
        np.save(folder / f"labels_{split}.npy", digit.astype("float64"))
    return folder


def mnist(folder: Path, form: str = "npz", *, train=100, test=50) -> Path:
    """MNIST's images: first pixels the class and the file, the last one the row."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for split, size in (("train", train), ("test", test)):
        digit = (np.arange(size) % 10).astype("uint8")
        images = np.zeros((size, 28, 28), "uint8")
        images[:, 0, 0], images[:, -1, -1] = digit, np.arange(size)
        images[:, 0, 1] = 9 if split == "test" else 3
        arrays |= {f"x_{split}": images, f"y_{split}": digit}
    if form == "npz":
        np.savez(folder / "mnist.npz", **arrays)
        return folder
    names = {"x_train": "train-images-idx3-ubyte", "y_train": "train-labels-idx1-ubyte"}
    names |= {"x_test": "t10k-images-idx3-ubyte", "y_test": "t10k-labels-idx1-ubyte"}
    for key, name in names.items():
        shape = np.array(arrays[key].shape, ">u4").tobytes()
        data = bytes([0, 0, 8, arrays[key].ndim]) + shape + arrays[key].tobytes()
        if form == "gz":
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name.replace("-idx", ".idx")).write_bytes(data)
    return folder


def spoken(folder: Path, layout: str = "fsdd", *, speakers=5, takes=1) -> Path:
    """Digits as wav files."""
    for digit in range(10):
        for speaker in range(speakers):
            for take in range(takes):
                word = WORDS[digit]
                name = {
                    "fsdd": f"recordings/{digit}_person{speaker}_{take}.wav",
                    "audiomnist": f"data/{speaker:02}/{digit}_{speaker:02}_{take}.wav",
                    "speech_commands": f"{word}/{speaker:08x}_nohash_{take}.wav",
                }[layout]
                wav(folder / name, digit, seed=100 * speaker + take)
    if layout == "speech_commands":
        wav(folder / "sheila" / "0000000a_nohash_0.wav", 3)
    return folder


def cremad(folder: Path, *, actors=6, sentences=("DFA", "IEO"), rate=RATE) -> Path:
    """Clips and three pictures of each, the brightness of the middle one says which."""
    for actor in range(1001, 1001 + actors):
        for sentence in sentences:
            for kind, emotion in enumerate(EMOTIONS):
                clip = f"{actor}_{sentence}_{emotion}_XX"
                wav(folder / "AudioWAV" / f"{clip}.wav", kind, rate=rate, seed=actor)
                for k, value in enumerate((0, 40 * kind, 255)):
                    picture(folder / "Image-01-FPS" / clip / f"{k:05}.png", value)
    people = {"ActorID": range(1001, 1001 + actors), "Age": range(20, 20 + actors)}
    people |= {
        "Sex": ["Male", "Female"] * (actors // 2),
        "Race": "NA",
        "Ethnicity": "x",
    }
    pd.DataFrame(people).to_csv(folder / "VideoDemographics.csv", index=False)
    return folder


THINGS = ("man", "boy", "house", "woman")


def luma_table(size: int, mark: str, kinds=THINGS, first=0) -> pd.DataFrame:
    """Rows of classes in turn, with an image, a path and a text of each."""
    kind = np.arange(size) % len(kinds)
    image = [np.full((32, 32, 3), 50 * k, "uint8") for k in kind]
    for row, pixels in enumerate(image):
        pixels[-1, -1] = (first + row) % 251
    return pd.DataFrame(
        {
            "image": image,
            "label": [kinds[k] for k in kind],
            "path": [f"{kinds[k]}/{mark}_{row}.wav" for row, k in enumerate(kind)],
            "text": [f'It is a {kinds[k]}, "{row}".' for row, k in enumerate(kind)],
        }
    )


def luma(folder: Path, marks=None, *, kinds=THINGS) -> Path:
    """LUMA's data folder, images converted already."""
    for mark, size in (marks or {"_train": 80, "_test": 24}).items():
        table = luma_table(size, mark or "all", kinds)
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        columns = table[["path", "label"]]
        columns.to_csv(folder / "audio" / f"datalist{mark}.csv")
        table[["text", "label"]].to_csv(folder / f"text_data{mark}.tsv", sep="\t")
        label, image = table["label"].to_numpy("U"), np.stack(table["image"].tolist())
        np.savez(folder / f"image_data{mark}.npz", image=image, label=label)
        for row, path in enumerate(table["path"]):
            where = folder / "audio" / path
            wav(where, kinds.index(table["label"][row]), seed=row, seconds=0.2)
    return folder
