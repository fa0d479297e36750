"""`MindClassifier`: what scikit-learn hands over arrives as samples, and comes back."""

import json
import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mind_keras as mk
from mind_keras.estimator import MindClassifier, classifier, records
from mind_keras.estimator.rows import fill_gaps, has_row, medians, read_rows
from mind_keras.estimator.targets import read_targets

COLUMNS = {"vitals": ["age", "sex", "bmi", "bp"], "serum": ["s1", "s2", "s5"]}
ONE = {"encoder": "mlp", "units": 4, "layers": 1}
QUICK = {"encoders": ONE, "teachers": (ONE,), "epochs": 3, "teacher_epochs": 1}


def patients():
    """Diabetes with 60 patients who lack their serum, and 20 who lack their vitals."""
    table, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    table.loc[:59, COLUMNS["serum"]] = np.nan
    table.loc[60:79, COLUMNS["vitals"]] = np.nan
    return table, np.where(y > 200, "fast", "slow")


@pytest.fixture(scope="module")
def fitted():
    table, y = patients()
    return MindClassifier(COLUMNS, **QUICK).fit(table, y)


@pytest.fixture
def lesson(monkeypatch):
    """What reaches the training; nothing is trained."""
    seen = {}

    def learn(parts, encoders, teachers, **options):
        seen.update(options, parts=parts, encoders=encoders, teachers=teachers)
        keras.utils.set_random_seed(options["seed"])
        student = mk.build_student(parts.spec, encoders, fusion=options["fusion"])
        return student, pd.DataFrame()

    monkeypatch.setattr(classifier, "learn", learn)
    return seen


# --- a fitted one, against the functions that it is made of ---


