"""Training and answering in plain PyTorch, with and without live teachers.

The loop that most people write: shuffled rows, `torch.optim.AdamW`, a loss per head,
a validation loss after each epoch. The losses are those of `mk.Distiller`.
"""

import numpy as np
import torch
from torch.nn import functional

from benchmarks.plain import Student

# The defaults of `mk.Distiller`, of a head that is taught.
TEMPERATURE, TASK_WEIGHT = 2.0, 0.2


def as_plain(x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows as PyTorch users keep them: images with the channels first."""
    return {
        name: np.ascontiguousarray(rows.transpose(0, 3, 1, 2))
        if rows.ndim == 4
        else rows
        for name, rows in x.items()
    }


class Program:
    """Trains a plain student on rows that are all complete.

    Args:
        student: The plain student.
        teachers: `{modality: plain students of that modality alone}`, asked live; none
            for training on labels alone.
        prior: Frequency of the label, for the belief that fusion learns from.
        learning_rate: Of AdamW; without weight decay, and with Keras' epsilon.
    """

    def __init__(
        self,
        student: Student,
        teachers: dict[str, list[Student]] | None = None,
        *,
        prior: float = 0.5,
        learning_rate: float = 1e-3,
    ) -> None:
        self.student, self.teachers = student, teachers or {}
        self.prior = float(np.log(prior / (1 - prior)))
        self.optimizer = torch.optim.AdamW(
            student.parameters(), learning_rate, eps=1e-7, weight_decay=0.0
        )
        for some in self.teachers.values():
            for teacher in some:
                teacher.eval()

    def fit(self, train, validation, epochs, batch_size, watch, seed=0) -> None:
        """Train; `watch` is told of epochs as a Keras callback is.

        Args:
            train: `(x, y)`, arrays as from `as_plain`, `y` as `(rows, labels)`.
            validation: The same.
            epochs: How many.
            batch_size: Rows in a batch.
            watch: A `benchmarks.clock.Watch`.
            seed: Of the order of rows.
        """
        order = np.random.default_rng(seed)
        for epoch in range(epochs):
            watch.on_epoch_begin(epoch)
            self.student.train()
            index = order.permutation(len(train[1]))
            for number, start in enumerate(range(0, len(index), batch_size)):
                self.step(*batch(train, index[start : start + batch_size]))
                watch.on_train_batch_end(number)
            watch.on_test_begin()
            self.validate(validation, batch_size)
            watch.on_epoch_end(epoch)

    def step(self, x, y) -> float:
        """One step of training, and its loss."""
        self.optimizer.zero_grad()
        loss = self.loss(x, y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def loss(self, x, y):
        """The sum over heads of the task loss and, if taught, of the distance."""
        said = self.student(x)
        weight = TASK_WEIGHT if self.teachers else 1.0
        task = functional.binary_cross_entropy_with_logits
        loss = weight * sum(task(logits, y) for logits in said.values())
        for head, belief in self.beliefs(x).items():
            loss = loss + distance(belief, said[head])
        return loss

    @torch.no_grad()
    def beliefs(self, x) -> dict:
        """`{head: logits}` that teachers make of the rows."""
        found = {}
        for name, some in self.teachers.items():
            rows = {name: x[name]}
            found[name] = pooled([teacher(rows)[name] for teacher in some])
        if len(found) > 1:
            surplus = len(found) - 1
            found["fusion"] = sum(found.values()) - surplus * self.prior
        return found

    @torch.no_grad()
    def validate(self, validation, batch_size) -> float:
        """The mean task loss."""
        self.student.eval()
        task, losses = functional.binary_cross_entropy_with_logits, []
        for start in range(0, len(validation[1]), batch_size):
            x, y = batch(validation, slice(start, start + batch_size))
            said = self.student(x).values()
            losses.append(sum(task(logits, y) for logits in said).item())
        return float(np.mean(losses))


def pooled(logits: list):
    """The mean of softened probabilities, as logits."""
    softened = torch.stack(logits) / TEMPERATURE
    yes = torch.logsumexp(functional.logsigmoid(softened), 0)
    no = torch.logsumexp(functional.logsigmoid(-softened), 0)
    return TEMPERATURE * (yes - no)


def distance(teacher, student):
    """The Kullback-Leibler divergence of yes/no beliefs, mean over rows and labels."""
    t, s = teacher / TEMPERATURE, student / TEMPERATURE
    yes = torch.sigmoid(t) * (functional.logsigmoid(t) - functional.logsigmoid(s))
    no = torch.sigmoid(-t) * (functional.logsigmoid(-t) - functional.logsigmoid(-s))
    return TEMPERATURE**2 * (yes + no).mean()


def batch(data: tuple, index) -> tuple:
    """Rows of `(x, y)` as tensors."""
    x, y = data
    rows = {name: torch.from_numpy(array[index]) for name, array in x.items()}
    return rows, torch.from_numpy(y[index])


@torch.no_grad()
def predict(student: Student, x: dict, batch_size: int = 256) -> dict:
    """Probabilities of each head."""
    student.eval()
    size, found = len(next(iter(x.values()))), {}
    for start in range(0, size, batch_size):
        part = slice(start, start + batch_size)
        rows = {name: torch.from_numpy(array[part]) for name, array in x.items()}
        for head, logits in student(rows).items():
            found.setdefault(head, []).append(torch.sigmoid(logits).numpy())
    return {head: np.concatenate(some) for head, some in found.items()}
