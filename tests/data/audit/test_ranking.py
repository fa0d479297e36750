"""The AUROC is that of scikit-learn, for every label on its known rows."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mind_keras.data.audit.ranking import auroc


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_area_of_scikit_learn_where_both_are_known(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 12, 200).astype(float)
    values[rng.random(200) < 0.2] = np.nan
    labels = (rng.random((200, 4)) < 0.3).astype(float)
    labels[rng.random((200, 4)) < 0.1] = np.nan
    for k, area in enumerate(auroc(values, labels)):
        known = np.isfinite(values) & np.isfinite(labels[:, k])
        assert abs(area - roc_auc_score(labels[known, k], values[known])) < 1e-12


def test_too_few_of_a_kind_have_no_area():
    labels = np.array([[0, 1, 1, 1, 1.0]]).T
    assert np.isnan(auroc(np.arange(5.0), labels, least=2))
    assert auroc(np.arange(5.0), labels, least=1) == 1
    assert np.isnan(auroc(np.full(5, np.nan), labels))
    assert np.isnan(auroc(np.arange(5.0), np.ones((5, 1))))
