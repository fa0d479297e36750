"""S-MNIST: pairs stay pairs, utterances stay in one split, faults have names."""

from itertools import pairwise

import numpy as np
import pytest
from data.media import folders

from mind_keras.data.media.digits import spoken_digits
from mind_keras.data.media.faults import Faults
from mind_keras.data.media.mnist import read_mnist
from mind_keras.data.media.sound import Spectrogram
from mind_keras.data.sources import load

SMALL = {"pairs": (80, 30, 30), "subset": True}
PAIRED = {"pairs": (60, 20, 20), "subset": True}


@pytest.fixture
def folder(tmp_path):
    return folders.smnist(tmp_path / "smnist")


@pytest.fixture(scope="module")
def wavs(tmp_path_factory):
    root = tmp_path_factory.mktemp("wavs")
    return {
        "path": folders.mnist(root / "mnist"),
        "speech": folders.spoken(root / "fsdd"),
    }


def raw(data, part, name):
    """Rows before they were standardised, in float64."""
    scale = data.preprocessing
    return part.x[name].astype("float64") * scale.std[name] + scale.mean[name]


def test_published_pairs_stay_pairs_of_their_file_and_class(folder):
    data = load("smnist", path=folder, **SMALL)
    for split, part in data.items():
        image, speech = raw(data, part, "image"), raw(data, part, "speech")
        row = [int(name.split("-")[1]) for name in part.id]
        np.testing.assert_allclose(image[:, -1, -1, 0], row, atol=1e-3)
        np.testing.assert_allclose(image[:, 0, 0, 0], part.y.reshape(-1), atol=1e-3)
        np.testing.assert_allclose(speech[:, 0, 0, 0], part.y.reshape(-1), atol=1e-3)
        number = np.array(row) % 50 + (1000 if split == "test" else 0)
        np.testing.assert_allclose(speech[:, 0, 1, 0], number, atol=1e-3)
        assert {name.split("-")[0] for name in part.id} == {
            "test" if split == "test" else "train"
        }
        assert np.ptp(np.bincount(part.y.reshape(-1), minlength=10)) == 0


def test_a_repeated_utterance_is_one_group_in_one_split(folder):
    data = load("smnist", path=folder, **SMALL)
    speech = [raw(data, part, "speech")[:, 0, 1, 0].round() for _, part in data.items()]
    assert not set(speech[0]) & set(speech[1])
    for numbers, (_, part) in zip(speech, data.items(), strict=True):
        assert len(set(numbers)) == len(set(part.group))
        assert len(set(zip(numbers, part.group, strict=True))) == len(set(numbers))
    assert len(set(data.train.group)) < len(data.train)


def test_training_pairs_whose_utterance_is_in_the_test_are_left_out(folder):
    speech = np.load(folder / "data_sp_train.npy")
    speech[7] = np.load(folder / "data_sp_test.npy")[7]
    np.save(folder / "data_sp_train.npy", speech)
    data = load("smnist", path=folder, pairs=(80, 60, 40), subset=True)
    assert "1 training pairs left out" in data.documents["data.txt"]
    assert "train-7" not in {*data.train.id, *data.validation.id}


def test_a_file_that_is_missing_or_short_is_told(folder):
    speech = np.load(folder / "data_sp_test.npy")
    np.save(folder / "data_sp_test.npy", speech[:-1])
    with pytest.raises(
        ValueError, match="40 images, 39 utterances and 40 labels for 't"
    ):
        load("smnist", path=folder, **SMALL)
    np.save(folder / "data_sp_test.npy", speech[:, :-1])
    with pytest.raises(ValueError, match=r"hold 507 numbers. Received: .*\(40, 506\)"):
        load("smnist", path=folder, **SMALL)
    folders.cut(folder / "data_sp_test.npy", 500)
    with pytest.raises(ValueError, match=r"must be whole.*data_sp_test\.npy"):
        load("smnist", path=folder, **SMALL)
    (folder / "data_sp_test.npy").unlink()
    with pytest.raises(ValueError, match=r"must hold data_sp_test\.npy"):
        load("smnist", path=folder, **SMALL)


def test_pickled_objects_in_an_array_file_are_refused(folder):
    np.save(folder / "labels_test.npy", np.array([{}] * 40), allow_pickle=True)
    with pytest.raises(ValueError, match=r"of plain numbers.*labels_test\.npy"):
        load("smnist", path=folder, **SMALL)


def test_an_unexpected_class_or_number_is_refused_or_skipped_by_row(folder):
    labels, images = (np.load(folder / f"{n}_test.npy") for n in ("labels", "data_wr"))
    labels[3], images[5, 9] = 11, np.nan
    np.save(folder / "labels_test.npy", labels)
    np.save(folder / "data_wr_test.npy", images)
    both = r"2 faults in .*\n.*wr_test.npy: row 5 must be fin.*\n.*row 3: .* class 11"
    with pytest.raises(ValueError, match=both):
        load("smnist", path=folder, **SMALL)
    with pytest.warns(UserWarning, match=f"Skipped: {both}"):
        data = load("smnist", path=folder, on_error="skip", **SMALL)
    assert not {"test-3", "test-5"} & set(data.test.id)
    assert "2 faults skipped.\ndata_wr_test.npy: row 5" in data.documents["data.txt"]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ((80, 30), r"`pairs` must be multiples of 10 .*\(80, 30\)"),
        ((80, 30, 35), "`pairs` must be multiples of 10"),
        ("80", "`pairs` must be multiples of 10"),
        ((80, 30, 50), r"as asked for, 5 in 'test'. Received: \[4, 4.*fewer `pairs`"),
    ],
)
def test_pairs_that_cannot_be_had_are_told(folder, pairs, message):
    with pytest.raises(ValueError, match=message):
        load("smnist", path=folder, pairs=pairs, subset=True)


