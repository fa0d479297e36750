"""New stays: raw tables, their extraction and raw grids give the same answers."""

import shutil

import keras
import numpy as np
import pandas as pd
import pytest
import tiny_icu
import tiny_icu_run
from scipy.special import expit, logit
from twin import twin
from typer.testing import CliRunner

from mind_keras.artifact import EXTRACTION, Run
from mind_keras.cli import app
from mind_keras.data.mimic.dataset import resize
from mind_keras.data.mimic.extraction import read_extraction
from mind_keras.evaluation.temperatures import Temperature, Temperatures
from mind_keras.new_samples import predict_file

COLUMNS = ["id", "pattern", "head", "label", "probability"]
KEYS = ["id", "head", "label"]


@pytest.fixture(scope="module")
def from_extraction(tmp_path_factory):
    path = tmp_path_factory.mktemp("said") / "extraction.csv"
    count = predict_file(tiny_icu_run.finished(), tiny_icu.folder(hours=6), path)
    assert count == len(tiny_icu.extraction(hours=6).samples)
    return pd.read_csv(path)


def keyed(table):
    return table.set_index(KEYS)["probability"].sort_index()


def test_of_an_extraction_the_test_stays_are_answered_as_in_the_run(from_extraction):
    known = pd.read_csv(tiny_icu_run.finished().path / "predictions.csv")
    known = known[known["model"] == "student"]
    assert from_extraction.columns.tolist() == COLUMNS
    found, expected = keyed(from_extraction), keyed(known)
    assert len(expected) and expected.index.isin(found.index).all()
    np.testing.assert_allclose(found[expected.index], expected, atol=1e-6)
    both = from_extraction.merge(known, on=KEYS)
    assert (both["pattern_x"] == both["pattern_y"]).all()


def test_raw_tables_are_answered_as_their_extraction(tmp_path, from_extraction):
    calls = []
    count = predict_file(
        tiny_icu_run.finished(),
        twin(),
        tmp_path / "raw.csv",
        progress=lambda stage, *_: calls.append(stage),
    )
    found, expected = keyed(pd.read_csv(tmp_path / "raw.csv")), keyed(from_extraction)
    # Of new stays more are answered: their outcome need not be known.
    assert count >= len(tiny_icu.extraction(hours=6).samples)
    np.testing.assert_allclose(found[expected.index], expected, atol=1e-6)
    assert set(calls) == {"chartevents", "images"}


def test_tables_without_films_are_answered_by_the_series_alone(
    tmp_path, from_extraction
):
    predict_file(tiny_icu_run.finished(), twin() / "mimic-iv", tmp_path / "raw.csv")
    table = pd.read_csv(tmp_path / "raw.csv")
    assert set(table["pattern"]) == {"ehr"} and set(table["head"]) == {"best", "ehr"}
    expected = keyed(from_extraction[from_extraction["head"] == "ehr"])
    found = keyed(table[table["head"] == "ehr"])
    np.testing.assert_allclose(found[expected.index], expected, atol=1e-6)


def test_raw_grids_and_pictures_in_a_file_are_answered_alike(tmp_path, from_extraction):
    made = tiny_icu.extraction(hours=6)
    has = made.samples["has_ehr"].to_numpy()
    pictured = np.flatnonzero(made.samples["image"] >= 0)
    arrays = {
        "id": made.samples["stay_id"].to_numpy(),
        "ehr": made.grid(np.flatnonzero(has), 6),
        "rows_ehr": np.flatnonzero(has),
        "cxr": resize(made.images[made.samples["image"].to_numpy()[pictured]], 16),
        "rows_cxr": pictured,
    }
    np.savez(tmp_path / "raw.npz", **arrays)
    predict_file(tiny_icu_run.finished(), tmp_path / "raw.npz", tmp_path / "said.csv")
    found = keyed(pd.read_csv(tmp_path / "said.csv"))
    expected = keyed(from_extraction)
    assert found.index.equals(expected.index)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_an_unlabelled_extraction_is_answered_too(tmp_path, from_extraction):
    path = tiny_icu.folder(labelled=False, hours=6)
    assert read_extraction(path).labels is None
    predict_file(tiny_icu_run.finished(), path, tmp_path / "said.csv")
    found, expected = keyed(pd.read_csv(tmp_path / "said.csv")), keyed(from_extraction)
    np.testing.assert_allclose(found[expected.index], expected, atol=1e-6)


