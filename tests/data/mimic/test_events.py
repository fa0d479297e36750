"""Events to grids: equal to plain Python, whatever the engine, chunk and order."""

import gzip
import importlib.util
import itertools

import numpy as np
import pandas as pd
import pytest
from data.mimic import dirty_events as dirt
from data.mimic import slow_reference
from twin import twin

from mind_keras.data.mimic import engines
from mind_keras.data.mimic.engines import ENGINES, check_engine, read_rows
from mind_keras.data.mimic.events import DROPPED, extract_series
from mind_keras.data.mimic.gcs import add_total
from mind_keras.data.mimic.grid import Grid
from mind_keras.data.mimic.variables import ITEMS, LAB_ITEMS, NAMES

INSTALLED = [name for name in ENGINES if importlib.util.find_spec(name)]
CHARTS = "icu/chartevents.csv"
HEART = NAMES.index("Heart rate")


def flat(grids):
    """All hours of all stays, NaN where missing."""
    return np.array([row for grid in grids for row in grid], float).astype("float32")


def nonzero(counts):
    return {t: {name: n for name, n in c.items() if n} for t, c in counts.items()}


def heart_rows(*cells, stay=30000002, item=220045):
    """Rows of chartevents: second of the stay, number."""
    times = [str(dirt.DAY + pd.Timedelta(seconds=second)) for second, _ in cells]
    row = {"stay_id": stay, "itemid": item}
    return [
        row | {"charttime": time, "value": number, "valuenum": number}
        for time, (_, number) in zip(times, cells, strict=True)
    ]


def extract(folder, rows, *, suffix=".gz", stays=None, **options):
    dirt.write(folder / (CHARTS + suffix), rows, dirt.CHART_COLUMNS)
    return extract_series(folder, dirt.stay_frame(stays), **options)


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    """A tree with all the dirt, and what plain Python makes of it."""
    root = tmp_path_factory.mktemp("dirty")
    rows, labs = dirt.chart_rows(0, 3000), dirt.lab_rows(1, 700)
    dirt.write(root / (CHARTS + ".gz"), rows, dirt.CHART_COLUMNS)
    dirt.write(root / "hosp/labevents.csv.gz", labs, dirt.LAB_COLUMNS)
    grids, counts = slow_reference.extract(root, dirt.stays(), labs=True)
    return root, rows, labs, flat(grids), nonzero(counts)


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("chunk_rows", [7, 1000, 10**6])
def test_grids_and_counts_equal_plain_python(dirty, engine, chunk_rows):
    root, _, _, expected, counts = dirty
    series = extract_series(
        root,
        dirt.stay_frame(),
        labs=True,
        engine=engine,
        chunk_rows=chunk_rows,
        most_bad=1,
    )
    np.testing.assert_array_equal(series.grid, expected)
    assert nonzero(series.counts) == counts
    assert series.hours.tolist() == [4, 2, 9, 1]
    assert series.first_row.tolist() == [0, 4, 6, 15]
    assert (series.grid.dtype, series.hours.dtype) == ("float32", "int64")


def test_the_dirty_tree_has_a_row_of_each_kind(dirty):
    *_, expected, counts = dirty
    assert set(counts["chartevents"]) == {"rows", "rows of our items", "kept", *DROPPED}
    assert (~np.isnan(expected)).sum(axis=0).min() >= 2


