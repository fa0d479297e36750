"""A conversion on another backend, in a process of its own.

A `.keras` file loads on every backend, so what the running one cannot make, another
process can: `python -m mind_keras.exporting`.
"""

from pathlib import Path

from mind_keras.process import failure


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
    words = ["-m", "mind_keras.exporting", model_file, format, path]
    if last_words := failure(words, backend):
        raise ValueError(
            f"A model must be one that Keras on {backend} can load and convert to "
            f"{format}. Received: {last_words} Has it layers of its own? Then export "
            f"it where they are registered, with KERAS_BACKEND={backend}."
        )
