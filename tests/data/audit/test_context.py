"""What checks have in common equals a plain loop over stays and images."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from data.audit import planted

from mind_keras.data.audit import context as contexts
from mind_keras.data.audit.context import Context


@pytest.mark.parametrize("at_once", [7, 4096])
def test_stays_in_short_are_those_of_a_loop(monkeypatch, at_once):
    monkeypatch.setattr(contexts, "STAYS_AT_ONCE", at_once)
    e = planted.clean("phenotyping", stays=40)
    hours = e.samples["hours"].to_numpy()
    # Any order of the stays in the series, and a stay without hours.
    order = np.random.default_rng(0).permutation(40)
    first = np.zeros(40, int)
    first[order] = np.cumsum(hours[order]) - hours[order]
    hours = np.where(np.arange(40) == 5, 0, hours)
    e = planted.changed(e, first_row=first, hours=hours)
    charted = Context(e).charted
    for k in range(40):
        for channel in range(17):
            values = e.series[first[k] : first[k] + hours[k], channel].astype(float)
            values = values[~np.isnan(values)]
            assert charted.count[k, channel] == len(values)
            if len(values):
                assert abs(charted.mean[k, channel] - values.mean()) < 1e-9
                assert charted.last[k, channel] == values[-1]
            else:
                assert np.isnan(
                    [charted.mean[k, channel], charted.last[k, channel]]
                ).all()


@pytest.mark.parametrize("size", [32, 50, 8])
def test_images_in_short_are_those_of_a_loop(monkeypatch, size):
    monkeypatch.setattr(contexts, "IMAGES_AT_ONCE", 5)
    e = planted.clean(stays=30)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (len(e.images), size, size)).astype("uint8")
    pixels = Context(replace(e, images=images)).pixels
    shown = e.samples["image"][e.samples["image"] >= 0]
    for k, image in enumerate(images[shown]):
        assert pixels.sha256[k] == hashlib.sha256(image.tobytes()).hexdigest()
        if size == 8:
            image = image.repeat(2, axis=0).repeat(2, axis=1)
        at = np.arange(17) * len(image) // 16
        for i in range(16):
            for j in range(16):
                field = image[at[i] : at[i + 1], at[j] : at[j + 1]]
                assert abs(pixels.thumbnail[k, i, j] - field.mean()) < 1e-9
    np.testing.assert_allclose(
        pixels.deviation, [t.std() for t in pixels.thumbnail], atol=1e-9
    )


def test_labels_are_taken_by_name():
    e = planted.clean("phenotyping", stays=40)
    expected = Context(e).labels
    np.testing.assert_array_equal(expected, e.labels[[*planted.PHENOTYPES]])
    turned = replace(e, labels=e.labels[e.labels.columns[::-1]])
    np.testing.assert_array_equal(Context(turned).labels, expected)