def test_many_labels_are_told_one_below_the_other(tmp_path):
    done = tiny_icu_run.finished("phenotyping")
    predict_file(done, tiny_icu.folder("phenotyping", hours=6), tmp_path / "said.csv")
    table = pd.read_csv(tmp_path / "said.csv")
    assert set(table["label"]) == set(
        tiny_icu.extraction("phenotyping", hours=6).task.labels
    )
    known = pd.read_csv(done.path / "predictions.csv")
    expected = keyed(known[known["model"] == "student"])
    found = keyed(table)[expected.index]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_folder_for_a_run_on_other_data_is_refused(tmp_path):
    shutil.copytree(tiny_icu_run.finished().path, tmp_path / "run")
    (tmp_path / "run" / EXTRACTION).unlink()  # Other runs have none.
    for folder in (twin(), tiny_icu.folder(hours=6)):
        with pytest.raises(ValueError, match=r"run on hospital stays.*a \.csv or"):
            predict_file(Run(tmp_path / "run"), folder, tmp_path / "said.csv")
    assert not (tmp_path / "said.csv").exists()


def test_the_command_takes_a_folder_and_tells_an_error_in_a_line(
    tmp_path, monkeypatch, from_extraction
):
    monkeypatch.setenv("KERAS_BACKEND", keras.config.backend())
    words = ["predict", tiny_icu_run.finished().path, "--output", tmp_path / "said.csv"]

    def call(*more):
        return CliRunner().invoke(app, [str(word) for word in (*words, *more)])

    done = call(tiny_icu.folder(hours=6))
    assert done.exit_code == 0, done.output
    found, expected = keyed(pd.read_csv(tmp_path / "said.csv")), keyed(from_extraction)
    np.testing.assert_allclose(found[expected.index], expected, atol=1e-6)
    assert f"{len(tiny_icu.extraction(hours=6).samples)} samples: " in done.stdout
    done = call(tmp_path, "--overwrite")
    assert done.exit_code == 2 and "must hold the table 'patients'" in done.stderr


def test_raw_tables_for_a_run_on_imported_data_are_refused(tmp_path):
    shutil.copytree(tiny_icu_run.finished().path, tmp_path / "run")
    done = Run(tmp_path / "run")
    about = done.read_json("extraction.json") | {"options": {"source": "medfuse"}}
    done.write_json("extraction.json", about)
    with pytest.raises(ValueError, match=r"imported \(source: 'medfuse'\).*that extr"):
        predict_file(done, twin(), tmp_path / "said.csv")


