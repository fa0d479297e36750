"""X-rays: who gets them, when, what they show and what they must not show."""

import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict

from mind_keras.data.twin.films import Signs, expose
from mind_keras.data.twin.people import draw_block
from mind_keras.data.twin.studies import draw_studies
from mind_keras.data.twin.tables import FINDINGS
from mind_keras.data.twin.xrays import wanted, write_images, xray_tables

DAY = pd.Timedelta("1D")
BLOCKS = 80


@functools.cache
def drawn():
    blocks = [draw_block(0, k) for k in range(BLOCKS)]
    images = [draw_studies(0, k, block) for k, block in enumerate(blocks)]
    return pd.concat(blocks, ignore_index=True), pd.concat(images, ignore_index=True)


@functools.cache
def joined():
    """Images of stays, with the stay's times and latents."""
    stays, images = drawn()
    columns = ["stay_id", "intime", "outtime", "end", "dies", "silent", "ehr"]
    return images.merge(stays[columns], on="stay_id")


def test_six_of_ten_stays_have_an_image_and_the_iller_more_often():
    stays, _ = drawn()
    own = joined()
    inside = own[(own["time"] >= own["intime"]) & (own["time"] <= own["outtime"])]
    has = stays["stay_id"].isin(inside["stay_id"]).to_numpy()
    heard = ~stays["silent"].to_numpy()
    assert abs(has[heard].mean() - 0.6) < 0.04
    z = stays.loc[heard, ["shared", "ehr", "image"]]
    found = LogisticRegression(C=1e3).fit(z, has[heard]).coef_[0]
    np.testing.assert_allclose(found, [0.4, 0, 0], atol=0.13)
    # A stay without charts can still be a sample.
    assert has[~heard].mean() > 0.85


def test_images_lie_before_in_and_after_the_stay_and_after_48_hours():
    stays, _ = drawn()
    own = joined()
    hours = (own["time"] - own["intime"]) / pd.Timedelta("1h")
    before, after = hours < 0, own["time"] > own["end"]
    assert 0.09 < own.loc[before, "stay_id"].nunique() / len(stays) < 0.15
    assert 0.06 < own.loc[after, "stay_id"].nunique() / len(stays) < 0.12
    assert hours.min() > -5 * 24 and not own.loc[after, "dies"].any()
    inside = ~before & ~after
    assert hours[inside].max() <= 6 * 24
    assert 0.2 < (hours[inside] > 48).mean() < 0.5
    assert ((own["time"] - own["end"]) / DAY).max() <= 10


def test_three_of_ten_imaged_subjects_never_had_a_stay():
    _, images = drawn()
    subjects = images.drop_duplicates("subject_id")
    share = (subjects["stay_id"] == -1).mean()
    assert abs(share - 0.3) < 0.04
    alone = set(images.loc[images["stay_id"] == -1, "subject_id"])
    assert not alone & set(drawn()[0]["subject_id"])


def test_views_and_second_exposures_have_their_shares():
    _, images = drawn()
    share = images["ViewPosition"].value_counts(normalize=True)
    for view, expected in {"AP": 0.86, "PA": 0.08, "LATERAL": 0.05}.items():
        assert abs(share[view] - expected) < 0.02
    assert {"", "LL"} <= {*share.index}
    per_study = images.groupby("study_id").size()
    assert per_study.max() == 2 and 0.035 < (per_study == 2).mean() < 0.065
    assert (images.groupby("study_id")["time"].nunique() == 1).all()
    assert images["dicom_id"].is_unique


def test_an_image_sees_what_it_may_with_its_own_noise_and_not_the_third_latent():
    own = joined()
    for sign, latent in {"severity": "shared", "focal": "image"}.items():
        noise = own[sign] - own[latent]
        assert abs(noise.std() - 0.3) < 0.02 and abs(noise.mean()) < 0.02
    for sign in ("severity", "focal", "heart", "effusion"):
        assert abs(np.corrcoef(own[sign], own["ehr"])[0, 1]) < 0.08
    assert 0.45 < own["device"].mean() < 0.55
    rest = own["heart"] - 0.5 * own["severity"] - 0.5 * own["focal"]
    assert abs(rest.std() - 0.7) < 0.03
    assert abs((own["effusion"] - 0.7 * own["focal"]).std() - 0.7) < 0.03


def test_pixels_show_the_shared_and_the_focal_latent_and_never_the_other():
    own = joined().iloc[:1000]
    films = []
    for k, image in enumerate(own.itertuples()):
        signs = Signs(*(getattr(image, name) for name in Signs._fields))
        film = expose(signs, (48, 58), np.random.default_rng(k))
        films.append(film.reshape(6, 8, 29, 2).mean(axis=(1, 3)).ravel())
    x = np.array(films) / 255
    for latent, low, high in (
        ("severity", 0.8, 1),
        ("focal", 0.5, 1),
        ("ehr", -1, 0.1),
    ):
        guess = cross_val_predict(Ridge(alpha=1.0), x, own[latent])
        assert low < np.corrcoef(guess, own[latent])[0, 1] < high