def test_rows_of_our_items_are_kept_or_dropped(dirty):
    root, *_ = dirty
    series = extract_series(root, dirt.stay_frame(), labs=True, most_bad=1)
    for counts in series.counts.values():
        dropped = sum(counts[name] for name in DROPPED)
        assert counts["rows of our items"] == counts["kept"] + dropped


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_rows_give_the_same_grid(dirty, tmp_path, engine, seed):
    _, rows, labs, expected, counts = dirty
    draw = np.random.default_rng(seed)
    for name, table, columns in (
        (CHARTS, rows, dirt.CHART_COLUMNS[::-1]),
        ("hosp/labevents.csv", labs, dirt.LAB_COLUMNS),
    ):
        shuffled = [table[k] for k in draw.permutation(len(table))]
        dirt.write(tmp_path / name, shuffled, columns)
    options = {"labs": True, "engine": engine, "chunk_rows": 100, "most_bad": 1}
    series = extract_series(tmp_path, dirt.stay_frame(), **options)
    np.testing.assert_array_equal(series.grid, expected)
    assert nonzero(series.counts) == counts


@pytest.mark.parametrize("order", [[3, 1, 0, 2], [1, 2, 3, 0]])
def test_stays_may_come_in_any_order(dirty, order):
    root, *_ = dirty
    records = [dirt.stays()[k] for k in order]
    grids, _ = slow_reference.extract(root, records, labs=True)
    series = extract_series(root, dirt.stay_frame(records), labs=True, most_bad=1)
    np.testing.assert_array_equal(series.grid, flat(grids))


@pytest.mark.parametrize("engine", INSTALLED)
def test_the_twin_is_extracted_as_by_plain_python(engine, twin_stays):
    root, frame, expected, counts = twin_stays
    series = extract_series(root, frame, labs=True, engine=engine)
    np.testing.assert_array_equal(series.grid, expected)
    assert nonzero(series.counts) == counts


@pytest.fixture(scope="module")
def twin_stays():
    root = twin() / "mimic-iv"
    frame = pd.read_csv(root / "icu/icustays.csv.gz").sample(frac=0.7, random_state=0)
    frame["intime"] = frame["intime"].astype("datetime64[s]")
    frame["end"] = frame["outtime"].astype("datetime64[s]")
    frame["end"] = frame["end"].clip(upper=frame["intime"] + pd.Timedelta("48h"))
    records = frame[["stay_id", "subject_id", "intime", "end"]].to_dict("records")
    for record in records:
        record |= {k: record[k].to_pydatetime() for k in ("intime", "end")}
    grids, counts = slow_reference.extract(root, records, labs=True)
    return root, frame, flat(grids), nonzero(counts)


def test_the_total_of_intubated_patients_is_by_the_rule(twin_stays):
    root, frame, *_ = twin_stays
    frame = frame.head(30)
    records = frame[["stay_id", "subject_id", "intime", "end"]].to_dict("records")
    totals = {}
    for rule in ("minimum", "fifteen"):
        grids, _ = slow_reference.extract(root, records, intubated=rule)
        series = extract_series(root, frame, intubated=rule)
        np.testing.assert_array_equal(series.grid, flat(grids))
        assert list(series.counts) == ["chartevents"]
        totals[rule] = series.grid[:, NAMES.index("Glasgow coma scale total")]
    assert (totals["minimum"] < totals["fifteen"]).sum() > 5


TIED = [
    # Earlier in the hour; the smaller of an item; the earlier item; the winner.
    *heart_rows((3601, 300), item=220277),
    *heart_rows((7200, 91), (7200, 92), item=220277),
    *heart_rows((7200, 90), (7200, 80), item=220227),
]


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("chunk_rows", [1, 100])
def test_latest_then_later_item_then_larger_value_wins(tmp_path, engine, chunk_rows):
    for rows in (TIED, TIED[::-1], TIED[2:] + TIED[:2]):
        options = {"engine": engine, "chunk_rows": chunk_rows}
        grid = extract(tmp_path, rows, suffix="", **options).grid
        saturation = grid[6:15, NAMES.index("Oxygen saturation")]
        np.testing.assert_array_equal(saturation, [np.nan, 90] + [np.nan] * 7)


