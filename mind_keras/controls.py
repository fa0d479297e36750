"""What a student is compared with: a visible list of rivals.

A control takes a `Bench` and gives contenders by name: what they say of the test
samples, and the models they are made of. Models are trained as the student is, on
the same budget. To add a control: write the function, name it in `CONTROLS`. Where it
learns from some of the samples only, say which in `LEARNS_FROM` too: `run` then tells
before training that there are none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np

from mind_keras.data.samples import Samples
from mind_keras.data.splits import Splits
from mind_keras.ensembles import Ensembles
from mind_keras.pools import prior_logits
from mind_keras.prediction import predict
from mind_keras.spec import BEST, FUSION, Spec
from mind_keras.submodels import heads, submodel
from mind_keras.teachers import as_teachers
from mind_keras.training import having


@dataclass(frozen=True)
class Contender:
    """One row of the final table.

    Args:
        probabilities: `{head: (n, labels)}` of the test samples, NaN where it cannot.
        models: What it is made of, `{name of a kept model: model}`.
    """

    probabilities: Mapping[str, np.ndarray]
    models: Mapping[str, keras.Model]


@dataclass(frozen=True)
class Bench:
    """What controls are made from.

    Args:
        data: The data of the run.
        student: The trained student.
        teachers: `{head: models}`, trained.
        pool: How an ensemble speaks, a name in `pools.POOLS`.
        joint_target: What the fusion head was taught, as in `Distiller`.
        build: Makes a student of the same size, not trained: `build(heads=None)`.
        train: `train(name, build, choose) -> model`: builds a model, trains it on the
            labels of the samples that `choose` takes of a split, and keeps it under
            the name. A name that is kept already is not trained again.
    """

    data: Splits
    student: keras.Model
    teachers: Mapping[str, list[keras.Model]]
    pool: str
    joint_target: str
    build: Callable[..., keras.Model]
    train: Callable[
        [str, Callable[[], keras.Model], Callable[[Samples], Samples]], keras.Model
    ]

    @property
    def spec(self) -> Spec:
        """The spec of the data."""
        return self.data.spec

    def contender(self, name: str, model: keras.Model) -> Contender:
        """A model of its own, as it answers the test samples."""
        return Contender(predict(model, self.data.test), {name: model})


def no_kd(bench: Bench) -> dict[str, Contender]:
    """The student without teachers: same start, same data, same budget."""
    model = bench.train("no_kd", bench.build, lambda samples: samples)
    return {"no_kd": bench.contender("no_kd", model)}


def single_head(bench: Bench) -> dict[str, Contender]:
    """Plain joint fusion: one head on all modalities, so complete samples only."""
    model = bench.train(
        "single_head",
        lambda: bench.build(heads=(FUSION,)),
        lambda samples: having(samples, frozenset(bench.spec.names)),
    )
    return {"single_head": bench.contender("single_head", model)}


def unimodal(bench: Bench) -> dict[str, Contender]:
    """Each encoder of the student with its head, trained alone on all its rows."""
    models = _unimodal_models(bench)
    return {name: bench.contender(name, model) for name, model in models.items()}


def late_fusion(bench: Bench) -> dict[str, Contender]:
    """The mean probability of the unimodal models that a sample can use."""
    models, test = _unimodal_models(bench), bench.data.test
    said = np.stack([predict(model, test)[BEST] for model in models.values()])
    known = ~np.isnan(said)
    mean = np.where(known, said, 0.0).sum(0) / known.sum(0)
    fused = np.where(known.all(0), mean, np.nan)
    return {"late_fusion": Contender({BEST: mean, FUSION: fused}, models)}


def teachers(bench: Bench) -> dict[str, Contender]:
    """The ensembles as they teach, at temperature 1; and each teacher by itself."""
    if not bench.teachers:
        return {}
    models = {
        f"teacher:{head}:{k}": model
        for head, some in sorted(bench.teachers.items())
        for k, model in enumerate(some)
    }
    test, needs = bench.data.test, heads(bench.student)
    said = predict(_ensemble(bench), test)
    for head in set(said) - {BEST}:
        # Where teachers know less than the student reads, they answer no one else.
        said[head][~np.all([test.has(m) for m in needs[head]], axis=0)] = np.nan
    single = {name: bench.contender(name, model) for name, model in models.items()}
    return {"teachers": Contender(said, models), **single}


CONTROLS = {
    "no_kd": no_kd,
    "single_head": single_head,
    "unimodal": unimodal,
    "late_fusion": late_fusion,
    "teachers": teachers,
}


def _each_modality(spec: Spec) -> list[frozenset]:
    return [frozenset([name]) for name in spec.names]


LEARNS_FROM = {
    "single_head": lambda spec: [frozenset(spec.names)],
    "unimodal": _each_modality,
    "late_fusion": _each_modality,
}


def _unimodal_models(bench: Bench) -> dict[str, keras.Model]:
    return {
        f"unimodal:{name}": bench.train(
            f"unimodal:{name}",
            partial(_part, bench, name),
            partial(having, modalities=frozenset([name])),
        )
        for name in bench.spec.names
    }


def _part(bench: Bench, modality: str) -> keras.Model:
    return submodel(bench.build(), {modality})


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
