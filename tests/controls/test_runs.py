"""One small run with the distilling and the filling controls, on real patients."""

import keras
import numpy as np
import pandas as pd
import pytest
import tiny_run
from scipy.special import expit

import mind_keras as mk
from mind_keras.controls import LEARNS_FROM
from mind_keras.controls import filling as filling_controls
from mind_keras.data.filling import means, zeros
from mind_keras.run import run

TEACHING = ["single_teacher", "same_size_teacher"]
FEATURES = ["umt", "g2d"]
FILLING = ["zero_fill", "mean_fill", "modality_dropout"]
NAMES = [*TEACHING, *FEATURES, "medfuse", *FILLING]
PARTIAL = {"single_teacher", "same_size_teacher", "medfuse"}
CONFIG = tiny_run.CONFIG.model_copy(update={"controls": NAMES})


@pytest.fixture(scope="module")
def test_samples():
    options = CONFIG.data.options
    return mk.load(CONFIG.data.source, seed=CONFIG.seed, **options).test


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    # Several pieces, though there are few patients.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling_controls, "ROWS", 40)
        return run(CONFIG, tmp_path_factory.mktemp("controls") / "run")


@pytest.fixture(scope="module")
def answered(finished):
    """How many samples each head of each model answered, in all and per pattern."""
    rows = finished.metrics()
    rows = rows[(rows["metric"] == "accuracy") & rows["label"].isna()]
    return rows.set_index(["model", "head", "pattern"])["n"].to_dict()


def said(finished, samples, model, head):
    """The probabilities in `predictions.csv`, NaN where there are none."""
    rows = pd.read_csv(finished.path / "predictions.csv")
    rows = rows[(rows["model"] == model) & (rows["head"] == head)]
    by_id = rows.set_index("id")["probability"]
    return by_id.reindex(samples.id).to_numpy()


def by_hand(samples, values):
    """Rows of every sample, one after the other."""
    x = {}
    for name in samples.spec.names:
        rows = dict(zip(samples.rows[name], samples.x[name], strict=True))
        value = np.broadcast_to(values[name], samples.spec.shape(name))
        x[name] = np.stack([rows.get(k, value) for k in range(len(samples))])
    return {name: array.astype("float32") for name, array in x.items()}


@pytest.mark.parametrize("name", NAMES)
def test_each_control_is_counted_on_the_samples_it_answers(
    answered, test_samples, name
):
    sizes = {p: len(i) for p, i in test_samples.patterns.items()}
    complete = sizes["serum+vitals"]
    everybody = len(test_samples) if name not in FEATURES else complete
    assert complete < len(test_samples)
    assert answered[name, "fusion", "all"] == complete
    assert answered[name, "best", "all"] == everybody
    heads = {head for model, head, _ in answered if model == name}
    alone = {"serum", "vitals"} if name in PARTIAL else set()
    assert heads == {"best", "fusion", *alone}
    for head in alone:
        assert answered[name, head, "all"] == test_samples.has(head).sum()


@pytest.mark.parametrize("name", NAMES)
def test_the_file_of_a_control_gives_its_numbers_with_keras_alone(
    finished, test_samples, name
):
    model = keras.saving.load_model(finished.file_of(name))
    train = mk.load("diabetes", seed=CONFIG.seed, **CONFIG.data.options).train
    values = means(train) if name == "mean_fill" else zeros(train.spec)
    logits = model.predict(by_hand(test_samples, values), verbose=0)["fusion"][:, 0]
    head = "best" if name in FILLING else "fusion"
    found = said(finished, test_samples, name, head)
    known = ~np.isnan(found)
    np.testing.assert_allclose(
        found[known], expit(logits[known].astype("float64")), rtol=1e-4
    )
    assert known.sum() in (
        len(test_samples),
        (test_samples.pattern == "serum+vitals").sum(),
    )


@pytest.mark.parametrize("name", FILLING)
def test_on_complete_samples_a_filling_student_has_one_answer(
    finished, test_samples, name
):
    fusion = said(finished, test_samples, name, "fusion")
    best = said(finished, test_samples, name, "best")
    complete = test_samples.pattern == "serum+vitals"
    np.testing.assert_array_equal(fusion[complete], best[complete])
    assert np.isnan(fusion[~complete]).all()
    assert not np.isnan(best).any()


@pytest.mark.parametrize("name", [*FEATURES, *FILLING])
def test_a_single_head_is_the_fusion_of_the_student(finished, name):
    about = {m["model"]: m["parameters"] for m in finished.summary()["models"]}
    student = finished.model("student")
    heads = sum(
        student.get_layer(f"{m}_head").count_params() for m in ("serum", "vitals")
    )
    assert about[name] == about["student"] - heads


def test_medfuse_answers_a_sample_with_the_head_on_all_it_has(finished, test_samples):
    best = said(finished, test_samples, "medfuse", "best")
    for pattern, index in test_samples.patterns.items():
        head = "fusion" if "+" in pattern else pattern
        answer = said(finished, test_samples, "medfuse", head)
        np.testing.assert_array_equal(best[index], answer[index])


def test_no_two_controls_say_the_same(finished, test_samples):
    """Each learns in another way; the same numbers twice would be a mix-up."""
    complete = test_samples.pattern == "serum+vitals"
    found = {
        name: said(finished, test_samples, name, "fusion")[complete]
        for name in ["student", *NAMES]
    }
    names = sorted(found)
    for k, one in enumerate(names):
        for other in names[:k]:
            if {one, other} != {"zero_fill", "mean_fill"}:
                assert np.abs(found[one] - found[other]).max() > 1e-6, (one, other)


def test_a_run_knows_before_training_what_the_controls_learn_from(test_samples):
    spec = test_samples.spec
    each = {frozenset(["serum"]), frozenset(["vitals"])}
    assert set(LEARNS_FROM["medfuse"](spec)) == each
    assert set(LEARNS_FROM["same_size_teacher"](spec)) == each
    for name in FEATURES:
        assert set(LEARNS_FROM[name](spec)) == each | {frozenset(spec.names)}
    assert not {*FILLING, "single_teacher"} & set(LEARNS_FROM)
