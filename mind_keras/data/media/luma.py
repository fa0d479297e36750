"""LUMA's files: tables of images, recordings and texts, and how their rows are read.

`parts(folder)` are the things of one set of files: all (`""`), or those that LUMA's
compile tool chose and aligned by row (`"_train"`, `"_test"`).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from mind_keras.data.media.faults import Faults
from mind_keras.data.media.folder import read_table
from mind_keras.data.media.mnist import read_member
from mind_keras.data.media.pictures import read_picture
from mind_keras.data.media.reading import Progress, read_all
from mind_keras.data.media.sound import Spectrogram
from mind_keras.data.media.text import TEXTS

# In the order of LUMA's own numbers; the last eight are out of distribution there.
CLASSES = (
    "man boy house woman girl table road horse dog ship bird mountain bed train bridge "
    "fish cloud chair cat baby castle forest television bear camel sea fox plain bus "
    "snake lamp clock lion tank palm rabbit pine cattle oak mouse frog ray bicycle "
    "truck elephant roses wolf telephone bee whale"
).split()
KNOWN = 42


@dataclass(frozen=True)
class Form:
    """What rows of the three modalities are made of."""

    sound: Spectrogram
    image_size: int
    text: str
    buckets: int
    length: int


class Things:
    """Images, recordings and texts of one set of files.

    Args:
        folder: LUMA's data folder.
        images: Folder of the converted images.
        mark: `""`, `"_train"` or `"_test"`.
        faults: Where unknown classes and corrupt files are noted.
    """

    def __init__(self, folder: Path, images: Path, mark: str, faults: Faults) -> None:
        self.folder, self.faults = folder, faults
        self.tables = {
            "audio": folder / "audio" / f"datalist{mark}.csv",
            "text": folder / f"text_data{mark}.tsv",
        }
        audio = read_table(self.tables["audio"], ["path", "label"])
        text = read_table(self.tables["text"], ["text", "label"], sep="\t")
        self.recordings = [folder / "audio" / name for name in audio["path"]]
        self.texts = text["text"].tolist()
        self.labels = {"audio": audio["label"].to_numpy("U")}
        self.labels["text"] = text["label"].to_numpy("U")
        self._open_images(images, f"image_data{mark}")
        for name, labels in self.labels.items():
            for row in np.flatnonzero(~np.isin(labels, CLASSES)):
                why = f"row {row}: unexpected class {str(labels[row])!r}"
                faults.add(self.tables[name], why)

    def _open_images(self, folder: Path, name: str) -> None:
        """An .npz file, or a table of paths of pictures."""
        npz, table = folder / f"{name}.npz", folder / f"{name}.csv"
        if not npz.is_file() and not table.is_file():
            raise ValueError(
                f"LUMA's images must be {npz.name}, or {table.name} (path,label) of "
                f"pictures. Received: {folder}, without. Make the first from LUMA's "
                "pickles by `mind-keras data convert luma`."
            )
        self.pictures, self.tables["image"] = None, table
        if npz.is_file():
            self.tables["image"] = npz
            self.pixels = read_member(npz, "image")
            self.labels["image"] = read_member(npz, "label").astype("U")
            return
        rows = read_table(table, ["path", "label"])
        self.pictures = [folder / path for path in rows["path"]]
        self.labels["image"] = rows["label"].to_numpy("U")

    def read(
        self, rows: dict[str, np.ndarray], form: Form, progress: Progress
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Samples of a row of each modality.

        Returns:
            `{modality: (n, *shape)}`, and which samples are whole, `(n,)` of bool.
        """
        about = {"faults": self.faults, "progress": progress}
        sound = form.sound
        paths = [self.recordings[row] for row in rows["audio"]]
        audio, heard = read_all(paths, sound.read, sound.shape, stage="audio", **about)
        image, seen = self._images(rows["image"], form.image_size, about)
        texts = [self.texts[row] for row in rows["text"]]
        text = TEXTS[form.text](texts, buckets=form.buckets, length=form.length)
        return {"audio": audio, "image": image, "text": text}, heard & seen

    def _images(
        self, rows: np.ndarray, size: int, about: dict
    ) -> tuple[np.ndarray, np.ndarray]:
        if self.pictures is not None:
            paths = [self.pictures[row] for row in rows]
            look, shape = partial(read_picture, size=size), (size, size, 3)
            return read_all(paths, look, shape, dtype="uint8", stage="image", **about)
        pixels = self.pixels[rows]
        if pixels.shape[1:] != (size, size, 3):
            pixels = [Image.fromarray(one).resize((size, size)) for one in pixels]
            pixels = np.stack([np.asarray(one) for one in pixels])
        return pixels, np.ones(len(rows), bool)
