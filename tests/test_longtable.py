"""A long table: each probability stands beside its own sample, head and label."""

import numpy as np

from mind_keras.data.files import Unlabelled
from mind_keras.longtable import long_table
from mind_keras.spec import Task

TASK = Task("findings", "multilabel", ("edema", "fracture"))


def test_a_row_is_one_sample_head_and_label_and_none_where_there_is_no_answer():
    ids = np.array(["p1", "p2", "p3"])
    rows = {"cxr": np.array([0, 2]), "ehr": np.array([1, 2])}
    samples = Unlabelled(ids, {m: np.zeros((2, 1)) for m in rows}, rows, ids)
    said = {"cxr": np.array([[0.1, 0.2], [np.nan, np.nan], [0.5, 0.6]])}
    y = np.array([[1, 0], [0, 0], [np.nan, 1]])
    table = long_table(said, samples, TASK, group=np.array([7, 8, 9]), y=y)
    assert table.fillna(-1).to_numpy().tolist() == [
        ["p1", "cxr", "cxr", "edema", 7, 1.0, 0.1],
        ["p1", "cxr", "cxr", "fracture", 7, 0.0, 0.2],
        ["p3", "cxr+ehr", "cxr", "edema", 9, -1.0, 0.5],
        ["p3", "cxr+ehr", "cxr", "fracture", 9, 1.0, 0.6],
    ]
    names = ["id", "pattern", "head", "label", "group", "y", "probability"]
    assert table.columns.tolist() == names
