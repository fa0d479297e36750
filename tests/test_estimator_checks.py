"""scikit-learn's own checks of an estimator, but for those that cannot apply.

They train some seventy times, which says nothing of a backend: one backend is enough.
"""

import keras
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from mind_keras.estimator import MindClassifier

ONE = {"encoder": "mlp", "units": 8, "layers": 1}
FAST = MindClassifier(
    encoders=ONE,
    teachers=(ONE,),
    epochs=30,
    teacher_epochs=5,
    learning_rate=0.03,
    teacher_learning_rate=0.03,
)
FAILS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "who is held back to stop training is drawn by rows, whatever their weights"
    ),
}


def _of(_):
    return FAILS


@pytest.mark.skipif(
    keras.config.backend() != "torch", reason="compiles 70 times; once is enough: torch"
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@parametrize_with_checks([FAST], expected_failed_checks=_of)
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)
