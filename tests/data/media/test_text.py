"""Hashed text: the same everywhere, nothing of the order lost, nothing downloaded."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.utils import murmurhash3_32

from mind_keras.data.media.text import BUCKETS, bag, ids, text_shape


def test_numbers_are_those_of_murmurhash_and_padding_stands_in_front():
    grams = ["a b", " be", "bee"]
    expected = [1 + murmurhash3_32(gram, positive=True) % 99 for gram in grams]
    assert ids(["A BEE"], buckets=100, length=5)[0].tolist() == [0, 0, *expected]


def test_a_long_text_keeps_its_beginning_and_a_short_one_is_padding():
    whole, start = ids(["abcdefgh"], length=6), ids(["abcdefgh"], length=3)
    assert start[0].tolist() == whole[0, :3].tolist()
    assert ids(["", "ab"], length=4).tolist() == [[0] * 4] * 2


def test_hashes_do_not_depend_on_the_session():
    code = "from mind_keras.data.media.text import *; "
    code += "print(ids(['a whale']).sum(), abs(bag(['a whale'])).argmax())"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    expected = f"{ids(['a whale']).sum()} {abs(bag(['a whale'])).argmax()}\n"
    assert said == {expected}


def test_numbers_are_whole_in_range_and_many():
    rows = ids([f"text of number {k}" for k in range(300)], buckets=64, length=30)
    assert rows.dtype == np.float32 and (rows == np.rint(rows)).all()
    assert rows.max() == 63 and rows.min() == 0
    assert len(np.unique(rows)) == 64


def test_bags_have_length_1_and_do_not_know_order_nor_case():
    rows = bag(["cat dog", "DOG cat", "whale"], buckets=BUCKETS)
    np.testing.assert_allclose((rows**2).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(rows[0], rows[1])
    assert rows[0] @ rows[2] == 0 and rows.dtype == np.float32


def test_shapes_are_those_of_the_rows():
    options = {"buckets": 50, "length": 7}
    for name, form in (("bag", bag), ("ids", ids)):
        assert form(["a cat"], **options).shape[1:] == text_shape(name, **options)


@pytest.mark.parametrize(
    "options", [{"buckets": 1}, {"buckets": 2**25}, {"length": 0.5}]
)
def test_sizes_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="must be a whole number from 2 to "):
        text_shape("ids", **{"buckets": 9, "length": 9} | options)
