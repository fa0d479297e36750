"""Drawings: the values that are drawn, in looks that can be told apart."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from mind_keras.report.bars import bars, scale
from mind_keras.report.looks import chosen, looks
from mind_keras.report.plots import Line, Panel, svg


def drawn(panel, models=("student", "no_kd"), name="p"):
    return svg(panel, looks(models), name=name)


def points(path):
    """The points of an SVG path."""
    return np.array(re.findall(r"[ML] ?(-?[\d.]+) (-?[\d.]+)", path.get("d")), float)


def lines_of(text, colour):
    """All paths of a colour that are not filled."""
    paths = ElementTree.fromstring(text).iter("path")
    wanted = f"stroke: {colour}"
    return [p for p in paths if wanted in p.get("style", "") and p.get("clip-path")]


def test_a_line_goes_through_its_points():
    x, y = [0.0, 0.5, 1.0], [0.0, 0.8, 1.0]
    panel = Panel("t", "x", "y", [Line("no_kd", x, y)], unit=True)
    (line,) = [
        p
        for p in ElementTree.fromstring(drawn(panel)).iter("path")
        if "#d55e00" in p.get("style", "")
        and "fill: none" in p.get("style", "")
        and len(points(p)) == 3
    ]
    found = points(line)
    across = (found[:, 0] - found[0, 0]) / (found[-1, 0] - found[0, 0])
    up = (found[:, 1] - found[0, 1]) / (found[-1, 1] - found[0, 1])
    np.testing.assert_allclose(across, x, atol=1e-4)
    np.testing.assert_allclose(up, y, atol=1e-4)


def test_an_interval_is_drawn_where_it_is_known():
    y, low, high = [0.4, 0.6, 0.8], [0.3, 0.5, None], [0.5, 0.7, None]
    with_ends = drawn(Panel("t", "x", "y", [Line("student", [0, 1, 2], y, low, high)]))
    without = drawn(Panel("t", "x", "y", [Line("student", [0, 1, 2], y)]))
    assert with_ends.count("stroke-width: 0.7") == 2 + without.count(
        "stroke-width: 0.7"
    )


def test_a_drawing_is_the_same_each_time_and_names_only_itself():
    panel = Panel("a < b", "x", "y", [Line("student", [0, 1], [1, 2])], unit=True)
    first = drawn(panel, name="one")
    assert first == drawn(panel, name="one")
    ids = set(re.findall(r' id="(.*?)"', first))
    assert ids and all(i.startswith("one-") for i in ids)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', first)) <= ids
    assert not ids & set(re.findall(r' id="(.*?)"', drawn(panel, name="two")))
    assert "http" not in first and "font-family" not in first


def test_text_stays_text_and_no_formula():
    panel = Panel(
        "t<t>", "share of $x_1$ & <b>", "y", [Line("student", [0, 1], [0, 1])]
    )
    root = ElementTree.fromstring(drawn(panel))
    assert "share of $x_1$ & <b>" in [text.text for text in root.iter("text")]
    assert root.find("title").text == "t<t>: y by share of $x_1$ & <b>"
    assert root.get("aria-labelledby") == root.find("title").get("id")


def test_the_diagonal_is_drawn_where_it_is_asked_for():
    line = [Line("student", [0, 1], [1, 1])]
    plain = drawn(Panel("t", "x", "y", line, unit=True))
    assert plain.count("#999999") == 0
    assert (
        drawn(Panel("t", "x", "y", line, unit=True, diagonal=True)).count("#999999")
        == 1
    )


def test_looks_are_told_apart_without_colour_too():
    found = list(looks([f"m{k}" for k in range(31)]).values())
    assert len({(look.dashes, look.marker) for look in found}) == 31
    assert len({look.colour for look in found[:7]}) == 7


def test_a_model_has_one_look_whoever_else_is_drawn():
    assert looks(["a", "b", "a", "c"])["c"] == looks(["x", "y", "c"])["c"]


def test_those_whom_everybody_asks_for_are_drawn_first():
    many = ["teacher:x:0", *(f"c{k}" for k in range(9)), "teachers", "no_kd", "student"]
    assert chosen(many) == ["student", "no_kd", "teachers", "c0", "c1", "c2", "c3"]


def test_a_bar_lies_where_its_numbers_lie():
    look = looks(["a"])["a"]
    root = ElementTree.fromstring(
        bars([(0.75, 0.5, 1.0)], [look], (0.5, 1.0), mark=0.5)
    )
    mark, line, marker = root.iter("path")
    assert mark.get("d").startswith("M6.0 0.0L6.0")
    assert line.get("d") == "M6.0 5.0L194.0 5.0"
    assert marker.get("transform") == "translate(100.0 5.0)"


def test_what_is_not_known_has_no_bar():
    look = looks(["a"])["a"]
    nothing = float("nan")
    rows = [(nothing, nothing, nothing), (0.7, nothing, nothing)]
    root = ElementTree.fromstring(bars(rows, [look] * 2, (0.0, 1.0), mark=0.0))
    assert len(list(root.iter("path"))) == 2  # The mark, and one marker.


def test_an_axis_holds_all_its_values_and_the_mark():
    assert scale([0.51, 0.98], mark=0.5) == (0.5, 1.0)
    assert scale([-0.31, -0.05], mark=0.0) == (-0.4, 0.0)


def marked(text, colour):
    """How many markers of a colour a drawing has."""
    return len(re.findall(f"<use [^>]*fill: {colour}; stroke: {colour}", text.lower()))


def test_a_long_line_is_marked_here_and_there_and_a_short_one_at_each_point():
    x = np.linspace(0, 1, 50)
    long = drawn(Panel("t", "x", "y", [Line("no_kd", x, x)], unit=True))
    assert 3 <= marked(long, "#d55e00") <= 8
    short = drawn(Panel("t", "x", "y", [Line("no_kd", x[:6], x[:6])], unit=True))
    assert marked(short, "#d55e00") == 6


def test_points_that_are_not_joined_have_no_line_and_are_all_marked():
    x = np.linspace(0, 1, 15)
    line = [Line("no_kd", x, x)]
    text = drawn(Panel("t", "x", "y", line, unit=True, joined=False))
    assert marked(text, "#d55e00") == 15
    assert "fill: none; stroke: #d55e00" not in text.lower().replace("; stroke-d", "")


def test_lines_on_top_of_each_other_are_marked_at_other_places():
    x = np.linspace(0, 1, 50)
    lines = [Line("no_kd", x, x), Line("teachers", x, x)]
    text = drawn(
        Panel("t", "x", "y", lines, unit=True), ("student", "no_kd", "teachers")
    )
    places = [
        set(re.findall(f'<use [^>]*x="([\\d.]+)"[^>]*fill: {colour}; s', text))
        for colour in ("#d55e00", "#0072b2")
    ]
    assert all(places) and len(places[0] & places[1]) <= 1


def test_a_second_round_of_colours_has_other_dashes_and_markers():
    found = list(looks([f"m{k}" for k in range(14)]).values())
    for one, other in zip(found[:7], found[7:], strict=True):
        assert one.colour == other.colour
        assert one.dashes != other.dashes and one.marker != other.marker


def test_those_that_are_drawn_first_differ_in_colour_wherever_they_stand():
    names = [*(f"teacher:x:{k}" for k in range(9)), "c1", "teachers", "student"]
    found = looks(names)
    assert found["student"].colour == "#000000"
    assert len({found[name].colour for name in chosen(names)}) == 7


def test_only_known_points_are_drawn_however_few_are_known():
    # As where a utilisation is undefined in nearly every epoch, or in all of them.
    x, gaps = list(range(30)), [np.nan] * 30
    for known in (0, 1):
        y = [0.5] * known + gaps[known:]
        text = drawn(Panel("t", "x", "y", [Line("no_kd", x, y)]))
        assert marked(text, "#d55e00") == known
