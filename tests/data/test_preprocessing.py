"""Preprocessing: raw rows in, standardised columns out, by what training rows say."""

import json

import numpy as np
import pytest

from mind_keras.data.files import read_samples
from mind_keras.data.mimic import normaliser
from mind_keras.data.mimic.columns import continuous, expand, names
from mind_keras.data.mimic.normaliser import fit_statistics, statistics_from
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.data.samples import Samples
from mind_keras.spec import Modality, Spec, Task

TASK = Task("death", kind="binary", labels=("death",))
HOURS = 6
WIDE = {"reference76": 76, "compact": 47}
NUMBERS = {"reference76": [2, 3, *range(49, 59)]}
# Refill, three columns of numbers, ..., total: counted by hand along the variables.
NUMBERS["compact"] = [1, 2, 13, *range(20, 30)]


def grids(seed=0, size=40, share=0.3):
    rng = np.random.default_rng(seed)
    grid = rng.normal(80, 10, (size, HOURS, 17))
    for k, (low, high) in {
        0: (0, 1),
        3: (1, 4),
        4: (1, 6),
        5: (3, 15),
        6: (0, 5),
    }.items():
        grid[:, :, k] = rng.integers(low, high + 1, (size, HOURS))
    grid[rng.random(grid.shape) > share] = np.nan
    return grid.astype("float32")


def train(layout, raw):
    spec = Spec(TASK, (Modality("ehr", (HOURS, WIDE[layout])),))
    labels = np.arange(len(raw)) % 2
    return Samples(spec, labels, {"ehr": expand(raw, layout)})


@pytest.mark.parametrize("layout", sorted(WIDE))
def test_numbers_alone_are_standardised_by_the_published_formula(layout, monkeypatch):
    monkeypatch.setattr(normaliser, "CHUNK", 7)
    samples = train(layout, grids())
    scale = Preprocessing.fit_series(samples, "ehr", layout=layout)
    rows = samples.x["ehr"].astype("float64").reshape(-1, WIDE[layout])
    n, total, squares = len(rows), rows.sum(axis=0), (rows**2).sum(axis=0)
    centre = total / n
    spread = np.sqrt((squares - 2 * centre * total + n * centre**2) / (n - 1))
    mine = NUMBERS[layout]
    others = np.setdiff1d(np.arange(WIDE[layout]), mine)
    np.testing.assert_allclose(np.array(scale.mean["ehr"])[mine], centre[mine])
    np.testing.assert_allclose(np.array(scale.std["ehr"])[mine], spread[mine], 1e-7)
    assert {np.array(scale.mean["ehr"])[k] for k in others} == {0}
    assert {np.array(scale.std["ehr"])[k] for k in others} == {1}
    new = grids(seed=1, size=9)
    found, plain = scale.transform("ehr", new), expand(new, layout)
    assert found.dtype == "float32"
    expected = (plain[..., mine].astype("float64") - centre[mine]) / spread[mine]
    np.testing.assert_allclose(found[..., mine], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found[..., others], plain[..., others])
    np.testing.assert_array_equal(
        scale.apply(samples).x["ehr"], scale.transform("ehr", grids())
    )


def test_a_column_that_never_varies_is_divided_by_one():
    raw = np.full((3, HOURS, 17), np.nan)
    raw[:, :, 9] = 170.3
    rows = expand(raw, "reference76")
    mean, std = fit_statistics(rows, "reference76")
    height = names("reference76").index("Height")
    assert abs(mean[height] - 170.3) < 1e-4 and set(std) == {1.0}


def test_one_hour_is_enough_for_statistics_and_none_is_refused():
    raw = np.full((1, 1, 17), np.nan)
    assert set(fit_statistics(expand(raw, "compact"), "compact")[1]) == {1.0}
    for rows in (expand(raw[:0], "compact"), expand(raw, "reference76")):
        with pytest.raises(ValueError, match=r"one training sample.*47 col.*shape \("):
            fit_statistics(rows, "compact")


def test_a_preprocessing_comes_back_from_json_and_old_files_load():
    scale = Preprocessing.fit_series(train("compact", grids()), "ehr", layout="compact")
    again = Preprocessing.from_json(scale.to_json())
    assert again == scale
    assert again.series == {"ehr": {"layout": "compact", "hours": HOURS}}
    np.testing.assert_array_equal(
        again.transform("ehr", grids(2)), scale.transform("ehr", grids(2))
    )
    old = Preprocessing.from_json('{"mean": {"a": [1.0]}, "std": {"a": [2.0]}}')
    assert old.transform("a", np.array([[5.0]])).tolist() == [[2.0]]
    assert old.series == {} and old.raw_shape("a", (1,)) == (1,)


def test_tables_are_standardised_by_population_and_images_stay():
    rng = np.random.default_rng(0)
    table = rng.normal(3, 2, (50, 2))
    spec = Spec(TASK, (Modality("serum", (2,)), Modality("cxr", (4, 4, 1))))
    image = rng.integers(0, 256, (50, 4, 4, 1)).astype("uint8")
    samples = Samples(spec, np.arange(50) % 2, {"serum": table, "cxr": image})
    scale = Preprocessing.fit(samples, ("serum",))
    found = scale.apply(samples)
    expected = (table - table.mean(axis=0)) / table.std(axis=0)
    np.testing.assert_allclose(found.x["serum"], expected, rtol=1e-5, atol=1e-6)
    assert scale.transform("cxr", image) is image
    assert found.x["cxr"].dtype == "uint8"


