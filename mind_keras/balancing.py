"""A callback that watches, while a student learns, how it uses its modalities.

It speaks through the logs of an epoch, as Keras' own callbacks do, and changes nothing.
To add one that acts: read `utilisation_<modality>` from `logs`, as `adaptive` does, and
stand behind it in `callbacks`. To add a quantity: see `balance`.
"""

import math
from collections.abc import Mapping

import keras
import numpy as np
from scipy.special import expit, softmax

from mind_keras.balance import head_values, measure, quantities
from mind_keras.data.samples import Samples
from mind_keras.grouped import GroupedModel
from mind_keras.submodels import heads, submodel


class Balance(keras.callbacks.Callback):
    """Writes into the logs of each epoch how a student uses its modalities.

    The keys are `utilisation_<modality>`, `imbalance`, `head_gap` and, with teachers,
    `teacher_gap_<modality>`; see `balance`. Callbacks that read them (a CSVLogger,
    `AdaptiveWeights`) come after it. It asks only samples with all modalities, and
    compiles once.

    Args:
        samples: Validation samples.
        teacher_probabilities: `{modality: (n, labels)}` of the ensembles, for these
            samples, as `mk.predict` gives them.
        every: Look at each so many epochs; the others get NaN.
        metric: A name in `METRICS`, higher is better. Default: accuracy of classes,
            else AUROC.
        chance: As in `balance.utilisation`.
        batch_size: Rows at once.

    Raises:
        ValueError: If no sample has all modalities, the metric does not fit, the
            teachers' rows are not those of the samples; and in `fit`, if the model is
            not a `Distiller` of a student with a fusion head and unimodal heads.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> student = mk.build_student(data.spec, {"serum": "mlp", "vitals": "mlp"})
        >>> balance = Balance(data.validation)
        >>> history = mk.fit(
        ...     mk.Distiller(student, task=data.spec.task),
        ...     data.train, data.validation, epochs=1, callbacks=[balance],
        ... )
        >>> sorted(set(balance.epochs[0]))
        ['head_gap', 'imbalance', 'utilisation_serum', 'utilisation_vitals']
    """

    def __init__(
        self,
        samples: Samples,
        teacher_probabilities: Mapping[str, np.ndarray] | None = None,
        *,
        every: int = 1,
        metric: str | None = None,
        chance: float = 0.0,
        batch_size: int = 256,
    ) -> None:
        super().__init__()
        if not isinstance(every, int) or every < 1:
            raise ValueError(
                f"`every` must be a number of epochs from 1 up. Received: {every!r}."
            )
        spec = samples.spec
        complete = np.flatnonzero(samples.pattern == spec.complete)
        if not len(complete):
            raise ValueError(
                "Heads are compared on samples that have all modalities. Received: "
                f"none such of {len(samples)}; patterns {sorted(samples.patterns)}."
            )
        self.metric, self.chance = measure(metric, spec.task), chance
        self.every, self.batch_size = every, batch_size
        self.samples = samples.take(complete)
        self.teachers = self._of_teachers(
            teacher_probabilities or {}, samples, complete
        )
        self.epochs = []

    def _of_teachers(
        self, said: Mapping[str, np.ndarray], samples: Samples, complete: np.ndarray
    ) -> dict[str, float]:
        shape = (len(samples), samples.spec.task.outputs)
        for name, p in said.items():
            if name not in samples.spec.names or np.shape(p) != shape:
                raise ValueError(
                    "`teacher_probabilities` must be `{modality: (n, labels)}` for "
                    f"the samples of `Balance`. Received: {name!r} with shape "
                    f"{np.shape(p)}; expected {shape} of {samples.spec.names}."
                )
        said = {name: np.asarray(p, float)[complete] for name, p in said.items()}
        if any(np.isnan(p).any() for p in said.values()):
            raise ValueError(
                "Teachers must answer every sample that has their modality. Received: "
                f"NaN in `teacher_probabilities` of {sorted(said)}. Were they asked "
                "other samples?"
            )
        return self._measured(said)

    def _measured(self, said: Mapping[str, np.ndarray]) -> dict[str, float]:
        every = np.arange(len(self.samples))
        return head_values(said, self.samples, every, self.metric)[0]

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Build what is asked, once."""
        if not isinstance(self.model, GroupedModel):
            raise ValueError(
                "`Balance` looks at the student of a `Distiller`. Received: a model "
                f"of type {type(self.model).__name__}."
            )
        student = self.model.student
        self._needs = heads(student)
        names = self.samples.spec.names
        quantities(dict.fromkeys(self._needs, 1.0), needs=self._needs)  # or says why
        self._asked = submodel(student, names)
        self.epochs = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Look, and write it down."""
        if epoch % self.every == 0:
            self.look()
        elif self.epochs:
            self.epochs.append(dict.fromkeys(self.epochs[-1], math.nan))
        if logs is not None and self.epochs:
            logs.update(self.epochs[-1])

    def look(self) -> None:
        """Ask the student, and note the quantities of this epoch."""
        found = quantities(
            self._measured(self._said()),
            needs=self._needs,
            teachers=self.teachers,
            chance=self.chance,
        )
        named = {"_".join(filter(None, key)): value for key, value in found.items()}
        self.epochs.append(named)

    def _said(self) -> dict[str, np.ndarray]:
        """`{head: probabilities}`, in steps of one size: one compilation."""
        count = len(self.samples)
        size = min(self.batch_size, count)
        steps = np.resize(np.arange(count), (-(-count // size), size))
        read = self._asked.input
        said = [
            self._asked.predict_on_batch(
                {m: self.samples.x[m][self.samples.rows_of(m, step)] for m in read}
            )
            for step in steps
        ]
        kind = self.samples.spec.task.kind
        squash = softmax if kind == "multiclass" else expit
        axis = {"axis": -1} if kind == "multiclass" else {}
        return {
            head: squash(
                np.concatenate([some[head] for some in said])[:count].astype(float),
                **axis,
            )
            for head in sorted(self._needs)
        }

    def plot(self) -> object:
        """The quantities by epoch, as a `matplotlib.figure.Figure`.

        Raises:
            ValueError: If nothing was looked at yet.
        """
        return plot_epochs(self.epochs)


def plot_epochs(epochs: list[Mapping[str, float]]) -> object:
    """Utilisation above, gaps and imbalance below, a line for each quantity.

    Args:
        epochs: `{quantity: value}` of each epoch, as in `Balance.epochs`.

    Returns:
        A `matplotlib.figure.Figure`, not shown.
    """
    if not epochs:
        raise ValueError(
            "There must be an epoch to plot. Received: none. Give the callback to "
            "`fit` first."
        )
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    styles = ["o-", "s--", "^:", "D-.", "v-", "P--", "X:", "*-."]
    for number, name in enumerate(epochs[-1]):
        values = np.array([epoch[name] for epoch in epochs])
        seen = np.flatnonzero(~np.isnan(values))
        axes = upper if name.startswith("utilisation_") else lower
        # The style differs too, for those who see no colours.
        style = styles[number % len(styles)]
        axes.plot(seen, values[seen], style, label=name, markersize=4)
    for axes, title in ((upper, "utilisation u"), (lower, "gaps and imbalance")):
        axes.axhline(0.0, color="0.7", linewidth=1, zorder=0)
        axes.set_ylabel(title)
        axes.legend(fontsize="small")
    lower.set_xlabel("epoch")
    return figure
