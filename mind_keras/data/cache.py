"""Where what is made on first use is kept: one rule for all sources."""

import os
from pathlib import Path

from platformdirs import user_cache_path

CACHE = "MIND_KERAS_CACHE"


def cache_folder(given: str | Path | None = None) -> Path:
    """The folder that was given, else the environment's, else the user's own.

    Args:
        given: A folder, or None.

    Example:
        >>> cache_folder("kept").name
        'kept'
    """
    return Path(given or os.environ.get(CACHE) or user_cache_path("mind_keras"))
