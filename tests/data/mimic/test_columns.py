"""Columns: cell by cell those of a slow discretiser that works on texts."""

import numpy as np
import pytest

from mind_keras.data.mimic import columns
from mind_keras.data.mimic.variables import NAMES

# The published order of the texts, and what is taken before the first measurement.
TEXTS = {
    0: ["0.0", "1.0"],
    3: "To Pain|3 To speech|1 No Response|4 Spontaneously|None|To Speech|Spontaneously"
    "|2 To pain".split("|"),
    4: "1 No Response|3 Abnorm flexion|Abnormal extension|No response|4 Flex-withdraws"
    "|Localizes Pain|Flex-withdraws|Obeys Commands|Abnormal Flexion|6 Obeys Commands"
    "|5 Localizes Pain|2 Abnorm extensn".split("|"),
    5: "11 10 13 12 15 14 3 5 4 7 6 9 8".split(),
    6: "1 No Response|No Response|Confused|Inappropriate Words|Oriented|No Response-ETT"
    "|5 Oriented|Incomprehensible sounds|1.0 ET/Trach|4 Confused|2 Incomp sounds"
    "|3 Inapprop words".split("|"),
}
EARLY = ["0.0", 59, 0.21, "4 Spontaneously", "6 Obeys Commands", "15", "5 Oriented"]
EARLY += [128, 86, 170, 77, 98, 19, 118, 36.6, 81, 7.4]
# The text that is charted for a number of the grid.
CHARTED = {
    0: {0: "0.0", 1: "1.0"},
    3: {1: "None", 2: "To Pain", 3: "To Speech", 4: "Spontaneously"},
    4: {
        1: "No response",
        2: "Abnormal extension",
        3: "Abnormal Flexion",
        4: "Flex-withdraws",
        5: "Localizes Pain",
        6: "Obeys Commands",
    },
    5: {total: str(total) for total in range(3, 16)},
    6: {
        0: "No Response-ETT",
        1: "No Response",
        2: "Incomprehensible sounds",
        3: "Inappropriate Words",
        4: "Confused",
        5: "Oriented",
    },
}
NUMBERS = [k for k in range(17) if k not in TEXTS]
RANGES = dict(
    zip(NUMBERS, [59, 0.3, 140, 85, 170, 80, 97, 19, 120, 37, 80, 7], strict=True)
)


def random_grid(rng, hours):
    """Anything from nothing measured to everything."""
    grid = np.full((hours, 17), np.nan, "float32")
    for k in range(17):
        for hour in np.flatnonzero(rng.random(hours) < rng.choice([0, 0.05, 0.5, 1])):
            codes = CHARTED.get(k)
            value = rng.choice([*codes]) if codes else RANGES[k] * rng.normal(1, 0.2)
            grid[hour, k] = value
    return grid


def slow_reference76(grid):
    """A row of 76 numbers an hour, by lists and loops."""
    found, last = [], list(EARLY)
    for row in grid.tolist():
        seen = []
        for k, value in enumerate(row):
            seen.append(0 if value != value else 1)
            if value == value:
                last[k] = CHARTED[k][int(value)] if k in TEXTS else value
        line = []
        for k in range(17):
            if k in TEXTS:
                line += [1 if text == last[k] else 0 for text in TEXTS[k]]
            else:
                line.append(last[k])
        found.append(line + seen)
    return found


def slow_compact(grid):
    """A row of 47 numbers an hour: levels of the coma scale in their order."""
    levels = {3: [1, 2, 3, 4], 4: [1, 2, 3, 4, 5, 6], 6: [1, 2, 3, 4, 5, 0]}
    last = [0, 59, 0.21, 4, 6, 15, 5, *EARLY[7:]]
    found = []
    for row in grid.tolist():
        seen = [float(value == value) for value in row]
        last = [b if b == b else a for a, b in zip(last, row, strict=True)]
        line = []
        for k in range(17):
            if k in levels:
                line += [float(last[k] == level) for level in levels[k]]
            else:
                line.append(last[k])
        found.append(line + seen)
    return found


SLOW = {"reference76": slow_reference76, "compact": slow_compact}


@pytest.mark.parametrize("layout", sorted(columns.LAYOUTS))
def test_columns_are_those_of_a_slow_discretiser(layout, monkeypatch):
    monkeypatch.setattr(columns, "CHUNK", 64)
    rng = np.random.default_rng(0)
    grids = np.stack([random_grid(rng, 24) for _ in range(300)])
    before = grids.copy()
    found = columns.expand(grids, layout)
    assert found.dtype == "float32"
    expected = np.array([SLOW[layout](grid) for grid in grids])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(grids, before)