def test_a_cell_keeps_the_largest_row_in_any_order_and_any_pieces():
    # Second, rank, value: the last second, of it the highest rank, of it the largest.
    rows = [(3601, 3, 99.0), (7200, 0, 95.0), (7200, 1, 70.0), (7200, 1, -3.0)]
    rows.append((7199, 2, 98.0))
    for order in itertools.permutations(rows):
        for cut in range(5):
            grid = Grid(np.array([1, 3]))
            for piece in (order[:cut], order[cut:]):
                second, rank, value = np.array(piece).reshape(-1, 3).T
                stay = np.ones(len(piece), int)
                whole = (second.astype(int), stay * 8, rank.astype(int))
                grid.put(stay, *whole, value)
            np.testing.assert_array_equal(
                grid.values[:, 8], [np.nan, np.nan, 70, np.nan]
            )
            assert np.isnan(np.delete(grid.values, 8, axis=1)).all()


def test_an_hour_ends_with_its_last_second(tmp_path):
    cells = [(0, 1), (3600, 2), (3601, 3), (7200, 4), (7201, 5), (32400, 6)]
    for kept in range(1, 7):
        grid = extract(tmp_path, heart_rows(*cells[:kept])).grid[6:15, HEART]
        expected = {1: (0, 1), 2: (0, 2), 3: (1, 3), 4: (1, 4), 5: (2, 5), 6: (8, 6)}
        hour, value = expected[kept]
        assert grid[hour] == value and np.isnan(grid[hour + 1 :]).all()


def test_rows_before_the_start_or_after_the_end_are_dropped(tmp_path):
    rows = heart_rows((-1, 60), (32401, 60)) + heart_rows((0, 70), stay=30000004)
    series = extract(tmp_path, rows)
    assert np.isnan(series.grid).all()
    counts = series.counts["chartevents"]
    assert (counts["outside window"], counts["other stay"]) == (2, 1)


def test_a_stay_of_no_time_has_one_hour(tmp_path):
    stay = {"stay_id": 30000002, "subject_id": 1, "intime": dirt.DAY, "end": dirt.DAY}
    series = extract(tmp_path, heart_rows((0, 70), (1, 80)), stays=[stay])
    assert series.grid[:, HEART].tolist() == [70]


def test_labs_belong_to_the_latest_stay_begun_and_win_over_charts(tmp_path):
    glucose = NAMES.index("Glucose")
    at = dirt.DAY + pd.Timedelta(hours=11)
    row = {"charttime": str(at), "value": "", "stay_id": 30000001}
    chart = row | {"itemid": 226537, "valuenum": 300}
    labs = [
        {**row, "subject_id": 10000001, "itemid": 50809, "valuenum": 100},
        {**row, "subject_id": 10000001, "itemid": 50931, "valuenum": 200},
        # Of a subject's first stay, which has ended; and of one without a stay.
        {
            **row,
            "subject_id": 10000001,
            "itemid": 50931,
            "valuenum": 99,
            "charttime": "2150-01-01 09:59:59",
        },
        {**row, "subject_id": 10000004, "itemid": 50931, "valuenum": 99},
    ]
    for lab in labs:
        lab.pop("stay_id")
    dirt.write(tmp_path / "hosp/labevents.csv", labs, dirt.LAB_COLUMNS)
    assert extract(tmp_path, [chart]).grid[4:6, glucose].tolist()[0] == 300
    series = extract(tmp_path, [chart], labs=True)
    assert series.grid[4, glucose] == 100
    assert np.isnan(np.delete(series.grid[:, glucose], 4)).all()
    counts = series.counts["labevents"]
    assert (counts["outside window"], counts["other stay"], counts["kept"]) == (1, 1, 2)


def total(*rows, **options):
    """The totals of hours with eye, motor and verbal scores."""
    values = np.full((len(rows), len(NAMES)), np.nan, "float32")
    values[:, [3, 4, 6]] = rows
    add_total(values, np.array([0]), **options)
    return values[:, 5].tolist()


NONE = (np.nan,) * 3


