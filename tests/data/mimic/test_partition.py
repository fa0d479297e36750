"""The partition: by the id alone, about in the shares stated, or as the lists say."""

from hashlib import blake2b

import numpy as np
import pandas as pd
import pytest

from mind_keras.data.mimic.partition import as_ids, assign

PATIENTS = np.arange(10_000_000, 10_004_000)


def write(folder, name, lines) -> str:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_part_is_the_hash_of_salt_and_id():
    for salt in ("mind_keras", "another"):
        wanted = []
        for patient in PATIENTS[:300]:
            digest = blake2b(f"{salt}:{patient}".encode(), digest_size=8).hexdigest()
            bucket = int(digest, 16) % 10_000
            part = "train" if bucket >= 2800 else "validation"
            wanted.append("test" if bucket < 2000 else part)
        assert [*assign(PATIENTS[:300], salt=salt)] == wanted


def test_shares_are_about_20_8_and_72_percent():
    share = assign(PATIENTS).value_counts(normalize=True)
    # Four standard deviations of a binomial share of 4,000.
    for part, wanted in {"test": 0.2, "validation": 0.08, "train": 0.72}.items():
        assert abs(share[part] - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / 4_000)


def test_other_patients_and_their_order_change_nothing_for_one():
    whole = assign(PATIENTS).set_axis(PATIENTS)
    some = np.random.default_rng(0).permutation(PATIENTS)[:500]
    assert [*assign(some)] == [*whole[some]]
    assert [*assign(np.repeat(some[:5], 3))] == [*np.repeat(whole[some[:5]], 3)]


@pytest.mark.parametrize(
    "convert",
    [
        lambda ids: [str(i) for i in ids],
        lambda ids: [f" {i} " for i in ids],
        lambda ids: ids.astype("float64"),
        lambda ids: pd.array(ids, dtype="Int64"),
        lambda ids: ids.astype("int32"),
        lambda ids: ids.astype(object),
    ],
)
def test_a_number_and_its_text_are_one_patient(tmp_path, convert):
    some = PATIENTS[:40]
    assert [*assign(convert(some))] == [*assign(some)]
    test = write(tmp_path, "test.csv", [f"{p},{int(p % 2)}" for p in some])
    validation = write(tmp_path, "val.csv", [f"{p},0" for p in some[::2]])
    listed = assign(convert(some), files=(test, validation))
    assert [*listed] == ["test" if p % 2 else "train" for p in some]


def test_the_index_of_a_series_stays():
    ids = pd.Series(PATIENTS[:3], index=["a", "b", "c"])
    parts = assign(ids)
    assert [*parts.index] == ["a", "b", "c"] and parts.name == "split"
    assert assign([]).tolist() == []


@pytest.mark.parametrize("header", [[], ["subject_id,split"], ["\ufeffsubject_id,x"]])
def test_lists_decide_who_tests_and_validates_and_the_rest_trains(tmp_path, header):
    test = write(tmp_path, "test.csv", [*header, "1,1", "2,0", "3,0", "4,0"])
    validation = write(tmp_path, "val.csv", [*header, "2,1", "3,0", "", " 4 , 0 "])
    parts = assign([4, 3, 2, 1, 9], files=(test, validation))
    assert [*parts] == ["train", "train", "validation", "test", "train"]


@pytest.mark.parametrize(
    ("test", "validation", "message"),
    [
        (["1,1", "2,0"], ["1,1"], r"not be in both .*1 in test.csv.*\['1'\]"),
        (["1,1", "1,0"], ["2,1"], "test.csv must have.*both for 1 patients, such as 1"),
        (["1,yes"], ["2,1"], "lines `subject_id,0` or `subject_id,1`.*'1,yes', 1 such"),
        (["1,"], ["2,1"], "Received: '1,'"),
        (["1,01"], ["2,1"], "Received: '1,01'"),
        ([",1"], ["2,1"], "Received: ',1'"),
        (["1,1,1"], ["2,1"], "Received: '1,1,1'"),
        ([], ["2,1"], "an empty file"),
        (["7,1"], ["8,1"], "(?s)must be of these patients.*7.*the 3 given, such as 1"),
    ],
    ids=str,
)
def test_lists_that_contradict_or_do_not_fit_are_refused(
    tmp_path, test, validation, message
):
    files = write(tmp_path, "test.csv", test), write(tmp_path, "val.csv", validation)
    with pytest.raises(ValueError, match=message):
        assign([1, 2, 3], files=files)


def test_two_files_are_needed(tmp_path):
    with pytest.raises(ValueError, match=r"`files` must be two files.*'a.csv'"):
        assign([1], files="a.csv")
    with pytest.raises(ValueError, match=r"val.csv must have.*no such file"):
        test = write(tmp_path, "test.csv", ["1,1"])
        assign([1], files=(test, tmp_path / "val.csv"))


@pytest.mark.parametrize("ids", [[1.0, np.nan], [1.5], ["7", None], ["7", " "]])
def test_an_id_must_be_whole(ids):
    with pytest.raises(ValueError, match=r"A patient's id must be.*Received"):
        as_ids(ids)
