"""LUMA: rows that belong together, chosen classes, pickles that are not read."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data.media import folders
from typer.testing import CliRunner

import mind_keras
from mind_keras.cli_data import app
from mind_keras.data.media import pickles
from mind_keras.data.media.luma import CLASSES, KNOWN
from mind_keras.data.media.text import ids
from mind_keras.data.sources import load

SMALL = {"seconds": 0.2, "rate": 8000, "mels": 16, "length": 24, "subset": True}
KINDS = ("bee", "cat", "dog", "whale")


@pytest.fixture
def folder(tmp_path):
    return folders.luma(tmp_path / "data")


def labels(part):
    return np.array(part.spec.task.labels)[part.y.reshape(-1)]


def test_the_classes_are_fifty_of_which_42_are_in_distribution():
    assert (len(CLASSES), len(set(CLASSES)), KNOWN) == (50, 50, 42)


def test_aligned_rows_stay_together_and_the_test_is_lumas(folder):
    data = load("luma", path=folder, **SMALL)
    kinds = np.array(folders.THINGS)
    for split, part in data.items():
        marks, rows = zip(*(name.split("-") for name in part.id), strict=True)
        rows = np.array(rows, int)
        assert set(marks) == {"test" if split == "test" else "train"}
        np.testing.assert_array_equal(labels(part), kinds[rows % 4])
        assert (part.x["image"][:, -1, -1, 0] == rows).all()
        assert (part.x["image"][:, 0, 0, 0] == 50 * (rows % 4)).all()
        texts = [f'It is a {kinds[row % 4]}, "{row}".' for row in rows]
        np.testing.assert_array_equal(part.x["text"], ids(texts, length=24))
        files = [f"_{name.replace('-', '_')}.wav" for name in part.id]
        assert part.group.tolist() == files
    assert len(data.test) == 24 and len(data.train) + len(data.validation) == 80
    np.testing.assert_allclose(len(data.validation) / 80, 4 / 29, atol=0.03)
    assert np.ptp(np.bincount(data.train.y.reshape(-1))) == 0


def test_whole_things_are_put_together_once_each_and_balanced(tmp_path):
    folder = folders.luma(tmp_path, {"": 66}, kinds=KINDS)
    data = load("luma", path=folder, layout="whole", **SMALL)
    images, sounds = [], []
    for _, part in data.items():
        counts = np.bincount(part.y.reshape(-1), minlength=4)
        assert np.ptp(counts) == 0
        images += part.x["image"][:, -1, -1, 0].tolist()
        sounds += part.group.tolist()
        kinds = np.array([KINDS.index(name) for name in labels(part)])
        assert (part.x["image"][:, 0, 0, 0] == 50 * kinds).all()
        for row, kind in zip(part.x["text"], labels(part), strict=True):
            said = [ids([f'It is a {kind}, "{k}".'], length=24)[0] for k in range(66)]
            assert any((row == one).all() for one in said)
    # 66 rows of four classes: the rarest have 16.
    assert len(images) == len(set(images)) == len(set(sounds)) == 4 * 16
    small = load("luma", path=folder, layout="whole", per_class=11, **SMALL)
    assert sum(len(part) for _, part in small.items()) == 44
    with pytest.raises(
        ValueError, match=r"per_class=17; fewer have \['dog', 'whale'\]"
    ):
        load("luma", path=folder, layout="whole", per_class=17, **SMALL)


def test_who_meets_whom_is_drawn_not_the_order_of_the_files(tmp_path):
    folder = folders.luma(tmp_path, {"": 60}, kinds=KINDS)
    train = load("luma", path=folder, layout="whole", **SMALL).train
    sound = [int(name.split("_")[1].split(".")[0]) for name in train.group]
    assert (train.x["image"][:, -1, -1, 0] == sound).mean() < 0.4


def test_classes_are_chosen_by_number_or_name(tmp_path):
    folder = folders.luma(tmp_path, {"": 66}, kinds=KINDS)

    def made(classes):
        given = SMALL | {"layout": "whole", "classes": classes}
        return load("luma", path=folder, **given).spec.task.labels

    assert made(2) == ("bee", "cat")  # 17 each; the others have 16.
    assert made(["whale", "cat"]) == ("cat", "whale")
    for wrong in (1, 5, "cat", ["cat"], ["cat", "tiger"], True):
        with pytest.raises(
            ValueError, match="`classes` must be names, or a number from 2"
        ):
            made(wrong)


def test_classes_of_compiled_files_are_chosen_in_all_splits(folder):
    data = load("luma", path=folder, classes=["boy", "woman"], **SMALL)
    assert [len(part) for _, part in data.items()][2] == 12
    for _, part in data.items():
        assert set(labels(part)) == {"boy", "woman"}


def test_pictures_may_be_files_and_are_scaled(folder):
    expected = load("luma", path=folder, image_size=16, **SMALL)
    for mark in ("_train", "_test"):
        with np.load(folder / f"image_data{mark}.npz") as file:
            image, label = file["image"], file["label"]
        (folder / f"image_data{mark}.npz").unlink()
        paths = [f"pictures/{mark}{row}.png" for row in range(len(label))]
        for path, pixels in zip(paths, image, strict=True):
            folders.picture(folder / path, int(pixels[0, 0, 0]))
        table = pd.DataFrame({"path": paths, "label": label})
        table.to_csv(folder / f"image_data{mark}.csv", index=False)
    data = load("luma", path=folder, image_size=16, **SMALL)
    assert data.spec.shape("image") == (16, 16, 3)
    for (_, a), (_, b) in zip(data.items(), expected.items(), strict=True):
        np.testing.assert_array_equal(
            a.x["image"][:, 2, 2, 0], b.x["image"][:, 2, 2, 0]
        )
    folders.cut(folder / "pictures" / "_test3.png", 50)
    with pytest.raises(
        ValueError, match=r"pictures/_test3.png: it must be a whole JPEG"
    ):
        load("luma", path=folder, image_size=16, **SMALL)


def test_rows_of_different_classes_or_unknown_ones_are_refused_or_skipped(folder):
    for name, row, label in (("text_data_test.tsv", 5, "man"),
                             ("text_data_train.tsv", 2, "tiger")):  # fmt: skip
        table = pd.read_csv(folder / name, sep="\t", dtype=str)
        table.loc[row, "label"] = label
        table.to_csv(folder / name, sep="\t", index=False)
    folders.cut(folder / "audio" / "man" / "_test_4.wav", 60)
    with pytest.raises(ValueError, match="4 faults") as told:
        load("luma", path=folder, **SMALL)
    for part in ("text_data_train.tsv: row 2: unexpected class 'tiger'",
                 "text_data_test.tsv: row 5 must have one class",
                 "audio/man/_test_4.wav: it must"):  # fmt: skip
        assert part in str(told.value)
    with pytest.warns(UserWarning, match="Skipped: 4"):
        data = load("luma", path=folder, on_error="skip", **SMALL)
    assert {"test-4", "test-5"}.isdisjoint(data.test.id) and len(data.test) == 22
    assert len(data.train) + len(data.validation) == 79


def test_a_recording_in_both_files_is_a_leak(folder):
    path = folder / "audio" / "datalist_test.csv"
    path.write_text(path.read_text().replace("man/_test_0.wav", "man/_train_0.wav"))
    with pytest.raises(ValueError, match="No group may be in two splits"):
        load("luma", path=folder, **SMALL)


def test_tables_of_different_lengths_are_refused(folder):
    path = folder / "text_data_test.tsv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(ValueError, match=r"aligned.*'text': 23.*different runs"):
        load("luma", path=folder, **SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "raw"}, r"`layout` must be one of \('compiled', 'whole'\).*'raw'"),
        (
            {"per_class": 5},
            "`per_class` must be .* of layout='whole'.*5 for 'compiled'",
        ),
        ({"layout": "whole", "per_class": 0}, "`per_class` must be a whole number"),
        ({"text": "bert"}, r"Unknown form of text 'bert'. Known: \['bag', 'ids'\]"),
        ({"length": 1}, "`length` must be a whole number from 2 to 100,000"),
        ({"seconds": 0.01}, "A clip must be at least one frame long"),
        ({"layout": "whole"}, r"must hold audio/datalist.csv, text_data.tsv. Received"),
        ({"images": "nowhere"}, "'nowhere', which is no folder"),
    ],
    ids=str,
)
def test_a_wrong_option_is_told(folder, options, message):
    with pytest.raises(ValueError, match=message):
        load("luma", path=folder, **SMALL | options)


def test_a_table_without_its_columns_is_told(folder):
    (folder / "text_data_test.tsv").write_text("text\tclass\na\tman\n")
    with pytest.raises(
        ValueError, match=r"columns \['text', 'label'\].*out \['label'\]"
    ):
        load("luma", path=folder, **SMALL)


class Attack:
    """What an evil pickle holds."""

    def __reduce__(self):
        return print, ("the code of the pickle ran",)


@pytest.fixture
def convert(folder):
    """`mind-keras data convert luma` on pickles as LUMA's tool writes them."""
    for mark, size in (("_train", 80), ("_test", 24)):
        (folder / f"image_data{mark}.npz").unlink()
        table = folders.luma_table(size, mark)[["image", "label"]]
        # Rows of a larger table, as the tool samples them.
        table.assign(source="x").sample(frac=1, random_state=0).sort_index().to_pickle(
            folder / f"image_data{mark}.pickle"
        )

    def call(*options):
        words = ["convert", "luma", folder, "--output", folder, *options]
        return CliRunner().invoke(app, [str(word) for word in words])

    return call


