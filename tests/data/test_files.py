"""New samples from files: raw values in, preprocessed rows out, or a clear error."""

import numpy as np
import pytest

from mind_keras.data.files import read_samples
from mind_keras.data.preprocessing import Preprocessing
from mind_keras.spec import Modality, Spec, Task

TASK = Task("death", kind="binary", labels=("death",))
SPEC = Spec(
    TASK,
    (
        Modality("vital", (2,), ("age", "bp")),
        Modality("serum", (2,), ("k", "bp")),
        Modality("plain", (2,)),
        Modality("image", (4, 4, 1)),
    ),
)
SCALE = Preprocessing({"vital": [50.0, 80.0]}, {"vital": [10.0, 20.0]})
HEADER = "id,serum.bp,age,vital.bp,k,plain.0,plain.1\n"
FULL = HEADER + "p1,7,60,100,4,1,2\np2,8,,,5,NA,nan\np3, ,40,80,,,\n"


def read(tmp_path, text, name="new.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8-sig")
    return read_samples(path, SPEC, SCALE)


def test_csv_rows_exist_where_a_modality_has_values(tmp_path):
    found = read(tmp_path, FULL)
    assert found.id.tolist() == ["p1", "p2", "p3"] == found.group.tolist()
    assert found.pattern.tolist() == ["plain+serum+vital", "serum", "vital"]
    # (60 - 50) / 10, (100 - 80) / 20; the others are not standardised.
    np.testing.assert_allclose(found.x["vital"], [[1, 1], [-1, 0]])
    np.testing.assert_allclose(found.x["serum"], [[4, 7], [5, 8]])
    np.testing.assert_allclose(found.x["plain"], [[1, 2]])
    assert found.x["image"].shape == (0, 4, 4, 1)
    assert {x.dtype.name for x in found.x.values()} == {"float32"}


def test_columns_of_a_whole_modality_may_be_absent_and_groups_given(tmp_path):
    found = read(tmp_path, "age,group,id,vital.bp\n60,NA,7,100\n40,NA,007,80\n")
    assert found.pattern.tolist() == ["vital", "vital"]
    assert found.id.tolist() == ["7", "007"]
    assert found.group.tolist() == ["NA", "NA"]


BAD = {
    "cell": (
        "p1,7,60,1OO,4,1,2",
        r"finite numbers.*row 1 \(id 'p1'\), column 'vital.bp': '1OO'",
    ),
    "infinite": ("p1,7,inf,1,4,1,2", r"finite numbers.*column 'age': 'inf'"),
    "partly": (
        "p0,1,1,1,1,1,1\np1,7,60,,4,1,2",
        r"blank for a whole.*row 2 \(id 'p1'\), column 'vital.bp': ''",
    ),
    "empty": ("p1,,,,,,", r"at least one modality.*1 without any.*'p1'"),
    "no rows": ("", r"at least one sample"),
    "id": (",7,60,100,4,1,2", r"`id` must be known.*1 missing"),
    "twice": ("p,7,6,1,4,1,2\np,7,6,1,4,1,2", r"`id` must differ.*1 repeated"),
    "surplus": ("p1,7,60,100,4,1,2,9", r"as many cells in each row"),
}


@pytest.mark.parametrize(("line", "message"), BAD.values(), ids=BAD)
def test_bad_cells_are_refused_by_row_column_and_value(tmp_path, line, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, HEADER + line + "\n")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,age,bp", r"out of \['group'.*'vital.bp'.*unknown: \['bp'\]"),
        ("name,age,vital.bp", r"must have the column 'id'"),
        ("id,age,age", r"unknown: \['age.1'\]"),
        ("id,age,k", r"all columns of modality 'vital', or none.*\['vital.bp'\]"),
    ],
)
def test_bad_columns_are_refused_with_the_known(tmp_path, header, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, header + "\n1,2,3\n")


def test_an_unknown_file_type_lists_the_known(tmp_path):
    with pytest.raises(ValueError, match=r"type \['.csv', '.npz'\].*'new.xlsx'"):
        read(tmp_path, FULL, "new.xlsx")


def save(tmp_path, **arrays):
    np.savez(tmp_path / "new.npz", **arrays)
    return read_samples(tmp_path / "new.npz", SPEC, SCALE)


def test_npz_rows_belong_to_the_samples_named(tmp_path):
    image = np.arange(32, dtype="uint8").reshape(2, 4, 4, 1)
    vital = np.array([[60.0, 100], [50, 80], [40, 60]])
    ids = ["x", "y", "z"]
    found = save(tmp_path, image=image, rows_image=[2, 0], vital=vital, id=ids)
    assert found.id.tolist() == ids
    assert found.pattern.tolist() == ["image+vital", "vital", "image+vital"]
    row = found.x["image"][found.rows_of("image", np.array([0]))[0]]
    np.testing.assert_array_equal(row, image[1])
    np.testing.assert_allclose(found.x["vital"], [[1, 1], [0, 0], [-1, -1]])


def test_npz_without_ids_counts_the_samples(tmp_path):
    assert save(tmp_path, vital=np.zeros((3, 2))).id.tolist() == [0, 1, 2]


def one(value):
    return np.full((1, 2), value, object if value is None else None)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ecg": one(0)}, r"out of \['id', 'group', 'image'.*unknown \['ecg'\]"),
        ({"vital": one(np.nan)}, r"'vital' must be finite.*2 NaN"),
        ({"vital": one(None)}, r"no objects"),
        ({"vital": np.zeros((1, 3))}, r"'vital' must have the shape \(2,\)"),
        ({"vital": np.zeros((1, 2)), "id": [1, 2]}, r"1 rows, and sample numbers"),
        ({"vital": np.zeros((1, 2)), "id": [1, 2], "rows_vital": [0]}, r"without any"),
        ({"vital": np.zeros((0, 2))}, r"at least one sample"),
    ],
)
def test_bad_arrays_are_refused(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        save(tmp_path, **arrays)


def test_a_corrupt_archive_is_refused_by_name(tmp_path):
    path = tmp_path / "new.npz"
    np.save(path.with_suffix(".npy"), np.zeros((1, 2)))
    for content in (b"PK\x03\x04 cut", b"", path.with_suffix(".npy").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"new.npz must be an archive"):
            read_samples(path, SPEC, SCALE)
