"""Samples: bookkeeping against a brute-force reference, and the checks at the door."""

import numpy as np
import pandas as pd
import pytest

from mind_keras.data.samples import Samples
from mind_keras.spec import Modality, Spec, Task

NAMES = ("a", "b", "c")
BINARY = Task("death", kind="binary", labels=("death",))
MULTILABEL = Task("findings", kind="multilabel", labels=("one", "two"))
MULTICLASS = Task("grade", kind="multiclass", labels=("low", "mid", "high"))
TABLES = tuple(Modality(name, (2,)) for name in NAMES)
SPEC = Spec(BINARY, TABLES)


def a_spec(task=BINARY):
    return Spec(task, TABLES)


def random_samples(seed, size=17):
    """Samples, and the same as one plain dict per sample."""
    rng = np.random.default_rng(seed)
    has = rng.random((size, 3)) < 0.5
    has[~has.any(1), rng.integers(3)] = True
    x, rows = {}, {}
    for k, name in enumerate(NAMES):
        rows[name] = rng.permutation(np.flatnonzero(has[:, k]))
        x[name] = rng.normal(size=(len(rows[name]), 2)).astype("float32")
    y, weight = rng.integers(0, 2, size), rng.random(size).astype("float32")
    group = rng.integers(0, 5, size)
    meta = pd.DataFrame({"age": rng.integers(20, 90, size)})
    ids = np.array([f"s{k}" for k in range(size)])
    samples = Samples(SPEC, y, x, rows, ids, group, weight, meta)
    plain = [
        {
            "x": {m: x[m][list(rows[m]).index(i)] for m in NAMES if i in rows[m]},
            "rest": (ids[i], y[i], group[i], weight[i], meta["age"][i]),
        }
        for i in range(size)
    ]
    return samples, plain


def assert_same(samples, plain):
    rest = zip(
        samples.id,
        samples.y[:, 0],
        samples.group,
        samples.weight,
        samples.meta["age"],
        strict=True,
    )
    assert list(rest) == [sample["rest"] for sample in plain]
    for i, sample in enumerate(plain):
        found = {m for m in samples.spec.names if i in samples.rows[m]}
        assert found == set(sample["x"])
        for m in found:
            row = samples.x[m][samples.rows_of(m, np.array([i]))[0]]
            np.testing.assert_array_equal(row, sample["x"][m])
        for m in {*samples.spec.names} - found:
            assert samples.rows_of(m, np.array([i])).tolist() == [-1]


@pytest.mark.parametrize("seed", range(5))
def test_patterns_equal_those_of_each_sample_alone(seed):
    samples, plain = random_samples(seed)
    expected = ["+".join(sorted(sample["x"])) for sample in plain]
    assert samples.pattern.tolist() == expected
    assert {p: i.tolist() for p, i in samples.patterns.items()} == {
        p: [i for i, q in enumerate(expected) if q == p] for p in sorted(set(expected))
    }
    for m in NAMES:
        assert samples.has(m).tolist() == [m in sample["x"] for sample in plain]


@pytest.mark.parametrize("seed", range(5))
def test_take_keeps_all_of_a_sample_together(seed):
    samples, plain = random_samples(seed)
    index = np.random.default_rng(seed).permutation(len(samples))[:9]
    assert_same(samples.take(index), [plain[i] for i in index])


def test_take_of_take_is_take_of_the_composed_index():
    samples, plain = random_samples(0)
    first, second = [5, 3, 11, 0, 8], [4, 0, 2]
    taken = samples.take(first).take(second)
    assert_same(taken, [plain[first[i]] for i in second])


def test_take_by_mask_is_take_by_its_indices():
    samples, plain = random_samples(1)
    mask = np.arange(len(samples)) % 3 == 0
    assert_same(samples.take(mask), [plain[i] for i in np.flatnonzero(mask)])
    with pytest.raises(IndexError):
        samples.take(mask[:-1])


