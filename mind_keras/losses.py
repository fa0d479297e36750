"""How far a student's belief is from its teacher's, and from the labels.

The functions take logits and give one value per row; they never reduce, weigh or
mask. That belongs to the `keras.losses.Loss` around each, once: every term is
divided by the weight of the rows (and of the known labels) that it covers.
To add a distance: write the function, wrap it, name it in `DISTANCES`.
"""

import math

import keras
from keras import ops

from mind_keras.fast import mean_crossentropy

MEAN = "mean_with_sample_weight"


def bernoulli_kl(teacher, student, temperature=1.0):
    """KL(teacher || student) of independent yes/no beliefs, averaged over labels.

    Fits multilabel tasks and, with a single label, binary ones, where a softmax over
    one logit would be constant and teach nothing.

    Args:
        teacher: Logits, `(batch, labels)`.
        student: Logits, `(batch, labels)`.
        temperature: T > 0 (unitless), divides both. The result is multiplied by T**2
            so that gradients keep their size as T grows [1].

    Returns:
        Nats, `(batch,)`, never negative, 0 where the beliefs agree.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> sure, doubt = ops.array([[2.0]]), ops.array([[0.0]])
        >>> round(float(bernoulli_kl(sure, doubt)[0]), 4)
        0.3278

    [1] Hinton, Vinyals & Dean (2015), section 2. https://arxiv.org/abs/1503.02531
    """
    t, s = _softened(teacher, student, temperature)
    # On logits throughout: log(sigmoid(x)) taken in two steps saturates at 16 nats.
    yes = ops.sigmoid(t) * (ops.log_sigmoid(t) - ops.log_sigmoid(s))
    no = ops.sigmoid(-t) * (ops.log_sigmoid(-t) - ops.log_sigmoid(-s))
    return temperature**2 * ops.maximum(ops.mean(yes + no, axis=-1), 0.0)


def categorical_kl(teacher, student, temperature=1.0):
    """KL(teacher || student) of beliefs over classes that exclude each other.

    Args:
        teacher: Logits, `(batch, classes)`.
        student: Logits, `(batch, classes)`. A constant added to a row changes nothing.
        temperature: T > 0 (unitless), divides both; the result is multiplied by T**2
            (Hinton, Vinyals & Dean, 2015, section 2).

    Returns:
        Nats, `(batch,)`, never negative, 0 where the beliefs agree.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> sure, doubt = ops.array([[2.0, 0.0]]), ops.array([[0.0, 0.0]])
        >>> round(float(categorical_kl(sure, doubt)[0]), 4)
        0.3278
    """
    t, s = _softened(teacher, student, temperature)
    t, s = ops.log_softmax(t), ops.log_softmax(s)
    return temperature**2 * ops.maximum(ops.sum(ops.exp(t) * (t - s), axis=-1), 0.0)


def squared_error(teacher, student, temperature=1.0):
    """Squared difference of logits, averaged over labels.

    Ba & Caruana (2014), equation 1. The temperature has no effect: it would divide
    both logits, and the factor T**2 would undo that.

    Args:
        teacher: Logits, `(batch, labels)`.
        student: Logits, `(batch, labels)`.
        temperature: Accepted so that all distances are called alike.

    Returns:
        `(batch,)`, 0 where the logits agree.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> float(squared_error(ops.array([[2.0, 0.0]]), ops.array([[0.0, 0.0]]))[0])
        2.0
    """
    t, s = _softened(teacher, student, 1.0)
    return ops.mean(ops.square(t - s), axis=-1)


def _softened(teacher, student, temperature):
    if tuple(teacher.shape[1:]) != tuple(student.shape[1:]):
        raise ValueError(
            "`teacher` and `student` must have the same shape. Received: "
            f"{tuple(teacher.shape)} and {tuple(student.shape)}. Do both heads predict "
            "the same labels?"
        )
    return teacher / temperature, student / temperature


class _RowLoss(keras.losses.Loss):
    """Averaged over rows, by their weights; on torch in fewer calls than Keras has."""

    def _is_usual(self, y_pred) -> bool:
        plain = self.reduction == MEAN and getattr(y_pred, "_keras_mask", None) is None
        return plain and keras.config.backend() == "torch"

    def __call__(self, y_true, y_pred, sample_weight=None):
        if not self._is_usual(y_pred):
            return super().__call__(y_true, y_pred, sample_weight)
        true, said = (ops.convert_to_tensor(z, self.dtype) for z in (y_true, y_pred))
        values = ops.cast(self.call(true, said), self.dtype)
        count = math.prod(values.shape)
        if sample_weight is None:
            return ops.sum(values) / max(count, 1)
        weight = ops.convert_to_tensor(sample_weight, self.dtype)
        if math.prod(weight.shape) != count:
            return super().__call__(y_true, y_pred, sample_weight)
        if weight.shape != values.shape:
            weight = ops.reshape(weight, values.shape)
        return ops.divide_no_nan(ops.sum(values * weight), ops.sum(weight))


class _Distance(_RowLoss):
    """A distance as a Keras loss: `y_true` are the teacher's logits."""

    def __init__(self, temperature=1.0, name=None, reduction=MEAN, **kwargs):
        if not temperature > 0:
            raise ValueError(
                f"`temperature` must be positive. Received: {temperature}."
            )
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.temperature = float(temperature)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}


