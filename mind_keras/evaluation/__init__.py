"""How good predictions are: metrics, intervals, tables. NumPy only, no Keras.

Numbers of a report come from here and nowhere else. A metric is added in
`metrics.py`: one function and one line of `METRICS`.
"""

from mind_keras.evaluation.bootstrap import group_weights, interval, replicate
from mind_keras.evaluation.comparison import compare
from mind_keras.evaluation.metrics import METRICS, Metric
from mind_keras.evaluation.seeds import over_seeds
from mind_keras.evaluation.table import score

__all__ = [
    "METRICS",
    "Metric",
    "compare",
    "group_weights",
    "interval",
    "over_seeds",
    "replicate",
    "score",
]
