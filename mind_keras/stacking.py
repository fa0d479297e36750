"""A teacher for the fusion head, made of unimodal teachers alone.

The product of what modalities say is right if they are independent given the label.
Where they are not (diagnoses that come together, views of one nucleus), it counts
evidence twice. The joint teacher starts from the product and learns what to correct:

    logits = product(beliefs) + W beliefs + c

with a ridge on W, fitted on training labels by L-BFGS, its strength chosen on
validation labels; "no correction" is among the choices. This is stacking (Wolpert,
1992, https://doi.org/10.1016/S0893-6080(05)80023-1) of log-opinion pools; nothing of
the teachers changes.
"""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits
from mind_keras.pools import POOLS, normalised, prior_logits, product
from mind_keras.spec import Spec
from mind_keras.teachers import Teacher, as_teachers

# From no correction to hardly any restraint.
RIDGES = (np.inf, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
FEWEST_ROWS = 20
STACKED = "stacked"  # The `joint_target` of those who make a joint teacher.
FEWEST_OF_EACH = 5  # Of both outcomes of a label, for a correction of its own.


def of_distiller(settings: Mapping[str, object]) -> dict[str, object]:
    """Arguments of a Distiller: heads without a joint teacher learn from the product.

    Example:
        >>> of_distiller({"joint_target": "stacked", "temperature": 2.0})
        {'joint_target': 'product', 'temperature': 2.0}
    """
    target = settings["joint_target"]
    return {**settings, "joint_target": "product" if target == STACKED else target}


def fit_joint_teacher(
    teachers: Mapping[str, Sequence[keras.Model]],
    data: Splits,
    *,
    pool: str = "probability",
    ridges: Sequence[float] = RIDGES,
    batch_size: int = 256,
) -> keras.Model:
    """One teacher of all modalities, from the trained teachers of each.

    Args:
        teachers: `{modality: models}`, trained, for two modalities or more.
        data: Training and validation samples that have all these modalities are
            used, test samples never.
        pool: How the teachers of a modality speak together, a name in `POOLS`.
        ridges: Strengths to choose from; `inf` is the product as it is.
        batch_size: Most rows at once; on a CPU fewer of large ones.

    Returns:
        A functional model of stock layers and operations, `{modality: rows}` to logits
        `(batch, labels)`, with the teachers inside: `teachers | {"fusion": [it]}`.

    Raises:
        ValueError: If there are teachers of fewer than two modalities, or fewer than
            `FEWEST_ROWS` training or validation samples have all of these.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> teachers = {m: [mk.build_teacher(data.spec, m)] for m in data.spec.names}
        >>> joint = mk.fit_joint_teacher(teachers, data)
        >>> joint.output_shape, sorted(joint.input)
        ((None, 1), ['serum', 'vitals'])
    """
    spec, names = data.spec, sorted(teachers)
    if len(names) < 2:
        raise ValueError(
            "A joint teacher joins two modalities or more. Received: teachers of "
            f"{names}."
        )
    check_rows(data, names)
    parts = [_complete(part, names) for part in (data.train, data.validation)]
    beliefs = _beliefs(teachers, spec, pool)
    prior = prior_logits(data.train.prior, spec.task.kind)
    said = [_asked(beliefs, part, names, batch_size) for part in parts]
    labels = [part.y for part in parts]
    bases = [_product(z, spec.task.kind, prior) for z in said]
    rows = [z.reshape(len(z), -1).astype("float64") for z in said]
    kernel, bias = _best(bases, rows, labels, spec.task.kind, ridges)
    return _model(beliefs, spec, prior, kernel, bias)


def _product(said: np.ndarray, kind: str, prior: np.ndarray) -> np.ndarray:
    given = [ops.convert_to_tensor(each, "float32") for each in (said, prior)]
    return ops.convert_to_numpy(product(given[0], kind, given[1]))


def check_rows(data: Splits, names: Sequence[str]) -> None:
    """Refuse, before any work, data with too few samples that have all modalities."""
    for split in ("train", "validation"):
        able = _able(getattr(data, split), names).sum()
        if able < FEWEST_ROWS:
            raise ValueError(
                f"A joint teacher learns from at least {FEWEST_ROWS} samples of each "
                f"split that have all of {list(names)}. Received: {able} for {split}. "
                "Teach the fusion head by the product: `joint_target: product`."
            )


def _able(samples: Samples, names: Sequence[str]) -> np.ndarray:
    return np.all([samples.has(name) for name in names], axis=0)


def _complete(samples: Samples, names: Sequence[str]) -> Samples:
    return samples.take(np.flatnonzero(_able(samples, names))).only(*names)


def _beliefs(teachers: Mapping, spec: Spec, pool: str) -> keras.Model:
    """`{modality: rows}` to `(batch, modalities, labels)`, one belief per modality."""
    heads = {name: frozenset([name]) for name in teachers}
    made = as_teachers(teachers, heads, spec.task)
    inputs = {name: _input(made[name][0], name) for name in sorted(made)}
    pooled = [
        POOLS[pool](
            ops.stack(
                [one.answering({name: inputs[name]}) for one in made[name]], axis=1
            ),
            spec.task.kind,
            1.0,
            normalised(None, len(made[name])),
        )
        for name in sorted(made)
    ]
    if spec.task.kind == "multiclass":
        pooled = [z - ops.logsumexp(z, axis=-1, keepdims=True) for z in pooled]
    return keras.Model(inputs, ops.stack(pooled, axis=1), name="beliefs")


def _input(teacher: Teacher, name: str):
    """An input as the teachers' own: of their dtype too, which may be of pixels."""
    own = teacher.answering.inputs[0]
    return keras.Input(own.shape[1:], name=name, dtype=own.dtype)


def _asked(
    beliefs: keras.Model, part: Samples, names: Sequence[str], batch_size: int
) -> np.ndarray:
    every = np.arange(len(part))
    x = {name: part.x[name][part.rows_of(name, every)] for name in names}
    return beliefs.predict(x, batch_size=batch_size, verbose=0)


def _best(
    bases: Sequence[np.ndarray],
    rows: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    kind: str,
    ridges: Sequence[float],
) -> tuple[np.ndarray, np.ndarray]:
    """The correction with the lowest validation loss; of equals the most restrained."""
    mean, scale = rows[0].mean(0), rows[0].std(0) + 1e-6
    rows = [(part - mean) / scale for part in rows]
    found = []
    for ridge in sorted(ridges, reverse=True):
        weights = fit_correction(bases[0], rows[0], labels[0], kind, ridge)
        loss = _loss(bases[1] + _with_one(rows[1]) @ weights, labels[1], kind)[0]
        found.append((loss, weights))
    weights = min(found, key=lambda one: one[0])[1]
    kernel = weights[:-1] / scale[:, None]
    return kernel, weights[-1] - mean @ kernel


def fit_correction(
    base: np.ndarray, rows: np.ndarray, labels: np.ndarray, kind: str, ridge: float
) -> np.ndarray:
    """What to add to logits, from other numbers about the same rows.

    The minimum of the mean log-loss of `base + [rows, 1] W` plus `ridge / 2` times the
    sum of the squares of W, constants left out. A label (not a class) with fewer than
    `FEWEST_OF_EACH` of an outcome is not corrected: its constant would have no bound.

    Args:
        base: Logits, `(n, labels)`.
        rows: `(n, features)`, standardised.
        labels: As in `Samples.y`; unknown ones (NaN) are left out.
        kind: Of the task.
        ridge: Restraint; `inf` gives zeros.

    Returns:
        W, `(features + 1, labels)`, the constants last.

    Example:
        >>> base, rows = np.zeros((20, 1)), np.zeros((20, 1))
        >>> labels = np.tile([[1.0], [1.0], [1.0], [0.0]], (5, 1))
        >>> fit_correction(base, rows, labels, "binary", 1.0).round(3).tolist()
        [[0.0], [1.099]]
    """
    given, shape = _with_one(rows), (rows.shape[1] + 1, base.shape[1])
    if np.isinf(ridge):
        return np.zeros(shape)
    restraint = np.full((shape[0], 1), ridge)
    restraint[-1] = 0.0
    corrected = _often(labels, kind, shape[1])

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        loss, slope = _loss(base + given @ weights, labels, kind)
        penalty = 0.5 * float((restraint * weights**2).sum())
        found = (given.T @ slope + restraint * weights) * corrected
        return loss + penalty, found.ravel()

    start = np.zeros(shape).ravel()
    return minimize(objective, start, jac=True, method="L-BFGS-B").x.reshape(shape)


def _often(labels: np.ndarray, kind: str, size: int) -> np.ndarray:
    """Of which labels there is enough to learn a correction, `(labels,)`."""
    if kind == "multiclass":
        return np.ones(size, bool)
    labels = np.reshape(labels, (len(labels), size))
    counts = [(labels == outcome).sum(0) for outcome in (0, 1)]
    return np.min(counts, axis=0) >= FEWEST_OF_EACH


def _loss(logits: np.ndarray, labels: np.ndarray, kind: str) -> tuple:
    """The log-loss, summed over labels and averaged over rows, and its slope."""
    size = len(logits)
    if kind == "multiclass":
        log_p = log_softmax(logits, axis=1)
        hit = np.eye(logits.shape[1])[labels]
        return -(hit * log_p).sum() / size, (np.exp(log_p) - hit) / size
    labels = np.reshape(labels, logits.shape)
    known, y = ~np.isnan(labels), np.nan_to_num(labels)
    loss = np.logaddexp(0.0, logits) - y * logits
    return (known * loss).sum() / size, known * (expit(logits) - y) / size


def _with_one(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def _model(
    beliefs: keras.Model,
    spec: Spec,
    prior: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray,
) -> keras.Model:
    """Teachers, product and correction as one model."""
    said = beliefs.output
    surplus = said.shape[1] - 1
    summed = ops.sum(said, axis=1) - (surplus * prior).astype("float32")
    correct = keras.layers.Dense(spec.task.outputs, name="correction", dtype="float32")
    logits = keras.layers.Add(name="joint_logits", dtype="float32")(
        [summed, correct(keras.layers.Flatten()(said))]
    )
    correct.set_weights([kernel.astype("float32"), bias.astype("float32")])
    return keras.Model(beliefs.input, logits, name="joint_teacher")
