"""Gradient Blending: each head weighs as it generalises without overfitting.

Wang, Tran & Feiszli (2020), "What Makes Training Multi-Modal Classification Networks
Hard?", CVPR, https://arxiv.org/abs/1905.12681; the offline version, section 3.
"""

from collections.abc import Mapping
from functools import partial

import keras
import numpy as np

from mind_keras.balance import answered
from mind_keras.controls.bench import Bench, Contender
from mind_keras.controls.students import single_head, unimodal_models
from mind_keras.data.samples import Samples
from mind_keras.distiller import Distiller
from mind_keras.evaluation.cells import cells
from mind_keras.evaluation.metrics import METRICS, one
from mind_keras.prediction import predict
from mind_keras.spec import FUSION
from mind_keras.submodels import submodel

LEAST_OVERFITTING = 0.01  # nats


def g_blend(bench: Bench) -> dict[str, Contender]:
    """The multi-head student on labels, its heads weighed by `blend`.

    What each head gains and overfits is read from two models of the same size that
    are trained alone: `unimodal` of its modality, and `single_head` for the fusion;
    between their first weights and those that early stopping kept. They are shared
    with the controls of these names, and trained only once.
    """
    alone = {name.split(":")[1]: m for name, m in unimodal_models(bench).items()}
    alone[FUSION] = single_head(bench)["single_head"].models["single_head"]
    fresh = bench.build()
    first = {m: submodel(fresh, {m}) for m in bench.spec.names}
    first[FUSION] = bench.build(heads=(FUSION,))
    losses = {
        head: {
            when: (_loss(model, bench.data.train), _loss(model, bench.data.validation))
            for when, model in (("first", first[head]), ("last", alone[head]))
        }
        for head in sorted(alone)
    }
    weights = blend({head: gain(**found) for head, found in losses.items()})
    task = bench.spec.task
    learner = partial(Distiller, task=task, task_weight=weights)
    model = bench.train("g_blend", bench.build, learner=learner)
    return {"g_blend": bench.contender("g_blend", model)}


def gain(first: tuple[float, float], last: tuple[float, float]) -> tuple[float, float]:
    """G and O of a training, in nats.

    Args:
        first: Its loss on training and on validation samples, before.
        last: The same, after.

    Returns:
        Generalisation G, by how much the validation loss fell, and overfitting O, by
        how much the gap between validation and training loss grew.

    Example:
        >>> gain(first=(1.0, 1.0), last=(0.25, 0.5))
        (0.5, 0.25)
    """
    return first[1] - last[1], (last[1] - last[0]) - (first[1] - first[0])


def blend(gains: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """The weight of each head's loss: w_k = (G_k / O_k**2) / Z, their sum 1.

    The formula knows no bounds. Here a head that does not generalise (G <= 0) gets 0,
    overfitting counts as `LEAST_OVERFITTING` at least, since less is noise and would
    silence all other heads; and where no head generalises all weigh the same.

    Args:
        gains: `{head: (G, O)}`, in nats.

    Example:
        >>> blend({"audio": (0.75, 0.5), "video": (0.25, 0.5)})
        {'audio': 0.75, 'video': 0.25}
    """
    generalised = np.array([max(g, 0.0) for g, _ in gains.values()])
    overfitted = np.array([max(o, LEAST_OVERFITTING) for _, o in gains.values()])
    ratio = generalised / overfitted**2
    if not ratio.sum() > 0:
        ratio = np.ones(len(gains))
    return dict(zip(gains, (ratio / ratio.sum()).tolist(), strict=True))


def _loss(model: keras.Model, samples: Samples) -> float:
    """Log loss of a model's one head, nats, on the samples that it answers."""
    said = predict(model, samples)
    p = said[next(head for head in sorted(said) if head in model.output)]
    loss = cells(METRICS["log_loss"], p, samples, one(len(samples)), answered([p]))
    return float(loss[0].values[0])
