"""What can be predicted from MIMIC: the tasks, and what each means for a sample.

To add a task: a member here, its labels in `cohort`, and steps in `rules.STEPS`.
"""

from enum import StrEnum

from mind_keras.data.mimic.phenotypes import NAMES
from mind_keras.spec import Task


class ICUTask(StrEnum):
    """A task of an ICU stay; text of the same value does as well.

    Example:
        >>> ICUTask("mortality").task.labels
        ('death',)
        >>> ICUTask("sepsis")
        Traceback (most recent call last):
        ValueError: Unknown task 'sepsis'. Known: ['mortality', 'phenotyping'].
    """

    MORTALITY = "mortality"
    PHENOTYPING = "phenotyping"

    @classmethod
    def _missing_(cls, value: object) -> None:
        known = [task.value for task in cls]
        raise ValueError(f"Unknown task {value!r}. Known: {known}.")

    @property
    def task(self) -> Task:
        """Name, kind and labels, as samples and models speak of it."""
        if self is ICUTask.MORTALITY:
            return Task(self.value, kind="binary", labels=("death",))
        return Task(self.value, kind="multilabel", labels=NAMES)
