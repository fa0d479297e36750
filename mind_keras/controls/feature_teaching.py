"""Students that learn the codes of unimodal teachers, as others have proposed.

Teachers are the `unimodal` models: of the student's size, trained on all rows of their
modality. The student has the fusion head alone and learns from complete samples.
"""

from functools import partial

from mind_keras.controls.bench import Bench, Contender, complete
from mind_keras.controls.feature_distiller import FeatureDistiller
from mind_keras.controls.students import unimodal_models
from mind_keras.spec import FUSION


def umt(bench: Bench) -> dict[str, Contender]:
    """Uni-Modal Teacher (UMT) [1]: the label loss, and codes like the teachers'.

    `CE(l) + 10 sum_m mean_j (z_mj - z_mj^t)^2`. The weight, and the mean over the
    numbers of a code, are those of BalanceBenchmark's re-implementation [2].

    [1] Du et al. (2023), On uni-modal feature learning in supervised multi-modal
    learning. https://arxiv.org/abs/2305.01233
    [2] https://github.com/GeWu-Lab/BalanceBenchmark
    """
    return _taught(bench, "umt", code_weight=10.0, belief_weight=0.0)


def g2d(bench: Bench) -> dict[str, Contender]:
    """The loss of gradient-guided distillation (G2D) [1]: codes and beliefs.

    `CE(l) + sum_m KL(t_m -> l) + sum_m mean_j (z_mj - z_mj^t)^2`, T = 1 and all weights
    1, as in the authors' code. Left out is their sequential modality prioritisation,
    which holds the encoder of the modality with the more confident teacher still for
    the first half of 300 epochs: with early stopping, as for all students here, that
    half would often be all there is. It matters: a table reports 78.6 % on CREMA-D for
    the loss alone and 85.9 % with prioritisation.

    [1] Rakib & Bagavathi (2025), G2D: boosting multimodal learning with gradient-guided
    distillation. https://arxiv.org/abs/2506.21514
    """
    return _taught(bench, "g2d", code_weight=1.0, belief_weight=1.0)


def _taught(bench: Bench, name: str, **weights: float) -> dict[str, Contender]:
    models = unimodal_models(bench)
    learner = partial(
        FeatureDistiller,
        teachers={m: models[f"unimodal:{m}"] for m in bench.spec.names},
        task=bench.spec.task,
        **weights,
    )
    build = partial(bench.build, heads=(FUSION,))
    model = bench.train(name, build, complete, learner=learner)
    return {name: bench.contender(name, model)}
