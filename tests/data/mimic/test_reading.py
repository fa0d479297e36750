"""Small tables: kinds, gaps, bad cells counted; cut-off files refused; text parsed."""

import gzip
import importlib.util
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from mind_keras.data.mimic import blocks
from mind_keras.data.mimic.blocks import check_end, read_blocks
from mind_keras.data.mimic.parsing import DATE, parse_numbers, parse_times
from mind_keras.data.mimic.reading import read_table

TABLE = (
    "id,when,day,size,name,gap\n"
    "1,2150-01-01 10:00:00,2150-01-02,1.5, a b ,3\n"
    '2,,2150-01-02 11:12:13,,"x,y",\n'
)
KINDS = {"gap": "int", "id": "int", "when": "time", "day": "date", "size": "float"}
KINDS |= {"name": "text"}


@pytest.fixture(params=["a.csv", "a.csv.gz"])
def write(request, tmp_path):
    def write(text):
        data = text.encode()
        path = tmp_path / request.param
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return path

    return write


def test_each_kind_has_its_dtype_and_its_gap(write):
    read = read_table(write(TABLE), KINDS)
    dtypes = {name: str(dtype) for name, dtype in read.frame.dtypes.items()}
    assert dtypes.pop("name") in ("object", "str")
    assert dtypes == {
        "gap": "Int64",
        "id": "int64",
        "when": "datetime64[s]",
        "day": "datetime64[s]",
        "size": "float64",
    }
    assert [*read.frame] == [*KINDS] and read.bad == {}
    first, second = read.frame.to_dict("records")
    day, when = pd.Timestamp("2150-01-02"), pd.Timestamp("2150-01-01 10:00:00")
    assert first == dict(zip(KINDS, (3, 1, when, day, 1.5, "a b"), strict=True))
    assert pd.isna(second["gap"]) and second["when"] is pd.NaT
    assert (second["day"], second["name"]) == (day, "x,y") and np.isnan(second["size"])


def test_a_table_without_rows_has_the_same_columns(write):
    frame = read_table(write("id,when\n"), {"id": "int", "when": "time"}).frame
    assert len(frame) == 0
    assert [str(dtype) for dtype in frame.dtypes] == ["int64", "datetime64[s]"]


def test_bad_cells_are_missing_and_counted(write):
    good = "5,2150-01-01 10:00:00,2150-01-01,5,5\n" * 20
    bad = "6.5,2150-13-01 10:00:00,2150-02-30,five,1e400\n"
    path = write("id,when,day,size,big\n" + good + bad)
    kinds = {
        "id": "int",
        "when": "time",
        "day": "date",
        "size": "float",
        "big": "float",
    }
    read = read_table(path, kinds)
    assert read.bad == dict.fromkeys(kinds, 1)
    assert read.frame.iloc[-1].isna().all() and read.frame.iloc[:-1].notna().all().all()


def test_whole_numbers_that_a_float_cannot_tell_apart_are_bad(write):
    path = write("id\n9007199254740992\n9007199254740994\n")
    read = read_table(path, {"id": "int"}, most_bad=0.5)
    assert read.bad == {"id": 1} and read.frame["id"][0] == 2**53


def test_more_bad_cells_than_the_stated_rate_are_an_error(write):
    path = write("size\n" + "1\n" * 18 + "one\ntwo\n")
    message = (
        r"5.0% of the cells of 'size'.*2 of 20 \(10.0%\), such as \['one', 'two'\]"
    )
    with pytest.raises(ValueError, match=message):
        read_table(path, {"size": "float"})
    assert read_table(path, {"size": "float"}, most_bad=0.1).bad == {"size": 2}


def test_text_that_pandas_would_call_missing_is_text(write):
    frame = read_table(write("name,x\nNA,1\nNone,1\n,1\n"), {"name": "text"}).frame
    assert frame["name"].tolist() == ["NA", "None", ""]


def test_many_pieces_are_one_table(write, monkeypatch):
    monkeypatch.setattr("mind_keras.data.mimic.reading.BLOCK", 64)
    rows = "".join(f"{k},{k / 4}\n" for k in range(500))
    frame = read_table(write("id,x\n" + rows), {"id": "int", "x": "float"}).frame
    np.testing.assert_array_equal(frame["id"], np.arange(500))
    np.testing.assert_array_equal(frame["x"], np.arange(500) / 4)


def test_unknown_kinds_and_absent_columns_are_named(write):
    with pytest.raises(ValueError, match=r"Unknown kinds of columns \['day'\].*'date'"):
        read_table(write(TABLE), {"id": "day"})
    with pytest.raises(ValueError, match=r"none named \['ID'\]; it has \['id', 'when'"):
        read_table(write(TABLE), {"ID": "int"})


