"""The other process of `elsewhere`: load, convert, done.

    python -m mind_keras.exporting MODEL.keras FORMAT PATH

`KERAS_BACKEND` names the backend.
"""

import sys
from pathlib import Path

from mind_keras.exporting.convert import convert, plain
from mind_keras.modelfile import load_model

if __name__ == "__main__":
    model_file, format, path = sys.argv[1:]
    convert(plain(load_model(model_file)), format, Path(path))