def test_the_total_is_of_parts_known_for_at_most_six_hours():
    later = total((4, 6, np.nan), *[NONE] * 5, (np.nan, np.nan, 5))
    assert later[6] == 15 and np.isnan(later[:6]).all()
    assert np.isnan(total((4, 6, np.nan), *[NONE] * 6, (np.nan, np.nan, 5))).all()


def test_the_total_is_given_only_where_a_part_is_charted():
    np.testing.assert_array_equal(total((3, 5, 4), NONE), [12, np.nan])


def test_an_intubated_patient_counts_one_or_fifteen_also_when_carried():
    hours = ((2, 4, 0), (3, np.nan, np.nan))
    assert total(*hours) == [7, 8]
    assert total(*hours, intubated="fifteen") == [15, 15]
    alone = total((np.nan, 4, 0), intubated="fifteen")
    assert np.isnan(alone).all()


def test_parts_are_not_carried_into_the_next_stay():
    values = np.full((2, len(NAMES)), np.nan, "float32")
    values[0, [3, 4]], values[1, 6] = 4, 5
    add_total(values, np.array([0, 1]))
    assert np.isnan(values[:, 5]).all()


def test_ranks_fit_into_the_state_of_a_cell():
    items = [ITEMS[name] + LAB_ITEMS.get(name, ()) for name in NAMES]
    assert max(map(len, items)) < 16
    grid = Grid(np.array([2]))
    for second, rank in ((7198, 15), (7199, 0), (7199, 15), (7200, 0), (7200, 15)):
        one = np.array([0])
        grid.put(one, one + second, one + 8, one + rank, one + float(second + rank))
        assert grid.values[1, 8] == second + rank


# What engines do with odd files.


def both_forms(tmp_path, text):
    """The same table, plain and compressed."""
    plain, packed = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    return plain, packed


def cells(path, engine, chunk_rows=100):
    pieces = list(
        read_rows(path, {"value": 6}, [1, 2], engine=engine, chunk_rows=chunk_rows)
    )
    rows = sum(piece[0] for piece in pieces)
    return rows, [cell for piece in pieces for cell in piece[1]["value"].tolist()]