def test_probabilities_are_those_of_the_student_on_standardised_rows(fitted):
    table, _ = patients()
    whole = table.loc[80:99]
    scale = fitted.preprocessing_
    x = {
        m: (whole[c].to_numpy() - scale.mean[m]) / scale.std[m]
        for m, c in COLUMNS.items()
    }
    said = mk.predict(fitted.student_, x, task=fitted.spec_.task)["fusion"][:, 0]
    found = fitted.predict_proba(whole)
    np.testing.assert_allclose(found[:, 1], said, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_who_lacks_a_modality_is_answered_by_the_other_head(fitted):
    table, _ = patients()
    scale = fitted.preprocessing_
    for lacking, name in ((slice(0, 9), "vitals"), (slice(60, 69), "serum")):
        part = table.loc[lacking]
        raw = part[COLUMNS[name]].to_numpy()
        x = {name: (raw - scale.mean[name]) / scale.std[name]}
        said = mk.predict(fitted.student_, x, task=fitted.spec_.task)[name][:, 0]
        np.testing.assert_allclose(fitted.predict_proba(part)[:, 1], said, atol=1e-6)


def test_a_prediction_is_the_class_of_the_larger_probability(fitted):
    table, _ = patients()
    assert fitted.classes_.tolist() == ["fast", "slow"]
    assert fitted.spec_.task.labels == ("slow",)
    p = fitted.predict_proba(table)[:, 1]
    assert fitted.predict(table).tolist() == np.where(p > 0.5, "slow", "fast").tolist()


def test_all_models_were_trained(fitted):
    names = set(fitted.history_["model"])
    assert names == {"student", "teacher:serum:0", "teacher:vitals:0"}
    student = fitted.history_[fitted.history_["model"] == "student"]
    # A joint teacher taught the fusion head, and the others their heads.
    taught = {"fusion_distillation", "serum_distillation", "vitals_distillation"}
    assert taught <= set(student["metric"])


def test_the_same_seed_learns_the_same_and_leaves_other_generators_alone(fitted):
    table, y = patients()
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    again = clone(fitted).fit(table, y)
    assert (np.random.get_state()[1] == before).all()
    np.testing.assert_allclose(
        again.predict_proba(table), fitted.predict_proba(table), atol=1e-5
    )


def test_a_folder_holds_all_of_it_without_pickle(fitted, tmp_path):
    table, _ = patients()
    fitted.save(tmp_path / "kept")
    read = MindClassifier.load(tmp_path / "kept")
    np.testing.assert_allclose(
        read.predict_proba(table), fitted.predict_proba(table), atol=1e-6
    )
    assert read.predict(table).tolist() == fitted.predict(table).tolist()
    assert read.get_params() == json.loads(json.dumps(fitted.get_params()))
    assert read.feature_names_in_.tolist() == fitted.feature_names_in_.tolist()
    with pytest.raises(ValueError, match="same order"):
        read.predict(table[table.columns[::-1]])
    files = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert [name.rsplit(".")[-1] for name in files] == ["json"] * 3 + ["keras"]
    with pytest.raises(ValueError, match=r"must be empty.*another"):
        fitted.save(tmp_path / "kept")
    with pytest.raises(ValueError, match=r"MindClassifier.save.*without estimator"):
        MindClassifier.load(tmp_path)


def test_what_is_not_plain_is_not_saved(fitted, tmp_path):
    other = clone(fitted).set_params(distance=keras.losses.MeanSquaredError())
    vars(other).update({k: v for k, v in vars(fitted).items() if k.endswith("_")})
    with pytest.raises(ValueError, match=r"must be plain.*MeanSquaredError"):
        other.save(tmp_path / "x")
    assert not (tmp_path / "x").exists()


# --- what reaches the training ---


def test_every_container_of_the_same_rows_gives_the_same_samples(lesson):
    table, y = patients()
    places = {m: [table.columns.get_loc(c) for c in cs] for m, cs in COLUMNS.items()}
    arrays = {m: table[c].to_numpy() for m, c in COLUMNS.items()}
    given = [
        (table, COLUMNS),
        (table.to_numpy(), places),
        (table.to_numpy().tolist(), places),
        (arrays, None),
        (records(arrays), None),
    ]
    found = []
    for rows, columns in given:
        one = MindClassifier(columns, encoders=ONE).fit(rows, y)
        found.append((lesson["parts"], one.predict_proba(rows)))
    for parts, p in found:
        np.testing.assert_array_equal(p, found[0][1])
        for part in ("train", "validation"):
            ours, first = getattr(parts, part), getattr(found[0][0], part)
            np.testing.assert_array_equal(ours.id, first.id)
            for m in COLUMNS:
                np.testing.assert_array_equal(ours.x[m], first.x[m])
                np.testing.assert_array_equal(ours.rows[m], first.rows[m])


def test_statistics_are_of_training_rows_that_exist(lesson):
    table, y = patients()
    one = MindClassifier(COLUMNS, encoders=ONE).fit(table, y)
    train = lesson["parts"].train
    for m, columns in COLUMNS.items():
        rows = table.iloc[train.id][columns].dropna(how="all")
        assert len(rows) == len(train.x[m])
        np.testing.assert_allclose(one.preprocessing_.mean[m], rows.mean())
        np.testing.assert_allclose(one.preprocessing_.std[m], rows.std(ddof=0))
        np.testing.assert_allclose(train.x[m].mean(axis=0), 0, atol=1e-5)


def test_a_fifth_is_held_back_stratified_and_no_group_is_in_both(lesson):
    table, y = patients()
    MindClassifier(COLUMNS, encoders=ONE).fit(table, y)
    train, validation = lesson["parts"].train, lesson["parts"].validation
    assert sorted([*train.id, *validation.id]) == list(range(len(table)))
    assert abs(len(validation) / len(table) - 0.2) < 0.01
    assert abs(train.prior[0] - validation.prior[0]) < 0.02
    groups = np.repeat(np.arange(len(table) // 2), 2)
    MindClassifier(COLUMNS, encoders=ONE).fit(table, y, groups=groups)
    parts = lesson["parts"]
    assert not set(parts.train.group) & set(parts.validation.group)
    assert (parts.train.group == groups[parts.train.id]).all()
    MindClassifier(COLUMNS, encoders=ONE, validation_fraction=0.5).fit(table, y)
    assert len(lesson["parts"].validation) == pytest.approx(len(table) / 2, abs=2)


def test_another_seed_is_another_split_and_the_same_seed_the_same(lesson):
    table, y = patients()
    found = []
    for state in (0, 0, 1, np.random.RandomState(0)):
        MindClassifier(COLUMNS, encoders=ONE, random_state=state).fit(table, y)
        found.append(lesson["parts"].train.id.tolist())
    assert found[0] == found[1] == found[3] != found[2]


def test_weights_of_samples_reach_the_losses(lesson):
    table, y = patients()
    weight = np.arange(len(table)) / len(table)
    MindClassifier(COLUMNS, encoders=ONE).fit(table, y, sample_weight=weight)
    for part in (lesson["parts"].train, lesson["parts"].validation):
        np.testing.assert_allclose(part.weight, weight[part.id], rtol=1e-6)


def test_parameters_reach_those_that_they_are_of(lesson):
    table, y = patients()
    two = {"encoder": "mlp", "units": 5}
    MindClassifier(
        COLUMNS,
        encoders={"vitals": ONE, "serum": two},
        teachers={"serum": [two]},
        fusion="concat",
        temperature=3.0,
        distance="mse",
        distillation_weight=0.5,
        task_weight=0.7,
        ensemble="logit",
        joint_target="mean",
        epochs=7,
        batch_size=11,
        learning_rate=0.1,
        weight_decay=0.2,
        patience=4,
        teacher_epochs=9,
        teacher_learning_rate=0.3,
        teacher_weight_decay=0.4,
    ).fit(table, y)
    assert lesson["encoders"] == {"vitals": ONE, "serum": two}
    assert lesson["teachers"] == {"serum": [two]}
    assert lesson["distillation"] == {
        "temperature": 3.0,
        "distance": "mse",
        "distillation_weight": 0.5,
        "task_weight": 0.7,
        "ensemble": "logit",
        "joint_target": "mean",
    }
    shared = {"batch_size": 11, "patience": 4}
    student = {"epochs": 7, "learning_rate": 0.1, "weight_decay": 0.2}
    teacher = {"epochs": 9, "learning_rate": 0.3, "weight_decay": 0.4}
    assert lesson["budget"] == shared | student
    assert lesson["teacher_budget"] == shared | teacher


def test_gaps_are_refused_or_filled_by_medians_of_training_rows(lesson):
    table, y = patients()
    table.loc[100:149, "s1"] = np.nan
    with pytest.raises(ValueError, match=r"part of 'serum' for 50 .*gaps=\"median\""):
        MindClassifier(COLUMNS, encoders=ONE).fit(table, y)
    one = MindClassifier(COLUMNS, encoders=ONE, gaps="median").fit(table, y)
    train = lesson["parts"].train
    known = table.iloc[train.id][COLUMNS["serum"]]
    np.testing.assert_allclose(one.medians_["serum"], known.median())
    serum = lesson["parts"].train
    assert not serum.has("serum")[np.isin(serum.id, range(60))].any()
    new = table.loc[100:102]
    filled = new.fillna({"s1": known["s1"].median()})
    np.testing.assert_allclose(one.predict_proba(new), one.predict_proba(filled))
    whole = MindClassifier(COLUMNS, encoders=ONE).fit(patients()[0], y)
    with pytest.raises(ValueError, match="part of 'serum' for 3 samples"):
        whole.predict(new)


def test_several_labels_may_be_unknown_and_are_scored_each(lesson):
    table, _ = patients()
    y = np.stack([table["age"] > 50, table["sex"] > 1], axis=1).astype(float)
    y[80:90, 0] = np.nan
    one = MindClassifier(COLUMNS, encoders=ONE).fit(table.loc[80:], y[80:])
    assert lesson["parts"].spec.task.kind == "multilabel"
    p, whole = one.predict_proba(table.loc[90:]), y[90:]
    assert p.shape == (len(whole), 2)
    assert (one.predict(table.loc[90:]) == (p > 0.5)).all()
    from sklearn.metrics import get_scorer

    scored = get_scorer("roc_auc")(one, table.loc[90:], whole.astype(int))
    assert scored == pytest.approx(roc_auc_score(whole, p))


def test_more_classes_than_two_are_one_task(lesson, tmp_path):
    table, _ = patients()
    y = np.array([30, 10, 20])[np.arange(len(table)) % 3]
    one = MindClassifier(COLUMNS, encoders=ONE).fit(table, y)
    assert one.spec_.task.labels == ("10", "20", "30")
    p = one.predict_proba(table)
    assert p.shape == (len(table), 3)
    assert one.predict(table).tolist() == one.classes_[p.argmax(axis=1)].tolist()
    train = lesson["parts"].train
    assert (one.classes_[train.y] == y[train.id]).all()
    one.save(tmp_path / "kept")
    assert MindClassifier.load(tmp_path / "kept").predict(table).dtype == y.dtype


def test_images_stay_as_they_are_unless_named(lesson):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (40, 6, 6, 1)).astype("uint8")
    table, y = {"image": pixels, "age": rng.normal(60, 9, (40, 1))}, np.arange(40) % 2
    one = MindClassifier(encoders=ONE).fit(records(table), y)
    train = lesson["parts"].train
    assert train.x["image"].dtype == np.uint8
    np.testing.assert_array_equal(train.x["image"], pixels[train.id])
    assert sorted(one.preprocessing_.mean) == ["age"]
    MindClassifier(encoders=ONE, standardise=["image"]).fit(table, y)
    assert abs(lesson["parts"].train.x["image"].mean()) < 1e-3
    alone = one.predict_proba({"age": table["age"]})
    assert alone.shape == (40, 2)


# --- in the tools of scikit-learn ---


def test_it_works_in_folds_pipelines_and_searches(lesson):
    table, y = patients()
    one = MindClassifier(COLUMNS, encoders=ONE)
    scores = cross_val_score(one, table, y, cv=3, scoring="roc_auc")
    assert scores.shape == (3,) and ((scores >= 0) & (scores <= 1)).all()
    scores = cross_val_score(
        MindClassifier(encoders=ONE),
        records({m: table[c].to_numpy() for m, c in COLUMNS.items()}),
        y,
        cv=2,
    )
    assert np.isfinite(scores).all()
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), one)
    search = GridSearchCV(pipe, {"mindclassifier__temperature": [1.0, 3.0]}, cv=2)
    search.fit(table, y)
    found = search.best_params_["mindclassifier__temperature"]
    assert lesson["distillation"]["temperature"] == found