def test_without_images_the_command_that_makes_them_is_told(folder, convert):
    with pytest.raises(ValueError, match="`mind-keras data convert luma`"):
        load("luma", path=folder, **SMALL)


def test_a_pickle_is_opened_only_on_the_users_word(folder, convert, monkeypatch):
    def opened(*args):
        raise AssertionError("the pickle was opened")

    with monkeypatch.context() as closed:
        closed.setattr(pickles, "_Tables", opened)
        refused = convert()
    assert refused.exit_code == 2 and "runs the code that is in it" in refused.stderr
    assert not [*folder.glob("image_data*.npz")]
    done = convert("--trust-pickle")
    assert done.exit_code == 0, done.output
    assert f"80 images: {folder / 'image_data_train.npz'}" in done.stdout
    made = load("luma", path=folder, **SMALL)
    expected = load("luma", path=folders.luma(folder.parent / "again"), **SMALL)
    for (_, a), (_, b) in zip(made.items(), expected.items(), strict=True):
        np.testing.assert_array_equal(a.x["image"], b.x["image"])
        assert a.id.tolist() == b.id.tolist()
    again = convert("--trust-pickle")
    assert again.exit_code == 2 and "must not exist" in again.stderr
    assert convert("--trust-pickle", "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Attack(), "asks for builtins.print"),
        (
            pd.DataFrame({"image": [Attack()], "label": ["man"]}),
            "asks for builtins.print",
        ),
        ([1, 2], "columns image and label. Received.* with list"),
        (pd.DataFrame({"image": [1]}), "columns image and label"),
        (
            pd.DataFrame({"image": [np.zeros((2, 2, 3))], "label": ["man"]}),
            "of one shape .*float64",
        ),
        (
            pd.DataFrame(
                {
                    "image": [np.zeros((n, 2, 3), "uint8") for n in (2, 3)],
                    "label": "man",
                }
            ),
            "of one shape ",
        ),
    ],
    ids=range(6),
)
def test_a_pickle_of_anything_else_runs_nothing(
    folder, convert, content, message, capsys
):
    (folder / "image_data_train.pickle").write_bytes(pickle.dumps(content))
    done = convert("--trust-pickle")
    assert done.exit_code == 2 and "the code of" not in done.output
    assert pd.Series([done.stderr.replace("\n", " ")]).str.contains(message)[0], (
        done.stderr
    )
    assert not (folder / "image_data_train.npz").exists()


def test_a_broken_pickle_and_an_empty_folder_are_told(folder, convert, tmp_path):
    folders.cut(folder / "image_data_train.pickle", 100)
    done = convert("--trust-pickle")
    assert done.exit_code == 2 and "image_data_train.pickle" in done.stderr
    words = ["convert", "luma", str(tmp_path), "--output", "x", "--trust-pickle"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2 and "must hold image_data*.pickle" in done.stderr


def test_no_other_file_of_the_package_can_open_a_pickle():
    root = Path(mind_keras.__file__).parent
    naming = [
        path.name
        for path in root.rglob("*.py")
        if any(
            word in path.read_text("utf-8")
            for word in ("import pickle", "read_pickle", "allow_pickle=True", "joblib")
        )
    ]
    assert naming == ["pickles.py"]