@pytest.mark.parametrize("text", ["a,b\n1,2\n1,2,3\n", "a,b\n1,2,3\n1,2,3\n"])
def test_surplus_cells_are_refused(write, text):
    with pytest.raises(ValueError, match=r"no more cells than its header"):
        read_table(write(text), {"a": "int"})


def test_a_short_line_has_gaps(write):
    frame = read_table(write("a,b,c\n1\n2,x,y\n"), {"a": "int", "c": "text"}).frame
    assert frame["a"].tolist() == [1, 2] and frame["c"].tolist() == ["", "y"]


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 100])
def test_a_truncated_gzip_is_never_taken_as_whole(tmp_path, cut):
    draw = np.random.default_rng(0)
    text = "id\n" + "".join(f"{k}\n" for k in draw.integers(10**9, size=1000))
    data = gzip.compress(text.encode())
    path = tmp_path / "a.csv.gz"
    path.write_bytes(data[:-cut])
    rows = 1000 if cut <= 8 else r"(1000|9\d\d)"
    message = (
        rf"after {rows} whole rows, at byte {len(data) - cut} of {len(data) - cut}"
    )
    with pytest.raises(ValueError, match=message):
        read_table(path, {"id": "int"})


def test_a_csv_cut_within_a_line_or_a_quotation_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    for text, message in {
        "a,b\n1,2\n3,4\n5": r"whole line.*after 2 rows: '5'",
        'a,b\n1,2\n3,"4\n': r"close each quotation mark.*'3,\"4\\n'",
        'a,b\n1,2\n3,"4': r"close each quotation mark",
    }.items():
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_table(path, {"a": "int"})


def test_a_quotation_that_stays_open_is_refused_before_memory_is_full(
    tmp_path, monkeypatch
):
    taken = []
    read = blocks._read
    monkeypatch.setattr(blocks, "LONGEST", 1000)
    monkeypatch.setattr(blocks, "_read", lambda *a: taken.append(1) or read(*a))
    path = tmp_path / "a.csv"
    path.write_text('a\n"' + "1\n" * 10_000)
    with pytest.raises(ValueError, match=r"close each quotation mark"):
        list(read_blocks(path, 100))
    assert len(taken) == 11


@pytest.mark.parametrize("size", [1, 5, 64, 10**6])
def test_pieces_are_whole_lines_of_the_size_asked_for(write, size):
    lines = [
        f'{k},"{"x" * (k % 7)}\n,"\n' if k % 5 == 0 else f"{k},y\n" for k in range(99)
    ]
    path = write("id,text\n" + "".join(lines))
    pieces = list(read_blocks(path, size))
    texts = [text.decode() for text, _ in pieces]
    assert all(text.startswith("id,text\n") for text in texts)
    assert "".join(text.removeprefix("id,text\n") for text in texts) == "".join(lines)
    assert all(text.count('"') % 2 == 0 for text in texts)
    assert max(map(len, texts)) < size + 40
    fractions = [fraction for _, fraction in pieces]
    assert fractions == sorted(fractions) and 0 < fractions[0] and fractions[-1] == 1


def test_the_end_of_a_csv_is_checked_alone(tmp_path):
    path = tmp_path / "a.csv"
    for text in (
        "a,b\n",
        "a,b\n1,2\n",
        "a,b\n1,2",
        "a,b\n" + "1,2\n" * 200_000 + "1,2",
    ):
        path.write_text(text)
        check_end(path)
    path.write_text("a,b\n" + "1,2\n" * 200_000 + "1")
    with pytest.raises(ValueError, match=r"cut off after 200000 rows: '1'"):
        check_end(path)


def test_times_are_those_of_the_calendar():
    draw = np.random.default_rng(0)
    start = datetime(1, 1, 1)
    span = int((datetime(9999, 12, 31) - start).total_seconds())
    times = [start + timedelta(seconds=int(s)) for s in draw.integers(span, size=2000)]
    for width, form in ((19, "%Y-%m-%d %H:%M:%S"), (DATE, "%Y-%m-%d")):
        # The year has four digits only if it is made so.
        texts = [time.strftime(form).zfill(width) for time in times]
        parsed, bad = parse_times(texts, width=width)
        whole = [
            t if width == 19 else t.replace(hour=0, minute=0, second=0) for t in times
        ]
        np.testing.assert_array_equal(parsed, np.array(whole, "datetime64[s]"))
        assert not bad.any() and parsed.dtype == "datetime64[s]"


