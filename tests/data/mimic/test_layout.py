"""Tables are found by name in every release's layout, or the error says where not."""

import gzip

import pytest

from mind_keras.data.mimic.layout import find_cxr_table, find_table, read_header

HEADER = "subject_id,hadm_id,race\n"


def put(root, name, text=HEADER):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


PLACES = ["hosp/a.csv.gz", "hosp/a.csv", "icu/a.csv.gz", "icu/a.csv"]
PLACES += ["core/a.csv.gz", "core/a.csv", "a.csv.gz", "a.csv"]


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_a_table_is_found_in_its_folder_the_earlier_place_first(tmp_path, number):
    for place in PLACES[number:]:
        put(tmp_path, place)
    assert find_table(tmp_path, "a", ["race"]) == tmp_path / PLACES[number]


def test_columns_are_found_by_name_in_any_order(tmp_path):
    path = put(tmp_path, "icu/a.csv", '\ufeffnew,"hadm_id",value\n1,2,3\n')
    assert read_header(path) == ["new", "hadm_id", "value"]
    assert find_table(tmp_path, "a", ["value", "hadm_id"]) == path


def test_a_missing_table_names_the_places_and_the_versions(tmp_path):
    with pytest.raises(ValueError, match=r"'admissions', which is in hosp/") as error:
        find_table(tmp_path, "admissions", [])
    text = str(error.value)
    for part in (str(tmp_path), "core/ in 1.0", "'hosp/admissions.csv.gz'"):
        assert part in text
    for part in ("'core/admissions.csv'", "'admissions.csv'", "holds hosp/ and icu/"):
        assert part in text
    with pytest.raises(
        ValueError, match=r"must hold the table 'other'\. Received none"
    ):
        find_table(tmp_path, "other", [])


def test_a_missing_column_names_the_versions_that_have_it(tmp_path):
    put(tmp_path, "core/admissions.csv", "hadm_id,ethnicity\n")
    message = r"none named \['race', 'x'\]; it has \['hadm_id', 'ethnicity'\]"
    with pytest.raises(ValueError, match=message) as error:
        find_table(tmp_path, "admissions", ["hadm_id", "race", "x"])
    assert "'race' is in MIMIC-IV 2.0 and later; 1.0 has 'ethnicity'." in str(
        error.value
    )
    assert "'x' is" not in str(error.value)


def test_cxr_tables_are_found_in_both_releases(tmp_path):
    old = put(tmp_path, "mimic-cxr-2.0.0-split.csv", "dicom_id,split\n")
    assert find_cxr_table(tmp_path, "split", ["split"]) == old
    new = put(tmp_path, "mimic-cxr-2.1.0-split.csv.gz", "dicom_id,split\n")
    assert find_cxr_table(tmp_path, "split", ["split"]) == new


def test_missing_cxr_tables_and_columns_are_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"Unknown table 'labels'. Known: .*'chexpert'"
    ):
        find_cxr_table(tmp_path, "labels", [])
    with pytest.raises(
        ValueError, match=r"'metadata' of.*'mimic-cxr-2.0.0-metadata.csv"
    ):
        find_cxr_table(tmp_path, "metadata", [])
    put(tmp_path, "mimic-cxr-2.0.0-split.csv", "dicom_id\n")
    with pytest.raises(ValueError, match=r"none named \['split'\]"):
        find_cxr_table(tmp_path, "split", ["split"])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv.gz", b"subject_id\n"),
        ("a.csv.gz", gzip.compress(b"subject_id" * 1000)[:-20]),
        ("a.csv", b"\xff\xfe\n"),
        ("a.csv", b""),
        ("a.csv.gz", b""),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=rf"{name} must .*Download it again"):
        find_table(tmp_path, "a", [])
