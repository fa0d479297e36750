"""The Distiller: a student's training step, with teachers in it.

`train_step` is overridden once for all backends: it takes the batch, adds what the
teachers believe (live, or cached in the batch) and hands on to Keras' step, so
that jit, mixed precision, loss scaling and callbacks keep working. The objective is

    sum_h a_h task(head_h) + b_h distance(head_h, teachers_h)

over all heads h, each term averaged over the rows (and labels) it covers. It is our
reconstruction of MIND (Guerra-Manzanares & Shamout, TMLR 2025, arXiv 2502.01158).
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType

import keras
from keras import ops

from mind_keras.data.batches import ANSWERS, BELIEFS, LABELS, Batches, unpacked
from mind_keras.door import check_prior, prior_of
from mind_keras.ensembles import Ensembles
from mind_keras.grouped import GroupedModel
from mind_keras.grouping import able, by_head, by_pattern, join, split
from mind_keras.losses import as_distance
from mind_keras.pools import prior_logits
from mind_keras.spec import Task
from mind_keras.teachers import as_teachers

# Of a head that is taught: labels are noisier than what teachers made of them. The
# lowest that still lets labels correct teachers; see benchmarks/ablation.py.
TASK_WEIGHT = 0.2


@keras.saving.register_keras_serializable("mind_keras")
class Distiller(GroupedModel):
    """Trains a student on labels and on what its teachers believe.

    Args:
        student: Functional, `{modality: (batch, ...)}` to `{head: logits}`.
        teachers: `{head: [model or .keras path, ...]}`, any number for each head, of
            any subset of the modalities. `{}` is plain training. An empty list says
            that the head's answers come with the batches (`mk.teacher_logits`).
        task: What is predicted.
        temperature: T of the distances; teachers' beliefs are softened by it.
        distance: `"kl"` (Bernoulli or categorical, by the task), `"mse"`, a
            `keras.losses.Loss` on logits, a `keras.distillation.DistillationLoss`
            (which ignores sample weights), or `{head: one of these}`.
        task_weight: a, a number or `{head: number}` for all heads. Default:
            `TASK_WEIGHT` for heads that are taught, 1 for others.
        distillation_weight: b, likewise.
        ensemble: What is averaged over teachers, `"probability"` or `"logit"`.
        ensemble_weights: `{head: one number per teacher}`; equal ones if left out.
        joint_target: What heads of several modalities without teachers of their own
            learn from: `"product"`, the log-opinion pool of the unimodal ensembles, or
            `"mean"`, their mean probability.
        prior: Frequency of each label, `(labels,)`, for `"product"`. Default: that of
            the labels given to `fit`.

    A saved Distiller holds the student, the settings and the optimiser, not the
    teachers: `keras.saving.load_model(path, {"Distiller": mk.Distiller})`. For use
    elsewhere save `distiller.student`, which needs nothing of this package. For
    predictions use `mk.predict(distiller.student, samples)`: `distiller.predict` gives
    the rows in the order of the batches.

    Raises:
        ValueError: Before training: on unknown heads, probabilities in place of
            logits, outputs that do not fit the task, cached answers of others.

    Example:
        >>> import mind_keras as mk
        >>> data = mk.load("diabetes")
        >>> student = mk.build_student(data.spec, {"serum": "mlp", "vitals": "mlp"})
        >>> teachers = {"serum": [mk.build_teacher(data.spec, "serum", units=8)]}
        >>> distiller = mk.Distiller(student, teachers, task=data.spec.task)
        >>> distiller.compile("adam")
        >>> history = distiller.fit(mk.batches(data.train), verbose=0)
        >>> sorted(history.history)[:2]
        ['fusion_distillation', 'fusion_loss']
    """

    def __init__(
        self,
        student: keras.Model,
        teachers: Mapping[str, Sequence] | None = None,
        *,
        task: Task,
        temperature: float = 2.0,
        distance: object = "kl",
        task_weight: float | Mapping[str, float] | None = None,
        distillation_weight: float | Mapping[str, float] = 1.0,
        ensemble: str = "probability",
        ensemble_weights: Mapping[str, Sequence[float]] | None = None,
        joint_target: str = "product",
        prior: Sequence[float] | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(student, task, 1.0, **kwargs)
        self._distill = self._per_head("distillation_weight", distillation_weight)
        self.ensembles = Ensembles(
            as_teachers(teachers or {}, self._heads, task),
            self._heads,
            task,
            temperature=temperature,
            pool=ensemble,
            weights=ensemble_weights or {},
            joint_target=joint_target,
            silent={head for head, weight in self._distill.items() if weight == 0},
        )
        taught = self.ensembles.taught
        if task_weight is None:
            task_weight = {h: TASK_WEIGHT if h in taught else 1.0 for h in self._heads}
        self.task_weights = self._per_head("task_weight", task_weight)
        # Proxies, since Keras would track, and save, what is in a dict.
        self._distance = MappingProxyType({"given": distance})
        self._distances = MappingProxyType(
            {head: self._distance_of(head, distance) for head in taught}
        )
        names = [f"{head}_distillation" for head in taught]
        self._trackers = [keras.metrics.Mean(name=name) for name in names]
        self.prior = self._state("prior", task.outputs, "zeros")
        # A variable, so that a callback changes it without another compilation.
        self._shares = self._state("shares", len(taught), "ones")
        self._fixed_prior = prior is not None or not self.ensembles.needs_prior
        self._has_prior = self._fixed_prior
        if prior is not None:
            self.prior.assign(prior_logits(check_prior(prior, task), task.kind))

    def _state(self, name: str, size: int, start: str) -> keras.Variable:
        return self.add_weight(
            name=name, shape=(size,), initializer=start, trainable=False
        )

    def _distance_of(self, head: str, distance: object) -> keras.losses.Loss:
        if isinstance(distance, Mapping) and head not in distance:
            raise ValueError(
                "`distance` must name a distance for each taught head. Received: "
                f"{sorted(distance)}, none for {head!r}."
            )
        one = distance[head] if isinstance(distance, Mapping) else distance
        return as_distance(one, self.task.kind, self.ensembles.temperature)

    @property
    def distillation_weights(self) -> dict[str, float]:
        """b as it acts now, of each head that is taught."""
        shares = ops.convert_to_numpy(self._shares).tolist()
        taught = zip(self.ensembles.taught, shares, strict=True)
        return {head: self._distill[head] * share for head, share in taught}

    def weigh(self, shares: Mapping[str, float]) -> None:
        """Multiply the given `distillation_weight` of some heads, between epochs.

        Args:
            shares: `{head: factor}`; other heads keep theirs. Nothing adds up: 1 is
                the weight that the Distiller was made with.

        Raises:
            ValueError: If a head is not taught or a factor negative or infinite.
        """
        taught = self.ensembles.taught
        fine = all(0 <= share < float("inf") for share in shares.values())
        if not set(shares) <= set(taught) or not fine:
            raise ValueError(
                "`shares` must be finite factors, none negative, of heads that are "
                f"taught. Received: {dict(shares)}. Known: {taught}."
            )
        now = ops.convert_to_numpy(self._shares).tolist()
        named = dict(zip(taught, now, strict=True)) | dict(shares)
        self._shares.assign([named[head] for head in taught])

    def before_fit(self, x, y) -> None:
        """Answers must be those of the teachers; the prior is that of the labels."""
        if isinstance(x, Batches):
            self.ensembles.check_answers(x.answers and x.answers.teachers)
        if not self._fixed_prior:
            self._learn_prior(x, y)

    def _learn_prior(self, x, y) -> None:
        self.prior.assign(prior_logits(prior_of(x, y, self.task), self.task.kind))
        self._has_prior = True

    def train_step(self, *args):
        """Keras' step, on a batch with the teachers' beliefs in it."""
        *state, data = args  # only JAX hands a state
        return super().train_step(*state, self._teach(state, data))

    def _teach(self, state, data):
        if not self.ensembles.taught:
            return data
        if not self._has_prior:
            self._learn_prior(None, None)
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        labels, answers = unpacked(y, ANSWERS)
        with self._reading(state):
            answers = self.ensembles.ask(by_pattern(x)) if answers is None else answers
            beliefs = self.ensembles.believe(answers, ops.convert_to_tensor(self.prior))
        y = {LABELS: labels, BELIEFS: beliefs}
        return keras.utils.pack_x_y_sample_weight(x, y, weight)

    def _reading(self, state):
        """JAX's step is a pure function: variables have the values it was given."""
        if not state:
            return contextlib.nullcontext()
        trainable, frozen = state[0][:2]
        pairs = [
            *zip(self.trainable_variables, trainable, strict=True),
            *zip(self.non_trainable_variables, frozen, strict=True),
        ]
        return keras.StatelessScope(state_mapping=pairs)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """The task losses, and in training the distances to the beliefs."""
        labels, beliefs = unpacked(y, BELIEFS)
        loss = super().compute_loss(x, labels, y_pred, sample_weight, training)
        labels = by_head(labels, x, self._heads)
        if sample_weight is not None:
            sample_weight = by_head(sample_weight, x, self._heads)
        for n, head in enumerate(self.ensembles.taught):
            if beliefs and beliefs[head]:
                far = self._far(
                    head, beliefs[head], y_pred[head], labels, sample_weight
                )
                self._trackers[n].update_state(far)
                loss = loss + self._distill[head] * self._shares[n] * far
        return loss

    def _far(self, head, beliefs, logits, labels, weights):
        """How far a head is from its teachers, over the rows they answer for."""
        patterns = able(head, labels, self._heads)
        covered = [p for p in patterns if p in beliefs]
        if covered != patterns:
            sizes = [ops.shape(labels[p][head])[0] for p in patterns]
            rows = dict(zip(patterns, split(logits, sizes), strict=True))
            logits = join([rows[p] for p in covered])
        weight = weights and join([weights[p][head] for p in covered])
        teacher = join([beliefs[p] for p in covered])
        return self._distances[head](teacher, logits, sample_weight=weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """The metrics of each head, and in training the distances."""
        labels, beliefs = unpacked(y, BELIEFS)
        logs = super().compute_metrics(x, labels, y_pred, sample_weight)
        silent = set() if beliefs else {tracker.name for tracker in self._trackers}
        return {name: value for name, value in logs.items() if name not in silent}

    @property
    def non_trainable_variables(self):
        """The student's, and the teachers': JAX would bake unknown ones into the
        program as constants. They are neither trained nor saved."""
        own = super().non_trainable_variables
        seen = {id(v) for v in [*own, *self.trainable_variables]}
        taught = [v for model in self.ensembles.models for v in model.variables]
        return own + [v for v in taught if not (id(v) in seen or seen.add(id(v)))]

    def get_config(self):
        """The student and the settings; teachers are not part of it."""
        settings = self.ensembles
        return {
            **super().get_config(),
            "student": keras.saving.serialize_keras_object(self.student),
            "teachers": {head: [] for head in settings.teachers},
            "task": asdict(self.task),
            "temperature": settings.temperature,
            "distance": keras.saving.serialize_keras_object(self._distance["given"]),
            "task_weight": dict(self.task_weights),
            "distillation_weight": dict(self._distill),
            "ensemble": settings.pool,
            "ensemble_weights": settings.weights,
            "joint_target": settings.joint_target,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A Distiller without teachers, from `get_config`."""
        config = {**config, "task": Task(**config["task"])}
        for name in ("student", "distance"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        return cls(**config)
