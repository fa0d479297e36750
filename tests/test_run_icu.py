"""A run on hospital stays: what it leaves for others, and nothing of a patient."""

import json
import shutil

import keras
import numpy as np
import pandas as pd
import pytest
import tiny_icu
import tiny_icu_run
from scipy.special import expit

from mind_keras import run as run_module
from mind_keras.artifact import DOCUMENTS, Run, load_run
from mind_keras.data.mimic.dataset import to_splits
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.run import run

TASKS = ("mortality", "phenotyping")


def data(task="mortality"):
    return to_splits(tiny_icu.extraction(task, hours=6), hours=6, image_size=16)


def said(done, model="student", head="best"):
    """Probabilities of the test stays, `(stays, labels)` in the order of ids."""
    table = pd.read_csv(done.path / "predictions.csv")
    table = table[(table["model"] == model) & (table["head"] == head)]
    return table.pivot(index="id", columns="label", values="probability")


def copy(folder, task="mortality"):
    shutil.copytree(tiny_icu_run.finished(task).path, folder / "run")
    return Run(folder / "run")


@pytest.mark.parametrize("task", TASKS)
def test_a_run_tells_how_its_data_were_made_and_that_the_audit_passed(task):
    done = tiny_icu_run.finished(task)
    assert (
        done.read_json("extraction.json") == tiny_icu.extraction(task, hours=6).manifest
    )
    page = done.read("audit.html")
    assert "No violation" in page and "duplicate_images" in page
    assert load_run(done.path).summary()["source"] == "icu"


@pytest.mark.parametrize("task", TASKS)
def test_no_row_of_a_patient_is_in_the_documents_of_a_run(task):
    samples = tiny_icu.extraction(task, hours=6).samples
    images = tiny_icu.extraction(task, hours=6).image_table
    done = tiny_icu_run.finished(task)
    for name in DOCUMENTS:
        text = done.read(name)
        for column in ("stay_id", "subject_id"):
            assert not [i for i in samples[column] if str(i) in text], name
        assert not [i for i in images["dicom_id"] if i in text], name


@pytest.mark.parametrize("task", TASKS)
def test_the_preprocessing_that_is_kept_is_that_of_the_samples(task):
    kept, expected = tiny_icu_run.finished(task).preprocessing(), data(task)
    assert kept == expected.preprocessing
    assert Preprocessing.from_json(kept.to_json()) == kept
    assert kept.series == {"ehr": {"layout": "reference76", "hours": 6}}
    made = tiny_icu.extraction(task, hours=6)
    index = np.flatnonzero(made.samples["has_ehr"] & (made.samples["split"] == "test"))
    np.testing.assert_allclose(
        kept.transform("ehr", made.grid(index, 6)), expected.test.x["ehr"], atol=1e-6
    )


@pytest.mark.parametrize("task", TASKS)
def test_the_part_for_series_answers_stays_without_an_image(task):
    done, test = tiny_icu_run.finished(task), data(task).test
    part = keras.saving.load_model(done.path / "student.ehr.keras")
    logits = part.predict({"ehr": test.x["ehr"]}, verbose=0)["ehr"]
    assert logits.shape == (test.has("ehr").sum(), len(test.spec.task.labels))
    found = said(done, head="ehr")[list(test.spec.task.labels)]
    expected = found.loc[test.id[test.has("ehr")]]
    np.testing.assert_allclose(expit(logits), expected, atol=1e-5)
    # Who has no image is answered by this head, as the best that there is.
    alone = test.id[test.pattern == "ehr"]
    best = said(done)[list(test.spec.task.labels)]
    assert len(alone)
    np.testing.assert_allclose(best.loc[alone], found.loc[alone], atol=1e-6)


def test_an_image_alone_is_answered_by_the_part_for_images():
    done, test = tiny_icu_run.finished("phenotyping"), data("phenotyping").test
    part = keras.saving.load_model(done.path / "student.cxr.keras")
    logits = part.predict({"cxr": test.x["cxr"]}, verbose=0)["cxr"]
    found = said(done, head="cxr")[list(test.spec.task.labels)]
    assert len(logits)
    expected = found.loc[test.id[test.has("cxr")]]
    np.testing.assert_allclose(expit(logits), expected, atol=1e-5)


def test_many_labels_have_a_number_each_and_one_of_all():
    rows = pd.DataFrame(tiny_icu_run.finished("phenotyping").read_json("metrics.json"))
    of_best = (rows["model"] == "student") & (rows["head"] == "best")
    auroc = rows[of_best & (rows["metric"] == "auroc") & (rows["pattern"] == "all")]
    each, mean = auroc[auroc["label"].notna()], auroc[auroc["label"].isna()]
    labels = tiny_icu.extraction("phenotyping", hours=6).task.labels
    assert sorted(each["label"]) == sorted(labels)
    assert len(mean) == 1
    assert float(mean["value"].iloc[0]) == pytest.approx(each["value"].mean())


def test_an_interrupted_run_goes_on_with_its_models(tmp_path):
    before = copy(tmp_path)
    for name in ("summary.json", "metrics.json", "predictions.csv", *DOCUMENTS):
        (before.path / name).unlink()
    models = [before.file_of(name) for name in ("student", "teacher:cxr:0")]
    kept = [file.stat().st_mtime_ns for file in models]
    after = run(tiny_icu_run.config(), before.path, resume=True)
    assert [file.stat().st_mtime_ns for file in models] == kept
    whole = tiny_icu_run.finished()
    np.testing.assert_allclose(said(after), said(whole), atol=1e-5)
    for name in DOCUMENTS:
        assert after.read(name) == whole.read(name)


def test_data_that_leak_are_refused_before_there_is_a_folder(tmp_path):
    path = tiny_icu.copy(tmp_path, hours=6)
    table = pd.read_csv(path / "samples.csv")
    table["prediction_time"] = table["intime"]
    table.to_csv(path / "samples.csv", index=False)
    about = tiny_icu_run.config().data.model_dump() | {"extraction": str(path)}
    with pytest.raises(ValueError, match=r"must pass the audit.*'image_time'"):
        run(tiny_icu_run.config(data=about), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_on_other_data_has_no_documents(tmp_path, monkeypatch):
    done = copy(tmp_path)

    def stop(*args, **options):
        raise RuntimeError("that is enough")

    monkeypatch.setattr(run_module, "train", stop)
    values = tiny_icu_run.config().model_dump() | {"data": {"source": "diabetes"}}
    encoders = {"encoders": {name: "mlp" for name in ("serum", "vitals")}}
    values |= {"teachers": {}, "student": encoders}
    other = type(tiny_icu_run.config())(**values)
    with pytest.raises(RuntimeError, match="enough"):
        run(other, done.path, overwrite=True)
    assert not [name for name in DOCUMENTS if (done.path / name).exists()]
    assert json.loads(done.read("environment.json"))
