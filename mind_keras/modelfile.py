"""`.keras` files: written whole or not at all, read without what Keras gets wrong."""

from pathlib import Path

import keras

from mind_keras.data.atomic import atomic_path


def save_model(model: keras.Model, path: str | Path) -> None:
    """Write a model to a `.keras` file, at once or not at all."""
    with atomic_path(Path(path)) as part:
        model.save(part)


def load_model(path: str | Path) -> keras.Model:
    """Read a model for prediction or for training anew.

    Always `compile=False`: a model that was compiled on torch names an optimiser that
    other backends cannot train with, or cannot even import.

    Raises:
        ValueError: If there is no such file, or it is not a readable `.keras` file.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"There must be a `.keras` file at the path. Received: {path}."
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Zip, JSON, HDF5 and Keras each raise their own.
        raise ValueError(
            f"A model file must be a `.keras` archive that Keras can read. Received: "
            f"{path}, and {type(error).__name__}: {error}. Is it damaged, cut short, "
            "or made of layers that are not registered here?"
        ) from error


def portable(config: dict, jit_compile: bool | str) -> dict:
    """What a model was compiled with, so that any backend can train on.

    Keras writes an optimiser of the torch backend by a name that others cannot train
    with, and `jit_compile` as this backend resolved it.
    """
    optimizer = {**config["optimizer"], "module": "keras.optimizers"}
    optimizer["registered_name"] = None
    return {**config, "optimizer": optimizer, "jit_compile": jit_compile}
