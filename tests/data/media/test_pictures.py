"""Pictures: the middle square, in colour or grey, or a fault."""

import numpy as np
import pytest
from PIL import Image

from mind_keras.data.media.pictures import read_picture


def test_the_middle_square_is_taken_of_wide_and_high_pictures(tmp_path):
    pixels = np.zeros((10, 30, 3), "uint8")
    pixels[:, 10:20] = (200, 100, 50)
    for name, array in (("wide", pixels), ("high", pixels.transpose(1, 0, 2))):
        Image.fromarray(array).save(tmp_path / f"{name}.png")
        found = read_picture(tmp_path / f"{name}.png", size=10)
        assert (found == (200, 100, 50)).all() and found.dtype == np.uint8


def test_grey_has_one_channel(tmp_path):
    Image.new("RGB", (9, 9), (80, 80, 80)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png", size=4, channels=1).shape == (4, 4, 1)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_text("<html>")
    for name in ("a.jpg", "none.png"):
        with pytest.raises(ValueError, match="whole JPEG or PNG"):
            read_picture(tmp_path / name, size=4)
