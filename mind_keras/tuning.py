"""A student as a `HyperModel` of KerasTuner: `pip install 'mind_keras[tune]'`.

    tuner = keras_tuner.BayesianOptimization(
        StudentHyperModel(data, teachers, encoders, space=...),
        objective=keras_tuner.Objective("val_auroc", "max"), max_trials=20,
    )
    tuner.search()
    student = tuner.get_best_models()[0].student

Teachers are trained before and asked once, so a trial costs one student. What may be
set is said as in a config's `sweep:`, see `space`.
"""

import math
from collections.abc import Mapping, Sequence

import keras

from mind_keras.balance import measure
from mind_keras.data.splits import Splits
from mind_keras.distiller import Distiller
from mind_keras.models import build_student
from mind_keras.space import Choices, check_choice, place
from mind_keras.teachers import teacher_logits
from mind_keras.training import fit
from mind_keras.verdict import verdict

try:
    from keras_tuner import HyperModel
except ImportError:  # Told when one is made, so that the module can be looked at.
    HyperModel = None

SPACE = {
    "distillation.temperature": {"low": 1.0, "high": 8.0, "log": True},
    "distillation.distillation_weight": {"low": 0.1, "high": 10.0, "log": True},
    "fusion": ["concat", "sum", "gated"],
    "training.learning_rate": {"low": 0.0003, "high": 0.03, "log": True},
}


class StudentHyperModel(HyperModel or object):
    """Builds and trains students for a tuner, all from the same teachers.

    `build` gives a `Distiller`; `fit` trains it as `mk.fit` does, stopped early by
    the validation loss, and returns `val_loss` and the headline metric of the
    validation samples (`val_auroc`, of classes `val_accuracy`), with the weights that
    are kept; the tuner's checkpoint holds these too. Test samples are never read.

    Args:
        data: Of all trials.
        teachers: `{head: models}`, trained; `{}` for plain training. The teacher of the
            fusion head is `{"fusion": [mk.fit_joint_teacher(...)]}`.
        encoders: Of the student, as in `build_student`, each with its options.
        space: What is tried, `{setting: choice}`; a setting is `fusion`, or a path
            below `encoders.`, `distillation.` or `training.`. Default: `SPACE`.
        fusion: Where it is not tried.
        distillation: Other arguments of `Distiller`.
        training: Other arguments of `mk.fit`.
        seed: Of first weights and batches, the same in all trials.

    Raises:
        ImportError: If keras-tuner is not installed.
        ValueError: If a choice is none, or a setting is of no section.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> encoders = {m: {"encoder": "mlp", "units": 4} for m in data.spec.names}
        >>> space = {"encoders.serum.units": [4, 8], "fusion": ["concat", "sum"]}
        >>> hypermodel = StudentHyperModel(data, {}, encoders, space=space)
        >>> sorted(hypermodel.space)
        ['encoders.serum.units', 'fusion']
    """

    def __init__(
        self,
        data: Splits,
        teachers: Mapping[str, Sequence[keras.Model]],
        encoders: Mapping[str, object],
        *,
        space: Choices | None = None,
        fusion: object = "concat",
        distillation: Mapping[str, object] | None = None,
        training: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        if HyperModel is None:
            raise ImportError(
                "`StudentHyperModel` needs keras-tuner, which is not installed. Run: "
                "pip install 'mind_keras[tune]'"
            )
        super().__init__()
        self.data, self.seed = data, seed
        self.space = dict(SPACE if space is None else space)
        self.values = {
            "encoders": dict(encoders),
            "fusion": fusion,
            "distillation": dict(distillation or {}),
            "training": dict(training or {}),
        }
        self._check_space()
        self.heads = sorted(teachers)
        self.answers = teacher_logits(teachers, data.train) if teachers else None

    def build(self, hp: object) -> Distiller:
        """A Distiller of the settings that a tuner chose."""
        chosen = self.settings(hp)
        keras.utils.set_random_seed(self.seed)
        student = build_student(
            self.data.spec, chosen["encoders"], fusion=chosen["fusion"]
        )
        # No teachers: their answers come with the batches.
        return Distiller(
            student,
            dict.fromkeys(self.heads, ()),
            task=self.data.spec.task,
            **chosen["distillation"],
        )

    def fit(
        self,
        hp: object,
        model: Distiller,
        *,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: object = 0,
        **options: float,
    ) -> dict[str, float]:
        """Train one student, and say how good it is on validation samples.

        Args:
            hp: Settings, as in `build`.
            model: Of `build`.
            callbacks: The tuner's.
            verbose: What `tuner.search` was told; training is silent.
            options: Further arguments of `mk.fit`, given to `tuner.search`; they come
                before those of `training`.
        """
        kept = _Kept(self.data, callbacks)
        history = fit(
            model,
            self.data.train,
            self.data.validation,
            **self.settings(hp)["training"] | options,
            answers=self.answers,
            seed=self.seed,
            callbacks=[kept, *callbacks],
        )
        losses = history.loc[history["metric"] == "val_loss", "value"]
        return {**kept.found, "val_loss": float(losses.min())}

    def settings(self, hp: object) -> dict:
        """All values of a trial, by section: `encoders`, `fusion`, ...

        Use it to build a config of what `tuner.get_best_hyperparameters()` gives.
        """
        chosen = {name: _choose(hp, name, c) for name, c in self.space.items()}
        return place(self.values, chosen)

    def _check_space(self) -> None:
        for setting, choice in self.space.items():
            section, _, rest = setting.partition(".")
            if section not in self.values or (section == "fusion") == bool(rest):
                raise ValueError(
                    "A setting must be `fusion`, or a path below one of "
                    f"{sorted(set(self.values) - {'fusion'})}. Received: {setting!r}. "
                    "Write `distillation.temperature`."
                )
            try:
                check_choice(choice)
            except ValueError as fault:
                raise ValueError(
                    f"A choice must {fault}. Received: {choice!r} for {setting!r}."
                ) from None


class _Kept(keras.callbacks.Callback):
    """Judges the weights that early stopping restored, which is told before this.

    The tuner's checkpoint, which comes after, hears of it as of one more epoch, so that
    it holds what is reported. The epochs before say NaN, which is never the best.
    """

    def __init__(self, data: Splits, after: Sequence[keras.callbacks.Callback]) -> None:
        super().__init__()
        self.samples, self.after, self.found = data.validation, after, {}
        self.name = f"val_{measure(None, data.spec.task)}"
        self.epochs = 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Nobody has looked."""
        self.epochs = epoch + 1
        if logs is not None:
            logs[self.name] = math.nan

    def on_train_end(self, logs: dict | None = None) -> None:
        """Look at what is kept, and tell."""
        self.found = {self.name: verdict(self.model.student, self.samples)[1]}
        for callback in self.after:
            callback.on_epoch_end(self.epochs, dict(self.found))


def _choose(hp: object, name: str, choice: list | Mapping) -> object:
    """What the tuner sets; it knows texts and numbers, of other values the place."""
    if isinstance(choice, list):
        kinds = {type(value) for value in choice}
        if len(kinds) == 1 and kinds <= {str, int, float, bool}:
            return hp.Choice(name, choice)
        return choice[hp.Choice(name, list(range(len(choice))))]
    low, high = choice["low"], choice["high"]
    whole = isinstance(low, int) and isinstance(high, int)
    sampling = "log" if choice.get("log") else "linear"
    return (hp.Int if whole else hp.Float)(name, low, high, sampling=sampling)