def test_groups_reach_fit_through_cross_validation(lesson):
    table, y = patients()
    groups = np.repeat(np.arange(len(table) // 2), 2)
    cross_val_score(
        MindClassifier(COLUMNS, encoders=ONE), table, y, cv=2, params={"groups": groups}
    )
    parts = lesson["parts"]
    assert not set(parts.train.group) & set(parts.validation.group)


def test_a_fitted_one_goes_to_other_processes(lesson):
    table, y = patients()
    one = MindClassifier(COLUMNS, encoders=ONE).fit(table, y)
    other = pickle.loads(pickle.dumps(one))
    np.testing.assert_allclose(
        other.predict_proba(table), one.predict_proba(table), atol=1e-6
    )


# --- what is refused, before anything is trained ---


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modalities": {"vitals": ["age", "weight"]}}, r"unknown \['weight'\].*'bmi'"),
        ({"modalities": {"vitals": []}}, "must hold names of columns"),
        ({"modalities": {}}, "must name one at least"),
        ({"gaps": "mean"}, r"one of \('error', 'median'\). Received: 'mean'"),
        ({"validation_fraction": 1.0}, "above 0 and below 1. Received: 1.0"),
        ({"standardise": ["image"]}, "Unknown modality 'image'"),
        ({"fusion": "glue"}, "Unknown fusion 'glue'"),
        ({"encoders": "nlp"}, "Unknown encoder 'nlp'"),
        ({"teachers": ({"encoder": "mlp", "unit": 1},)}, r"Unknown options \['unit'\]"),
        ({"joint_target": "glue"}, "glue"),
    ],
)
def test_what_cannot_be_is_refused_before_training(change, message, monkeypatch):
    table, y = patients()
    from mind_keras.estimator import learning

    for name in ("fit", "fit_teachers"):
        monkeypatch.setattr(learning, name, lambda *_, **__: pytest.fail("trained"))
    one = MindClassifier(COLUMNS, **QUICK).set_params(**change)
    with pytest.raises(ValueError, match=message):
        one.fit(table, y)


