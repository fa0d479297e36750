"""Filling: what is there stays, what is missing is what was asked for."""

import numpy as np
import pandas as pd
import pytest

from mind_keras.data.filling import filled, means, zeros
from mind_keras.data.samples import Samples
from mind_keras.spec import Modality, Spec, Task

SPEC = Spec(
    Task("sick", kind="binary", labels=("sick",)),
    (Modality("scan", (2, 2, 1)), Modality("lab", (3,))),
)
ROWS = {"lab": [4, 3, 1], "scan": [2, 3, 0]}


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    return Samples(
        SPEC,
        [0, 1, 0, 1, 1],
        {
            "lab": rng.normal(size=(3, 3)),
            "scan": rng.integers(1, 256, (3, 2, 2, 1), "uint8"),
        },
        ROWS,
        id=[*"vwxyz"],
        group=[1, 1, 2, 3, 3],
        weight=[1, 2, 3, 4, 5],
        meta=pd.DataFrame({"age": [50, 60, 70, 80, 90]}),
    )


def expected(samples, name, value):
    """One sample after the other."""
    rows = {s: samples.x[name][k] for k, s in enumerate(ROWS[name])}
    return np.stack(
        [rows.get(s, np.broadcast_to(value, SPEC.shape(name))) for s in range(5)]
    )


@pytest.mark.parametrize("lab", [0.0, 7.5, np.array([1.0, -2.0, 3.0])])
def test_what_is_missing_is_the_value_and_what_is_there_stays(samples, lab):
    scan = np.array([[[9], [8]], [[7], [0]]])
    whole = filled(samples, {"lab": lab, "scan": scan})
    assert whole.patterns.keys() == {"lab+scan"}
    for name, value in {"lab": lab, "scan": scan}.items():
        found = whole.x[name][whole.rows_of(name, np.arange(5))]
        np.testing.assert_array_equal(found, expected(samples, name, value))


def test_filling_changes_nothing_but_the_rows(samples):
    whole = filled(samples, zeros(SPEC))
    for name in ("y", "id", "group", "weight"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(samples, name))
    assert whole.spec == samples.spec
    assert whole.meta["age"].tolist() == [50, 60, 70, 80, 90]
    assert samples.patterns.keys() == {"lab", "lab+scan", "scan"}


def test_pixels_stay_bytes_and_a_value_between_two_is_rounded(samples):
    whole = filled(samples, {"lab": 0.0, "scan": 9.6})
    assert whole.x["scan"].dtype == np.uint8
    assert np.unique(whole.x["scan"][[1, 4]]) == 10


def test_the_mean_is_that_of_the_rows_that_exist(samples):
    found = means(samples)
    np.testing.assert_allclose(found["lab"], samples.x["lab"].astype(float).mean(0))
    # 8-bit sums would overflow.
    np.testing.assert_allclose(found["scan"], samples.x["scan"].astype(float).mean(0))
    assert found["lab"].dtype == np.float64


@pytest.mark.parametrize(
    "values, message",
    [
        ({"lab": 0.0}, r"each modality, .*Received: \['lab'\]"),
        ({"lab": np.zeros(4), "scan": 0}, r"row of shape \(3,\).*shape \(4,\)"),
        ({"lab": np.nan, "scan": 0}, "finite"),
        ({"lab": 0, "scan": 256}, "between 0 and 255. Received: 256.0"),
        ({"lab": 0, "scan": -1}, "between 0 and 255"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(samples, values, message):
    with pytest.raises(ValueError, match=message):
        filled(samples, values)


def test_a_modality_that_nobody_has_has_no_mean(samples):
    alone = samples.take([0, 2])
    with pytest.raises(ValueError, match=r"none with \['lab'\]"):
        means(alone)
