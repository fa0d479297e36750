"""Sources: known facts of the data, and checks that hold for every entry."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from mind_keras.data.sources import SOURCES, load
from mind_keras.data.splits import SPLITS

REMOVED = {"breast_cancer": "error", "diabetes": "serum"}
PATIENTS = {"breast_cancer": 569, "diabetes": 442}
# Those that are made on first use, or read a user's folder, have tests of their own:
# test_icu.py, test_spoken_digits.py and sources/.
BUNDLED = [name for name in SOURCES if name in PATIENTS]


def raw(data, name):
    """A modality's rows in the order of the ids, standardisation undone."""
    mean, std = data.preprocessing.mean[name], data.preprocessing.std[name]
    parts = [part for _, part in data.items()]
    ids = np.concatenate([part.id[part.rows[name]] for part in parts])
    rows = np.concatenate([part.x[name] for part in parts]) * std + mean
    return rows[np.argsort(ids)]


def labels(data):
    parts = [part for _, part in data.items()]
    ids = np.concatenate([part.id for part in parts])
    return np.concatenate([part.y[:, 0] for part in parts])[np.argsort(ids)]


@pytest.mark.parametrize("name", BUNDLED)
def test_all_patients_are_in_one_split_by_60_20_20(name):
    data = load(name)
    ids = [i for _, part in data.items() for i in part.id]
    assert sorted(ids) == list(range(PATIENTS[name]))
    shares = [len(part) / len(ids) for _, part in data.items()]
    np.testing.assert_allclose(shares, [0.6, 0.2, 0.2], atol=0.01)


@pytest.mark.parametrize("name", BUNDLED)
def test_the_seed_alone_decides_the_data(name):
    missing = {"mechanism": "mcar", "rate": {REMOVED[name]: 0.5}}
    first, same, other = (load(name, seed=s, missing=missing) for s in (5, 5, 6))
    for split in SPLITS:
        a, b, c = (getattr(data, split) for data in (first, same, other))
        assert a.id.tolist() == b.id.tolist() != c.id.tolist()
        assert a.pattern.tolist() == b.pattern.tolist()


@pytest.mark.parametrize("name", BUNDLED)
def test_training_rows_left_after_removal_are_standardised(name):
    removed = REMOVED[name]
    data = load(name, missing={"mechanism": "mnar", "rate": {removed: 0.4}})
    for _, part in data.items():
        assert 0.2 < 1 - part.has(removed).mean() < 0.6
        assert {m for m in data.spec.names if not part.has(m).all()} == {removed}
    for rows in data.train.x.values():
        np.testing.assert_allclose(rows.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(rows.std(0), 1, atol=1e-5)


def test_diabetes_is_the_raw_table_of_scikit_learn():
    data, table = load("diabetes"), load_diabetes(scaled=False, as_frame=True)
    for modality in data.spec.modalities:
        expected = table.data[list(modality.features)]
        np.testing.assert_allclose(raw(data, modality.name), expected, rtol=1e-4)
    assert data.spec.modality("vitals").features == ("age", "sex", "bmi", "bp")
    assert data.spec.modality("serum").features == ("s1", "s2", "s3", "s4", "s5", "s6")
    for _, part in data.items():
        rows = table.frame.iloc[part.id].reset_index()[["age", "sex", "target"]]
        assert rows.equals(part.meta)


@pytest.mark.parametrize("seed", range(3))
def test_diabetes_label_is_above_the_training_75th_percentile(seed):
    data, target = load("diabetes", seed=seed), load_diabetes().target
    threshold = np.percentile(target[data.train.id], 75)
    np.testing.assert_array_equal(labels(data), target > threshold)
    for _, part in data.items():
        assert abs(part.prior[0] - 0.25) < 0.03


def test_breast_cancer_is_the_raw_table_of_scikit_learn():
    data, table = load("breast_cancer"), load_breast_cancer()
    long = {"mean": "mean {}", "error": "{} error", "worst": "worst {}"}
    names = table.feature_names.tolist()
    for modality in data.spec.modalities:
        pattern = long[modality.name]
        columns = [
            names.index(pattern.format(f.replace("_", " "))) for f in modality.features
        ]
        np.testing.assert_allclose(
            raw(data, modality.name), table.data[:, columns], rtol=1e-3, atol=1e-5
        )


def test_breast_cancer_has_212_malignant_of_569():
    data = load("breast_cancer")
    malignant = load_breast_cancer().target == 0
    np.testing.assert_array_equal(labels(data), malignant)
    assert malignant.sum() == 212
    for _, part in data.items():
        assert abs(part.prior[0] - 212 / 569) < 0.01


def test_unknown_names_list_the_known():
    with pytest.raises(ValueError, match=r"'iris'. Known: \['breast_cancer', 'crema"):
        load("iris")
    with pytest.raises(
        ValueError, match=r"option \['size'\] of source 'diabetes'.*fra"
    ):
        load("diabetes", size=3)
    with pytest.raises(ValueError, match=r"Unknown modality 'ecg'. Known: \('serum'"):
        load("diabetes", missing={"mechanism": "mcar", "rate": {"ecg": 0.3}})