@pytest.mark.parametrize("year", [1900, 1999, 2000, 2100, 2104, 2150])
def test_days_of_a_month_are_those_of_its_year(year):
    for month in range(14):
        for day in range(33):
            text = f"{year}-{month:02}-{day:02} 00:00:00"
            try:
                expected = np.datetime64(datetime(year, month, day), "s")
            except ValueError:
                expected = np.datetime64("NaT")
            (parsed,), (bad,) = parse_times([text])
            assert bad == np.isnat(expected)
            assert bad or parsed == expected


NO_TIMES = ["2150-01-01 24:00:00", "2150-01-01 00:60:00", "2150-01-01 00:00:60"]
NO_TIMES += [
    "2150-01-01",
    "2150-01-01T00:00:00",
    "2150-01-01 00:00:00.5",
    "soon",
    "NaT",
]
NO_TIMES += ["2150/01/01 00:00:00", "2150-1-1 00:00:00", "2150-01-01 00.00:00", "Ä"]
NO_TIMES += [
    "2150-01-01 0a:00:00",
    "+150-01-01 00:00:00",
    "2150-01-01 00:00",
    "9999-99-99",
]
NO_TIMES += ["2150-01-01 00:00:0 ", "9999-99-01 00:00:00", "2150-01-01 00:00-00"]


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_spells_no_time_is_bad(text):
    for texts in ([text], np.array([text.encode()])):
        times, bad = parse_times(texts)
        assert np.isnat(times).all() and bad.all()


def test_blanks_are_missing_not_bad_and_padding_is_taken_off():
    times, bad = parse_times(["", "  ", " 2150-01-01 00:00:01\t", "x"])
    assert bad.tolist() == [False, False, False, True]
    assert times.astype(str)[2] == "2150-01-01T00:00:01"
    assert parse_times([])[0].shape == parse_numbers([])[0].shape == (0,)
    dates, bad = parse_times(["2150-01-01 25:00:00", "2150-01-01x", ""], width=DATE)
    assert bad.tolist() == [False, True, False]
    assert dates[0] == np.datetime64("2150-01-01")


def test_numbers_are_those_of_python():
    draw = np.random.default_rng(0)
    numbers = draw.normal(size=3000) * 10.0 ** draw.integers(-8, 12, size=3000)
    texts = [f"{x:.{k % 9}f}" for k, x in enumerate(numbers)]
    texts += [str(x) for x in numbers[:500]] + [
        "123456789012345",
        ".5",
        "5.",
        "+1",
        "007",
    ]
    texts += ["1234567890123456789", "1e3", "-1.7976931348623157e+308", "0.1", "9" * 24]
    for form in (texts, np.array(texts, "S24")):
        parsed, bad = parse_numbers(form)
        np.testing.assert_array_equal(parsed, np.array(texts, float))
        assert not bad.any()


NO_NUMBERS = [
    "ERROR",
    "1.2.3",
    "-",
    ".",
    "1_0",
    "0x1",
    "inf",
    "nan",
    "1e999",
    "1,5",
    "1 2",
]
NO_NUMBERS += ["12/5", "5%", "--1", "1e", "\u0663", "9" * 25, "0." + "1" * 30]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_spells_no_number_is_bad(text):
    numbers, bad = parse_numbers([text, "", " 2 "])
    assert np.isnan(numbers[:2]).all() and bad.tolist() == [True, False, False]
    assert numbers[2] == 2


@pytest.fixture(params=["gzip", "isal"])
def gunzip(request, monkeypatch):
    """What reads gzip, chosen as if isal were installed, or not."""
    if importlib.util.find_spec("isal") is None:
        pytest.skip("isal is not installed")
    there = None if request.param == "gzip" else True
    blocks._gunzip.cache_clear()
    monkeypatch.setattr(blocks.importlib.util, "find_spec", lambda name: there)
    yield request.param
    blocks._gunzip.cache_clear()


def test_what_reads_gzip_changes_nothing(gunzip, tmp_path):
    assert blocks._gunzip()[0].__module__.split(".")[0] == gunzip
    text = b"id,text\n" + b"".join(b"%d,row %d\n" % (k, k * k) for k in range(50_000))
    path = tmp_path / "a.csv.gz"
    # Two members, as some tools write; both are one table.
    path.write_bytes(gzip.compress(text[:100_000]) + gzip.compress(text[100_000:]))
    found = [block for block, _ in read_blocks(path, 1 << 16)]
    assert b"id,text\n" + b"".join(b.removeprefix(b"id,text\n") for b in found) == text
    data = bytearray(gzip.compress(text))
    for broken in (data[:-9], data[:5000], data[:-7] + b"x" + data[-6:]):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"whole gzip.*after \d{2,} whole rows"):
            [*read_blocks(path, 1 << 16)]
    data[4000:4100] = b"x" * 100
    path.write_bytes(data)
    with pytest.raises(ValueError, match="must be a whole gzip file"):
        [*read_blocks(path, 1 << 16)]
