"""Phenotypes: each code in its group, by version, newer ones by their relatives."""

import numpy as np
import pandas as pd
import pytest
import yaml
from hospital import write_hospital

from mind_keras.data.mimic.codes import (
    COLUMNS,
    Codes,
    clean,
    load_codes,
    read_mapping,
)
from mind_keras.data.mimic.diagnoses import label_phenotypes
from mind_keras.data.mimic.phenotypes import GROUPS, NAMES, PHENOTYPES

# By hand, from the public lists of the CCS: group, ICD-9 codes, ICD-10 codes.
KNOWN = """
157 | 5849 5845 | N179 N170 N19
109 | 43491 43311 | I6350 I639 I610 I6200
100 | 41071 | I214 I222
106 | 42731 42732 42789 | I4891 I480 I4892 I472
158 | 5859 585 5856 V4511 | N189 N186 Z992
127 | 496 49121 | J449 J441 J479
238 | 99811 99731 99802 | I9581 J95821 T8119XA T8144XA
105 | 42611 4260 | I440 I442
108 | 4280 | I509 I5021
101 | 41401 | I2510 I209 Z951
50  | 25060 25002 | E1140 E1122 E11649
49  | 25000 | E119 E109
53  | 2724 | E785 E7800
98  | 4019 | I10
55  | 2761 27651 2768 | E871 E876 E8770 E872
153 | 5789 53240 5693 | K922 K920 K625 K254
99  | 40390 | I129 I110 I132 I161
151 | 5715 | K7469 K7460 K7290
133 | 515 | J8410 R042
134 | 47874 51919 | J398 J384
130 | 5119 5180 5128 | J918 J90 J939 J9811
122 | 486 4820 | J189 J181 A481
131 | 51881 51884 | J9600 J9601 J9622 J80
2   | 0389 99592 7907 0031 | A419 A4189 R6520 B377
249 | 78552 78551 | R6521 R570 R579
0   | 5070 4275 5770 41519 43310 49322 57410 | J690 I469 K8500 I2699 G459 J4541 D62
0   | 4240 20280 | K219 C3490 F329 I951 I82409 R7881 K5731 Z8673
"""
# Introduced after the table was made, or valid only there as the head of newer ones.
NEWER = {
    **dict.fromkeys(["I4811", "I4819", "I4820", "I4821", "I4710", "I4721"], 106),
    **dict.fromkeys(["N1830", "N1831", "N1832"], 158),
    **dict.fromkeys(["E8720", "E8721", "E8722", "E8729"], 55),
    **dict.fromkeys(["J1282", "J1561", "J1569"], 122),
    **dict.fromkeys(["J4481", "J4489"], 127),
    **dict.fromkeys(["K7401", "K7682"], 151),
    **dict.fromkeys(["I202", "I2081", "I25112"], 101),
    **{"A4154": 2, "I21B": 100, "J9587": 238, "T8082XA": 238, "J84170": 133},
}
# Newer codes of other groups, or of categories that more than one group shares.
NEWER_NONE = (
    *("I5A", "I1A0", "I2693", "I7110", "K2281", "E88810", "J4A0", "U071", "R519"),
    *("E11A", "N1411", "D8982", "F32A", "G9332", "I3139"),
)


@pytest.fixture(scope="module")
def codes() -> Codes:
    return load_codes()


def known() -> list[tuple[int, str, int]]:
    table = []
    for line in KNOWN.strip().splitlines():
        group, *lists = line.split("|")
        for version, text in zip((9, 10), lists, strict=True):
            table += [(version, code, int(group)) for code in text.split()]
    return table


def test_known_codes_are_in_the_groups_of_the_public_lists(codes):
    versions, texts, groups = zip(*known(), strict=True)
    assert len(texts) >= 60
    found = codes.groups_of(versions, texts)
    wrong = {t: g for t, g, w in zip(texts, found, groups, strict=True) if g != w}
    assert wrong == {}


