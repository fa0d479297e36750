"""The teachers themselves, as they taught: what the student is to reach."""

from functools import partial

import keras
import numpy as np

from mind_keras.controls.bench import Bench, Contender
from mind_keras.data.samples import Samples
from mind_keras.ensembles import Ensembles
from mind_keras.pools import prior_logits
from mind_keras.prediction import predict
from mind_keras.spec import BEST, FUSION
from mind_keras.submodels import heads
from mind_keras.teachers import as_teachers

JOINT = f"teacher:{FUSION}:0"


def teachers(bench: Bench) -> dict[str, Contender]:
    """The ensembles as they teach, at temperature 1; and each teacher by itself."""
    if not bench.teachers:
        return {}
    models = {
        f"teacher:{head}:{k}": model
        for head, some in sorted(bench.teachers.items())
        for k, model in enumerate(some)
    }
    # The joint teacher holds all others, and would be counted beside them.
    joint = {name: models.pop(name) for name in [JOINT] if name in models}
    single = {name: bench.contender(name, model) for name, model in models.items()}
    answer = partial(_answer, _ensemble(bench), heads(bench.student))
    return {"teachers": Contender(answer, joint or models), **single}


def _answer(model: keras.Model, needs: dict, samples: Samples) -> dict:
    said = predict(model, samples)
    for head in set(said) - {BEST}:
        # Where teachers know less than the student reads, they answer no one else.
        able = np.all([samples.has(m) for m in needs[head]], axis=0)
        said[head][~able] = np.nan
    return said


def _ensemble(bench: Bench) -> keras.Model:
    """All teachers as one model with the heads that they teach."""
    spec, needs = bench.spec, heads(bench.student)
    made = as_teachers(bench.teachers, needs, spec.task)
    ensembles = Ensembles(
        made,
        needs,
        spec.task,
        temperature=1.0,
        pool=bench.pool,
        weights={},
        joint_target=bench.joint_target,
        silent=set(),
    )
    read = frozenset().union(*(t.needs for some in made.values() for t in some))
    x = {name: keras.Input(spec.shape(name), name=name) for name in sorted(read)}
    prior = keras.ops.convert_to_tensor(
        prior_logits(bench.data.train.prior, spec.task.kind), "float32"
    )
    beliefs = ensembles.believe(ensembles.ask({spec.complete: x}), prior)
    return keras.Model(x, {head: said[spec.complete] for head, said in beliefs.items()})
