"""The source of ICU stays: made once, audited, and of the user's own lists."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_icu
from twin import twin

from mind_keras.data import cache
from mind_keras.data.mimic.extraction import read_extraction
from mind_keras.data.sources import icu, load

ROOTS = {name: twin() / name.replace("_", "-") for name in ("mimic_iv",)}
ROOTS["mimic_cxr"] = twin() / "mimic-cxr-jpg"
SMALL = {"image_size": 16, "fractions": tiny_icu.FRACTIONS}


def given(task="mortality", **options):
    """From the shared extraction."""
    path = options.pop("extraction", None) or tiny_icu.folder(task)
    return load("icu", extraction=path, task=task, **{"image_size": 16} | options)


def same(first, second):
    for (_, a), (_, b) in zip(first.items(), second.items(), strict=True):
        np.testing.assert_array_equal(a.id, b.id)
        np.testing.assert_array_equal(a.y, b.y)
        for name in a.spec.names:
            np.testing.assert_array_equal(a.x[name], b.x[name])
            np.testing.assert_array_equal(a.rows[name], b.rows[name])


def fail(*args, **options):
    raise AssertionError("it was made already")


def folders(cache):
    return sorted(path.name for path in (cache / "icu").iterdir())


def test_real_tables_are_extracted_once_per_option(tmp_path, monkeypatch):
    options = {"cache": tmp_path, **ROOTS, **SMALL}
    stages = []
    first = load("icu", **options, progress=lambda stage, *_: stages.append(stage))
    assert {"chartevents", "images"} == set(stages)
    with monkeypatch.context() as broken:
        broken.setattr(icu, "extract", fail)
        # How samples are made of it does not ask for another extraction.
        same(load("icu", **options), first)
        load("icu", **options, layout="compact", modalities=["ehr"], seed=3)
        with pytest.raises(AssertionError):
            load("icu", **options, hours=24)
    assert len(folders(tmp_path)) == 1
    for option in ({"hours": 24}, {"task": "phenotyping"}, {"labs": True}):
        load("icu", **options | option)
    load("icu", **options | {"fractions": (0.4, 0.3, 0.3)})
    # Of the published cohort some have died within the window.
    with pytest.raises(ValueError, match=r"violations of \['label_time'\]"):
        load("icu", **options, reference="medfuse")
    load("icu", **options, reference="medfuse", accept=["label_time"])
    found = folders(tmp_path)
    assert len(found) == 6
    assert [name.split("-")[0] for name in found] == ["mortality"] * 5 + ["phenotyping"]


def test_changed_tables_are_extracted_anew(tmp_path):
    shutil.copytree(twin() / "mimic-iv", tmp_path / "iv")
    options = {"mimic_iv": tmp_path / "iv", "cache": tmp_path, "modalities": ["ehr"]}
    load("icu", **options)
    path = tmp_path / "iv" / "icu" / "icustays.csv.gz"
    path.write_bytes(path.read_bytes() + b"\0" * 10)
    load("icu", **options)
    assert len(folders(tmp_path)) == 2


def test_an_interrupted_extraction_is_gone_on_with(tmp_path, monkeypatch):
    from mind_keras.data.mimic import extract as module

    options = {"cache": tmp_path, **ROOTS, **SMALL}
    with monkeypatch.context() as broken:
        broken.setattr(module, "assemble", fail)
        with pytest.raises(AssertionError):
            load("icu", **options)
    monkeypatch.setattr(module, "extract_series", fail)
    assert len(load("icu", **options).train)


def test_the_twin_is_generated_once_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.CACHE, str(tmp_path))
    options = {"stays": 120, "modalities": ["ehr"], **SMALL}
    stages = []
    first = load("icu", **options, progress=lambda stage, *_: stages.append(stage))
    assert stages[0] == "stays"
    with monkeypatch.context() as broken:
        broken.setattr(icu, "generate", fail)
        broken.setattr(icu, "extract", fail)
        same(load("icu", **options), first)
        with pytest.raises(AssertionError):
            load("icu", **options | {"twin_seed": 1})
        with pytest.raises(AssertionError):
            load("icu", **options | {"stays": 121})
    assert len([*(tmp_path / "twin").iterdir()]) == len(folders(tmp_path)) == 1
    # The same patients as in the twin of the other tests.
    ids = {i for _, part in first.items() for i in part.id}
    known = tiny_icu.extraction().samples
    assert ids == set(known.loc[known["has_ehr"], "stay_id"])


def test_the_users_cache_folder_is_the_default(tmp_path, monkeypatch):
    monkeypatch.delenv(cache.CACHE, raising=False)
    monkeypatch.setattr(cache, "user_cache_path", lambda name: tmp_path / name)
    load("icu", **ROOTS, **SMALL)
    assert folders(tmp_path / "mind_keras")


def test_an_extraction_that_is_given_is_taken_as_it_is(monkeypatch):
    for name in ("extract", "generate"):
        monkeypatch.setattr(icu, name, fail)
    made, data = tiny_icu.extraction(), given()
    ids = {i for _, part in data.items() for i in part.id}
    assert ids == set(made.samples["stay_id"])
    assert data.spec.shape("cxr") == (16, 16, 1) and data.spec.shape("ehr") == (48, 76)
    assert json.loads(data.documents["extraction.json"]) == made.manifest
    assert "No violation" in data.documents["audit.html"]
    assert sorted(data.documents) == ["audit.html", "extraction.json"]


def test_the_seed_decides_the_removal_and_not_the_split():
    missing = {"mechanism": "mcar", "rate": {"cxr": 0.5}}
    first, again, other = (given(seed=s, missing=missing) for s in (1, 1, 2))
    same(first, again)
    assert first.test.id.tolist() == other.test.id.tolist() or set(first.test.id) <= {
        *given().test.id
    }
    assert first.train.pattern.tolist() != other.train.pattern.tolist()


def leak(folder: Path) -> Path:
    """A patient of the training split is in the test split as well."""
    path = folder / "samples.csv"
    table = pd.read_csv(path)
    twice = table["subject_id"].duplicated(keep=False) & (table["split"] == "train")
    row = table.index[twice][0]
    table.loc[row, "split"] = "test"
    table.to_csv(path, index=False)
    return folder


def test_a_leak_is_refused_by_name_unless_it_is_accepted(tmp_path):
    path = leak(tiny_icu.copy(tmp_path, "phenotyping"))
    options = {"extraction": path, "modalities": ["ehr"]}
    with pytest.raises(ValueError) as error:
        given("phenotyping", **options)
    text = str(error.value)
    assert "violations of ['patients', 'split_rule']" in text
    assert "`data.accept: ['patients', 'split_rule']`" in text and "| patients" in text
    with pytest.raises(ValueError, match=r"violations of \['patients'\]"):
        given("phenotyping", **options, accept=["split_rule"])
    # What the audit lets pass, samples do not: no patient may be in two splits.
    with pytest.raises(ValueError, match="No group may be in two splits"):
        given("phenotyping", **options, accept=["split_rule", "patients"])


def test_an_accepted_violation_is_told_in_the_document(tmp_path):
    path = tiny_icu.copy(tmp_path)
    table = pd.read_csv(path / "samples.csv")
    alone = ~table["subject_id"].duplicated(keep=False) & (table["split"] == "train")
    table.loc[table.index[alone][0], "split"] = "test"
    table.to_csv(path / "samples.csv", index=False)
    with pytest.raises(ValueError, match=r"violations of \['split_rule'\]"):
        given(extraction=path)
    data = given(extraction=path, accept=["split_rule"])
    assert "accepted" in data.documents["audit.html"]


@pytest.fixture
def lists(tmp_path):
    """The user's lists, of the patients of the shared extraction."""
    split = tiny_icu.extraction().samples.set_index("subject_id")["split"].to_dict()
    for name in ("test", "validation"):
        lines = [f"{patient},{int(part == name)}" for patient, part in split.items()]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "test.csv", tmp_path / "validation.csv"