def test_a_value_is_carried_until_the_next_and_masked_where_measured():
    grid = np.full((1, 5, 17), np.nan)
    grid[0, [1, 3], NAMES.index("Heart rate")] = 100, 60
    grid[0, 2, NAMES.index("Glasgow coma scale verbal response")] = 0
    for layout, intubated in {
        "reference76": "No Response-ETT",
        "compact": "intubated",
    }.items():
        names = columns.names(layout)
        found = dict(
            zip(names, columns.expand(grid, layout)[0].T.tolist(), strict=True)
        )
        assert found["Heart rate"] == [86, 100, 100, 60, 60]
        assert found["mask->Heart rate"] == [0, 1, 0, 1, 0]
        verbal = "Glasgow coma scale verbal response"
        assert found[f"{verbal}->{intubated}"] == [0, 0, 1, 1, 1]
        assert found[f"mask->{verbal}"] == [0, 0, 1, 0, 0]
        normal = {"reference76": "5 Oriented", "compact": "5"}[layout]
        assert found[f"{verbal}->{normal}"] == [1, 1, 0, 0, 0]


def test_a_measured_normal_has_a_column_of_its_own_in_the_reference_alone():
    grid = np.full((1, 2, 17), np.nan)
    grid[0, 1, [3, 4, 5, 6]] = 4, 6, 15, 5
    reference = columns.expand(grid, "reference76")[0, :, :59]
    # Eye 3 to 6, motor 9 to 7, verbal 6 to 4 within their columns; total stays.
    changed = np.flatnonzero(reference[0] != reference[1])
    assert changed.tolist() == [4 + 3, 4 + 6, 12 + 7, 12 + 9, 37 + 4, 37 + 6]
    compact = columns.expand(grid, "compact")[0, :, :30]
    np.testing.assert_array_equal(compact[0], compact[1])


def test_each_categorical_variable_has_one_column_set_in_each_hour():
    rng = np.random.default_rng(1)
    found = columns.expand(
        np.stack([random_grid(rng, 9) for _ in range(20)]), "compact"
    )
    names = columns.names("compact")
    for variable in ("eye opening", "motor response", "verbal response"):
        mine = [
            k for k, n in enumerate(names) if f"{variable}->" in n and "mask" not in n
        ]
        assert (found[:, :, mine].sum(axis=2) == 1).all()


def test_names_and_continuous_columns_are_the_published():
    names = columns.names("reference76")
    expected = []
    for k, name in enumerate(NAMES):
        expected += [f"{name}->{text}" for text in TEXTS.get(k, ())] or [name]
    assert list(names) == expected + [f"mask->{name}" for name in NAMES]
    continuous = columns.continuous("reference76")
    assert np.flatnonzero(continuous).tolist() == [2, 3, *range(49, 59)]
    assert continuous.shape == (76,)
    compact = columns.names("compact")
    scaled = [
        n for n, yes in zip(compact, columns.continuous("compact"), strict=True) if yes
    ]
    assert scaled == [NAMES[k] for k in sorted([*NUMBERS, 5])]
    assert len(compact) == len(set(compact)) == 47


def test_samples_do_not_touch_each_other_and_none_gives_none():
    rng = np.random.default_rng(2)
    grids = np.stack([random_grid(rng, 6) for _ in range(5)])
    together = columns.expand(grids, "reference76")
    alone = [columns.expand(grid[None], "reference76")[0] for grid in grids]
    np.testing.assert_array_equal(together, alone)
    assert columns.expand(grids[:0], "compact").shape == (0, 6, 47)


GRID = np.full((2, 3, 17), np.nan)


def with_value(k, value):
    grid = GRID.copy()
    grid[1, 2, k] = value
    return grid


@pytest.mark.parametrize(
    ("grid", "layout", "message"),
    [
        (GRID, "wide", r"Unknown layout 'wide'. Known: \['reference76', 'compact'\]"),
        (GRID[0], "compact", r"\(n, hours, 17\).*Received: shape \(3, 17\)"),
        (GRID[:, :, :16], "compact", r"shape \(2, 3, 16\)"),
        (GRID.astype(str), "compact", r"dtype <U"),
        (with_value(8, np.inf), "compact", r"finite, or NaN.*1 infinite"),
        (
            with_value(3, 5),
            "compact",
            r"eye opening' must be out of \[1, 2, 3, 4\].*5.0",
        ),
        (
            with_value(6, 2.5),
            "reference76",
            r"verbal.*\[0, 1, 2, 3, 4, 5\].*2.5.*order",
        ),
        (with_value(5, 2), "compact", r"total' must be out of \[3, 4, 5.*15\]"),
        (with_value(0, 2), "compact", r"refill rate' must be out of \[0, 1\]"),
    ],
)
def test_bad_grids_are_refused(grid, layout, message):
    with pytest.raises(ValueError, match=message):
        columns.expand(grid, layout)