def test_bad_rows_and_labels_are_refused(lesson):
    table, y = patients()
    one = MindClassifier(COLUMNS, encoders=ONE)
    with pytest.raises(ValueError, match="at least one modality"):
        one.fit(
            table.assign(**dict.fromkeys([*COLUMNS["serum"], "age"], np.nan)).assign(
                **dict.fromkeys(COLUMNS["vitals"], np.nan)
            ),
            y,
        )
    with pytest.raises(ValueError, match=r"two classes or more.*\['slow'\]"):
        one.fit(table, ["slow"] * len(table))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        one.fit(table, y[:-1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        one.fit(table, y, groups=[1, 2])
    with pytest.raises(ValueError, match="`group` must be known"):
        one.fit(table, y, groups=[np.nan] * len(table))
    with pytest.raises(ValueError, match=r"n_samples = 2 in 2 groups"):
        one.fit(table.iloc[80:82], ["slow", "fast"])
    one.fit(table, y)
    with pytest.raises(ValueError, match=r"modalities of `fit`.*\['image'\]"):
        MindClassifier(encoders=ONE).fit(
            {"serum": table[COLUMNS["serum"]].to_numpy()[80:]}, y[80:]
        ).predict({"image": np.zeros((2, 3))})
    with pytest.raises(ValueError, match="at least one modality"):
        one.predict(table.assign(**dict.fromkeys(table.columns, np.nan)))


# --- rows and targets alone ---


def test_a_whole_row_of_nan_is_a_missing_modality_and_a_zero_is_not():
    rows = np.array([[np.nan, np.nan], [0.0, 0.0], [np.nan, 1.0]])
    assert has_row(rows).tolist() == [False, True, True]
    assert has_row(rows[:, :, None]).tolist() == [False, True, True]
    assert has_row(np.zeros((2, 3), "uint8")).all()


def test_only_gaps_are_filled():
    rows = {"a": np.array([[np.nan, np.nan], [1.0, 2.0], [np.nan, 4.0], [5.0, 9.0]])}
    middle = medians(rows)
    assert middle["a"].tolist() == [3.0, 4.0]
    filled = fill_gaps(rows, middle)["a"]
    np.testing.assert_array_equal(
        filled, [[np.nan, np.nan], [1.0, 2.0], [3.0, 4.0], [5.0, 9.0]]
    )
    with pytest.raises(ValueError, match="1 columns of modality 'a'"):
        medians({"a": np.array([[np.nan, 1.0], [np.nan, 2.0]])})


def test_containers_that_contradict_themselves_are_refused():
    whole = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"positions of columns.*unknown \[2\]"):
        read_rows(whole, {"a": [0, 2]})
    with pytest.raises(ValueError, match=r"holds modalities already: \['a'\]"):
        read_rows({"a": whole}, {"a": [0]})
    for read in (records, lambda arrays: read_rows(arrays, None)):
        with pytest.raises(ValueError, match=r"rows \{'a': 3, 'b': 2\}"):
            read({"a": whole, "b": whole[:2]})


def test_labels_are_named_after_their_columns():
    y = pd.DataFrame({"edema": [0, 1], "fracture": [1, np.nan]})
    assert read_targets(y).task.labels == ("edema", "fracture")
    with pytest.raises(ValueError, match="Unknown label type"):
        read_targets([0.1, 0.2, 0.7])
