"""A conversion on another backend, in a process of its own.

A `.keras` file loads on every backend, so what the running one cannot make, another
process can: `python -m mind_keras.exporting`.
"""

import os
import subprocess
import sys
from pathlib import Path


def convert_elsewhere(model_file: Path, format: str, path: Path, backend: str) -> None:
    """Write a saved model in a format that another backend makes.

    Args:
        model_file: A `.keras` file.
        format: A name of `FORMATS`.
        path: The file or folder to write.
        backend: The backend of the other process.

    Raises:
        ValueError: If the other process could not; its last words are in the message.
    """
    words = [sys.executable, "-m", "mind_keras.exporting"]
    done = subprocess.run(
        [*words, str(model_file), format, str(path)],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["the process died"])[-1]
        raise ValueError(
            f"A model must be one that Keras on {backend} can load and convert to "
            f"{format}. Received: {last} Has it layers of its own? Then export it "
            f"where they are registered, with KERAS_BACKEND={backend}."
        )
