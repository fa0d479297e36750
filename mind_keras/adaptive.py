"""Distillation weights that follow the balance of modalities while a student learns.

That MIND can balance modalities is in its abstract (Guerra-Manzanares & Shamout, 2025,
arXiv 2502.01158); how is not known to us. The rule here is our reconstruction, and off
unless asked for: teachers speak louder where a modality is used less.
"""

from collections.abc import Mapping

import keras
import numpy as np
from scipy.optimize import brentq

from mind_keras.distiller import Distiller
from mind_keras.submodels import heads

SIGNS = {"utilisation": -1.0, "teacher_gap": 1.0}


def shares(
    gauge: Mapping[str, float], *, strength: float, limit: float
) -> dict[str, float]:
    """By how much to multiply each weight: more where the gauge is higher.

    exp(strength * gauge + c), cut to `[1 / limit, limit]`, with the c that makes the
    mean 1: a softmax, of which no part grows or shrinks beyond a bound.

    Args:
        gauge: `{modality: need of teaching}`, finite.
        strength: How strongly it acts; with 5, a difference of 0.14 means a factor 2.
        limit: The bound, above 1.

    Example:
        >>> gauge = {"audio": -0.4, "video": 0.0}
        >>> some = shares(gauge, strength=5.0, limit=4.0)
        >>> {name: round(share, 3) for name, share in some.items()}
        {'audio': 0.25, 'video': 1.75}
    """
    pull = strength * np.array(list(gauge.values()), float)
    bound = np.log(limit)

    def share(c: float) -> np.ndarray:
        return np.exp(np.clip(pull + c, -bound, bound))

    # At the ends all parts are at one bound: means 1 / limit and limit.
    ends = -bound - pull.max(), bound - pull.min()
    c = brentq(lambda c: share(c).mean() - 1.0, *ends, xtol=1e-12)
    return dict(zip(gauge, share(c).tolist(), strict=True))


class AdaptiveWeights(keras.callbacks.Callback):
    """Shifts distillation weight to the modalities that the student uses less.

    After each epoch, the weight b_m of the head of modality m becomes

        b_m <- (b_m as given) * share_m,   shares by exp(strength * need_m), mean 1,

    see `shares`; need_m is -u_m, or the gap between teachers and head. The weight of
    the fusion head stays. Stands behind a `Balance`, and counts as its reconstruction
    of MIND's balancing use, not as the paper's recipe. Where a need is not known
    (NaN), weights stay as they are.

    Args:
        by: `"utilisation"` or `"teacher_gap"`.
        strength: How strongly the need acts; 0 changes nothing.
        limit: Weights stay between b / limit and b * limit.

    Raises:
        ValueError: If an argument is out of range; in `fit`, if the model is not a
            `Distiller` with teachers for two modalities or more; after the first
            epoch, if the logs lack what it reads.

    Example:
        >>> import mind_keras as mk
        >>> from mind_keras.balancing import Balance
        >>> data = mk.load("diabetes")
        >>> student = mk.build_student(data.spec, {"serum": "mlp", "vitals": "mlp"})
        >>> teachers = {m: [mk.build_teacher(data.spec, m)] for m in data.spec.names}
        >>> distiller = mk.Distiller(student, teachers, task=data.spec.task)
        >>> both = [Balance(data.validation), AdaptiveWeights()]
        >>> history = mk.fit(
        ...     distiller, data.train, data.validation, epochs=1, callbacks=both
        ... )
        >>> weights = distiller.distillation_weights
        >>> round(weights["serum"] + weights["vitals"], 3), weights["fusion"]
        (2.0, 1.0)
    """

    def __init__(
        self,
        *,
        by: str = "utilisation",
        strength: float = 5.0,
        limit: float = 4.0,
    ) -> None:
        super().__init__()
        if by not in SIGNS:
            raise ValueError(f"Unknown `by` {by!r}. Known: {sorted(SIGNS)}.")
        if not strength >= 0 or not limit > 1:
            raise ValueError(
                "`strength` must be from 0 up and `limit` above 1. Received: "
                f"strength={strength!r}, limit={limit!r}."
            )
        self.by, self.strength, self.limit = by, strength, limit

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Which heads are weighed: the unimodal ones that have teachers."""
        if not isinstance(self.model, Distiller):
            raise ValueError(
                "`AdaptiveWeights` weighs what a `Distiller` teaches. Received: a "
                f"model of type {type(self.model).__name__}."
            )
        taught = self.model.distillation_weights
        needs = heads(self.model.student)
        self._weighed = [m for m in sorted(taught) if needs[m] == {m}]
        if len(self._weighed) < 2:
            raise ValueError(
                "Weight is shifted between the heads of two modalities or more. "
                f"Received: a Distiller that teaches {sorted(taught)}."
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Shift the weights for the next epoch."""
        names = {m: f"{self.by}_{m}" for m in self._weighed}
        absent = sorted(set(names.values()) - set(logs or {}))
        if absent:
            raise ValueError(
                f"`AdaptiveWeights` reads {sorted(names.values())} from the logs. "
                f"Received: logs without {absent}. Put a `Balance` before it in "
                "`callbacks`, with `teacher_probabilities` if it goes by teacher_gap."
            )
        need = {m: SIGNS[self.by] * logs[name] for m, name in names.items()}
        if not np.isfinite(list(need.values())).all():
            return
        self.model.weigh(shares(need, strength=self.strength, limit=self.limit))
