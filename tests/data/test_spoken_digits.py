"""Spoken digits: who is where, how strong the noise is, and what can be told by ear."""

import shutil

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from mind_keras.data import cache as cache_module
from mind_keras.data.sources import load, spoken_digits
from mind_keras.data.speech import corpus
from mind_keras.data.speech import espeak as espeak_module

SMALL = {"pairs": (40, 20, 20), "speakers": (4, 2, 2)}
FULL = (1200, 400, 400)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def full(cache):
    """Enough to learn from, and to count: more samples than images."""
    return load("spoken_digits", cache=cache, pairs=FULL)


@pytest.fixture
def small(cache):
    return lambda **options: load("spoken_digits", **{"cache": cache} | SMALL | options)


def raw(data, split, name):
    """Rows before they were standardised, in float64."""
    scale, rows = data.preprocessing, getattr(data, split).x[name].astype("float64")
    return rows * scale.std[name] + scale.mean[name]


def same(first, second):
    for (_, a), (_, b) in zip(first.items(), second.items(), strict=True):
        for name in a.spec.names:
            np.testing.assert_array_equal(a.x[name], b.x[name])
            np.testing.assert_array_equal(a.rows[name], b.rows[name])
        np.testing.assert_array_equal(a.y, b.y)
        assert a.id.tolist() == b.id.tolist() and a.group.tolist() == b.group.tolist()


def test_speakers_and_images_are_in_one_split_only(full):
    for column in ("speaker", "image"):
        sets = [set(part.meta[column]) for _, part in full.items()]
        assert sum(map(len, sets)) == len(set.union(*sets))
    assert [part.meta["speaker"].nunique() for _, part in full.items()] == [48, 16, 32]
    for _, part in full.items():
        assert part.group.tolist() == part.meta["speaker"].tolist()


def test_images_are_those_of_the_digit_and_split_by_60_20_20(cache):
    target = load_digits().target
    data = load("spoken_digits", cache=cache, pairs=FULL, sigma=0.0)
    shares = [part.meta["image"].nunique() / len(target) for _, part in data.items()]
    np.testing.assert_allclose(shares, [0.6, 0.2, 0.2], atol=0.01)
    for split, part in data.items():
        np.testing.assert_array_equal(part.y, target[part.meta["image"]])
        # Without noise: the very pixels, white 0 and black 1.
        expected = load_digits().images[part.meta["image"]] / 16
        np.testing.assert_allclose(
            raw(data, split, "image")[..., 0], expected, atol=1e-6
        )


def test_digits_speakers_and_images_occur_equally_often(full):
    for _, part in full.items():
        assert np.ptp(np.bincount(part.y, minlength=10)) == 0
        table = part.meta.assign(digit=part.y)
        for column in ("speaker", "image"):
            for _, rows in table.groupby("digit"):
                assert np.ptp(rows[column].value_counts().to_numpy()) <= 1
        # Not in the order of the digits.
        assert len(set(part.y[:10].tolist())) < 10 or part.y[:10].tolist() != [
            *range(10)
        ]


def test_an_image_is_not_bound_to_a_speaker_nor_a_sample_to_its_neighbour(full):
    table = full.train.meta
    again = table.groupby("image")["speaker"].nunique()
    repeats = table["image"].value_counts()
    assert (again[repeats > 1] > 1).mean() > 0.9
    digits = full.train.y
    assert (digits[1:] == digits[:-1]).mean() < 0.15


def test_the_seed_alone_decides_the_data(small, tmp_path):
    missing = {"mechanism": "mcar", "rate": {"speech": 0.5}}
    first, other = (small(seed=seed, missing=missing) for seed in (5, 6))
    same(first, small(seed=5, missing=missing, cache=tmp_path))
    assert first.train.meta["image"].tolist() != other.train.meta["image"].tolist()
    assert not set(first.train.pattern) ^ {"image", "image+speech"}
    assert first.train.has("speech").tolist() != other.train.has("speech").tolist()


