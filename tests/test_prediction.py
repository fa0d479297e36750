"""Probabilities for any pattern, and tables that equal scikit-learn's."""

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn import metrics
from tiny import array, samples, spec, student, teacher

import mind_keras as mk
from mind_keras.evaluation import compare as compare_probabilities


@pytest.mark.parametrize("kind", ["binary", "multilabel", "multiclass"])
def test_each_head_answers_where_it_can_and_is_nan_elsewhere(kind):
    data = samples(kind)
    model = student(data.spec)
    said = mk.predict(model, data)
    squash = (lambda z: softmax(z, -1)) if kind == "multiclass" else expit
    for head, needs in mk.heads(model).items():
        can = np.all([data.has(m) for m in needs], axis=0)
        assert np.isnan(said[head][~can]).all()
        index = np.flatnonzero(can)
        x = {m: data.x[m][data.rows_of(m, index)] for m in needs}
        logits = array(mk.submodel(model, needs)(x)[head])
        np.testing.assert_allclose(said[head][can], squash(logits), atol=1e-6)


def test_best_is_the_head_of_all_that_is_there_else_the_mean_of_single_ones():
    three = ("ehr", "lab", "note")
    patterns = {"ehr+lab+note": 4, "ehr+lab": 5, "note": 3}
    data = samples(patterns=patterns, modalities=three)
    said = mk.predict(student(data.spec), data)
    index = data.patterns
    whole, pair, single = index["ehr+lab+note"], index["ehr+lab"], index["note"]
    np.testing.assert_array_equal(said["best"][whole], said["fusion"][whole])
    mean = (said["ehr"][pair] + said["lab"][pair]) / 2
    np.testing.assert_allclose(said["best"][pair], mean)
    np.testing.assert_array_equal(said["best"][single], said["note"][single])


def test_of_two_heads_that_read_everything_fusion_is_the_best():
    data = samples(patterns={"ehr+lab": 4})
    x = {m: keras.Input(data.spec.shape(m), name=m) for m in data.spec.names}
    both = keras.layers.Concatenate()([keras.layers.Flatten()(t) for t in x.values()])
    heads = {h: keras.layers.Dense(1)(both) for h in ("extra", "fusion", "other")}
    said = mk.predict(keras.Model(x, heads), data)
    np.testing.assert_array_equal(said["best"], said["fusion"])


def test_plain_arrays_are_the_samples():
    data = samples(patterns={"ehr+lab": 9})
    model = student(data.spec)
    whole = mk.predict(model, data)
    plain = mk.predict(model, dict(data.x), task=data.spec.task, batch_size=4)
    part = mk.predict(model, {"lab": data.x["lab"]}, task=data.spec.task)
    for head in whole:
        np.testing.assert_allclose(plain[head], whole[head], atol=1e-6)
    np.testing.assert_allclose(part["lab"], whole["lab"], atol=1e-6)
    np.testing.assert_allclose(part["best"], whole["lab"], atol=1e-6)
    assert np.isnan(part["fusion"]).all()


def test_a_teacher_and_a_single_head_answer_too():
    data = samples()
    said = mk.predict(teacher(data.spec, "ehr"), data)
    assert sorted(said) == ["best", "ehr"]
    assert np.isnan(said["ehr"][~data.has("ehr")]).all()
    joint = mk.build_student(data.spec, {"ehr": "mlp", "lab": "mlp"}, heads=("fusion",))
    said = mk.predict(joint, data)
    incomplete = data.pattern != "ehr+lab"
    assert np.isnan(said["best"][incomplete]).all()
    assert not np.isnan(said["best"][~incomplete]).any()


def test_the_table_equals_scikit_learn():
    data = samples(patterns={"ehr": 30, "ehr+lab": 40, "lab": 20})
    model = student(data.spec)
    said = mk.predict(model, data)
    table = mk.evaluate(model, data, replicates=0)
    table = table.set_index(["head", "pattern", "metric"])["value"]
    for head, pattern in (("ehr", "all"), ("fusion", "ehr+lab"), ("best", "lab")):
        rows = np.flatnonzero(~np.isnan(said[head][:, 0]))
        if pattern != "all":
            rows = data.patterns[pattern]
        y, p = data.y[rows, 0], said[head][rows, 0]
        expected = {
            "auroc": metrics.roc_auc_score(y, p),
            "auprc": metrics.average_precision_score(y, p),
            "accuracy": metrics.accuracy_score(y, p > 0.5),
            "log_loss": metrics.log_loss(y, p),
            "brier": metrics.brier_score_loss(y, p),
        }
        for name, value in expected.items():
            assert table[head, pattern, name] == pytest.approx(value, rel=1e-6)


def test_errors():
    about = spec()
    model, x = student(about), {"ehr": np.zeros((3, 5, 3))}
    with pytest.raises(ValueError, match=r"by the kind of task.*Give the `Task`"):
        mk.predict(model, x)
    with pytest.raises(ValueError, match=r"\['mri'\].*reads \['ehr', 'lab'\]"):
        mk.predict(model, {"mri": np.zeros((3, 4))}, task=about.task)
    with pytest.raises(ValueError, match=r"shape \(5, 3\).*\(3, 4, 3\)"):
        mk.predict(model, {"ehr": np.zeros((3, 4, 3))}, task=about.task)
    with pytest.raises(ValueError, match=r"same samples in the same order"):
        mk.predict(model, {**x, "lab": np.zeros((2, 4))}, task=about.task)
    with pytest.raises(ValueError, match=r"must be finite"):
        mk.predict(model, {"ehr": x["ehr"] * np.nan}, task=about.task)
    joint = mk.build_student(about, {"ehr": "mlp", "lab": "mlp"}, heads=("fusion",))
    with pytest.raises(ValueError, match=r"what a head needs.*\['ehr'\].*'fusion'"):
        mk.predict(joint, x, task=about.task)


def test_a_comparison_is_that_of_what_the_models_predict():
    data = samples(patterns={"ehr": 30, "ehr+lab": 40, "lab": 20})
    models = {f"seed {k}": student(data.spec, seed=k) for k in (1, 2)}
    options = {"metrics": ["auroc", "brier"], "replicates": 30, "margin": 0.1}
    options |= {"heads": ["best"], "level": 0.8, "seed": 5, "reference": "seed 2"}
    table = mk.compare(models, data, batch_size=16, **options)
    said = {name: mk.predict(model, data) for name, model in models.items()}
    expected = compare_probabilities(said, data, **options)
    assert len(table) == 4 * 3
    assert set(table.model) == {"seed 1"}
    pd.testing.assert_frame_equal(table, expected, rtol=1e-4, atol=1e-6)
