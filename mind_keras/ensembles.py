"""What a student's heads are taught: the teachers of each head, as one belief.

`Ensembles` is a plain object, not a layer: Keras neither trains nor saves what is in
it. `ask` gives the raw answers of live teachers, in the form in which cached ones
travel with a batch; `believe` pools either into the logits that a head learns from.
"""

import itertools
from collections.abc import Mapping, Sequence

import keras
from keras import ops

from mind_keras.grouping import able, join, split
from mind_keras.pools import POOLS, mean_probability, normalised, product
from mind_keras.spec import Task, pattern_modalities
from mind_keras.teachers import Teacher

JOINT_TARGETS = ("product", "mean")


class Ensembles:
    """Teachers by head, and how they speak together.

    Args:
        teachers: `{head: checked teachers}`; an empty list where the answers come with
            the batches.
        heads: `{head: modalities it needs}` of the student.
        task: What is predicted.
        temperature: At which probabilities are pooled.
        pool: A name in `POOLS`.
        weights: `{head: one number per teacher}`, equal ones for other heads.
        joint_target: What heads of several modalities without teachers of their own
            learn from: `"product"` or `"mean"` of the unimodal ensembles they cover.
        silent: Heads that are not taught, whatever teachers they have.
    """

    def __init__(
        self,
        teachers: Mapping[str, list[Teacher]],
        heads: Mapping[str, frozenset],
        task: Task,
        *,
        temperature: float,
        pool: str,
        weights: Mapping[str, Sequence[float]],
        joint_target: str,
        silent: set[str],
    ) -> None:
        self.teachers, self.heads, self.task = dict(teachers), dict(heads), task
        if not isinstance(temperature, int | float) or not temperature > 0:
            raise ValueError(
                f"`temperature` must be a positive number. Received: {temperature!r}."
            )
        unknown = sorted(set(weights) - set(teachers))
        if unknown:
            raise ValueError(
                "Weights of an ensemble belong to a head with teachers. Received: "
                f"`ensemble_weights` for {unknown}. Known: {sorted(teachers)}."
            )
        self.temperature = temperature
        self.pool = _one_of("ensemble", pool, POOLS)
        self.joint_target = _one_of("joint_target", joint_target, JOINT_TARGETS)
        self.weights = {
            head: normalised(some, len(teachers.get(head, some)) or len(some))
            for head, some in weights.items()
        }
        self.members = {
            head: [m for m in sorted(needs) if m in teachers and heads.get(m) == {m}]
            for head, needs in sorted(heads.items())
            if len(needs) > 1 and head not in teachers and head not in silent
        }
        self.members = {head: some for head, some in self.members.items() if some}
        self.taught = sorted((set(teachers) | set(self.members)) - silent)
        self.asked = sorted(
            {*self.taught, *itertools.chain(*self.members.values())} & {*teachers}
        )

    @property
    def models(self) -> list[keras.Model]:
        """Every teacher's model."""
        return [t.model for some in self.teachers.values() for t in some]

    @property
    def needs_prior(self) -> bool:
        """Whether a belief is a product, from which the surplus prior is taken."""
        return self.joint_target == "product" and any(
            len(some) > 1 for some in self.members.values()
        )

    def check_answers(self, fingerprints: Mapping[str, Sequence[str]] | None) -> None:
        """Refuse to start without teachers, or with answers that others gave.

        Args:
            fingerprints: Of the teachers whose answers come with the batches; None
                where none come.
        """
        for head in self.asked:
            if fingerprints is None:
                self._check_present(head)
            else:
                self._check_same(head, list(fingerprints.get(head, ())))

    def _check_present(self, head: str) -> None:
        if not self.teachers[head]:
            raise ValueError(
                f"Head {head!r} is to be taught, but its teachers are not at hand. "
                "Received: batches without answers. Give `teacher_logits=` to "
                "`mk.batches`, or make the Distiller with teachers; a saved one does "
                "not hold them."
            )

    def _check_same(self, head: str, said: list[str]) -> None:
        own = [teacher.fingerprint for teacher in self.teachers[head]]
        if not said or (own and own != said):
            raise ValueError(
                "Cached teacher answers must be those of the Distiller's teachers. "
                f"Received: answers of {said or 'nobody'} for head {head!r}, whose "
                f"teachers are {own or 'not at hand'}. Ask again with "
                "`mk.teacher_logits(teachers, samples)`."
            )

    def ask(self, x: Mapping) -> dict:
        """Live answers, `{pattern: {head: (rows, teachers, labels)}}`."""
        answers = {pattern: {} for pattern in x}
        for head in self.asked:
            self._check_present(head)
            for teacher in self.teachers[head]:
                patterns = [p for p in able(head, x, self.heads) if _can(teacher, p)]
                if not patterns:
                    continue
                rows = {m: join([x[p][m] for p in patterns]) for m in teacher.needs}
                sizes = [ops.shape(x[p][min(teacher.needs)])[0] for p in patterns]
                for pattern, said in zip(
                    patterns,
                    split(ops.stop_gradient(teacher(rows)), sizes),
                    strict=True,
                ):
                    answers[pattern].setdefault(head, []).append(said)
        return {
            pattern: {head: ops.stack(said, axis=1) for head, said in some.items()}
            for pattern, some in answers.items()
        }

    def believe(self, answers: Mapping, prior) -> dict:
        """Pooled logits that each taught head learns from, `{head: {pattern: ...}}`."""
        pooled = {head: {} for head in {*self.taught, *self.asked}}
        for pattern in sorted(answers):
            for head in self.asked:
                if head in answers[pattern]:
                    pooled[head][pattern] = self._pool(
                        head, pattern, answers[pattern][head]
                    )
        for head, members in self.members.items():
            for pattern in able(head, answers, self.heads):
                said = [pooled[m][pattern] for m in members if pattern in pooled[m]]
                pooled[head][pattern] = self._joint(ops.stack(said, axis=1), prior)
        return {head: pooled[head] for head in self.taught}

    def _pool(self, head: str, pattern: str, said):
        weights = normalised(None, said.shape[1])
        if head in self.weights:
            some = self.teachers[head]
            kept = [k for k, t in enumerate(some) if _can(t, pattern)]
            chosen = [self.weights[head][k] for k in kept] if some else None
            weights = normalised(chosen or self.weights[head], said.shape[1])
        return POOLS[self.pool](said, self.task.kind, self.temperature, weights)

    def _joint(self, beliefs, prior):
        if self.joint_target == "product":
            return product(beliefs, self.task.kind, prior)
        equal = normalised(None, beliefs.shape[1])
        return mean_probability(beliefs, self.task.kind, self.temperature, equal)


def _can(teacher: Teacher, pattern: str) -> bool:
    return teacher.needs <= set(pattern_modalities(pattern))


def _one_of(name: str, value: str, known: object) -> str:
    if value not in known:
        raise ValueError(f"Unknown `{name}` {value!r}. Known: {sorted(known)}.")
    return value