ODD = {
    "short lines": (b"itemid,x,value\n1,2\n2\n1,,z\n", 3, [b"", b"", b"z"]),
    "line ends": (b"itemid,value\r\n1,a\r\n2,b\r\n", 2, [b"a", b"b"]),
    "byte order mark": (b"\xef\xbb\xbfitemid,value\n1,a\n", 1, [b"a"]),
    "blank lines": (b"itemid,value\n1,a\n\n\n2,b\n\n", 2, [b"a", b"b"]),
    "no line end": (b"itemid,value\n3,a\n2,b", 2, [b"b"]),
    "quotes": (
        b'value,itemid\n"a,b",1\n"c""",2\n"d\ne",1\n',
        3,
        [b"a,b", b'c"', b"d\ne"],
    ),
    "not ASCII": ("itemid,value\n1,\u00e9t\u00e9\n".encode(), 1, [b"?t?"]),
    "no UTF-8": (b"itemid,value\n1,a\xffb\n", 1, [b"a?b"]),
    "long cells": (b"itemid,value\n1,abcdefghi\n", 1, [b"abcdef"]),
    "no rows": (b"itemid,value\n", 0, []),
    "numbers": (b"itemid,value\n1.0,a\n1.5,b\n01,c\n+1,d\n", 4, [b"a"]),
    "NA": (b"itemid,value\n1,NA\n2,None\n", 2, [b"NA", b"None"]),
}


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("chunk_rows", [1, 100])
@pytest.mark.parametrize(("text", "rows", "values"), ODD.values(), ids=ODD)
def test_engines_read_odd_tables_alike(
    tmp_path, engine, chunk_rows, text, rows, values
):
    for path in both_forms(tmp_path, text):
        found, got = cells(path, engine, chunk_rows)
        assert (found, sorted(got)) == (rows, sorted(values))


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("text", [b"1,a,b\n2,c\n", b"2,c\n1,a,b\n1,\n", b'1,"a",b\n'])
def test_surplus_cells_are_refused_by_each_engine(tmp_path, engine, text):
    for path in both_forms(tmp_path, b"itemid,value\n" + text):
        with pytest.raises(ValueError, match=rf"Lines of .*{path.name} must have no "):
            cells(path, engine)


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("cut", [1, 8, 9, 400])
def test_a_truncated_gzip_says_how_far_it_got(
    dirty, tmp_path, monkeypatch, engine, cut
):
    # It reads the first megabytes, here all, and would see the end.
    monkeypatch.setattr(engines, "_estimate_rows", lambda path: 1e4)
    root, *_ = dirty
    data = (root / (CHARTS + ".gz")).read_bytes()
    path = tmp_path / (CHARTS + ".gz")
    path.parent.mkdir()
    path.write_bytes(data[:-cut])
    size = len(data) - cut
    message = rf"cut off or damaged after \d+ whole rows, at byte \d+ of {size}"
    with pytest.raises(ValueError, match=message) as error:
        extract_series(tmp_path, dirt.stay_frame(), engine=engine, chunk_rows=1000)
    rows = int(str(error.value).split("after ")[1].split()[0])
    # A line of each row, and some more in quoted cells.
    assert 2700 < rows < 3300


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_damaged_gzip_is_refused(dirty, tmp_path, monkeypatch, engine):
    monkeypatch.setattr(engines, "_estimate_rows", lambda path: 1e4)
    root, *_ = dirty
    data = bytearray((root / (CHARTS + ".gz")).read_bytes())
    data[-7] ^= 1
    path = tmp_path / (CHARTS + ".gz")
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a whole gzip file.*CRC check failed"):
        extract_series(tmp_path, dirt.stay_frame(), engine=engine, most_bad=1)


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_csv_cut_within_a_line_is_refused(tmp_path, engine):
    path = tmp_path / "a.csv"
    path.write_bytes(b"itemid,x,value\n1,2,a\n1,2")
    with pytest.raises(ValueError, match=r"end with a whole line.*after 1 rows: '1,2'"):
        cells(path, engine)


# What is refused, and reported.


@pytest.mark.parametrize("engine", INSTALLED)
def test_more_bad_cells_than_allowed_are_an_error(tmp_path, engine):
    rows = heart_rows(*[(second, 70) for second in range(100)])
    for row in rows[:5]:
        row["charttime"] = "late"
    for row in rows[5:10]:
        row |= {"value": "ERROR", "valuenum": ""}
    counts = extract(tmp_path, rows, engine=engine).counts["chartevents"]
    assert (counts["unparsable time"], counts["unparsable number"]) == (5, 5)
    rows[10]["charttime"] = "late"
    message = r"5.0% of the cells of 'charttime'.*6 of 100 \(6.0%\).*`most_bad`"
    with pytest.raises(ValueError, match=message):
        extract(tmp_path, rows, engine=engine)
    assert extract(tmp_path, rows, engine=engine, most_bad=0.06).counts
    rows[10]["charttime"] = rows[11]["charttime"]
    rows[10] |= {"value": "ERROR", "valuenum": ""}
    with pytest.raises(ValueError, match=r"'valuenum'.*6 of 100 \(6.0%\)"):
        extract(tmp_path, rows, engine=engine)


def test_texts_do_not_hide_a_high_rate_of_bad_numbers(tmp_path):
    rows = heart_rows(*[(second, 70) for second in range(10)])
    rows[0] |= {"value": "ERROR", "valuenum": ""}
    words = heart_rows(*[(second, "Oriented") for second in range(90)], item=223900)
    with pytest.raises(ValueError, match=r"1 of 10 \(10.0%\)"):
        extract(tmp_path, rows + words)


