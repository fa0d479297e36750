"""CREMA-D: what a file's name says, whose clip is where, and what cannot be used."""

import numpy as np
import pytest
from data.media import folders
from sklearn.linear_model import LogisticRegression

from mind_keras.data.media.clips import EMOTIONS
from mind_keras.data.sources import load

SMALL = {"seconds": 0.25, "rate": 8000, "mels": 16, "image_size": 8, "subset": True}


@pytest.fixture
def folder(tmp_path):
    return folders.cremad(tmp_path / "CREMA-D")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return load("cremad", path=folders.cremad(tmp_path_factory.mktemp("x")), **SMALL)


def emotion(part):
    """The class that the name of each clip says."""
    return np.array([[*EMOTIONS].index(name.split("_")[2]) for name in part.id])


def test_sound_and_picture_are_those_of_the_clip(data):
    for _, part in data.items():
        np.testing.assert_array_equal(part.y.reshape(-1), emotion(part))
        # The middle picture, not the first or last: 40 for each class.
        assert (part.x["video"][..., 0] == 40 * emotion(part)[:, None, None]).all()
        assert (part.x["video"][..., 2] == 7).all()
    train, test = data.train, data.test
    model = LogisticRegression(max_iter=1000).fit(
        train.x["audio"][:, 3, :, 0], emotion(train)
    )
    assert (model.predict(test.x["audio"][:, 3, :, 0]) == emotion(test)).all()


def test_all_clips_are_in_one_split_and_all_of_an_actor_too(data):
    names = [name for _, part in data.items() for name in part.id]
    assert len(names) == len(set(names)) == 6 * 2 * 6
    for _, part in data.items():
        assert part.group.tolist() == [name.split("_")[0] for name in part.id]
    assert [len(set(part.group)) for _, part in data.items()] == [4, 1, 1]


def test_what_is_known_of_the_actors_goes_along(data):
    meta = data.train.meta
    assert {*meta} == {"actor", "sentence", "level", "age", "sex", "race", "ethnicity"}
    assert (meta["age"] == meta["actor"].astype(int) - 1001 + 20).all()
    assert set(meta["race"]) == {"NA"} and set(meta["sex"]) == {"Male", "Female"}


def test_without_demographics_the_names_alone_are_known(folder):
    (folder / "VideoDemographics.csv").unlink()
    meta = load("cremad", path=folder, **SMALL).train.meta
    assert {*meta} == {"actor", "sentence", "level"}


def test_pictures_may_lie_in_one_folder_and_are_of_the_size_asked_for(folder):
    for k, path in enumerate(sorted((folder / "AudioWAV").iterdir())):
        folders.picture(folder / "faces" / f"{path.stem}.jpg", k, size=(40, 30))
    data = load("cremad", path=folder, frames="faces", **SMALL | {"image_size": 20})
    assert data.spec.shape("video") == (20, 20, 3)
    ids = np.concatenate([part.id for _, part in data.items()])
    red = np.concatenate([part.x["video"][:, 9, 9, 0] for _, part in data.items()])
    assert np.abs(red[np.argsort(ids)].astype(int) - np.arange(72)).max() <= 3


def test_files_at_another_rate_are_resampled(folder, tmp_path):
    twice = folders.cremad(tmp_path / "twice", rate=2 * folders.RATE)
    one, two = (load("cremad", path=path, **SMALL) for path in (folder, twice))
    peaks = [data.train.x["audio"][:, 3, :, 0].argmax(axis=1) for data in (one, two)]
    np.testing.assert_array_equal(*peaks)


def split_files(folder, clips):
    paths = folder / "train.csv", folder / "test.csv"
    for path, names in zip(paths, clips, strict=True):
        path.write_text("".join(f"{name},{name.split('_')[2]}\n" for name in names))
    return [str(path) for path in paths]


def test_a_published_split_is_taken_and_validation_comes_from_its_training(folder):
    names = sorted(path.stem for path in (folder / "AudioWAV").iterdir())
    files = split_files(folder, (names[::2] + names[1::4], names[3::4]))
    data = load("cremad", path=folder, split_files=files, **SMALL)
    assert set(data.test.id) == set(names[3::4])
    assert {*data.train.id, *data.validation.id} == {*names[::2], *names[1::4]}
    assert len(data.validation) == 6
    for _, part in data.items():
        assert part.group.tolist() == part.id.tolist()
    assert "actors are in several splits" in data.documents["data.txt"]
    files = split_files(folder, (names[:-1], ["1099_DFA_ANG_XX"]))
    with pytest.raises(ValueError, match=r"1 that are not, e.g. \['1099_DFA_ANG_XX'\]"):
        load("cremad", path=folder, split_files=files, **SMALL)
    split_files(folder, (names[:-1], ["clip_ANG_X"]))
    with pytest.raises(ValueError, match=r"lines of clip,EMO.*\['clip_ANG_X'\]"):
        load("cremad", path=folder, split_files=files, **SMALL)
    with pytest.raises(ValueError, match=r"none\.csv, which is no file"):
        load("cremad", path=folder, split_files=["none.csv", files[1]], **SMALL)
    with pytest.raises(ValueError, match=r"two files.*Received: 'train.csv'"):
        load("cremad", path=folder, split_files="train.csv", **SMALL)


def test_everything_that_cannot_be_used_is_told_at_once_or_skipped(folder):
    sounds, frames = folder / "AudioWAV", folder / "Image-01-FPS"
    folders.wav(sounds / "1001_DFA_JOY_XX.wav", 0)
    folders.cut(sounds / "1002_DFA_ANG_XX.wav", 300)
    folders.cut(frames / "1003_IEO_SAD_XX" / "00001.png", 40)
    for path in (frames / "1004_DFA_FEA_XX").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="4 faults in") as told:
        load("cremad", path=folder, **SMALL)
    lines = str(told.value).split("\n")[1:-1]
    assert [line.split(":")[0] for line in lines] == [
        "AudioWAV/1001_DFA_JOY_XX.wav",
        "AudioWAV/1004_DFA_FEA_XX.wav",
        "AudioWAV/1002_DFA_ANG_XX.wav",
        "Image-01-FPS/1003_IEO_SAD_XX/00001.png",
    ]
    with pytest.warns(UserWarning, match="Skipped: 4 faults"):
        data = load("cremad", path=folder, on_error="skip", **SMALL)
    left = {name for _, part in data.items() for name in part.id}
    assert len(left) == 72 - 3
    assert not left & {"1002_DFA_ANG_XX", "1003_IEO_SAD_XX", "1004_DFA_FEA_XX"}
    for _, part in data.items():
        assert set(part.pattern) == {"audio+video"}
        assert (part.x["video"][..., 0] == 40 * emotion(part)[:, None, None]).all()


def test_counts_of_the_publication_are_those_of_the_message(folder):
    with pytest.raises(
        ValueError, match=r"72 clips of 7,442, 6 actors of 91. .*subset: t"
    ):
        load("cremad", path=folder, **SMALL | {"subset": False})