@pytest.mark.parametrize("kept", [("a",), ("c", "a")])
def test_only_keeps_samples_that_have_some_of_the_modalities(kept):
    samples, plain = random_samples(2)
    expected = [
        {"x": {m: s["x"][m] for m in kept if m in s["x"]}, "rest": s["rest"]}
        for s in plain
        if set(kept) & set(s["x"])
    ]
    assert samples.only(*kept).spec.names == tuple(sorted(kept))
    assert_same(samples.only(*kept), expected)


def test_only_of_absent_modalities_is_refused():
    samples = Samples(SPEC, [0, 1], {"a": np.zeros((2, 2))})
    with pytest.raises(ValueError, match=r"No sample has any of.*'b'"):
        samples.only("b")
    with pytest.raises(ValueError, match=r"Unknown modality 'z'. Known: \('a', 'b'"):
        samples.only("z")


@pytest.mark.parametrize(
    ("task", "y", "stored", "dtype"),
    [
        (BINARY, [True, False], [[1], [0]], "float32"),
        (BINARY, [[0], [1]], [[0], [1]], "float32"),
        (MULTILABEL, [[0, np.nan], [1, 1]], [[0, np.nan], [1, 1]], "float32"),
        (MULTICLASS, [2.0, 0.0], [2, 0], "int32"),
        (MULTICLASS, [[2], [1]], [2, 1], "int32"),
    ],
)
def test_labels_are_stored_in_one_shape_and_dtype_per_kind(task, y, stored, dtype):
    samples = Samples(a_spec(task), y, {"a": np.zeros((2, 2))})
    np.testing.assert_array_equal(samples.y, stored)
    assert samples.y.dtype == dtype


def test_rows_are_float32_and_images_stay_uint8():
    x = {"a": np.zeros((2, 2), "int64"), "b": np.ones((2, 2), "uint8")}
    samples = Samples(SPEC, [0, 1], x)
    assert (samples.x["a"].dtype, samples.x["b"].dtype) == ("float32", "uint8")
    assert samples.x["c"].shape == (0, 2)


@pytest.mark.parametrize(
    ("ids", "stored"),
    [
        (None, [0, 1]),
        ([5.0, 3.0], [5, 3]),
        (pd.array([5, 3], "Int64"), [5, 3]),
        (np.array([7, "x"], object), ["7", "x"]),
    ],
)
def test_ids_are_whole_numbers_or_text_and_groups_default_to_them(ids, stored):
    samples = Samples(SPEC, [0, 1], {"a": np.zeros((2, 2))}, id=ids)
    assert samples.id.tolist() == stored == samples.group.tolist()
    assert samples.id.dtype.kind in "iU"
    assert samples.id.dtype.kind == "U" or samples.id.dtype == "int64"


def test_prior_is_the_weighted_share_of_known_labels():
    x = {"a": np.zeros((4, 2))}
    y, weight = [[1, np.nan], [0, 1], [1, 0], [0, np.nan]], [1, 1, 2, 0]
    samples = Samples(a_spec(MULTILABEL), y, x, weight=weight)
    np.testing.assert_allclose(samples.prior, [3 / 4, 1 / 3])
    samples = Samples(a_spec(MULTICLASS), [0, 2, 2, 0], x, weight=weight)
    np.testing.assert_allclose(samples.prior, [1 / 4, 0, 3 / 4])


def test_present_rows_belong_to_the_true_samples_in_order():
    b = np.array([[1.0, 1.0], [2.0, 2.0]])
    present = {"b": np.array([False, True, False, True])}
    samples = Samples.from_arrays(
        SPEC, {"a": np.zeros((4, 2)), "b": b}, [0, 1, 0, 1], present=present
    )
    assert samples.pattern.tolist() == ["a", "a+b", "a", "a+b"]
    np.testing.assert_array_equal(samples.x["b"][samples.rows_of("b", [3])], [[2, 2]])


def test_present_must_agree_with_the_rows():
    x, y = {"a": np.zeros((3, 2))}, [0, 1, 1]
    with pytest.raises(ValueError, match=r"3 rows, 2 present.*x\['a'\]\[present"):
        Samples.from_arrays(SPEC, x, y, present={"a": np.array([True, True, False])})
    with pytest.raises(ValueError, match=r"True or False for each of the 3.*int64"):
        Samples.from_arrays(SPEC, x, y, present={"a": np.array([1, 1, 1])})


