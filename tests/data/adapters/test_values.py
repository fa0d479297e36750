"""Names, texts, units and ranges: what a cell of other people's tables means."""

import numpy as np
import pytest

from mind_keras.data.adapters.names import ALIASES, variable_numbers
from mind_keras.data.adapters.values import clean, convert, parse_values
from mind_keras.data.mimic.columns import CODES
from mind_keras.data.mimic.hourly import fill
from mind_keras.data.mimic.variables import NAMES, RANGES

EYE, MOTOR, TOTAL, VERBAL = 3, 4, 5, 6
PLACE = {name: k for k, name in enumerate(NAMES)}


def test_variables_are_found_by_any_spelling_of_their_names():
    assert variable_numbers(NAMES).tolist() == list(range(17))
    published = [name.replace("Glasgow", "Glascow") for name in NAMES]
    assert variable_numbers(published).tolist() == list(range(17))
    names = ["HR", " heart_rate ", "Sp-O2", "spo2", "SBP", "MAP", "ph", "GCS_Total"]
    assert variable_numbers(names).tolist() == [8, 8, -1, 11, 13, 10, 16, 5]
    assert variable_numbers([]).tolist() == []


def test_no_name_means_two_variables():
    names = [name for aliases in ALIASES.values() for name in aliases]
    assert len(names) == len(set(names)) and sorted(ALIASES) == sorted(NAMES)
    for variable, aliases in ALIASES.items():
        assert set(variable_numbers(aliases)) == {NAMES.index(variable)}


# Both spellings, lowest score first; the numbers are those of the coma scale.
SCALES = {
    EYE: "None|1 No Response; To Pain|2 To pain; To Speech|3 To speech;"
    "Spontaneously|4 Spontaneously",
    MOTOR: "No response|1 No Response; Abnormal extension|2 Abnorm extensn;"
    "Abnormal Flexion|3 Abnorm flexion; Flex-withdraws|4 Flex-withdraws;"
    "Localizes Pain|5 Localizes Pain; Obeys Commands|6 Obeys Commands",
    VERBAL: "No Response|1 No Response; Incomprehensible sounds|2 Incomp sounds;"
    "Inappropriate Words|3 Inapprop words; Confused|4 Confused; Oriented|5 Oriented",
}


@pytest.mark.parametrize("variable", SCALES)
def test_texts_of_the_coma_scale_are_its_numbers(variable):
    for score, texts in enumerate(SCALES[variable].split(";"), start=1):
        for text in [*texts.split("|"), texts.split("|")[0].upper(), f" {score}.0 "]:
            values, bad = parse_values([variable], [text])
            assert (values[0], bad[0]) == (score, False), text


def test_an_intubated_patient_is_nought_on_the_verbal_scale_alone():
    texts = ["No Response-ETT", "1.0 ET/Trach", "0"]
    assert parse_values([VERBAL] * 3, texts)[0].tolist() == [0, 0, 0]
    assert parse_values([EYE, MOTOR], ["0", "No Response-ETT"])[1].all()


def test_capillary_refill_is_nought_or_one():
    normal = ["Normal <3 Seconds", "Normal  <3 secs", "Brisk", "0.0"]
    slow = ["Abnormal >3 Seconds", "Abnormal >3 secs", "Delayed", "1"]
    values, bad = parse_values([0] * 8, normal + slow)
    assert values.tolist() == [0] * 4 + [1] * 4 and not bad.any()


def test_blank_cells_are_missing_and_nonsense_is_counted():
    texts = ["", "ERROR", "7,4", "nan", "16", "2", "15"]
    variable = [8, 8, 16, 8, TOTAL, TOTAL, TOTAL]
    values, bad = parse_values(variable, texts)
    assert bad.tolist() == [False, True, True, True, True, True, False]
    assert np.isnan(values[:6]).all() and values[6] == 15


def test_each_cell_gets_its_own_value():
    rng = np.random.default_rng(0)
    variable = rng.choice([7, 8, 13], 500)
    number = rng.integers(40, 60, 500)
    values, bad = parse_values(variable, [str(n) for n in number])
    np.testing.assert_array_equal(values, number)
    assert not bad.any()


@pytest.mark.parametrize(
    ("name", "value", "unit", "expected"),
    [
        ("Temperature", 98.6, "°F", 37.0),
        ("Temperature", 37.0, "C", 37.0),
        ("Weight", 100, "lbs", 45.359237),
        ("Weight", 3500, "g", 3.5),
        ("Height", 70, "in", 177.8),
        ("Height", 1.7, "m", 170),
        ("Fraction inspired oxygen", 40, "%", 0.4),
        ("Oxygen saturation", 0.97, "fraction", 97),
        ("Glucose", 5.5, "mmol/L", 99.088),
        ("Mean blood pressure", 10, "kPa", 75.0062),
        ("Heart rate", 80, "bpm", 80),
        ("pH", 7.4, "", 7.4),
    ],
)
def test_units_are_converted(name, value, unit, expected):
    found = convert([8, PLACE[name]], [60.0, value], ["", unit])
    np.testing.assert_allclose(found, [60, expected], rtol=1e-9)


def test_an_unknown_unit_is_refused_with_the_known():
    with pytest.raises(ValueError, match=r"'Weight' must be.*'kg'.*'stone' in 2 rows"):
        convert([15, 15], [1, 2], ["stone", "stone"])


def test_mixed_up_units_are_mended():
    name = ["Fraction inspired oxygen"] * 4 + ["Oxygen saturation"] * 2
    name += ["Temperature"] * 2
    values = [0.4, 25, 20.9, 6, 0.97, 97, 98.6, 37]
    found = clean([PLACE[n] for n in name], values)
    # 20.9 % is below 21 %; 6 is neither a fraction nor percent.
    np.testing.assert_allclose(found, [0.4, 0.25, np.nan, np.nan, 97, 97, 37, 37])


def test_what_is_outside_its_range_is_missing_and_its_ends_are_not():
    for name in set(NAMES) - set(CODES):
        low, high = RANGES[name]
        step = 0.001
        values = np.array([low - step, low, high, high + step])
        if name == "Oxygen saturation":
            values[:2] = -0.1, 1.5
        if name == "Fraction inspired oxygen":
            values[:2] = 0.2, 0.21
        found = clean(np.full(4, PLACE[name]), values)
        assert np.isnan(found).tolist() == [True, False, False, True], name
    for variable in (0, EYE, MOTOR, TOTAL, VERBAL):
        assert clean([variable], [0.0]).tolist() == [0]


def test_hours_take_the_last_of_their_events_and_stays_do_not_mix():
    found = fill(
        [3, 1, 2],
        stay=np.array([2, 0, 0, 1, 0]),
        hour=np.array([1, 2, 2, 0, 0]),
        variable=np.array([8, 8, 8, 7, 9]),
        values=np.array([70.0, 80, 81, 5, 170]),
    )
    assert found.first_row.tolist() == [0, 3, 4]
    expected = np.full((6, 17), np.nan)
    expected[5, 8], expected[2, 8], expected[3, 7], expected[0, 9] = 70, 81, 5, 170
    np.testing.assert_array_equal(found.series, expected)
    assert found.series.dtype == "float32"
    assert found.measured.tolist() == [True, True, True]
    nothing = fill([2, 1], *(np.array([k]) for k in (1, 0, 3, 2.0)))
    assert nothing.measured.tolist() == [False, True]
    taken = found.take(np.array([True, False, True]))
    np.testing.assert_array_equal(taken.series, expected[[0, 1, 2, 4, 5]])
    assert taken.first_row.tolist() == [0, 3]