@pytest.mark.parametrize("engine", INSTALLED)
def test_progress_tells_rows_and_the_fraction_of_the_file(dirty, engine):
    root, rows, labs, *_ = dirty
    calls = []
    extract_series(
        root,
        dirt.stay_frame(),
        labs=True,
        engine=engine,
        chunk_rows=100,
        most_bad=1,
        progress=lambda *call: calls.append(call),
    )
    for stage, size in (("chartevents", len(rows)), ("labevents", len(labs))):
        _, done, fractions = zip(*(c for c in calls if c[0] == stage), strict=True)
        assert len(done) > 1 and done[-1] == size
        assert np.all(np.diff(done) > 0) and np.all(np.diff(fractions) >= 0)
        assert 0 < fractions[0] <= 1 and fractions[-1] == pytest.approx(1, abs=0.1)


def test_the_fastest_installed_engine_is_taken(monkeypatch):
    missing = set()
    find = lambda name: None if name in missing else name  # noqa: E731
    monkeypatch.setattr(engines.importlib.util, "find_spec", find)
    for name in ("pyarrow", "polars", "pandas"):
        assert check_engine(None) == name
        missing.add(name)
    with pytest.raises(ValueError, match=r"'polars' must be installed.*keras\[fast\]"):
        check_engine("polars")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "duckdb"}, r"Unknown engine 'duckdb'. Known: \['pandas', 'pyarrow"),
        ({"intubated": "zero"}, r"`intubated`.*\('minimum', 'fifteen'\).*'zero'"),
        ({"labs": True}, r"must hold the table 'labevents'"),
    ],
)
def test_unknown_options_and_missing_tables_are_named(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        extract(tmp_path, heart_rows((0, 70)), **options)


def test_stays_are_checked(tmp_path):
    stay = dirt.stays()[0]
    late = stay | {"end": dirt.DAY - pd.Timedelta(seconds=1)}
    unknown = stay | {"end": pd.NaT}
    for bad in (late, unknown):
        with pytest.raises(
            ValueError, match=r"not before it. Received 1.*\[30000003\]"
        ):
            extract(tmp_path, [], stays=[bad])
    with pytest.raises(ValueError, match=r"repeated stay_id, e.g. \[30000003\]"):
        extract(tmp_path, [], stays=[stay, stay])
    with pytest.raises(ValueError, match=r"none named \['end'\]"):
        extract_series(tmp_path, dirt.stay_frame().drop(columns="end"))
    with pytest.raises(ValueError, match=r"at least one stay. Received none"):
        extract_series(tmp_path, dirt.stay_frame().head(0))


@pytest.mark.parametrize("engine", INSTALLED)
def test_ids_that_cannot_be_read_are_no_other_stays(tmp_path, engine):
    rows = heart_rows(*[(second, 80) for second in range(40)])
    for row in rows[:2]:
        row["stay_id"] = "abc"
    found = extract(tmp_path, rows, engine=engine)
    assert found.counts["chartevents"]["kept"] == 38
    for row in rows[:3]:
        row["stay_id"] = "abc"
    with pytest.raises(ValueError, match=r"stay_id.*most_bad"):
        extract(tmp_path, rows, engine=engine)


def test_events_of_none_of_many_stays_are_of_another_release(tmp_path):
    dirt.write(
        tmp_path / CHARTS, heart_rows((60, 80), stay=39999999), dirt.CHART_COLUMNS
    )
    times = {"intime": dirt.DAY, "end": dirt.DAY + pd.Timedelta(hours=2)}
    many = pd.DataFrame({"stay_id": np.arange(30000000, 30000020), "subject_id": 1})
    many = many.assign(**times).astype({name: "datetime64[s]" for name in times})
    with pytest.raises(
        ValueError, match=r"Some events.*20 stays.*Received none.*release"
    ):
        extract_series(tmp_path, many)
    assert np.isnan(extract_series(tmp_path, many[1:]).grid).all()