def test_images_and_utterances_of_one_digit_meet(wavs):
    data = load("smnist", **wavs, **PAIRED)
    first = {
        split: raw(data, part, "image")[:, 0, 0, 0] for split, part in data.items()
    }
    for split, part in data.items():
        np.testing.assert_allclose(first[split], part.y.reshape(-1), atol=1e-3)
        # The loudest band of a tone goes up with its digit.
        bands = raw(data, part, "speech")[:, 3, :, 0].argmax(axis=1)
        order = [set(bands[part.y.reshape(-1) == digit]) for digit in range(10)]
        assert all(max(a) < min(b) for a, b in pairwise(order))
        assert np.ptp(np.bincount(part.y.reshape(-1), minlength=10)) == 0


def test_speakers_and_images_are_in_one_split_and_test_images_are_mnists(wavs):
    data = load("smnist", **wavs, **PAIRED)
    speakers = [set(part.group) for _, part in data.items()]
    assert [len(s) for s in speakers] == [3, 1, 1] and len(set.union(*speakers)) == 5
    images = [set(part.meta["image"]) for _, part in data.items()]
    assert not images[0] & images[1]
    last = raw(data, data.test, "image")[:, -1, -1, 0]
    np.testing.assert_allclose(last, data.test.meta["image"], atol=1e-3)
    assert data.test.meta["image"].nunique() == 20
    for split, part in data.items():
        file = 9 if split == "test" else 3
        np.testing.assert_allclose(
            raw(data, part, "image")[:, 0, 1, 0], file, atol=1e-3
        )


def test_all_forms_of_images_and_layouts_of_speech_say_the_same(tmp_path, wavs):
    expected = read_mnist(wavs["path"])
    for form in ("idx", "gz"):
        found = read_mnist(folders.mnist(tmp_path / form, form))
        for split in ("train", "test"):
            for a, b in zip(found[split], expected[split], strict=True):
                np.testing.assert_array_equal(a, b)
    counts = []
    for layout in ("fsdd", "audiomnist", "speech_commands"):
        folder = folders.spoken(tmp_path / layout, layout, speakers=3)
        faults = Faults(folder, "refuse")
        table = spoken_digits(folder, faults)
        assert not faults and table["path"].map(lambda path: path.is_file()).all()
        counts.append(table.groupby(["digit", "speaker"]).size().tolist())
    assert counts == [[1] * 30] * 3


@pytest.mark.parametrize("form", ["idx", "gz", "npz"])
def test_a_corrupt_image_file_is_told(tmp_path, form):
    folder = folders.mnist(tmp_path, form)
    path = folder / "mnist.npz" if form == "npz" else next(folder.glob("t10k-i*"))
    folders.cut(path, 60)
    with pytest.raises(ValueError, match=f"must .*whole|announces.*{path.name}"):
        read_mnist(folder)


def test_what_is_no_idx_file_is_told(tmp_path):
    folder = folders.mnist(tmp_path, "idx")
    path = next(folder.glob("t10k-l*"))
    path.write_bytes(b"\0\0\x0d\1" + path.read_bytes()[4:])
    with pytest.raises(ValueError, match=r"begin with .*0, 0, 8.*\[0, 0, 13, 1\]"):
        read_mnist(folder)
    path.unlink()
    with pytest.raises(ValueError, match=r"four idx files.*without t10k-labels-idx1"):
        read_mnist(folder)


def test_a_corrupt_wav_is_refused_or_skipped_by_name(tmp_path, wavs):
    speech = folders.spoken(tmp_path / "fsdd")
    folders.cut(speech / "recordings" / "4_person2_0.wav", 1000)
    (speech / "recordings" / "what.wav").write_bytes(b"")
    given = {"path": wavs["path"], "speech": speech} | PAIRED
    with pytest.raises(
        ValueError, match=r"recordings/what.wav: its name must say digit"
    ):
        load("smnist", **given)
    with pytest.raises(
        ValueError, match=r"recordings/4_person2_0.wav: it must hold the"
    ):
        load("smnist", **given)
    with pytest.warns(UserWarning, match="Skipped: "):
        data = load("smnist", on_error="skip", **given)
    sizes = {split: len(part) for split, part in data.items()}
    assert sum(sizes.values()) < 100
    for _, part in data.items():
        assert not ((part.y.reshape(-1) == 4) & (part.group == "person2")).any()
        image = raw(data, part, "image")[..., 0]
        np.testing.assert_allclose(image[:, 0, 0], part.y.reshape(-1), atol=1e-3)
        np.testing.assert_allclose(image[:, -1, -1], part.meta["image"], atol=1e-3)


def test_a_folder_without_speech_is_told(tmp_path, wavs):
    with pytest.raises(
        ValueError, match=r"recordings/\*.wav \(FSDD\).*with none of th"
    ):
        load("smnist", path=wavs["path"], speech=tmp_path, **PAIRED)


def test_the_default_speech_is_one_second_at_8_kilohertz():
    assert Spectrogram().shape == (61, 32, 1)