def test_raw_rows_are_not_changed():
    scale = Preprocessing.fit_series(train("reference76", grids()), "ehr")
    raw, rows = grids(3), expand(grids(3), "reference76")
    before = rows.copy()
    scale.transform("ehr", raw)
    scale.standardised("ehr", rows)
    np.testing.assert_array_equal(raw, grids(3))
    np.testing.assert_array_equal(rows, before)


def test_raw_rows_of_another_length_are_refused():
    scale = Preprocessing.fit_series(train("reference76", grids()), "ehr")
    for bad in (grids()[:, :5], expand(grids(), "reference76"), grids()[0]):
        with pytest.raises(
            ValueError, match=r"'ehr' must have the shape \(6, 17\).*sha"
        ):
            scale.transform("ehr", bad)


TWELVE = {"mean": list(range(12)), "std": list(range(1, 13))}


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_statistics_of_others_are_read_in_order(tmp_path, suffix):
    path = tmp_path / f"published{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps(TWELVE))
    else:
        np.savez(path, **TWELVE)
    mean, std = map(np.array, statistics_from(path))
    assert mean[NUMBERS["reference76"]].tolist() == TWELVE["mean"]
    assert std[NUMBERS["reference76"]].tolist() == TWELVE["std"]
    assert mean[~continuous("reference76")].tolist() == [0] * 64
    samples = train("reference76", grids())
    scale = Preprocessing.fit_series(samples, "ehr", statistics=statistics_from(path))
    assert scale.mean["ehr"] == mean.tolist() and scale.std["ehr"] == std.tolist()
    with pytest.raises(ValueError, match=r"13 finite numbers.*\(12,\).*another layout"):
        statistics_from(path, "compact")
    with pytest.raises(ValueError, match=r"47 columns of layout 'compact'.*76 means"):
        Preprocessing.fit_series(
            train("compact", grids()), "ehr", layout="compact", statistics=(mean, std)
        )


def test_a_pickled_normaliser_is_refused_unopened(tmp_path):
    path = tmp_path / "ph_ts1.0.input_str:previous.start_time:zero.normalizer"
    path.write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(ValueError, match=r"\['.json', '.npz'\].*normalizer'. A pickle"):
        statistics_from(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mean": [0] * 12}, r"lists of 12 numbers.*KeyError: 'std'"),
        ({"mean": ["a"] * 12, "std": [1] * 12}, r"lists of 12 numbers.*ValueError"),
        ({"mean": [0] * 12, "std": [1] * 11}, r"\(12,\) and \(11,\)"),
        ({"mean": [0] * 12, "std": [1] * 11 + [0]}, r"smallest `std` 0.0"),
        ({"mean": [0] * 11 + [float("nan")], "std": [1] * 12}, r"12 finite numbers"),
        ([1, 2], r"TypeError"),
    ],
)
def test_bad_statistics_are_refused(tmp_path, values, message):
    path = tmp_path / "published.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ValueError, match=message):
        statistics_from(path)


def test_statistics_hold_no_objects(tmp_path):
    path = tmp_path / "published.npz"
    np.savez(path, mean=np.array([None] * 12), std=np.ones(12))
    with pytest.raises(ValueError, match=r"cannot be read.*ValueError"):
        statistics_from(path)
    path.write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(ValueError, match=r"cannot be read.*BadZipFile"):
        statistics_from(path)


SERIES = Spec(TASK, (Modality("ehr", (HOURS, 47)), Modality("cxr", (4, 4, 1))))


def predicted(tmp_path, **arrays):
    scale = Preprocessing.fit_series(train("compact", grids()), "ehr", layout="compact")
    np.savez(tmp_path / "new.npz", **arrays)
    return read_samples(tmp_path / "new.npz", SERIES, scale), scale


def test_new_samples_of_a_series_are_raw_hours_with_gaps(tmp_path):
    image = np.zeros((3, 4, 4, 1), "uint8")
    found, scale = predicted(tmp_path, ehr=grids(5, 2), rows_ehr=[2, 0], cxr=image)
    np.testing.assert_array_equal(found.x["ehr"], scale.transform("ehr", grids(5, 2)))
    assert found.pattern.tolist() == ["cxr+ehr", "cxr", "cxr+ehr"]
    found, _ = predicted(tmp_path, cxr=image)
    assert found.x["ehr"].shape == (0, HOURS, 47)


def test_bad_new_series_are_refused(tmp_path):
    infinite = grids()
    infinite[3, 2, 8] = np.inf
    with pytest.raises(ValueError, match=r"finite, or NaN.*1 infinite"):
        predicted(tmp_path, ehr=infinite)
    with pytest.raises(ValueError, match=r"'ehr' must have the shape \(6, 17\)"):
        predicted(tmp_path, ehr=np.zeros((2, HOURS, 47)))
