"""What an extraction is asked for: rules that decide the result, and their digest."""

import json

import pytest

from mind_keras.data.mimic.options import RULES, Options

CODES = "icd_version,kind,code,ccs\n9,code,4280,108\n10,code,I509,108\n"


@pytest.fixture
def lists(tmp_path):
    paths = tmp_path / "test.csv", tmp_path / "validation.csv"
    paths[0].write_text("1,1\n2,0\n")
    paths[1].write_text("1,0\n2,1\n")
    return paths


def options(**changes):
    return Options(**{"mimic_iv": "iv", "mimic_cxr": "cxr"} | changes)


CHANGES = [
    {"task": "phenotyping"},
    {"hours": 24},
    {"hours": 24},
    {"reference": "medfuse"},
    {"labs": True},
    {"intubated": "fifteen"},
    {"lookback_hours": 6.0},
    {"views": ("AP", "PA")},
    {"fractions": (0.6, 0.2, 0.2)},
    {"image_size": 64},
    {"labelled": False},
    {"mimic_cxr": None},
    {"mimic_iv": "other"},
    {"mimic_cxr": "other"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_whatever_decides_the_result_changes_the_digest(change):
    assert options(**change).digest != options().digest


def test_how_tables_are_read_changes_nothing():
    how = {"engine": "pandas", "chunk_rows": 7, "workers": 3}
    assert options(**how).digest == options().digest
    assert options(**how).rules() == options().rules()
    assert options(mimic_iv="./iv").digest == options().digest


def test_a_list_is_its_content_wherever_it_lies(tmp_path, lists):
    digest, rules = (
        options(split_files=lists).digest,
        options(split_files=lists).rules(),
    )
    moved = tmp_path / "moved.csv"
    lists[0].rename(moved)
    assert options(split_files=(moved, lists[1])).digest == digest
    assert options().digest != digest
    assert options(split_files=(lists[1], moved)).digest != digest
    moved.write_text("1,1\n2,1\n")
    assert options(split_files=(moved, lists[1])).digest != digest
    assert str(tmp_path) not in json.dumps(rules)


def test_rules_survive_json_and_are_those_of_new_stays(lists):
    change = {"hours": None, "views": ("AP", "PA"), "fractions": (0.6, 0.2, 0.2)}
    change |= {"task": "phenotyping", "labs": True, "split_files": lists}
    rules = json.loads(json.dumps(options(**change).rules()))
    new = Options.like(rules, mimic_iv="b", labelled=False)
    assert (new.mimic_iv, new.mimic_cxr, new.split_files) == ("b", None, None)
    assert new.labelled is False and new.views == ("AP", "PA") and new.hours is None
    expected = {name: value for name, value in rules.items() if name in RULES}
    assert {name: new.rules()[name] for name in RULES} == expected | {"labelled": False}


def test_the_table_of_codes_decides_the_labels(tmp_path):
    table = tmp_path / "codes.csv"
    table.write_text(CODES)
    asked = options(codes=table)
    assert asked.cohort()["codes"].group_of(9, "4280") == 108
    assert asked.cohort()["codes"].group_of(9, "4019") == 0
    assert options().cohort()["codes"].group_of(9, "4019") == 98
    assert asked.digest != options().digest
    expected = {"task": "mortality", "hours": 48, "reference": None, "labelled": True}
    assert options().cohort() | {"codes": None} == expected | {"codes": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "sepsis"}, r"Unknown task 'sepsis'. Known: \['mortality', 'phenoty"),
        ({"reference": "mine"}, r"one of \(None, 'medfuse'\). Received: 'mine'"),
        ({"hours": 0}, r"at least 1, or None for the whole stay. Received: 0"),
        ({"image_size": 7}, r"at least 8 pixels. Received: 7"),
        ({"fractions": (0.5, 0.5, 0.5)}, r"ractions.*0\.5"),
        ({"codes": "a", "mapping": "b"}, r"`codes` or from `mapping`. Received both"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_asked_for_is_told(change, message):
    with pytest.raises(ValueError, match=message):
        options(**change)


def test_rules_of_imported_data_are_not_those_of_raw_tables():
    with pytest.raises(ValueError, match=r"\['task', .*\(source: 'medfuse'\).*Import"):
        Options.like({"source": "medfuse", "clean": True}, mimic_iv="b")


def test_the_manifest_says_whether_images_were_asked_for():
    assert options().rules()["images"] is True
    assert options(mimic_cxr=None).rules()["images"] is False
