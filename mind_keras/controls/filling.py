"""Students that fill in what a sample lacks: the usual answer to missing modalities.

Each has the fusion head alone, learns from every row, and is fed complete samples, so
a sample's own and a made-up row look alike to it. Filling happens after preprocessing,
outside of the model: whoever predicts with the saved model must fill first.
Another one: its values, and a learner if it needs one, handed to `_fill`.
"""

from collections.abc import Callable, Mapping
from functools import partial

import keras
import numpy as np

from mind_keras.controls.bench import Bench, Contender
from mind_keras.controls.modality_dropout import ModalityDropout
from mind_keras.data.filling import filled, means, zeros
from mind_keras.data.samples import Samples
from mind_keras.grouped import GroupedModel
from mind_keras.prediction import predict
from mind_keras.spec import BEST, FUSION

ROWS = 2048  # filled at once for predictions


def zero_fill(bench: Bench) -> dict[str, Contender]:
    """What is missing is zeros: of standardised columns the training mean."""
    return _fill(bench, "zero_fill", zeros(bench.spec))


def mean_fill(bench: Bench) -> dict[str, Contender]:
    """What is missing is the mean row of the modality over the training samples.

    For columns that are standardised over the same rows this is `zero_fill`; for
    series and images it is not.
    """
    return _fill(bench, "mean_fill", means(bench.data.train))


def modality_dropout(bench: Bench, *, rate: float = 0.3) -> dict[str, Contender]:
    """`zero_fill` whose training drops modalities of rows at random.

    Args:
        bench: Where it is made.
        rate: Chance that a row loses a modality; see `ModalityDropout`.
    """
    learner = partial(ModalityDropout, task=bench.spec.task, rate=rate)
    return _fill(bench, "modality_dropout", zeros(bench.spec), learner)


def _fill(
    bench: Bench,
    name: str,
    values: Mapping[str, np.ndarray],
    learner: Callable[[keras.Model], GroupedModel] | None = None,
) -> dict[str, Contender]:
    build = partial(bench.build, heads=(FUSION,))
    model = bench.train(name, build, partial(filled, values=values), learner=learner)
    return {name: Contender(partial(_answer, model, values), {name: model})}


def _answer(model: keras.Model, values: Mapping, samples: Samples) -> dict:
    """`best` for every sample; `fusion`, as of all models, for complete ones."""
    parts = [
        predict(model, filled(samples.take(range(start, end)), values))[FUSION]
        for start, end in _pieces(len(samples))
    ]
    said = np.concatenate(parts)
    whole = np.all([samples.has(name) for name in samples.spec.names], axis=0)
    return {BEST: said, FUSION: np.where(whole[:, None], said, np.nan)}


def _pieces(size: int) -> list[tuple[int, int]]:
    return [(start, min(start + ROWS, size)) for start in range(0, size, ROWS)]
