"""Students that no teacher taught: what the labels alone can do."""

from functools import partial

import keras
import numpy as np

from mind_keras.controls.bench import Bench, Contender, complete
from mind_keras.data.samples import Samples
from mind_keras.prediction import predict
from mind_keras.spec import BEST, FUSION
from mind_keras.submodels import submodel
from mind_keras.training import having


def no_kd(bench: Bench) -> dict[str, Contender]:
    """The student without teachers: same start, same data, same budget."""
    return {"no_kd": bench.contender("no_kd", bench.train("no_kd", bench.build))}


def single_head(bench: Bench) -> dict[str, Contender]:
    """Plain joint fusion: one head on all modalities, so complete samples only."""
    build = partial(bench.build, heads=(FUSION,))
    model = bench.train("single_head", build, complete)
    return {"single_head": bench.contender("single_head", model)}


def unimodal(bench: Bench) -> dict[str, Contender]:
    """Each encoder of the student with its head, trained alone on all its rows."""
    models = unimodal_models(bench)
    return {name: bench.contender(name, model) for name, model in models.items()}


def late_fusion(bench: Bench) -> dict[str, Contender]:
    """The mean probability of the unimodal models that a sample can use."""
    models = unimodal_models(bench)
    return {"late_fusion": Contender(partial(_mean, list(models.values())), models)}


def unimodal_models(bench: Bench) -> dict[str, keras.Model]:
    """`{"unimodal:<modality>": model}`, of the student's size."""
    return {
        f"unimodal:{name}": bench.train(
            f"unimodal:{name}",
            partial(_part, bench, name),
            partial(having, modalities=frozenset([name])),
        )
        for name in bench.spec.names
    }


def _part(bench: Bench, modality: str) -> keras.Model:
    return submodel(bench.build(), {modality})


def _mean(models: list[keras.Model], samples: Samples) -> dict[str, np.ndarray]:
    said = np.stack([predict(model, samples)[BEST] for model in models])
    known = ~np.isnan(said)
    mean = np.where(known, said, 0.0).sum(0) / known.sum(0)
    return {BEST: mean, FUSION: np.where(known.all(0), mean, np.nan)}
