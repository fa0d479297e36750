"""A scikit-learn estimator: teachers, student and missing modalities in one `fit`.

rows        X > {modality: rows}, and back       GAPS
targets     y > labels and a task, and back
files       a fitted estimator as a folder, without pickle
classifier  MindClassifier
"""

from mind_keras.estimator.classifier import MindClassifier
from mind_keras.estimator.rows import records

__all__ = ["MindClassifier", "records"]
