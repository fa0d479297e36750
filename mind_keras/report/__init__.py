"""The results of a run for people: tables of text, one HTML page, a model card.

Everything is a function of `summary.json`, `metrics.json` and `history.csv`, as plain
values; no number is computed here that is not in these files.
"""

from mind_keras.report.card import card
from mind_keras.report.headline import headline, models_table
from mind_keras.report.page import page
from mind_keras.report.terminal import show

__all__ = ["card", "headline", "models_table", "page", "show"]
