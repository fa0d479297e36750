"""An output folder while it is made: claimed, interrupted, gone on with, finished.

What is finished of it is kept in `work/`; the folder is complete when its manifest is
there, and `work/` is gone.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mind_keras.data.atomic import atomic_path
from mind_keras.data.mimic.extraction import (
    IMAGE_TABLE,
    IMAGES,
    LABELS,
    MANIFEST,
    SAMPLES,
    SERIES,
    WORK,
)

REQUEST = "request.json"
OURS = {MANIFEST, SAMPLES, LABELS, SERIES, IMAGES, IMAGE_TABLE}
OURS |= {f"{IMAGES}.journal", WORK}


@dataclass(frozen=True)
class Work:
    """The part of an output folder that holds what is finished so far.

    Args:
        folder: The output folder.
    """

    folder: Path

    @classmethod
    def claim(
        cls, folder: Path, digest: str, *, resume: bool, overwrite: bool
    ) -> "Work":
        """Take a folder for one extraction.

        Args:
            folder: What is to be made.
            digest: Of the extraction: an interrupted one is gone on with only by the
                same.
            resume: Go on where an interrupted extraction was.
            overwrite: Replace a finished or interrupted one.

        Raises:
            ValueError: If something else is in the folder, or `resume` does not fit.
        """
        work = cls(folder)
        request = folder / WORK / REQUEST
        names = _names(folder)
        begun, finished = request.is_file(), MANIFEST in names
        # Of what is replaced all is deleted: so nothing else may be in it.
        if names - OURS or not (begun or finished or names <= {WORK}):
            raise ValueError(
                "The output must be a new folder, or hold an extraction. Received: "
                f"{folder}, which holds other files. Choose another --output."
            )
        if begun and resume:
            work._check_same(json.loads(request.read_text("utf-8")), digest)
            return work
        if (begun or finished) and not overwrite:
            raise ValueError(
                f"The output must not exist. Received: {folder}, "
                + ("a finished extraction" if finished else "an interrupted extraction")
                + f". {'' if finished else 'Go on with --resume, or '}"
                "replace it by --overwrite."
            )
        if names:
            shutil.rmtree(folder)
        request.parent.mkdir(parents=True)
        with atomic_path(request) as part:
            part.write_text(json.dumps({"digest": digest}), "utf-8")
        return work

    def _check_same(self, request: Mapping, digest: str) -> None:
        if request["digest"] != digest:
            raise ValueError(
                "An extraction is gone on with by the same options and inputs. "
                f"Received: others than those that began {self.folder}. Repeat them, "
                "or start anew with --overwrite."
            )

    def once(
        self, name: str, make: Callable[[], Mapping[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """Arrays that are made once, and read back after an interruption."""
        path = self.folder / WORK / f"{name}.npz"
        if not path.is_file():
            with atomic_path(path) as part, part.open("wb") as file:
                np.savez(file, **make())
        with np.load(path, allow_pickle=False) as file:
            return dict(file)

    def finish(self) -> None:
        """Remove what only an interrupted extraction needs."""
        shutil.rmtree(self.folder / WORK)


def _names(folder: Path) -> set[str]:
    """What is in a folder, but for files that were being written."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return {name for name in names if not (name[0] == "." and ".part" in name)}