def test_noise_differs_between_seeds_and_splits(small):
    drowned = [small(seed=seed, snr_db=-60.0, sigma=100.0) for seed in (5, 6)]
    parts = [part for data in drowned for _, part in data.items()]
    for name in ("image", "speech"):
        rows = [part.x[name][:20] for part in parts]
        # Less the mean of each band: wide ones are louder in all.
        details = [(x - x.mean(axis=(0, 1))).ravel() for x in rows]
        alike = np.abs(np.corrcoef(details))[~np.eye(len(parts), dtype=bool)]
        assert alike.max() < 0.15


def test_the_same_words_are_said_in_all_noise_and_images_do_not_depend_on_it(small):
    quiet, loud, foggy = small(snr_db=None), small(snr_db=-5.0), small(sigma=0.2)
    for one in (loud, foggy):
        assert one.train.group.tolist() == quiet.train.group.tolist()
        assert one.train.meta.equals(quiet.train.meta)
    same_image = [raw(data, "train", "image") for data in (quiet, loud)]
    np.testing.assert_allclose(*same_image, atol=1e-6)
    same_sound = [raw(data, "train", "speech") for data in (loud, foggy)]
    np.testing.assert_allclose(*same_sound, atol=1e-4)


@pytest.mark.parametrize("snr_db", [-5.0, 5.0])
def test_the_power_ratio_is_as_stated_in_the_spectrograms(small, snr_db):
    quiet, loud = small(snr_db=None), small(snr_db=snr_db)
    power = [
        (10 ** (raw(data, "train", "speech") / 10)).sum() for data in (quiet, loud)
    ]
    found = 10 * np.log10(power[0] / (power[1] - power[0]))
    # Bands are triangles, and frames overlap: both weigh speech and noise alike but at
    # the lowest and highest frequencies.
    assert abs(found - snr_db) < 0.6


def test_the_noise_of_a_pixel_has_the_stated_deviation(small):
    quiet = small(sigma=0.0)
    for sigma in (0.3, 0.8):
        noise = raw(small(sigma=sigma), "train", "image") - raw(quiet, "train", "image")
        assert abs(noise.std() / sigma - 1) < 0.04 and abs(noise.mean()) < 0.05 * sigma
        halves = noise[:, :4], noise[:, 4:]
        assert abs(np.corrcoef(halves[0].ravel(), halves[1].ravel())[0, 1]) < 0.1


def test_the_default_noise_is_minus_5_decibels_and_sigma_point_8(small):
    same(small(), small(snr_db=-5.0, sigma=0.8, voice="formant"))


def test_values_are_on_a_grid_that_rounding_of_machines_does_not_reach(small):
    data = small()
    for name, steps in (("image", spoken_digits.GRID), ("speech", corpus.GRID)):
        values = raw(data, "train", name) * steps
        np.testing.assert_allclose(values, np.rint(values), atol=0.01)
    assert (spoken_digits.GRID, corpus.GRID) == (256, 64)


def test_training_rows_left_after_removal_are_standardised(small):
    missing = {"mechanism": "mcar", "rate": {"speech": 0.4, "image": 0.2}}
    data = small(missing=missing)
    for name, rows in data.train.x.items():
        assert rows.shape == (data.train.has(name).sum(), *data.spec.shape(name))
        assert rows.dtype == np.float32
        np.testing.assert_allclose([rows.mean(), rows.std()], [0, 1], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "strength", "ceiling"), [("image", 0.1, 0.6), ("speech", 0.01, 0.75)]
)
def test_neither_sense_suffices_a_linear_classifier(full, name, strength, ceiling):
    train, test = full.train, full.test
    model = LogisticRegression(C=strength, max_iter=300)
    model.fit(train.x[name].reshape(len(train), -1), train.y)
    right = (model.predict(test.x[name].reshape(len(test), -1)) == test.y).mean()
    # Chance is 0.1; four standard errors are 0.05.
    assert 0.3 < right < ceiling


