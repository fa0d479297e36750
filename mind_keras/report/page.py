"""One HTML page: offline, without scripts, everything from outside escaped."""

from collections.abc import Mapping
from html import escape

import pandas as pd

from mind_keras.report.headline import about, headline, models_table

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em;
       padding: 0 1em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 0 0 1.5em; display: block;
        overflow-x: auto; }
th, td { padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: left;
         font-variant-numeric: tabular-nums; white-space: nowrap; }
caption { text-align: left; font-weight: 600; }
"""


def page(summary: Mapping, metrics: pd.DataFrame, history: pd.DataFrame) -> str:
    """The report of a run.

    Args:
        summary: `summary.json`.
        metrics: `metrics.json`.
        history: `history.csv`.

    Returns:
        A whole HTML document.
    """
    parts = [f"<h1>{escape(summary['name'])}</h1>", f"<p>{escape(about(summary))}</p>"]
    for head, table in headline(summary, metrics).items():
        parts += [f"<h2>Head {escape(head)}</h2>", _html(table)]
    parts += ["<h2>Models</h2>", _html(models_table(summary))]
    parts += ["<p>Latency: median of single answers on one machine; noisy.</p>"]
    parts += ["<h2>Samples</h2>", _html(pd.DataFrame(summary["availability"]), False)]
    parts += ["<h2>Training</h2>", _html(_epochs(history), False)]
    parts += ["<h2>All metrics</h2>", _html(metrics.round(4), False)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(summary['name'])}</title>\n<style>{STYLE}</style>\n</head>\n"
        "<body>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def _html(table: pd.DataFrame, index: bool = True) -> str:
    return table.to_html(index=index, border=0, escape=True, na_rep="")


def _epochs(history: pd.DataFrame) -> pd.DataFrame:
    """How long each model was trained, and its best validation loss."""
    losses = history[history["metric"] == "val_loss"].groupby("model", sort=False)
    best = losses["value"].min().round(4)
    return pd.DataFrame({"epochs": losses.size(), "best val_loss": best}).reset_index()
