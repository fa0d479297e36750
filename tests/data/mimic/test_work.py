"""An output folder: whose it is, and what an interruption leaves in it."""

import json

import numpy as np
import pytest

from mind_keras.data.mimic.work import Work


def begin(path, digest="a", *, resume=False, overwrite=False):
    return Work.claim(path, digest, resume=resume, overwrite=overwrite)


def names(path):
    return sorted(file.name for file in path.iterdir())


def never():
    raise AssertionError("it was made already")


def test_what_was_made_once_is_read_back_by_the_same_work_alone(tmp_path):
    path = tmp_path / "deep" / "x"
    arrays = {"grid": np.array([[np.nan, 1.5]], "float32"), "hours": np.arange(3)}
    first = begin(path).once("events", lambda: arrays)
    again = begin(path, resume=True).once("events", never)
    for made in (first, again):
        assert sorted(made) == ["grid", "hours"]
        for name, array in arrays.items():
            np.testing.assert_array_equal(made[name], array)
            assert made[name].dtype == array.dtype
    anew = begin(path, overwrite=True)
    assert not (path / "work" / "events.npz").exists()
    with pytest.raises(AssertionError):
        anew.once("events", never)


def test_a_failure_while_something_is_made_leaves_nothing_of_it(tmp_path):
    work = begin(tmp_path / "x")
    with pytest.raises(ZeroDivisionError):
        work.once("events", lambda: {"grid": 1 / 0})
    assert names(tmp_path / "x" / "work") == ["request.json"]


def test_work_that_is_done_leaves_only_what_was_made(tmp_path):
    work = begin(tmp_path / "x")
    (tmp_path / "x" / "manifest.json").write_text("{}")
    work.finish()
    assert names(tmp_path / "x") == ["manifest.json"]
    for resume in (False, True):
        with pytest.raises(ValueError, match="a finished extraction"):
            begin(tmp_path / "x", resume=resume)
    begin(tmp_path / "x", overwrite=True)
    assert names(tmp_path / "x") == ["work"]


def test_a_folder_that_is_empty_or_new_is_taken_and_resume_begins_there(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "early" / "work").mkdir(parents=True)  # Stopped before it said what.
    (tmp_path / "early" / "work" / ".request.part1.json").touch()
    for name in ("empty", "new", "early"):
        begin(tmp_path / name, "digest", resume=True)
        assert names(tmp_path / name) == ["work"]
        request = tmp_path / name / "work" / "request.json"
        assert json.loads(request.read_text()) == {"digest": "digest"}


@pytest.mark.parametrize("option", [{}, {"resume": True}, {"overwrite": True}])
@pytest.mark.parametrize("other", ["samples.csv", "manifest.json.bak", "photos"])
def test_a_folder_of_somebody_else_is_refused(tmp_path, option, other):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / other).write_text("mine")
    with pytest.raises(ValueError, match=r"new folder, or hold an extraction.*Choose"):
        begin(tmp_path / "x", **option)
    assert names(tmp_path / "x") == [other]


@pytest.mark.parametrize("option", [{}, {"resume": True}, {"overwrite": True}])
def test_a_file_beside_the_work_is_not_deleted_with_it(tmp_path, option):
    begin(tmp_path / "x")
    (tmp_path / "x" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="which holds other files"):
        begin(tmp_path / "x", **option)
    assert names(tmp_path / "x") == ["notes.txt", "work"]


def test_what_a_killed_process_left_half_written_does_not_stand_in_the_way(tmp_path):
    begin(tmp_path / "x")
    for name in (".images.npy.part", ".samples.part77.csv", "images.npy.journal"):
        (tmp_path / "x" / name).touch()
    begin(tmp_path / "x", resume=True)
    begin(tmp_path / "x", overwrite=True)
    assert names(tmp_path / "x") == ["work"]


def test_what_is_there_is_told_with_its_cure(tmp_path):
    begin(tmp_path / "x")
    with pytest.raises(ValueError, match=r"an interrupted .*with --resume, or replace"):
        begin(tmp_path / "x")
    with pytest.raises(ValueError, match=r"others than those that began.*--overwrite"):
        begin(tmp_path / "x", "b", resume=True)
    begin(tmp_path / "x", "b", overwrite=True)
    begin(tmp_path / "x", "b", resume=True)
    (tmp_path / "x" / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match=r"a finished extraction\. replace it by --ov"):
        begin(tmp_path / "x")
