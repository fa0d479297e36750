"""MILES: the encoder of an over-used modality learns more slowly for an epoch.

Guerra-Manzanares & Shamout (2025), https://arxiv.org/abs/2510.17394: a multi-head
student on labels alone, whose learning rates follow the balance of its modalities.
"""

from collections.abc import Mapping

import keras
import numpy as np

from mind_keras.balance import MEASURE
from mind_keras.balancing import Balance
from mind_keras.controls.bench import Bench, Contender
from mind_keras.controls.codes import encoder_layers

# AUROC of a guess. The paper's M is accuracy-like, from 0 up, and so its threshold.
CHANCE = {"auroc": 0.5, "accuracy": 0.0}


def miles(bench: Bench) -> dict[str, Contender]:
    """The student without teachers, its encoders slowed as MILES does.

    With AUROC, u is measured from chance: delta is |gap| / (M - 0.5), the same as for
    Gini's 2 AUROC - 1, so that the paper's threshold keeps its meaning.
    """
    chance = CHANCE[MEASURE[bench.spec.task.kind]]
    model = bench.train(
        "miles",
        bench.build,
        callbacks=[Balance(bench.data.validation, chance=chance), EncoderRates()],
        optimizer=RatedAdamW,
    )
    return {"miles": bench.contender("miles", model)}


def rates(used: Mapping[str, float], *, threshold: float, slow: float) -> dict:
    """The factor of each encoder's learning rate for the next epoch.

    `slow` for the most used modality where imbalance is above the threshold and not
    every u is negative, else 1. Of more than two modalities, where the paper has no
    rule, the imbalance is that of the most and the least used.

    Args:
        used: `{modality: u}`, see `balance.utilisation`. NaN counts as balanced.
        threshold: tau, of the imbalance.
        slow: mu, the factor.

    Example:
        >>> rates({"audio": 0.5, "video": 0.1}, threshold=0.2, slow=0.5)
        {'audio': 0.5, 'video': 1.0}
    """
    factors = dict.fromkeys(used, 1.0)
    u = np.array(list(used.values()))
    if np.ptp(u) > threshold and (u >= 0).any():
        factors[max(used, key=used.get)] = slow
    return factors


class EncoderRates(keras.callbacks.Callback):
    """Sets the learning rates of a student's encoders by their utilisation.

    Stands behind a `Balance`; the model is compiled with `RatedAdamW`. The student's
    encoders are its layers `<modality>_encoder`, or the halves of these.

    Args:
        threshold: tau of the paper, 0.2.
        slow: mu of the paper, 0.5.
    """

    def __init__(self, *, threshold: float = 0.2, slow: float = 0.5) -> None:
        super().__init__()
        self.threshold, self.slow = threshold, slow

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Set the rates of the next epoch."""
        prefix = "utilisation_"
        used = {k.removeprefix(prefix): u for k, u in logs.items() if prefix in k}
        if not used:
            raise ValueError(
                "`EncoderRates` reads `utilisation_<modality>` from the logs. "
                f"Received: {sorted(logs)}. Put a `Balance` before it in `callbacks`."
            )
        factors = rates(used, threshold=self.threshold, slow=self.slow)
        for modality, factor in factors.items():
            for layer in self.model.student.layers:
                if layer.name in encoder_layers(modality):
                    self.model.optimizer.rate(layer.trainable_variables, factor)


@keras.saving.register_keras_serializable("mind_keras")
class RatedAdamW(keras.optimizers.AdamW):
    """AdamW with a factor on the learning rate of each variable.

    Factors are variables of the optimiser, so that setting one between epochs needs no
    compilation. Weight decay keeps the common rate.
    """

    def build(self, variables):
        """Make the factors, all 1, beside AdamW's own variables."""
        if self.built:
            return
        super().build(variables)
        self._rates = [
            self.add_variable((), initializer="ones", name=f"rate_{number}")
            for number in range(len(variables))
        ]

    def rate(self, variables, factor: float) -> None:
        """From now on these variables learn at `factor` times the learning rate."""
        for variable in variables:
            self._rates[self._get_variable_index(variable)].assign(factor)

    def update_step(self, gradient, variable, learning_rate):
        """AdamW's step at the variable's own rate."""
        rate = self._rates[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * rate)
