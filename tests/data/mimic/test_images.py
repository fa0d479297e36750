"""Images: small grey squares in order, whatever is wrong with some, or interrupts."""

import errno
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mind_keras.data.mimic import image_journal, images
from mind_keras.data.mimic.images import cache_images
from mind_keras.data.mimic.pixels import read_square

SIZE = 8


def picture(seed: int, shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    """Smooth enough for JPEG: a few waves of random direction."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]] / max(shape)
    waves = sum(np.sin(rng.normal(0, 6) * x + rng.normal(0, 6) * y) for _ in range(3))
    return np.uint8(127 + 40 * waves)


def write(path: Path, pixels: np.ndarray, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def make(root: Path, count: int) -> list[str]:
    """JPEGs in folders of the root; every fifth is missing."""
    paths = [f"files/p{k % 3}/{k}.jpg" for k in range(count)]
    for k, path in enumerate(paths):
        if k % 5 != 4:
            write(root / path, picture(k), quality=90)
    return paths


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(images, "BLOCK", 3)


def slow_square(pixels: np.ndarray, size: int) -> np.ndarray:
    """The middle square, scaled by a triangle as wide as two target pixels."""
    side = min(pixels.shape)
    scale = max(side / size, 1.0)
    weights = []
    for length in pixels.shape:
        middle = (length - side) / 2 + (np.arange(size) + 0.5) * side / size
        distance = np.abs(np.arange(length) + 0.5 - middle[:, None]) / scale
        weight = np.clip(1 - distance, 0, None)
        weights.append(weight / weight.sum(axis=1, keepdims=True))
    return weights[0] @ pixels.astype("float64") @ weights[1].T


@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (24, 24), (40, 96), (6, 10)])
def test_a_square_is_the_middle_of_the_image_scaled(tmp_path, shape):
    write(tmp_path / "a.png", picture(1, shape))
    status, square = read_square(tmp_path, "a.png", SIZE)
    assert status == "ok" and square.dtype == np.uint8
    assert np.abs(square - slow_square(picture(1, shape), SIZE)).max() <= 1.01


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_decoded_at_a_fraction_is_about_the_same(tmp_path, mode):
    noise = np.random.default_rng(0).integers(-30, 31, (128, 160))
    pixels = np.uint8(np.clip(picture(3, noise.shape) + noise, 0, 255))
    write(tmp_path / "a.png", pixels)
    grey = Image.fromarray(pixels).convert(mode)
    grey.save(tmp_path / "a.jpg", quality=95)
    _, exact = read_square(tmp_path, "a.png", 32)
    _, quick = read_square(tmp_path, "a.jpg", 32)
    assert np.abs(exact.astype(int) - quick).mean() < 2


def test_colours_become_their_brightness(tmp_path):
    colours = np.zeros((9, 9, 3), "uint8")
    colours[..., 1] = 200
    write(tmp_path / "a.png", colours)
    assert read_square(tmp_path, "a.png", SIZE)[1][0, 0] == round(0.587 * 200)


def bad_files(root: Path) -> dict[str, str]:
    """Paths and what becomes of them."""
    whole = write(root / "whole.jpg", picture(0, (200, 200)), quality=90).read_bytes()
    write(root.parent / "outside.jpg", picture(0))
    (root / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "head.jpg").write_bytes(whole[:10])
    (root / "empty.jpg").write_bytes(b"")
    (root / "text.jpg").write_text("no image")
    (root / "folder.jpg").mkdir()
    (root / "link.jpg").symlink_to(root.parent / "outside.jpg")
    (root / "inner.jpg").symlink_to(root / "whole.jpg")
    (root / "loop.jpg").symlink_to(root / "loop.jpg")
    os.mkfifo(root / "pipe.jpg")
    write(root / "deep.png", np.full((9, 9), 4000, "uint16"))
    Image.fromarray(picture(0)).save(root / "a.gif")
    return {
        **dict.fromkeys(["whole.jpg", "inner.jpg", "./x/../whole.jpg"], "ok"),
        **dict.fromkeys(["cut.jpg", "head.jpg", "empty.jpg", "text.jpg"], "corrupt"),
        **dict.fromkeys(["deep.png", "a.gif"], "corrupt"),
        **dict.fromkeys(["none.jpg", "folder.jpg", "pipe.jpg", "loop.jpg"], "missing"),
        **dict.fromkeys(["", "a\0b.jpg"], "missing"),
        **dict.fromkeys(["../outside.jpg", "link.jpg", "/etc/passwd"], "outside"),
        "x/../../outside.jpg": "outside",
    }


def test_what_is_wrong_with_a_file_becomes_its_status(tmp_path):
    wanted = bad_files(tmp_path / "root")
    cached = cache_images(tmp_path / "root", [*wanted], tmp_path / "i.npy", size=SIZE)
    assert dict(zip(wanted, cached.status, strict=True)) == wanted
    assert cached.counts == {"ok": 3, "missing": 6, "corrupt": 6, "outside": 4}
    good = cached.status == "ok"
    assert cached.rows[good].tolist() == [0, 1, 2] and set(cached.rows[~good]) == {-1}
    assert all(len(h) == 64 for h in cached.sha256[good])
    assert set(cached.sha256[~good]) == {""}
    assert np.load(tmp_path / "i.npy").shape == (3, SIZE, SIZE)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("workers", [1, 2, 5, None])
def test_the_array_has_the_good_ones_in_order_for_any_workers(tmp_path, workers):
    paths = make(tmp_path, 20)
    output = tmp_path / "images.npy"
    cached = cache_images(tmp_path, paths, output, size=SIZE, workers=workers)
    array = np.load(output, mmap_mode="r", allow_pickle=False)
    squares = [read_square(tmp_path, path, SIZE)[1] for path in paths]
    squares = [square for square in squares if square is not None]
    np.testing.assert_array_equal(array, squares)
    assert len(squares) == 16 and array.dtype == np.uint8
    hashes = [hashlib.sha256(square.tobytes()).hexdigest() for square in squares]
    assert [h for h in cached.sha256 if h] == hashes
    assert cached.rows[[0, 3, 4, 5, 19]].tolist() == [0, 3, -1, 4, -1]


class InterruptedRunError(Exception):
    pass


def run(
    root, paths, output, *, stop_at=None, decoded=None, monkeypatch=None, **options
):
    """Cache, telling which paths were decoded; interrupted when so many are done."""

    def progress(stage, done, fraction):
        assert stage == "images" and fraction == (done / len(paths))
        if stop_at is not None and done >= stop_at:
            raise InterruptedRunError

    def read(root, path, size):
        decoded.append(path)
        return read_square(root, path, size)

    with monkeypatch.context() as patch:
        patch.setattr(images, "read_square", read)
        return cache_images(
            root, paths, output, size=SIZE, progress=progress, **options
        )


def equal(one, two) -> bool:
    same = [one.status == two.status, one.sha256 == two.sha256, one.rows == two.rows]
    return all(part.all() for part in same)


def damage_none(part: Path, journal: Path) -> int:
    return 9


def damage_tail(part: Path, journal: Path) -> int:
    """A crash while a block was written: more pixels, and half a line."""
    part.write_bytes(part.read_bytes() + b"\x07" * (SIZE**2 + 5))
    journal.write_text(journal.read_text() + "ok 0123")
    return 9


def damage_part(part: Path, journal: Path) -> int:
    """Pixels that the journal knows of are not there: all is done again."""
    part.write_bytes(part.read_bytes()[:-1])
    return 0


def damage_journal(part: Path, journal: Path) -> int:
    journal.write_text("")
    return 0


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    "damage", [damage_none, damage_tail, damage_part, damage_journal]
)
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, monkeypatch, damage):
    paths, output = make(tmp_path, 20), tmp_path / "images.npy"
    once, again = [], []
    with pytest.raises(InterruptedRunError):
        run(
            *(tmp_path, paths, output),
            **{"stop_at": 9, "decoded": once, "monkeypatch": monkeypatch},
        )
    assert not output.exists() and len(once) == 9
    kept = damage(tmp_path / ".images.npy.part", tmp_path / "images.npy.journal")
    cached = run(tmp_path, paths, output, decoded=again, monkeypatch=monkeypatch)
    assert sorted(again) == sorted(paths[kept:])
    whole = cache_images(tmp_path, paths, tmp_path / "whole.npy", size=SIZE)
    assert equal(cached, whole)
    assert output.read_bytes() == (tmp_path / "whole.npy").read_bytes()
    assert not (tmp_path / ".images.npy.part").exists()
    again.clear()
    last = run(tmp_path, paths, output, decoded=again, monkeypatch=monkeypatch)
    assert equal(last, whole) and again == []


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("other", ["paths", "root", "resume", "order"])
def test_only_the_same_run_is_gone_on_with(tmp_path, monkeypatch, other):
    paths, output = make(tmp_path / "a", 10), tmp_path / "images.npy"
    make(tmp_path / "b", 10)
    decoded = []
    with pytest.raises(InterruptedRunError):
        run(
            *(tmp_path / "a", paths, output),
            **{"stop_at": 6, "decoded": [], "monkeypatch": monkeypatch},
        )
    changed = {
        "paths": (tmp_path / "a", paths[:9], {}),
        "root": (tmp_path / "b", paths, {}),
        "resume": (tmp_path / "a", paths, {"resume": False}),
        "order": (tmp_path / "a", paths[::-1], {}),
    }
    root, asked, options = changed[other]
    run(root, asked, output, decoded=decoded, monkeypatch=monkeypatch, **options)
    assert sorted(decoded) == sorted(asked)


def test_a_finished_run_is_not_repeated(tmp_path, monkeypatch):
    paths, output, decoded = make(tmp_path, 7), tmp_path / "images.npy", []
    first = cache_images(tmp_path, paths, output, size=SIZE)
    options = {"decoded": decoded, "monkeypatch": monkeypatch}
    assert equal(run(tmp_path, paths, output, **options), first)
    assert decoded == []
    for size in (SIZE + 1, SIZE - 1):
        other = cache_images(tmp_path, paths, output, size=size)
        assert np.load(output).shape[1:] == (size, size)
        assert len(other.rows) == 7
    output.unlink()
    run(tmp_path, paths, output, **options)
    assert sorted(decoded) == sorted(paths) and output.exists()


def test_an_old_array_does_not_pass_for_one_that_was_nearly_finished(
    tmp_path, monkeypatch
):
    paths, output = make(tmp_path, 7), tmp_path / "images.npy"
    cache_images(tmp_path, paths[:2], output, size=SIZE)
    options = {"decoded": [], "monkeypatch": monkeypatch}
    with pytest.raises(InterruptedRunError):
        run(tmp_path, paths, output, stop_at=7, **options)
    assert len(np.load(output)) == 2
    options["decoded"].clear()
    run(tmp_path, paths, output, **options)
    assert len(np.load(output)) == 6 and options["decoded"] == []


def test_no_paths_make_an_empty_array_and_replace_an_old_one(tmp_path):
    output = tmp_path / "images.npy"
    for paths, rows in [([], 0), (make(tmp_path, 3), 3), ([], 0), ([], 0)]:
        cached = cache_images(tmp_path, paths, output, size=SIZE)
        assert np.load(output).shape == (rows, SIZE, SIZE)
        assert len(cached.status) == rows


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("call", range(1, 10))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_leaves_nothing_that_passes_for_whole(
    tmp_path, monkeypatch, call, code
):
    """Whichever of the writes meets it."""
    paths, output = make(tmp_path, 10), tmp_path / "images.npy"
    calls, sync = [], os.fsync

    def full(file):
        calls.append(file)
        if len(calls) == call:
            raise OSError(code, "No space left on device")
        return sync(file)

    monkeypatch.setattr(image_journal.os, "fsync", full)
    message = r"must have space for the images. Received: a full disk, after \d+ of"
    with pytest.raises(OSError, match=message) as caught:
        cache_images(tmp_path, paths, output, size=SIZE)
    assert caught.value.errno == code
    assert not output.exists()
    monkeypatch.undo()
    cached = cache_images(tmp_path, paths, output, size=SIZE)
    whole = cache_images(tmp_path, paths, tmp_path / "whole.npy", size=SIZE)
    assert equal(cached, whole)
    assert output.read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_other_errors_of_the_disk_are_told_as_they_are(tmp_path, monkeypatch):
    def broken(file):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(image_journal.os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output error"):
        cache_images(tmp_path, make(tmp_path, 3), tmp_path / "images.npy", size=SIZE)


def test_the_header_has_room_for_any_number_of_images():
    journal = image_journal.ImageJournal(Path("i.npy"), 1024, "key")
    lengths = {len(journal._header(rows)) for rows in (0, 9, 10**6, 10**12)}
    assert len(lengths) == 1


@pytest.mark.parametrize("options", [{"size": 0}, {"workers": 0}], ids=str)
def test_sizes_and_workers_are_at_least_one(tmp_path, options):
    with pytest.raises(ValueError, match="`size` and `workers` must be at least 1"):
        cache_images(tmp_path, [], tmp_path / "i.npy", **options)