def test_codes_newer_than_the_table_go_with_their_relatives(codes):
    listed = set(codes.table.query("icd_version == 10 and kind == 'code'")["code"])
    assert not listed & set(NEWER)
    found = codes.groups_of([10] * len(NEWER), [*NEWER])
    assert dict(zip(NEWER, found.tolist(), strict=True)) == NEWER
    # Of the ICD-9, which has none, the heads of codes.
    assert codes.groups_of([9] * 4, ["428", "4282", "585", "401"]).tolist() == [
        *(108, 108, 158, 0)
    ]


def test_a_newer_code_without_relatives_of_one_mind_is_in_no_group(codes):
    found = codes.groups_of([10] * len(NEWER_NONE), NEWER_NONE)
    assert found.tolist() == [0] * len(NEWER_NONE)


def test_no_prefix_is_shorter_than_a_category(codes):
    found = codes.groups_of([10] * 4 + [9] * 3, ["I4", "J", "", "N1", "42", "4", "V"])
    assert not found.any()
    shortest = codes.table.query("kind == 'prefix'")["code"].str.len().min()
    assert shortest == 3


def test_the_version_tells_codes_of_the_same_letters_apart(codes):
    # In the ICD-9 E892, E895 and E896 are causes of fires and burns.
    for code in ("E892", "E895", "E896"):
        assert codes.group_of(10, code) == 238
        assert codes.group_of(9, code) == 0
    assert codes.group_of(9, "I4891") == codes.group_of(10, "42731") == 0


@pytest.mark.parametrize("text", ["I48.91", " I4891 ", "i4891", "I4891  ", "I48.91 "])
def test_dots_blanks_and_small_letters_do_not_count(codes, text):
    assert codes.group_of(10, text) == 106


def test_many_codes_are_looked_up_as_each_alone(codes):
    rng = np.random.default_rng(0)
    pool = [(v, c) for v, c, _ in known()] + [(10, c) for c in NEWER]
    drawn = [pool[k] for k in rng.integers(len(pool), size=200)]
    versions, texts = zip(*drawn, strict=True)
    alone = [codes.group_of(v, t) for v, t in zip(versions, texts, strict=True)]
    assert codes.groups_of(versions, texts).tolist() == alone
    assert len(set(alone)) > 20
    series = pd.Series(texts, index=rng.permutation(200))
    assert codes.groups_of(pd.Series(versions), series).tolist() == alone


def test_missing_versions_and_codes_have_no_group_and_others_are_refused(codes):
    versions = pd.array([10, None, 9], dtype="Int64")
    assert codes.groups_of(versions, ["I10", "I10", None]).tolist() == [98, 0, 0]
    assert codes.groups_of([], []).shape == (0,)
    with pytest.raises(ValueError, match=r"`icd_version` must be one of \(9, 10\).*11"):
        codes.group_of(11, "BA00")


def test_the_shipped_table_has_as_many_codes_as_the_public_files(codes):
    count = codes.table.query("kind == 'code'").groupby("icd_version").size()
    assert count.to_dict() == {9: 767, 10: 1967}
    assert set(codes.table["ccs"]) == set(GROUPS)
    assert (codes.table["code"] == clean(codes.table["code"])).all()


