"""Markdown and HTML: all that was found, as text and nothing else."""

from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
from data.audit.planted import clean

from mind_keras.data.audit.checks import CHECKS, audit
from mind_keras.data.audit.page import html, markdown

EVIL = "<script>alert(1)</script> | x\ny"


class Reader(HTMLParser):
    """Cells and tags of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attributes]

    def handle_data(self, data):
        self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    return reader


def broken():
    e = clean(seed=1)
    split = e.samples["split"].where(e.samples.index != 3, EVIL)
    return audit(replace(e, samples=e.samples.assign(split=split)))


def test_a_page_has_every_finding_and_needs_nothing_else():
    found = broken()
    reader = read(found.html())
    for column in ("check", "status", "rule", "found", "cure"):
        for text in found.table()[column]:
            assert text == "" or text in reader.text
    assert {"script", "link", "img", "a"}.isdisjoint(reader.tags)
    assert set(reader.attributes) <= {"lang", "charset", "class"}
    assert "http" not in found.html() and "url(" not in found.html()
    assert reader.tags.count("tr") > len(CHECKS)


def test_text_from_outside_is_text():
    table = pd.DataFrame({"<b>": [EVIL], "status": ['x"><script>']})
    reader = read(html(EVIL, {EVIL: table}))
    assert "script" not in reader.tags and "b" not in reader.tags
    assert EVIL in reader.text and "<b>" in reader.text


def test_a_page_prints_and_marks_what_is_wrong():
    text = broken().html()
    assert "@media print" in text
    assert '<td class="violation">violation</td>' in text
    assert "<p>2 violations: patients, split_rule.</p>" in text
    assert "<p>No violation.</p>" in audit(clean()).html()


def test_markdown_rows_have_the_cells_of_the_table():
    text = markdown(EVIL, {"T": pd.DataFrame({"a": [EVIL, "b\\|c"], "b": [1, None]})})
    lines = text.split("\n")
    assert lines[0] == "# Audit of the extraction"
    assert "<script>" not in text
    assert lines[-4:] == [
        "|---|---|",
        "| &lt;script&gt;alert(1)&lt;/script&gt; \\| x y | 1.0 |",
        "| b\\\\\\|c |  |",
        "",
    ]


def test_markdown_says_all_that_the_page_says():
    found = broken()
    assert all(name in found.markdown() for name in CHECKS)
    assert found.markdown().count("\n## ") == 1 + len(found.cohort)
