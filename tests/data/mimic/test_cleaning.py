"""Cells of events to values: hand-worked, item by item."""

import math

import numpy as np
import pytest

from mind_keras.data.mimic.cleaning import REASONS, Items, clean
from mind_keras.data.mimic.variables import ITEMS, LAB_ITEMS, NAMES, RANGES, TEXTS

CHART, LAB = Items(ITEMS), Items(LAB_ITEMS)


def value_of(item, value, valuenum="", items=CHART):
    """The value of one row, or the reason why it has none."""
    texts = (str(item), value, valuenum)
    cleaned = clean(items, *(np.array([text.encode()]) for text in texts))
    if cleaned.reason[0]:
        assert np.isnan(cleaned.value[0])
        return REASONS[cleaned.reason[0] - 1]
    return cleaned.value[0]


GOOD = {
    "a number": (220045, "88", "88", 88),
    "valuenum first": (220045, "87", "88", 88),
    "value if valuenum is blank": (220045, "87", "", 87),
    "value if valuenum is no number": (220045, "87", "x", 87),
    "inches": (226707, "70", "70", 70 * 2.54),
    "cm": (226730, "170", "170", 170),
    "pounds": (226531, "200", "200", 90.718474),
    "kg": (226512, "200", "200", 200),
    "daily kg": (224639, "81.5", "81.5", 81.5),
    "Fahrenheit by item": (223761, "98.6", "98.6", 37.0),
    "Fahrenheit by value": (223762, "98.6", "98.6", 37.0),
    "the coldest Fahrenheit": (223762, "79", "79", (79 - 32) * 5 / 9),
    "Celsius": (223762, "36.6", "36.6", 36.6),
    "oxygen fraction": (223835, "0.4", "0.4", 0.4),
    "oxygen percent": (223835, "40", "40", 0.4),
    "room air": (223835, "21", "21", 0.21),
    "pure oxygen": (223835, "100", "100", 1.0),
    "pure oxygen as one": (223835, "1", "1", 1.0),
    "saturation": (220277, "97", "97", 97),
    "saturation as fraction": (220277, ".97", ".97", 97),
    "saturation of one": (220227, "1", "1", 100),
    "systolic of both": (220179, "120/80", "", 120),
    "diastolic of both": (220180, "120 / 80.5", "", 80.5),
    "eye": (220739, "To Speech", "3", 3),
    "eye of a number": (220739, "", "4", 4),
    "eye of a number as text": (220739, "2", "", 2),
    "motor without case and blanks": (223901, "  obeys   COMMANDS", "", 6),
    "text before number": (223901, "Flex-withdraws", "1", 4),
    "no response": (223900, "No Response", "1", 1),
    "intubated": (223900, "No Response-ETT", "1", 0),
    "number of an unknown text": (223900, "Mumbles", "2", 2),
    "refill": (223951, "Normal <3 Seconds", "", 0),
    "refill on the left": (224308, "Abnormal >3 secs", "", 1),
    "refill in a word": (223951, "Delayed", "", 1),
}


@pytest.mark.parametrize(
    ("item", "value", "valuenum", "expected"), GOOD.values(), ids=GOOD
)
def test_a_cell_means(item, value, valuenum, expected):
    assert value_of(item, value, valuenum) == pytest.approx(expected, rel=1e-15)


LOST = {
    "blank": (220045, "", "", "no value"),
    "spaces": (220045, " ", "  ", "no value"),
    "text": (220277, "ERROR", "", "unparsable number"),
    "valuenum of text": (220045, "", "high", "unparsable number"),
    "both pressures for the mean": (220052, "120/80", "", "unparsable number"),
    "half a pressure": (220179, "120/", "", "unparsable number"),
    "letters in a pressure": (220179, "1xx/xx", "", "unparsable number"),
    "unknown text": (220739, "Asleep", "", "unknown text"),
    "eye text of verbal": (223900, "To Pain", "", "unknown text"),
    "refill in numbers": (223951, "", "1", "unknown text"),
    "blank refill": (223951, "", "", "no value"),
    "score between scores": (223901, "", "2.5", "out of range"),
    "verbal zero by number": (223900, "", "0", "out of range"),
    "eye five": (220739, "", "5", "out of range"),
    "misplaced flow": (223835, "10", "10", "out of range"),
    "a little over one": (223835, "1.01", "1.01", "out of range"),
    "the largest flow": (223835, "19.9", "19.9", "out of range"),
    "less oxygen than in air": (223835, "20.5", "20.5", "out of range"),
    "Celsius in the item of Fahrenheit": (223761, "37", "37", "out of range"),
    "a height in the wrong unit": (226707, "825070", "825070", "out of range"),
    "no saturation": (220277, "0", "0", "out of range"),
    "too much saturation": (220277, "101", "101", "out of range"),
}


