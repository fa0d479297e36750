"""Lists of patients are read as text, in the forms that people have."""

import gzip

import pytest

from mind_keras.data.audit.patients import read_ids

FORMS = {
    "lines.txt": "10000032\n10000084\n\n",
    "one.csv": "subject_id\n10000032\n10000084\n",
    "more.csv": "study_id,subject_id\n5,10000032\n6,10000084\n7,10000084\n",
    "blank.csv": "study_id,subject_id\n5,10000032.0\n6,\n7, 10000084\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_give_the_same_patients(tmp_path, name):
    path = tmp_path / name
    path.write_text(FORMS[name])
    assert read_ids(path) == {"10000032", "10000084"}
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(FORMS[name].encode()))
    assert read_ids(packed) == {"10000032", "10000084"}


BAD = {
    "a,b\n1,2\n": r"column `subject_id`.*Received: x.csv.*\['a', 'b'\]",
    "1,2\n3,4\n": r"column `subject_id`.*\['1', '2'\]",
    "patient\n1\n": r"column `subject_id`.*\['patient'\]",
    "subject_id\n": r"at least one. Received: x.csv",
    "": r"at least one. Received: x.csv",
}


@pytest.mark.parametrize(("text", "message"), BAD.items(), ids=repr)
def test_other_files_are_refused(tmp_path, text, message):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_ids(path)
