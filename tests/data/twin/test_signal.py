"""What can be learnt: charts and images each know a part, and together more."""

import functools

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mind_keras.data.twin.charting import chart
from mind_keras.data.twin.films import Signs, expose
from mind_keras.data.twin.people import draw_block
from mind_keras.data.twin.signals import draw_course
from mind_keras.data.twin.studies import draw_studies

BLOCKS = 90
VITALS = (220045, 220210, 220277, 220739, 223901, 223900)


def features(number):
    """The mean of some items per stay, and the first film of each."""
    block = draw_block(1, number)
    rows = pd.DataFrame(
        chart(draw_course(1, number, block), np.random.default_rng(number))
    )
    means = rows.groupby(["stay", "itemid"])["number"].mean().unstack()
    means = means.reindex(index=range(len(block)), columns=list(VITALS))
    images = draw_studies(1, number, block).drop_duplicates("stay_id")
    films = {}
    for image in images[images["stay_id"] >= 0].itertuples():
        signs = Signs(*(getattr(image, name) for name in Signs._fields))
        film = expose(signs, (32, 38), np.random.default_rng(image.Index))
        films[image.stay_id] = film.reshape(8, 4, 19, 2).mean(axis=(1, 3)).ravel()
    seen = block["stay_id"].isin(films).to_numpy()
    pixels = np.array([films[stay] for stay in block["stay_id"][seen]])
    latents = block[["shared", "ehr", "image", "age"]].to_numpy()[seen]
    return latents, means.to_numpy()[seen], pixels, block["dies"].to_numpy()[seen]


@functools.cache
def parts():
    drawn = zip(*(features(k) for k in range(BLOCKS)), strict=True)
    latents, charts, pixels, dies = (np.concatenate(part) for part in drawn)
    charts = np.where(np.isnan(charts), np.nanmean(charts, axis=0), charts)
    return {"oracle": latents, "ehr": charts, "cxr": pixels}, dies


def auroc(x, y, regularisation=1.0):
    half = np.arange(len(y)) % 2 == 0
    model = make_pipeline(StandardScaler(), LogisticRegression(C=regularisation))
    score = model.fit(x[half], y[half]).decision_function(x[~half])
    return roc_auc_score(y[~half], score), score


def test_death_is_better_told_by_both_than_by_either_and_best_by_the_latents():
    x, dies = parts()
    oracle, _ = auroc(x["oracle"], dies)
    ehr, charts = auroc(x["ehr"], dies)
    cxr, films = auroc(x["cxr"], dies, 0.01)
    both = roc_auc_score(dies[1::2], charts + films)
    assert 0.83 < oracle < 0.95
    assert 0.66 < ehr < 0.82 and 0.66 < cxr < 0.82
    assert both > max(ehr, cxr) + 0.02
    assert oracle > both