@keras.saving.register_keras_serializable("mind_keras")
class BernoulliKL(_Distance):
    """`bernoulli_kl` as a Keras loss, averaged over rows."""

    def call(self, y_true, y_pred):
        return bernoulli_kl(y_true, y_pred, self.temperature)


@keras.saving.register_keras_serializable("mind_keras")
class CategoricalKL(_Distance):
    """`categorical_kl` as a Keras loss, averaged over rows."""

    def call(self, y_true, y_pred):
        return categorical_kl(y_true, y_pred, self.temperature)


@keras.saving.register_keras_serializable("mind_keras")
class SquaredError(_Distance):
    """`squared_error` as a Keras loss, averaged over rows."""

    def call(self, y_true, y_pred):
        return squared_error(y_true, y_pred, self.temperature)


@keras.saving.register_keras_serializable("mind_keras")
class BinaryCrossentropy(_RowLoss):
    """Binary cross-entropy on logits, averaged over the labels that are known.

    Args:
        y_true: 0, 1 or NaN (unknown), `(batch, labels)`.
        y_pred: Logits, `(batch, labels)`.
        sample_weight: `(batch,)` or None.

    Example:
        >>> loss = BinaryCrossentropy()
        >>> round(float(loss([[1.0, float('nan')]], [[0.0, 9.0]])), 4)
        0.6931
    """

    def __init__(self, name="binary_crossentropy", reduction=MEAN, **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true, weight = (
            some if some is None else ops.convert_to_tensor(some, self.dtype)
            for some in (y_true, sample_weight)
        )
        if self._is_usual(y_pred):
            y_pred = ops.convert_to_tensor(y_pred, self.dtype)
            return mean_crossentropy(y_true, y_pred, weight)
        known = ops.cast(ops.isfinite(y_true), self.dtype)
        if weight is not None:
            known = known * ops.reshape(weight, (-1, 1))
        # Replaced before the product: 0 * NaN is NaN.
        return super().__call__(ops.nan_to_num(y_true), y_pred, known)

    def call(self, y_true, y_pred):
        return ops.binary_crossentropy(y_true, y_pred, from_logits=True)


@keras.saving.register_keras_serializable("mind_keras")
class SparseCategoricalCrossentropy(_RowLoss):
    """Cross-entropy of class indices on logits, averaged over rows.

    Args:
        y_true: Class indices, `(batch,)`.
        y_pred: Logits, `(batch, classes)`.
        sample_weight: `(batch,)` or None.

    Example:
        >>> loss = SparseCategoricalCrossentropy()
        >>> round(float(loss([1], [[0.0, 0.0]])), 4)
        0.6931
    """

    def __init__(
        self, name="sparse_categorical_crossentropy", reduction=MEAN, **kwargs
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def call(self, y_true, y_pred):
        classes = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        values = ops.sparse_categorical_crossentropy(classes, y_pred, from_logits=True)
        # Two axes, since Keras does not reduce a loss of no rows with one.
        return ops.reshape(values, (-1, 1))


DISTANCES = {
    "bernoulli_kl": BernoulliKL,
    "categorical_kl": CategoricalKL,
    "mse": SquaredError,
}

KL = {
    "binary": "bernoulli_kl",
    "multilabel": "bernoulli_kl",
    "multiclass": "categorical_kl",
}


class KerasDistance(keras.losses.Loss):
    """A `keras.distillation.DistillationLoss` as a loss; it knows no sample weights."""

    def __init__(self, distance, **kwargs):
        super().__init__(**kwargs)
        self.distance = distance

    def __call__(self, y_true, y_pred, sample_weight=None):
        return self.distance.compute_loss(y_true, y_pred)


def as_distance(distance, kind: str, temperature: float) -> keras.losses.Loss:
    """A distance by name or as an object; `"kl"` is the one that fits the task.

    Args:
        distance: `"kl"`, a name in `DISTANCES`, a `keras.losses.Loss` on logits, or a
            `keras.distillation.DistillationLoss`.
        kind: Kind of the task.
        temperature: Of named distances; objects have their own.

    Example:
        >>> type(as_distance("kl", "binary", temperature=2.0)).__name__
        'BernoulliKL'
    """
    if isinstance(distance, keras.distillation.DistillationLoss):
        return KerasDistance(distance)
    if isinstance(distance, keras.losses.Loss):
        return distance
    name = KL[kind] if distance == "kl" else distance
    if name not in DISTANCES:
        known = sorted(["kl", *DISTANCES])
        raise ValueError(f"Unknown distance {distance!r}. Known: {known}.")
    if name not in ("mse", KL[kind]):
        raise ValueError(
            f"The distance {name!r} does not fit a {kind} task, whose logits mean "
            f"{'classes' if kind == 'multiclass' else 'independent labels'}. Use 'kl' "
            "or 'mse'."
        )
    return DISTANCES[name](temperature)


def task_loss(kind: str) -> keras.losses.Loss:
    """The loss of a kind of task against its labels.

    Example:
        >>> task_loss("multilabel").name
        'binary_crossentropy'
    """
    if kind == "multiclass":
        return SparseCategoricalCrossentropy()
    return BinaryCrossentropy()