def test_speech_without_noise_is_told_by_a_linear_classifier(cache):
    data = load("spoken_digits", cache=cache, pairs=(600, 10, 200), snr_db=None)
    train, test = (part.x["speech"].reshape(len(part), -1)
                   for part in (data.train, data.test))  # fmt: skip
    model = LogisticRegression(C=0.1, max_iter=300).fit(train, data.train.y)
    assert (model.predict(test) == data.test.y).mean() > 0.75


def fail(*args, **options):
    raise AssertionError("it was said already")


def test_speech_is_made_once_per_what_it_depends_on(tmp_path, monkeypatch):
    options = {"cache": tmp_path, **SMALL}
    told = []
    first = load("spoken_digits", **options, progress=lambda *step: told.append(step))
    with monkeypatch.context() as broken:
        broken.setattr(corpus, "_speak", fail)
        same(load("spoken_digits", **options), first)
        load("spoken_digits", **options, sigma=0.1, missing=None)
        for option in ({"snr_db": 0.0}, {"seed": 1}, {"speakers": (5, 2, 2)}):
            with pytest.raises(AssertionError):
                load("spoken_digits", **options | option)
    files = sorted(path.suffix for path in (tmp_path / "spoken_digits").iterdir())
    assert files == [".lock"] * (len(files) - 3) + [".npy"] * 3


def test_progress_tells_rows_and_share(tmp_path):
    told = []
    options = {"pairs": (100, 10, 10), "speakers": (4, 2, 2), "cache": tmp_path}
    load("spoken_digits", **options, progress=lambda *step: told.append(step))
    assert told == [("speech", 50, 0.5), ("speech", 100, 1.0)]


def test_the_environment_or_the_users_folder_holds_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MIND_KERAS_CACHE", str(tmp_path / "told"))
    load("spoken_digits", **SMALL)
    assert (tmp_path / "told" / "spoken_digits").is_dir()
    monkeypatch.delenv("MIND_KERAS_CACHE")
    monkeypatch.setattr(cache_module, "user_cache_path", lambda name: tmp_path / name)
    load("spoken_digits", **SMALL)
    assert (tmp_path / "mind_keras" / "spoken_digits").is_dir()


@pytest.mark.skipif(
    not shutil.which(espeak_module.PROGRAM), reason="espeak-ng not installed"
)
def test_the_real_program_speaks(small):
    data = small(voice="espeak")
    assert all("+" in name for name in data.train.group)
    assert len(data.test) == 20 and np.isfinite(data.test.x["speech"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"voice": "alto"}, r"Unknown voice 'alto'. Known: \['espeak', 'formant'\]"),
        ({"pairs": (40, 9, 20)}, r"`pairs` must be whole .* 10 up .*\(40, 9, 20\)"),
        ({"pairs": (40, 20)}, r"`pairs` must be whole numbers.*\(40, 20\)"),
        ({"pairs": 40}, r"`pairs` must be whole numbers.*Received: 40"),
        ({"pairs": (40, 20.0, 20)}, r"`pairs` must be whole numbers"),
        ({"speakers": (4, 0, 2)}, r"`speakers` must be whole .* 1 up .*\(4, 0, 2\)"),
        ({"snr_db": "low"}, r"`snr_db` must be a number of dB, or None.*'low'"),
        ({"snr_db": float("nan")}, r"`snr_db` must be a number of dB"),
        ({"sigma": -0.1}, r"`sigma` must be a number from 0 up. Received: -0.1"),
        ({"sigma": True}, r"`sigma` must be a number from 0 up. Received: True"),
    ],
    ids=str,
)
def test_what_cannot_be_made_is_told_before_anything_is_said(
    tmp_path, options, message
):
    with pytest.raises(ValueError, match=message):
        load("spoken_digits", cache=tmp_path / "new", **SMALL | options)
    assert not (tmp_path / "new").exists()