def test_the_users_lists_decide_the_split_and_are_checked(tmp_path, lists):
    options = {"cache": tmp_path, **ROOTS, "image_size": 16, "split_files": [*lists]}
    data = load("icu", **options)
    expected = given()
    for (_, a), (_, b) in zip(data.items(), expected.items(), strict=True):
        assert a.id.tolist() == b.id.tolist()
    assert "not given" not in data.documents["audit.html"]
    (name,) = folders(tmp_path)
    folder = tmp_path / "icu" / name
    assert "split_files" in read_extraction(folder).manifest["options"]["files"]
    # Made by one pair of lists, asked for with another.
    swapped = {"extraction": folder, "split_files": lists[::-1], "image_size": 16}
    with pytest.raises(ValueError, match=r"violations of \['split_rule'\]"):
        load("icu", **swapped)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mimic_cxr": "x"}, r"`mimic_cxr` without `mimic_iv`. Give both, or"),
        ({"hours": None}, r"one length.*hours=None.*--hours all.*`extraction`"),
        ({"mimic_iv": "nowhere"}, r"must hold the table 'patients'"),
        ({"task": "sepsis", "mimic_iv": "x"}, r"Unknown task 'sepsis'"),
        ({"extraction": "nowhere"}, r"must be a folder with manifest.json"),
    ],
    ids=str,
)
def test_what_cannot_be_loaded_is_told_before_anything_is_made(
    tmp_path, options, message
):
    with pytest.raises(ValueError, match=message):
        load("icu", cache=tmp_path, **options)
    assert {path.name for path in tmp_path.iterdir()} <= {"icu.lock"}


def test_an_extraction_of_another_task_is_refused():
    with pytest.raises(ValueError, match=r"task 'phenotyping'. Received.*'mortality'"):
        load("icu", extraction=tiny_icu.folder(), task="phenotyping")
    with pytest.raises(ValueError, match=r"Unknown option \['size'\] of source 'icu'"):
        load("icu", size=3)


def test_loads_that_begin_side_by_side_make_the_data_once(tmp_path):
    def stages(cache, times):
        options = {
            "stays": 60,
            "cache": tmp_path / cache,
            "accept": ["counts"],
            **SMALL,
        }
        told = []
        options["progress"] = lambda stage, *_: told.append(stage)
        with ThreadPoolExecutor(times) as pool:
            calls = [pool.submit(load, "icu", **options) for _ in range(times)]
        first, *others = (call.result() for call in calls)
        for other in others:
            same(other, first)
        return sorted(told)

    assert stages("alone", 1) == stages("side_by_side", 3)
