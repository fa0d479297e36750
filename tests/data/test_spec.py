"""The shared words refuse what later stages could not name or shape."""

import pytest

from mind_keras.spec import Modality, Spec, Task, pattern_modalities, pattern_name

BINARY = Task("death", kind="binary", labels=("death",))
MULTICLASS = Task("grade", kind="multiclass", labels=("low", "mid", "high"))
TABLE = Modality("a", (2,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Modality("id", (2,)), r"must not be named.*Received: 'id'"),
        (lambda: Modality("a+b", (2,)), r"must be a word"),
        (lambda: Modality("a", (2, 0)), r"positive sizes"),
        (lambda: Modality("a", 4), r"'a'.*whole numbers.*\(48, 76\). Received: 4"),
        (lambda: Modality("a", "48"), r"whole numbers.*Received: '48'"),
        (lambda: Modality("a", (4.5,)), r"whole numbers.*Received: \(4\.5,\)"),
        (lambda: Spec(BINARY, TABLE), r"`modalities` must be a tuple.*Received: Mod"),
        (lambda: Spec(BINARY, "ab"), r"`modalities` must be a tuple.*Received: 'ab'"),
        (lambda: Modality("a", (2,), features=("p", "p")), r"1 different names"),
        (lambda: Task("t", kind="binary", labels="death"), r"labels=\('death',\)"),
        (lambda: Task("t", kind="ordinal", labels=("x",)), r"one of \('binary'"),
        (lambda: Task("t", kind="multiclass", labels=("x",)), r"at least two"),
        (lambda: Spec(BINARY, (TABLE, TABLE)), r"different names"),
    ],
)
def test_bad_words_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_spec_survives_plain_values():
    spec = Spec(MULTICLASS, (Modality("t", (2,), ("p", "q")), Modality("i", (4, 4, 1))))
    assert Spec.from_dict(spec.to_dict()) == spec


def test_a_pattern_names_a_set_of_modalities():
    for names in (("b", "a"), ("a", "b")):
        assert pattern_name(names) == "a+b"
    assert pattern_modalities("a+b") == ("a", "b")
    spec = Spec(BINARY, tuple(Modality(name, (1,)) for name in "cab"))
    assert spec.patterns == ("a", "b", "c", "a+b", "a+c", "b+c", "a+b+c")
    assert spec.complete == "a+b+c"