BAD = {
    "shape": ({"x": {"a": np.zeros((2, 3))}}, r"shape \(2,\).*shape \(2, 3\)"),
    "nan": ({"x": {"a": [[0, np.nan], [0, 0]]}}, r"finite.*1 NaN or infinite.*1 rows"),
    "float32": ({"x": {"a": [[1e300, 0], [0, 0]]}}, r"finite in float32.*1 NaN or inf"),
    "text": ({"x": {"a": [["1", "2"], ["3", "4"]]}}, r"must be numbers.*<U1"),
    "name": ({"x": {"z": np.zeros((2, 2))}}, r"Unknown modality \['z'\]. Known: \('a'"),
    "few": ({"x": {"a": np.zeros((1, 2))}}, r"1 rows.*say which samples"),
    "no x": ({"x": None}, r"`x` must be a mapping.*Received: NoneType"),
    "list": ({"x": np.zeros((2, 2))}, r"`x` must be a mapping.*Received: ndarray"),
    "row list": ({"rows": [0, 1]}, r"`rows` must be a mapping.*Received: list"),
    "ragged": ({"x": {"a": [[1, 2], [3]]}}, r"x\['a'\] must be an array.*one length"),
    "ragged y": ({"y": [[1, 2], [3]]}, r"`y` must be an array.*one length"),
    "ragged rows": (
        {"rows": {"a": [[1, 2], [3]]}},
        r"rows\['a'\] must be an array.*one length",
    ),
    "many y": ({"y": [0, 1, 1]}, r"x\['a'\] has 2 rows and `y` has 3 labels"),
    "few y": ({"y": [0]}, r"x\['a'\] has 2 rows and `y` has 1 labels"),
    "outside": ({"rows": {"a": [0, 2]}}, r"from 0 to 1. Received: 1 outside"),
    "twice": ({"rows": {"a": [0, 0]}}, r"0 outside and 1 repeated"),
    "empty": ({"y": []}, r"at least one sample"),
    "label": ({"y": [0, 2]}, r"from 0 to 1. Received also: \[2\]"),
    "unknown": ({"y": [0, np.nan]}, r"Only labels of a multilabel.*1 NaN"),
    "words": ({"y": ["no", "yes"]}, r"must be numbers.*Map them to indices"),
    "wide": ({"y": [[0, 1], [1, 0]]}, r"\(n, 1\) or \(n,\). Received: \(2, 2\)"),
    "id": ({"id": [3, 3]}, r"`id` must differ.*1 repeated.*`group`"),
    "no id": ({"id": ["p", None]}, r"`id` must be known.*1 missing"),
    "group": ({"group": [1, np.nan]}, r"`group` must be known.*1 missing"),
    "length": ({"group": [1, 2, 3]}, r"`group` must hold one entry.*2 samples.*\(3,\)"),
    "meta": ({"meta": {"age": [1]}}, r"`meta` must hold one entry.*\(1,\)"),
    "negative": ({"weight": [1, -1]}, r"not negative.*from -1.0 to 1.0"),
    "zero": ({"weight": [0, 0]}, r"not all zero.*from 0.0 to 0.0"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_with_rule_and_received(change, message):
    good = {"spec": SPEC, "y": [0, 1], "x": {"a": np.zeros((2, 2))}}
    with pytest.raises(ValueError, match=message):
        Samples(**(good | change))


def test_arrays_without_modalities_are_refused():
    for x in (None, np.zeros((2, 2))):
        with pytest.raises(ValueError, match=r"`x` must be a mapping"):
            Samples.from_arrays(SPEC, x, [0, 1], present={"a": np.array([True, True])})


def test_a_sample_without_any_modality_is_refused_by_id():
    with pytest.raises(ValueError, match=r"at least one modality.*1 without.*\['q'\]"):
        Samples(SPEC, [0, 1], {"a": np.zeros((1, 2))}, rows={"a": [0]}, id=["p", "q"])