@pytest.mark.parametrize(
    ("sign", "where"),
    [
        ("severity", (slice(15, 45), slice(20, 32))),
        ("heart", (slice(52, 70), slice(55, 75))),
        ("effusion", (slice(60, 78), slice(18, 38))),
    ],
)
def test_each_sign_whitens_its_place(sign, where):
    def bright(level):
        signs = Signs(0, 0, 0, 0, False)._replace(**{sign: level})
        return [
            expose(signs, (96, 115), np.random.default_rng(k))[where].mean()
            for k in range(20)
        ]

    steps = np.diff([bright(level) for level in (-2.0, 0.0, 2.0)], axis=0)
    assert (steps > -0.5).all() and (steps.mean(axis=1) > 1.5).all()


def test_a_blob_is_on_either_side_and_a_line_is_thin_and_bright():
    def films(**signs):
        plain = Signs(0, 0, 0, 0, False)
        return np.array(
            [
                expose(plain._replace(**signs), (64, 76), np.random.default_rng(k))
                for k in range(40)
            ]
        ).astype(float)

    change = films(focal=3.0) - films(focal=0.0)
    right = change[:, :, 38:].sum(axis=(1, 2)) > change[:, :, :38].sum(axis=(1, 2))
    assert 8 < right.sum() < 32
    lit = (films(device=True) - films()) > 25
    assert (lit.mean(axis=(1, 2)) > 0.003).all() and (
        lit.mean(axis=(1, 2)) < 0.06
    ).all()


def test_two_exposures_of_the_same_signs_differ_in_pose_and_noise(tmp_path):
    one = draw_studies(0, 1, draw_block(0, 1)).iloc[[0, 0]].assign(state="whole")
    two = one.assign(dicom_id=["a", "b"]).reset_index(drop=True)
    assert write_images(tmp_path, two, 48, 0, 1) == 2
    first, second = (next(tmp_path.rglob(f"{name}.jpg")) for name in "ab")
    assert first.parent == second.parent
    assert first.read_bytes() != second.read_bytes()


def test_reports_are_blank_uncertain_or_agree_with_the_film():
    _, images = drawn()
    studies = images.drop_duplicates("study_id")
    values = studies[[*FINDINGS]].to_numpy()
    assert abs(np.isnan(values).mean() - 0.55) < 0.01
    assert abs((values == -1).mean() - 0.12) < 0.01
    assert np.isin(values[~np.isnan(values)], [0, 1, -1]).all()
    for name, sign in {"Edema": "severity", "Pneumonia": "focal"}.items():
        seen = studies.groupby(name)[sign].mean()
        assert seen[1.0] > seen[0.0] + 1
    sure = studies[studies["No Finding"] == 1]
    assert not (sure[["Edema", "Cardiomegaly", "Support Devices"]] == 1).any().any()
    assert 0.01 < 1 - studies["reported"].mean() < 0.03


def test_the_tables_have_no_row_for_studies_without_a_report():
    _, images = drawn()
    tables = xray_tables(images, 64)
    chexpert = tables["mimic-cxr-2.0.0-chexpert"]
    studies = images.drop_duplicates("study_id")
    assert len(chexpert) == studies["reported"].sum() < len(studies)
    assert set(np.unique(chexpert[[*FINDINGS]].to_numpy())) == {
        "",
        "0.0",
        "1.0",
        "-1.0",
    }


def test_study_date_and_time_are_numbers_without_the_zeros_in_front():
    _, images = drawn()
    metadata = xray_tables(images, 64)["mimic-cxr-2.0.0-metadata"]
    clock = metadata["StudyTime"].astype(float)
    assert (clock < 100_000).any() and (clock < 10_000).any()
    for date, text, time in zip(
        metadata["StudyDate"], metadata["StudyTime"], images["time"], strict=True
    ):
        assert not text.startswith("0") or text.startswith("0.")
        digits = f"{date}{int(float(text)):06d}"
        assert pd.to_datetime(digits, format="%Y%m%d%H%M%S") == time.floor("s")
    assert (clock % 1 > 0).mean() > 0.9


def test_the_official_split_is_by_subject():
    _, images = drawn()
    assert (images.groupby("subject_id")["split"].nunique() == 1).all()
    share = images.drop_duplicates("subject_id")["split"].value_counts(normalize=True)
    assert share["train"] > 0.95 and {*share.index} == {"train", "validate", "test"}


def test_images_of_a_stay_that_is_cut_are_cut_too():
    block = draw_block(0, 0)
    images = draw_studies(0, 0, block)
    kept = np.arange(len(block)) < 10
    rest = images[wanted(images, block, kept)]
    inside = rest["stay_id"] >= 0
    assert set(rest.loc[inside, "stay_id"]) <= set(block.loc[kept, "stay_id"])
    others = rest.loc[~inside, "subject"] - 5_000_000
    assert set(others) <= set(block.loc[kept, "subject"])
    assert 0 < len(others) < (images["stay_id"] == -1).sum()
