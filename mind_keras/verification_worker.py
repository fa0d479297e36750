"""Run as a script by `verification.py`: what saved models say, by Keras alone.

python -P verification_worker.py REFERENCE.npz ANSWERS.npz MODEL.keras ...
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    # The student must not need the package: here nothing can import it.
    sys.modules["mind_keras"] = None

    import keras
    import numpy as np

    reference, answers, *models = sys.argv[1:]
    said = {}
    with np.load(reference, allow_pickle=False) as file:
        for path in map(Path, models):
            try:
                model = keras.saving.load_model(path)
                x = {tensor.name: file[f"x/{tensor.name}"] for tensor in model.inputs}
                logits = model.predict(x, verbose=0)
            except Exception as error:  # Whatever it is, it is the answer.
                said[f"{path.name}/error"] = f"{type(error).__name__}: {error}"
            else:
                said |= {f"{path.name}/logits/{head}": logits[head] for head in logits}
    np.savez(answers, **said)
