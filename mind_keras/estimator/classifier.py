"""`MindClassifier`: all of `fit`, `predict` and `save` that scikit-learn sees.

It works in `cross_val_score`, `GridSearchCV` and `Pipeline`. For control over models,
data and report use the functions that `learning` calls. To add a parameter: an argument
of `__init__`, handed on in `_learn`.
"""

# ruff: noqa: N803 - scikit-learn names its arguments `X`.

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, check_random_state

from mind_keras.data.checks import check_modality
from mind_keras.data.files import Unlabelled
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.estimator import files
from mind_keras.estimator.learning import Parts, learn
from mind_keras.estimator.parts import held_back
from mind_keras.estimator.rows import Rows, fill_gaps, has_row, known_shape, read_rows
from mind_keras.estimator.targets import decided, probabilities_of, read_targets
from mind_keras.prediction import predict
from mind_keras.seeding import restored
from mind_keras.spec import BEST

STUDENT = {"encoder": "mlp", "units": 16}
TEACHERS = tuple({"encoder": "mlp", "units": units} for units in (256, 128, 64))
GAPS = ("error", "median")


class MindClassifier(ClassifierMixin, BaseEstimator):
    """A student of several modalities, distilled from teachers of each.

    `X` is a DataFrame, an array `(n, features)`, `{modality: (n, *shape)}`, or an array
    with a field for each modality (`mind_keras.estimator.records`, which folds of
    scikit-learn can cut). A sample **lacks a modality where all of its row of it is
    NaN**; it needs one modality at least. A row that is NaN in part has gaps, which are
    refused unless `gaps` says otherwise.

    `y` is `(n,)` of any labels (two classes: binary; more: multiclass), or
    `(n, labels)` of 0/1, NaN where unknown: multilabel.

    Args:
        modalities: `{modality: columns}` of a table, names or positions. Default: one
            modality, `"table"`, of all columns.
        encoders: Encoder of the student for all modalities, as in `build_student`, or
            `{modality: encoder}`. Default: `STUDENT`.
        teachers: Encoders of the teachers of every modality, or `{modality: encoders}`;
            `()`: no teachers, plain training. Default: `TEACHERS`.
        fusion: As in `build_student`.
        temperature, distance, distillation_weight, task_weight, ensemble: As in
            `Distiller`.
        joint_target: What the fusion head learns from: `"stacked"`, a teacher made of
            the unimodal ones (`fit_joint_teacher`, of at least 20 samples with all
            modalities in either part), `"product"` or `"mean"`.
        epochs, batch_size, learning_rate, weight_decay, patience: As in `fit`.
        teacher_epochs, teacher_learning_rate, teacher_weight_decay: Of the teachers.
        validation_fraction: Share of the groups held back in `fit`, to stop training.
        gaps: `"error"`, or `"median"`: a number that is missing in a row that the
            sample has gets the median of the training rows.
        standardise: Modalities whose features are standardised by training rows.
            Default: those whose rows are vectors.
        random_state: A seed, a generator of NumPy, or None.

    Attributes:
        classes_: The labels of `y`; of a multilabel task `[0, 1]` for each label.
        student_: The Keras model, which needs nothing of this package.
        spec_, preprocessing_: What it reads, and how raw rows become that.
        history_: Columns `model, epoch, metric, value` of every training.
        n_features_in_, feature_names_in_: Of a table, as scikit-learn defines them.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> columns = {"vitals": ["age", "sex", "bmi", "bp"], "serum": ["s1", "s5"]}
        >>> X.loc[:99, columns["serum"]] = float("nan")
        >>> one = ({"encoder": "mlp", "units": 4},)
        >>> mind = MindClassifier(columns, teachers=one, epochs=1, teacher_epochs=1)
        >>> mind.fit(X, y > 200).predict_proba(X).shape
        (442, 2)
    """

    def __init__(
        self,
        modalities: Mapping[str, Sequence] | None = None,
        *,
        encoders: object = None,
        teachers: object = None,
        fusion: object = "concat",
        temperature: float = 2.0,
        distance: object = "kl",
        distillation_weight: float | Mapping[str, float] = 1.0,
        task_weight: float | Mapping[str, float] | None = None,
        ensemble: str = "probability",
        joint_target: str = "stacked",
        epochs: int = 100,
        batch_size: int = 64,
        learning_rate: float = 0.01,
        weight_decay: float = 0.0,
        patience: int = 10,
        teacher_epochs: int = 50,
        teacher_learning_rate: float = 0.003,
        teacher_weight_decay: float = 0.001,
        validation_fraction: float = 0.2,
        gaps: str = "error",
        standardise: Sequence[str] | None = None,
        random_state: object = 0,
    ) -> None:
        # scikit-learn clones what it finds here: nothing is checked or changed.
        given = locals()
        for name in self._get_param_names():
            setattr(self, name, given[name])

    def fit(
        self,
        X: object,
        y: object,
        *,
        groups: Sequence | None = None,
        sample_weight: Sequence | None = None,
    ) -> "MindClassifier":
        """Hold back validation samples, train teachers and student.

        Args:
            X: `n` samples; see the class.
            y: Their labels.
            groups: Patient (site, ...) of each, `(n,)`; none is in both parts.
            sample_weight: Weight of each in the losses, `(n,)`.

        Raises:
            ValueError: Before training, if data and parameters do not fit.
        """
        self._check_parameters()
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        rows, target = self._read(X, reset=True), read_targets(y)
        parts, self.medians_ = held_back(
            rows,
            target,
            groups,
            sample_weight,
            fraction=self.validation_fraction,
            fill=self.gaps == "median",
            seed=seed,
        )
        self.spec_, self.classes_ = parts.spec, target.classes
        vectors = [m.name for m in self.spec_.modalities if len(m.shape) == 1]
        scaled = vectors if self.standardise is None else self.standardise
        for name in scaled:
            self.spec_.modality(name)  # refused if unknown
        self.preprocessing_ = Preprocessing.fit(parts.train, tuple(scaled))
        scaled_parts = map(self.preprocessing_.apply, (parts.train, parts.validation))
        with restored():
            self.student_, self.history_ = self._learn(Parts(*scaled_parts), seed)
        return self

    def predict_proba(self, X: object) -> np.ndarray:
        """The probability of each class, `(n, classes)`; of each label, `(n, labels)`.

        A sample is answered from the modalities that it has.

        Raises:
            ValueError: If a sample has no modality, or rows are not as in `fit`.
        """
        check_is_fitted(self, "student_")
        rows = self._read(X, reset=False)
        unknown = sorted(set(rows) - set(self.spec_.names))
        if unknown:
            raise ValueError(
                f"`X` must hold modalities of `fit`, {self.spec_.names}. Received "
                f"also: {unknown}."
            )
        every, x, numbers = np.arange(len(next(iter(rows.values())))), {}, {}
        for name, array in fill_gaps(rows, self.medians_).items():
            there = np.flatnonzero(has_row(array))
            modality = self.spec_.modality(name)
            known, numbers[name] = check_modality(
                array[there], there, modality, len(every)
            )
            x[name] = self.preprocessing_.transform(name, known)
        samples = Unlabelled(every, x, numbers, every)
        said = predict(self.student_, samples, task=self.spec_.task)[BEST]
        return probabilities_of(said, self.spec_.task)

    def predict(self, X: object) -> np.ndarray:
        """The most probable class, `(n,)`; of a multilabel task 0/1, `(n, labels)`."""
        probabilities = self.predict_proba(X)
        return decided(probabilities, self.spec_.task, self.classes_)

    def save(self, folder: str | Path) -> None:
        """Write the fitted estimator to a new folder, without pickle.

        Raises:
            ValueError: If the folder holds files, or a parameter is no plain value.
        """
        check_is_fitted(self, "student_")
        files.save(Path(folder), self.get_params(), vars(self))

    @classmethod
    def load(cls, folder: str | Path) -> "MindClassifier":
        """A fitted estimator from the folder that `save` wrote; it has no `history_`.

        Raises:
            ValueError: If the folder is not of `save`.
        """
        parameters, learnt = files.load(Path(folder))
        found = cls(**parameters)
        vars(found).update(learnt)
        return found

    def __sklearn_tags__(self) -> object:
        """What scikit-learn, from 1.6, may hand over."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.allow_nan = self.gaps == "median"
        return tags

    def _check_parameters(self) -> None:
        if self.gaps not in GAPS:
            raise ValueError(f"`gaps` must be one of {GAPS}. Received: {self.gaps!r}.")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                "`validation_fraction` must be above 0 and below 1. Received: "
                f"{self.validation_fraction!r}."
            )

    def _read(self, X: object, *, reset: bool) -> Rows:
        rows = read_rows(X, self.modalities)
        known_shape(self, X, reset=reset)
        return rows

    def _learn(self, parts: Parts, seed: int) -> tuple[keras.Model, pd.DataFrame]:
        names = parts.spec.names
        distilling = ("temperature", "distance", "distillation_weight", "task_weight")
        distilling += ("ensemble", "joint_target")
        budget = {"batch_size": self.batch_size, "patience": self.patience}
        return learn(
            parts,
            _of_each(self.encoders, STUDENT, names),
            _of_each(self.teachers, TEACHERS, names),
            fusion=self.fusion,
            distillation={name: getattr(self, name) for name in distilling},
            budget=budget
            | {
                "epochs": self.epochs,
                "learning_rate": self.learning_rate,
                "weight_decay": self.weight_decay,
            },
            teacher_budget=budget
            | {
                "epochs": self.teacher_epochs,
                "learning_rate": self.teacher_learning_rate,
                "weight_decay": self.teacher_weight_decay,
            },
            seed=seed,
        )


def _of_each(given: object, default: object, names: Sequence[str]) -> dict:
    """`{modality: choice}`: said for each, or once for all."""
    given = default if given is None else given
    one = not isinstance(given, Mapping) or "encoder" in given
    return dict.fromkeys(names, given) if one else dict(given)
