"""What models are, in words."""

from mind_keras.controls import CONTROLS
from mind_keras.report.glossary import meaning


def test_every_control_is_explained():
    names = (*CONTROLS, "student", "teacher:ehr:0", "unimodal:ehr")
    assert [name for name in names if not meaning(name)] == []


def test_an_unknown_name_says_nothing():
    assert meaning("mine") == ""