@pytest.mark.parametrize(
    ("item", "value", "valuenum", "reason"), LOST.values(), ids=LOST
)
def test_a_cell_has_no_value_because(item, value, valuenum, reason):
    assert value_of(item, value, valuenum) == reason


# Published ranges, in the unit of the first item: variable, item, low, high.
LIMITS = [
    ("Diastolic blood pressure", 220051, 0, 375),
    ("Glucose", 220621, 33, 2000),
    ("Heart rate", 220045, 0, 350),
    ("Height", 226730, 120, 230),
    ("Mean blood pressure", 220052, 14, 330),
    ("Respiratory rate", 220210, 0, 300),
    ("Systolic blood pressure", 220050, 0, 375),
    ("Temperature", 223762, 26, 45),
    ("Weight", 226512, 20, 250),
    ("pH", 223830, 6.3, 8.4),
    ("Oxygen saturation", 220277, 1.5, 100),
    ("Fraction inspired oxygen", 223835, 21, 100),
]


@pytest.mark.parametrize(("variable", "item", "low", "high"), LIMITS)
def test_ranges_include_their_limits_and_nothing_beyond(variable, item, low, high):
    scale = 100 if variable == "Fraction inspired oxygen" else 1
    for number in (low, high):
        assert value_of(item, str(number)) == number / scale
    assert value_of(item, str(high + 0.01)) == "out of range"
    if variable != "Oxygen saturation":
        assert value_of(item, str(low - 0.01)) == "out of range"


def test_each_item_has_its_variable_and_its_place():
    expected = {
        **{223951: (0, 0), 224308: (0, 1), 227242: (1, 4), 223835: (2, 0)},
        **{220739: (3, 0), 223901: (4, 0), 223900: (6, 0), 226537: (7, 2)},
        **{220045: (8, 0), 226730: (9, 0), 226707: (9, 1), 224322: (10, 3)},
        **{220277: (11, 0), 220227: (11, 1), 224422: (12, 3), 227243: (13, 4)},
        **{223762: (14, 0), 223761: (14, 1), 226531: (15, 2), 220274: (16, 1)},
    }
    number = np.array([str(item).encode() for item in expected])
    blank = np.full(len(number), b"")
    cleaned = clean(CHART, number, blank, blank)
    pairs = zip(cleaned.variable.tolist(), cleaned.rank.tolist(), strict=True)
    assert list(pairs) == list(expected.values())
    assert len(CHART.number) == 39


def test_labs_rank_above_charts_and_leave_out_other_fluids():
    cells = np.array([b"50931", b"50809", b"50816", b"50817", b"50820"])
    hundred, blank = np.full(5, b"100"), np.full(5, b"")
    cleaned = clean(LAB, cells, blank, hundred)
    assert cleaned.variable.tolist() == [7, 7, 2, 11, 16]
    assert cleaned.rank.tolist() == [3, 4, 1, 2, 2]
    np.testing.assert_array_equal(cleaned.value, [100, 100, 1, 100, np.nan])
    assert not {51478, 51491, 51094, 50831} & {*LAB.number, *CHART.number}


def test_every_text_is_known_and_has_its_own_score():
    for name, table in TEXTS.items():
        (item, *_) = ITEMS[name]
        for text, score in table.items():
            assert value_of(item, text.title()) == score
        low, high = RANGES[name]
        scores = set(table.values())
        assert scores - {0} == set(range(max(1, low), high + 1))


def test_rows_where_a_number_is_expected_are_told():
    cells = [b"220739", b"223951", b"220045", b"223900"]
    cleaned = clean(CHART, np.array(cells), np.full(4, b"1"), np.full(4, b"1"))
    assert cleaned.numeric.tolist() == [False, False, True, False]


def test_saturation_has_no_zero():
    assert RANGES["Oxygen saturation"][0] == math.nextafter(0, 1)
    assert set(RANGES) == set(ITEMS) == set(NAMES)