def test_a_folder_that_is_neither_is_told_what_it_lacks(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(ValueError, match=r"must hold the table 'patients'"):
        predict_file(tiny_icu_run.finished(), tmp_path / "x", tmp_path / "said.csv")
    assert not (tmp_path / "said.csv").exists()


def test_tables_are_found_where_a_download_puts_them(tmp_path, from_extraction):
    (tmp_path / "mimiciv").mkdir()
    (tmp_path / "mimiciv" / "2.2").symlink_to(twin() / "mimic-iv")
    (tmp_path / "jpg").symlink_to(twin() / "mimic-cxr-jpg")
    predict_file(tiny_icu_run.finished(), tmp_path, tmp_path / "said.csv")
    found, expected = keyed(pd.read_csv(tmp_path / "said.csv")), keyed(from_extraction)
    np.testing.assert_allclose(found[expected.index], expected, atol=1e-6)


def test_stays_of_another_window_are_refused(tmp_path):
    # Their images would be of later hours than the model has learnt from.
    with pytest.raises(ValueError, match=r"window of the run's own, 6 hours.*of 48"):
        predict_file(tiny_icu_run.finished(), tiny_icu.folder(), tmp_path / "said.csv")


HEADS = ("best", "cxr", "ehr", "fusion")
PATTERNS = ("all", "cxr+ehr", "ehr")  # One without a film, of which there is no fit.


def calibrated_run(folder, kind="binary", heads=HEADS):
    """A run with a temperature of 2, 3, 4, ... for each head and pattern."""
    shutil.copytree(tiny_icu_run.finished().path, folder / "run")
    places = [(head, pattern) for head in heads for pattern in PATTERNS]
    values = {head: {} for head in heads}
    for number, (head, pattern) in enumerate(places, 2):
        values[head][pattern] = Temperature(float(number), 99)
    temperatures = Temperatures(kind, values)
    run = Run(folder / "run")
    run.write("calibration.json", temperatures.to_json())
    return run, temperatures


def test_calibrated_answers_have_the_temperatures_of_the_run(
    tmp_path, monkeypatch, from_extraction
):
    monkeypatch.setenv("KERAS_BACKEND", keras.config.backend())
    run, temperatures = calibrated_run(tmp_path)
    words = ["predict", run.path, tiny_icu.folder(hours=6), "--calibrated"]
    words += ["--output", tmp_path / "said.csv"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    table, plain = pd.read_csv(tmp_path / "said.csv"), from_extraction
    assert table.columns.tolist() == COLUMNS
    pd.testing.assert_frame_equal(table[COLUMNS[:-1]], plain[COLUMNS[:-1]])
    where = zip(plain["head"], plain["pattern"], strict=True)
    divided = logit(plain["probability"]) / [temperatures.of(*at).value for at in where]
    np.testing.assert_allclose(table["probability"], expit(divided), atol=1e-6)
    assert {"cxr", "cxr+ehr", "ehr"} >= set(plain["pattern"]) > {"ehr"}


def test_answers_that_nothing_was_fitted_for_are_named(tmp_path):
    run, temperatures = calibrated_run(tmp_path)
    temperatures.values["cxr"]["cxr+ehr"] = Temperature(1.0, 0, "T = 1: few")
    temperatures.values["ehr"]["all"] = Temperature(1.0, 0, "T = 1: few")
    run.write("calibration.json", temperatures.to_json())
    files = [tiny_icu.folder(hours=6), tmp_path / "said.csv"]
    # None of these stays needs the temperature for all other patterns.
    named = r"no temperature for these: \['cxr of cxr\+ehr \(T = 1: few\)'\]\. "
    with pytest.warns(UserWarning, match=named):
        predict_file(run, *files, calibrated=True)


def test_temperatures_that_are_not_the_runs_are_refused_before_data_are_read(tmp_path):
    nowhere, output = tmp_path / "nowhere.csv", tmp_path / "said.csv"
    shutil.copytree(tiny_icu_run.finished().path, tmp_path / "bare")
    (tmp_path / "bare" / "calibration.json").unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"need the calibration.json.*again with this"):
        predict_file(Run(tmp_path / "bare"), nowhere, output, calibrated=True)
    for name, options in {
        "kind": {"kind": "multiclass"},
        "heads": {"heads": HEADS[1:]},
    }.items():
        run, _ = calibrated_run(tmp_path / name, **options)
        with pytest.raises(ValueError, match=r"must be of the run's own student: bina"):
            predict_file(run, nowhere, output, calibrated=True)
    run.write("calibration.json", "{")
    with pytest.raises(ValueError, match=r"must be JSON of version 1"):
        predict_file(run, nowhere, output, calibrated=True)
    assert not output.exists()
