"""The builder: files of either form give the table that is shipped."""

import numpy as np
import pytest

from mind_keras.data.mimic.ccs import build_codes, read_ccs, unanimous_prefixes
from mind_keras.data.mimic.codes import Codes

QUOTED9 = """NOTE: New codes are introduced in October.
'ICD-9-CM CODE','CCS CATEGORY','CCS CATEGORY DESCRIPTION','ICD-9-CM CODE DESCRIPTION'
'     ','0    ','No DX',"INVALID CODES IN USER DATA"
'4280 ','108  ','chf;nonhp',"CHF NOS, OR 'CHF'"
'42821','108  ','chf;nonhp',"AC SYSTOLIC HRT FAILURE"
'4019 ','98   ','HTN',"HYPERTENSION NOS"
'4010 ','99   ','Htn complicn',"MALIGNANT HYPERTENSION"
'E8700','2616 ','E Codes',"ACC CUT"
"""
LISTED9 = """Appendix A - Clinical Classification Software (January 1980 through 2015)

Revised 03/24/2016

98   Essential hypertension
     4019
99   Hypertension with complications and secondary hypertension
     4010

108  Congestive heart failure; nonhypertensive
     4280 42821

2616 E Codes: Adverse effects of medical care
     E8700
"""
QUOTED10 = """'ICD-10-CM CODE','CCS CATEGORY','ICD-10-CM CODE DESCRIPTION','MULTI LVL 1'
'I480','106',"Paroxysmal atrial fibrillation",'7'
'I4891','106',"Unspecified atrial fibrillation",'7'
'E1140','50',"Type 2 diabetes w neuropathy",'3'
'E119','49',"Type 2 diabetes without complications",'3'
'K219','138',"Reflux disease",'9'
'R571','249',"Shock",'17'
'R579','251',"Made up: of another group",'17'
"""
LEVELS = QUOTED9.replace("'CCS CATEGORY'", "'CCS LVL 1'")


def write(folder, text, name="file") -> str:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("text", [QUOTED9, LISTED9, QUOTED9.replace("\n", "\r\n")])
def test_both_forms_of_the_icd_9_file_are_read_alike(tmp_path, text):
    codes = {"4280": 108, "42821": 108, "4019": 98, "4010": 99, "E8700": 2616}
    assert read_ccs(write(tmp_path, text)) == codes


def test_codes_of_the_groups_are_kept_with_the_prefixes_of_one_mind(tmp_path):
    files = write(tmp_path, LISTED9, "nine"), write(tmp_path, QUOTED10, "ten")
    table = build_codes(*files)
    rows = set(table.itertuples(index=False, name=None))
    assert rows == {
        *((9, "code", "4280", 108), (9, "code", "42821", 108)),
        *((9, "code", "4019", 98), (9, "code", "4010", 99)),
        *((9, "prefix", "428", 108), (9, "prefix", "4019", 98)),
        *((9, "prefix", "4010", 99), (10, "prefix", "I48", 106)),
        *((10, "code", "I480", 106), (10, "code", "I4891", 106)),
        *((10, "code", "E1140", 50), (10, "code", "E119", 49)),
        *((10, "prefix", "E114", 50), (10, "prefix", "E119", 49)),
        *((10, "code", "R571", 249), (10, "prefix", "R571", 249)),
    }
    assert Codes(table).group_of(10, "I4811") == 106
    assert Codes(table).group_of(10, "E11A") == 0


def test_a_code_gets_what_its_nearest_known_relatives_agree_on():
    """Against a search that widens the prefix until it meets a known code."""
    rng = np.random.default_rng(0)
    letters = [*"0123"]
    draw = lambda: "A" + "".join(rng.choice(letters, rng.integers(2, 5)))  # noqa: E731
    known = {draw(): int(rng.choice([2, 98, 98, 98])) for _ in range(60)}
    prefixes = unanimous_prefixes(known, 10)
    met = []
    for code in {draw() for _ in range(400)} - set(known):
        relatives: set[int] = set()
        for length in range(len(code), 2, -1):
            relatives = {g for c, g in known.items() if c[:length] == code[:length]}
            if relatives:
                break
        wanted = relatives if len(relatives) == 1 else set()
        met.append(bool(wanted))
        found = {g for p, g in prefixes.items() if code.startswith(p)}
        assert found == wanted, code
    assert 0.1 < np.mean(met) < 0.9


def test_a_cause_code_of_the_icd_9_has_a_longer_category():
    known = {"E8700": 2, "E8701": 2, "E8710": 2, "V4511": 158}
    wanted = {"E870": 2, "E871": 2, "V45": 158}
    assert unanimous_prefixes(known, 9) == wanted
    assert unanimous_prefixes({"E870": 2, "E871": 2}, 10) == {"E87": 2}


@pytest.mark.parametrize("text", [LEVELS, "a,b\n1,2\n", "", "1 2 3\n4 5 6\n"])
def test_a_file_of_another_form_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match=r"must be `\$dxref.*Received: other.txt"):
        read_ccs(write(tmp_path, text, "other.txt"))


def test_a_code_in_two_groups_is_refused(tmp_path):
    text = LISTED9.replace("4280 42821", "4280 4019")
    with pytest.raises(ValueError, match=r"one group per code. .*two for \['4019'\]"):
        read_ccs(write(tmp_path, text))
