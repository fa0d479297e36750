"""The results of a run for people: tables of text, one HTML page, a model card.

Everything is made of the files of a run folder, gathered once as plain values; no
number is computed here that is not in these files.

    gathered                     files > Results
    words, looks                 numbers as text, models as lines
    markup, plots, bars, style   text > HTML, SVG
    headline, standing           Results > the first tables
    sections/                    Results > a part of the page       page.SECTIONS
    page, side_by_side, card     the whole
    writing, terminal            where it goes
"""

from mind_keras.report.card import card
from mind_keras.report.gathered import Results, gather
from mind_keras.report.headline import headline, models_table
from mind_keras.report.page import page
from mind_keras.report.side_by_side import side_by_side
from mind_keras.report.terminal import show
from mind_keras.report.writing import write, write_page

__all__ = [
    "Results",
    "card",
    "gather",
    "headline",
    "models_table",
    "page",
    "show",
    "side_by_side",
    "write",
    "write_page",
]
