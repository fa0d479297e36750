"""The balance of the student, looked at after each epoch of its training."""

import keras

from mind_keras.balancing import Balance
from mind_keras.controls.bench import Bench
from mind_keras.controls.ensemble import teachers
from mind_keras.spec import FUSION
from mind_keras.submodels import heads


def watch(bench: Bench) -> list[keras.callbacks.Callback]:
    """A `Balance` on the validation samples, where there is something to compare.

    That is, a fusion head, heads of two modalities, and samples that have them all.
    """
    validation, alone = bench.data.validation, set(bench.spec.names)
    known = set(heads(bench.student))
    if FUSION not in known or len(known & alone) < 2:
        return []
    if bench.spec.complete not in validation.patterns:
        return []
    ensemble = teachers(bench).get("teachers")
    said = ensemble.answer(validation) if ensemble else {}
    taught = alone & set(bench.teachers)
    return [Balance(validation, {name: said[name] for name in taught})]
