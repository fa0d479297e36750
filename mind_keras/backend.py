"""Which backend Keras runs on: chosen before Keras is imported, never changed.

Standard library only, so that the command line can choose and complain at once. To
support a further backend of Keras: name it in `BACKENDS`, and as an extra of the
package.
"""

import importlib.util
import json
import logging
import os
import sys
from pathlib import Path

BACKENDS = ("jax", "tensorflow", "torch")


def installed() -> list[str]:
    """The backends that could be imported here."""
    return [name for name in BACKENDS if importlib.util.find_spec(name)]


def choose(given: str | None = None) -> str:
    """The backend to use: as given, else as Keras is set up, else one that is there.

    Args:
        given: A name in `BACKENDS`, or None for the environment's `KERAS_BACKEND`,
            else what `keras.json` says, else the first one installed. Keras writes
            `keras.json` itself, so a backend named there need not be installed.

    Raises:
        ValueError: If the backend is unknown or not installed, or if Keras runs on
            another one in this process.
    """
    asked = given or os.environ.get("KERAS_BACKEND")
    found = installed()
    wished = [asked] if asked else [_configured(), *BACKENDS]
    if asked and asked not in BACKENDS:
        raise ValueError(f"The backend must be one of {BACKENDS}. Received: {asked!r}.")
    chosen = next((name for name in wished if name in found), None)
    if chosen is None:
        raise ValueError(
            f"The backend must be installed. Received: {asked or 'none'}; installed: "
            f'{found}. Get it with `pip install "mind_keras[{asked or BACKENDS[0]}]"`.'
        )
    if "keras" in sys.modules:
        running = sys.modules["keras"].config.backend()
        if running != chosen:
            raise ValueError(
                "A process has one backend, from when Keras is imported. Received: "
                f"{chosen!r}, but Keras runs on {running!r}. Start another process."
            )
    return chosen


def use(given: str | None = None) -> str:
    """Choose a backend for this process, before Keras is imported.

    Its chatter is kept out of the results. Torch gets one thread unless the
    environment's `OMP_NUM_THREADS` says otherwise.
    """
    chosen = choose(given)
    os.environ["KERAS_BACKEND"] = chosen
    if chosen == "torch":
        # On small models torch's threads wait for each other: where cores are shared,
        # several times as long as one thread takes.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return chosen


def _configured() -> str | None:
    """What Keras' own settings file says, if there is a readable one."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((home / "keras.json").read_text("utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None
