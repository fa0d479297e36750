"""Splits share no patient, and are cut by group, label and seed."""

import numpy as np
import pytest

from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.samples import Samples
from mind_keras.data.split import split
from mind_keras.data.splits import Splits
from mind_keras.spec import Modality, Spec, Task

BINARY = Task("death", kind="binary", labels=("death",))
TABLES = (Modality("a", (1,)), Modality("b", (2,)))
SPEC = Spec(BINARY, TABLES)


def samples_of(ids, y=(0, 1), group=None, spec=SPEC):
    return Samples(spec, y, {"a": np.zeros((len(ids), 1))}, id=ids, group=group)


def many(seed=0, size=400, groups=None):
    rng = np.random.default_rng(seed)
    group = None if groups is None else rng.integers(0, groups, size)
    y = (rng.random(size) < 0.1).astype(int)
    return Samples(SPEC, y, {"a": np.arange(size)[:, None]}, group=group)


@pytest.mark.parametrize("seed", range(3))
def test_every_sample_is_in_one_part_and_every_group_too(seed):
    samples = many(seed, groups=60)
    parts = split(samples, seed=seed)
    assert sorted(i for part in parts for i in part.id) == list(range(400))
    groups = [set(part.group) for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert [round(len(g) / 60, 1) for g in groups] == [0.6, 0.2, 0.2]


def test_labels_are_as_frequent_in_each_part():
    samples = many()
    for part in split(samples, fractions=(0.5, 0.3, 0.2)):
        assert abs(part.prior[0] - samples.prior[0]) < 0.01


def test_the_seed_alone_decides_the_split():
    samples = many()
    ids = [split(samples, seed=seed)[0].id.tolist() for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    overlap = len(set(ids[0]) & set(ids[2]))
    assert 100 < overlap < 200, "two draws of 60 % share about 36 %"


@pytest.mark.parametrize("fractions", [(0.6, 0.2), (0.6, 0.2, 0.3), (1.0, 0.2, -0.2)])
def test_fractions_that_do_not_cover_the_samples_are_refused(fractions):
    with pytest.raises(ValueError, match=r"positive shares.*'test'.*sum 1"):
        split(many(), fractions=fractions)


def test_a_part_without_samples_is_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        split(samples_of([1, 2]))


@pytest.mark.parametrize(
    ("column", "ids", "group"),
    [("group", ["p4", "p5"], ["7", "9"]), ("id", [1, 4], [20, 21])],
)
def test_a_patient_in_two_splits_is_refused_by_name(column, ids, group):
    first = samples_of([0, 1], group=[7, 8])
    second = samples_of([2, 3], group=[5, 6])
    shared = {"group": "7", "id": "1"}[column]
    message = rf"No {column} may be in two.*1 in both train and test, e.g. {shared}\."
    with pytest.raises(ValueError, match=message):
        Splits(first, second, samples_of(ids, group=group))


def test_a_class_absent_from_training_is_refused_by_name():
    task = Task("grade", kind="multiclass", labels=("low", "mid", "high"))
    spec = Spec(task, TABLES)
    parts = [samples_of(ids, spec=spec) for ids in ([0, 1], [2, 3], [4, 5])]
    with pytest.raises(ValueError, match=r"every class.*\['high'\]"):
        Splits(*parts)
    parts = [samples_of([0, 1], y=(0, 0)), samples_of([2, 3]), samples_of([4, 5])]
    with pytest.raises(ValueError, match=r"every label, both yes and no.*\['death'\]"):
        Splits(*parts)


def test_splits_of_different_specs_are_refused():
    other = Spec(BINARY, TABLES[:1])
    with pytest.raises(ValueError, match=r"one spec.*test has"):
        Splits(samples_of([0, 1]), samples_of([2, 3]), samples_of([4, 5], spec=other))


def test_availability_counts_samples_and_groups_of_each_pattern():
    x, rows = {"a": np.zeros((4, 1)), "b": np.zeros((1, 2))}, {"b": [3]}
    train = Samples(SPEC, [0, 1, 0, 1], x, rows, group=[9, 9, 8, 8])
    data = Splits(train, samples_of([10, 11]), samples_of([12, 13]))
    assert data.availability().values.tolist() == [
        ["train", "a", 3, 2],
        ["train", "a+b", 1, 1],
        ["validation", "a", 2, 2],
        ["test", "a", 2, 2],
    ]


def test_statistics_are_those_of_the_training_rows_that_exist():
    rng = np.random.default_rng(0)
    b = rng.normal(3, 5, (4, 2))
    x, rows = {"a": np.full((9, 1), 0.1), "b": b}, {"b": [1, 5, 6, 8]}
    train = Samples(SPEC, [0, 1, 0] * 3, x, rows)
    scale = Preprocessing.fit(train, ("a", "b"))
    np.testing.assert_allclose(scale.mean["b"], b.mean(0), rtol=1e-6)
    np.testing.assert_allclose(scale.std["b"], b.std(0), rtol=1e-6)
    scaled = scale.apply(train).x
    np.testing.assert_allclose(scaled["b"], (b - b.mean(0)) / b.std(0), atol=1e-5)
    np.testing.assert_allclose(scaled["a"], 0, atol=1e-6)
    assert scaled["b"].dtype == "float32"


def test_series_are_standardised_by_feature_over_samples_and_time():
    spec = Spec(BINARY, (Modality("s", (5, 2)),))
    s = np.random.default_rng(1).normal([10, -2], [3, 0.5], (6, 5, 2))
    scale = Preprocessing.fit(Samples(spec, [0, 1] * 3, {"s": s}), ("s",))
    np.testing.assert_allclose(scale.mean["s"], s.mean((0, 1)), rtol=1e-6)
    np.testing.assert_allclose(scale.std["s"], s.std((0, 1)), rtol=1e-5)


def test_preprocessing_survives_json_and_leaves_what_it_does_not_know():
    scale = Preprocessing({"a": [1.5]}, {"a": [0.1]})
    assert Preprocessing.from_json(scale.to_json()) == scale
    image = np.ones((2, 3), "uint8")
    assert scale.transform("i", image) is image


def test_a_modality_without_training_rows_is_not_standardised():
    with pytest.raises(ValueError, match="none of 'b'"):
        Preprocessing.fit(samples_of([0, 1]), ("a", "b"))