def test_there_are_25_phenotypes_15_acute_in_the_benchmarks_order():
    assert len(set(NAMES)) == len(set(GROUPS)) == 25
    families = [phenotype.family for phenotype in PHENOTYPES]
    assert (families.count("acute"), families.count("chronic")) == (15, 10)
    assert [*NAMES] == sorted(NAMES)
    assert not any("," in name for name in NAMES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"icd_version": 11}, "versions .9, 10., kinds"),
        ({"kind": "guess"}, "1 other rows of 2"),
        ({"ccs": 3}, "1 other rows of 2"),
        ({"code": " "}, "1 other rows of 2"),
        ({"code": "I10."}, "A code must be in one group. Received rows again"),
    ],
    ids=str,
)
def test_a_table_of_codes_is_checked(change, message):
    rows = [dict(zip(COLUMNS, (10, "code", "I10", 98), strict=True))]
    rows.append(rows[0] | {"code": "N19", "ccs": 157} | change)
    with pytest.raises(ValueError, match=message):
        Codes(pd.DataFrame(rows))
    with pytest.raises(ValueError, match=r"must have the columns.*\['kind'\]"):
        Codes(pd.DataFrame(rows).drop(columns="kind"))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"must be a file. Received: no file"):
        load_codes(tmp_path / "own.csv")


def definitions(**changes) -> dict:
    entries = {
        name: {"use_in_benchmark": True, "type": "acute", "codes": [f"A{k:02}"]}
        for k, name in enumerate(NAMES)
    }
    return entries | {"Another group": {"codes": ["B00"]}} | changes


def test_a_users_mapping_counts_for_both_versions_and_only_as_it_stands(tmp_path):
    path = tmp_path / "definitions.yaml"
    path.write_text(yaml.safe_dump(definitions()))
    mapping = read_mapping(path)
    for version in (9, 10):
        assert mapping.group_of(version, "A03") == GROUPS[3]
        assert mapping.group_of(version, "A031") == 0
        assert mapping.group_of(version, "B00") == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Shock": None}, r"`codes` for each of the 25.*\['Shock'\], 1 in all"),
        ({"Shock": {"codes": [3899]}}, "in quotes: a number loses its zeros.*3899"),
    ],
    ids=str,
)
def test_a_mapping_that_lacks_a_phenotype_or_zeros_is_refused(
    tmp_path, changes, message
):
    path = tmp_path / "definitions.yaml"
    path.write_text(yaml.safe_dump(definitions(**changes)))
    with pytest.raises(ValueError, match=f"(?s)definitions.yaml.*{message}"):
        read_mapping(path)


def test_a_mapping_cannot_run_code(tmp_path):
    path = tmp_path / "definitions.yaml"
    path.write_text("Shock: !!python/object/apply:os.getcwd []")
    with pytest.raises(yaml.YAMLError):
        read_mapping(path)


def test_labels_are_any_diagnosis_of_the_admission(tmp_path, codes):
    rows = [(1, "4280 ", 9), (1, "R65.21", 10), (2, "K219", 10), (3, "I10", 10)]
    rows += [(1, "I4811", 10), ("", "I10", 10), (5, "", 10), (1, "4280", 9)]
    names = ("hadm_id", "icd_code", "icd_version")
    table = [dict(zip(names, row, strict=True)) for row in rows] * 5
    root = write_hospital(tmp_path, {"diagnoses_icd": table})
    labels = label_phenotypes(root, [2, 1, 4, 5, 1], codes)
    assert labels.index.tolist() == [2, 1]
    assert tuple(labels) == NAMES
    first = labels.loc[1]
    positive = {GROUPS[k] for k in np.flatnonzero(first)}
    assert positive == {108, 249, 106}
    assert set(first) == {0, 1} and not labels.loc[2].any()


def test_a_few_rows_of_an_unknown_version_are_left_out(tmp_path, codes):
    def labels(odd, known):
        rows = ["hadm_id,icd_code,icd_version"]
        rows += ["20000001,R6521,11"] * odd + ["20000001,4280,9"] * known
        (tmp_path / "diagnoses_icd.csv").write_text("\n".join(rows) + "\n")
        return label_phenotypes(tmp_path, [20000001], codes)

    assert labels(odd=1, known=19)["Shock"].tolist() == [0]
    assert labels(odd=1, known=19).to_numpy().sum() == 1
    with pytest.raises(
        ValueError, match=r"'icd_version' in .*diagnoses_icd.csv.*1 of 19.*11"
    ):
        labels(odd=1, known=18)
