"""What holds for every source that reads a user's folder."""

import numpy as np
import pytest
from data.media import folders

from mind_keras.data.sources import load
from mind_keras.data.splits import SPLITS

SHORT = {"seconds": 0.25, "rate": 8000, "mels": 16}
OPTIONS = {
    "smnist": {"pairs": (80, 30, 30)},
    "smnist-wav": {"pairs": (60, 20, 20)},
    "cremad": {"image_size": 8, **SHORT},
    "luma": {"length": 12, "classes": 4, **SHORT},
    "luma-whole": {"layout": "whole", "text": "bag", "buckets": 32, **SHORT},
}
FIRST = {"smnist": "image", "cremad": "audio", "luma": "audio"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Sources on their tiny folders, `load` with further options."""
    root = tmp_path_factory.mktemp("published")
    paths = {
        "smnist": {"path": folders.smnist(root / "smnist")},
        "smnist-wav": {
            "path": folders.mnist(root / "mnist"),
            "speech": folders.spoken(root / "fsdd"),
        },
        "cremad": {"path": folders.cremad(root / "cremad")},
        "luma": {"path": folders.luma(root / "luma")},
        "luma-whole": {"path": folders.luma(root / "whole", {"": 60})},
    }

    def make(name, **options):
        given = {"subset": True, **paths[name], **OPTIONS[name], **options}
        return load(name.split("-")[0], **given)

    return make


@pytest.fixture(params=OPTIONS)
def name(request):
    return request.param


def removal(name):
    return {"mechanism": "mcar", "rate": {FIRST[name.split("-")[0]]: 0.4}}


def test_the_seed_alone_decides_the_data(made, name):
    first, same, other = (made(name, seed=s, missing=removal(name)) for s in (5, 5, 6))
    for split in SPLITS:
        a, b, c = (getattr(data, split) for data in (first, same, other))
        assert a.id.tolist() == b.id.tolist()
        assert a.pattern.tolist() == b.pattern.tolist()
        for m in a.spec.names:
            np.testing.assert_array_equal(a.x[m], b.x[m])
        if split == "train":
            assert (a.id.tolist(), a.pattern.tolist()) != (
                c.id.tolist(),
                c.pattern.tolist(),
            )


def test_removal_hits_the_modality_asked_for_and_what_is_left_is_standardised(
    made, name
):
    data = made(name, missing=removal(name))
    removed = FIRST[name.split("-")[0]]
    for _, part in data.items():
        assert {m for m in data.spec.names if not part.has(m).all()} <= {removed}
    assert not data.train.has(removed).all()
    for m in data.preprocessing.mean:
        rows = data.train.x[m].reshape(-1, data.train.x[m].shape[-1])
        np.testing.assert_allclose(rows.mean(0), 0, atol=1e-3)
        np.testing.assert_allclose(rows.std(0), 1, atol=1e-3)


def test_pixels_and_text_stay_as_they_are(made):
    for name in ("cremad", "luma", "luma-whole"):
        data = made(name)
        assert set(data.preprocessing.mean) == {"audio"}
        assert data.train.x["video" if name == "cremad" else "image"].dtype == np.uint8


def test_rows_are_finite_and_of_their_shape_and_every_class_is_trained(made, name):
    data = made(name)
    for _, part in data.items():
        for m in data.spec.names:
            assert part.x[m].shape == (len(part), *data.spec.shape(m))
            assert np.isfinite(part.x[m]).all() and np.ptp(part.x[m]) > 0
    assert set(data.train.y.reshape(-1)) == set(range(data.spec.task.outputs))
    assert "0 faults" in data.documents["data.txt"]


def test_no_group_and_no_row_is_in_two_splits(made, name):
    data = made(name)
    for column in ("group", "id"):
        sets = [set(getattr(part, column).tolist()) for _, part in data.items()]
        assert sum(map(len, sets)) == len(set.union(*sets))


@pytest.mark.parametrize("source", FIRST)
def test_without_a_folder_the_cure_is_told(source, tmp_path):
    with pytest.raises(
        ValueError, match=f"'{source}' needs `path`.*Received: None. docs"
    ):
        load(source)
    with pytest.raises(ValueError, match=r"which is no folder.*multiclass_data.md"):
        load(source, path=tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"must hold .*Received: .*with \[\]. Is it"):
        load(source, path=tmp_path)


def test_what_to_do_about_faults_is_one_of_two(made, name):
    with pytest.raises(ValueError, match=r"`on_error` must be one of \('refuse', 'ski"):
        made(name, on_error="ignore")


def test_a_whole_copy_is_what_was_published(made, name):
    with pytest.raises(
        ValueError, match=r"as many files as published. Received: .* of "
    ):
        made(name, subset=False)
