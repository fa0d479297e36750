"""The common checks: what every entry of a dict literal must obey on arrival.

`test_<thing>.py` runs them over the whole dict, so that a new encoder or fusion is
tested by being named there. Small options for a slow one go into `SMALL`.
"""

import functools
import json
import zipfile
from contextlib import contextmanager

import keras
import numpy as np

ROW_SHAPES = ((5,), (6, 3), (16, 16, 2))
SMALL = {
    # No narrower: plain torch would write beyond its memory (`windows_torch.NARROW`).
    "resnet": {"depth": 6, "width": 16, "stem": "stride1"},
    "text": {"pool": 2},
    "transformer": {"units": 8, "layers": 1, "attention_heads": 2},
}


@functools.cache
def build_encoder(name, function):
    """The encoder for the richest kind of row it takes, and the row's shape."""
    models = {}
    for shape in ROW_SHAPES:
        try:
            models[shape] = function(shape, name="part_encoder", **SMALL.get(name, {}))
        except ValueError as error:
            assert "part_encoder" in str(error), "an error must name the encoder"
    assert models, f"{name} takes none of {ROW_SHAPES}"
    shape = max(models, key=len)
    return models[shape], shape


def fuse(function, sizes, **options):
    """A model of a fusion alone, `{modality: code} -> code`."""
    codes = {name: keras.Input((size,), name=name) for name, size in sizes.items()}
    return keras.Model(codes, function(codes, **options))


def with_head(model):
    """The model and one logit on its code."""
    return keras.Model(model.input, keras.layers.Dense(1)(model.output))


def draw(model, rows=8, seed=0):
    """Random rows for every input of a model, in its structure."""
    generator = np.random.default_rng(seed)
    return keras.tree.map_structure(
        lambda x: generator.normal(size=(rows, *x.shape[1:])).astype("float32"),
        model.input,
    )


def check_one_code_per_row(model, shape):
    assert model.input_shape == (None, *shape)
    assert len(model.output_shape) == 2
    assert model.output_shape[-1] > 0


def check_stock_layers_only(model, path):
    """The saved model holds objects that Keras alone can make, and no code."""
    model.save(path)
    with zipfile.ZipFile(path) as file:
        config = json.loads(file.read("config.json"))
    found = list(_objects(config))
    assert found
    for item in found:
        assert item["module"].split(".")[0] == "keras", item
        assert item["class_name"] != "Lambda", item


def check_saved_predicts_the_same(model, path, rows):
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert_close(loaded.predict(rows, verbose=0), model.predict(rows, verbose=0))


def check_one_step_learns_everywhere(model, rows, seed=0):
    """One step of gradient descent lowers the loss and moves every trainable weight."""
    count = len(next(iter(keras.tree.flatten(rows))))
    labels = np.random.default_rng(seed).integers(0, 2, (count, 1)).astype("float32")
    targets = keras.tree.map_structure(lambda _: labels, model.output)
    model.compile(
        keras.optimizers.SGD(0.01), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    before = [np.array(v) for v in model.get_weights()]
    trainable = {id(v) for v in model.trainable_variables}
    told = model.fit(
        rows, targets, batch_size=count, epochs=2, shuffle=False, verbose=0
    )
    first, second = told.history["loss"]
    assert second < first
    still = [
        variable.path
        for variable, old, new in zip(
            model.weights, before, model.get_weights(), strict=True
        )
        if id(variable) in trainable and np.array_equal(old, new)
    ]
    assert still == []


@contextmanager
def policy(name):
    """A global dtype policy for as long as the block lasts."""
    old = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(old)


def assert_close(found, expected, atol=1e-6):
    """Equal structures of nearly equal arrays."""
    keras.tree.assert_same_structure(found, expected)
    pairs = zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=atol)


def _objects(config):
    """All serialised objects within a configuration."""
    if isinstance(config, dict):
        if "class_name" in config and "module" in config:
            yield config
        for value in config.values():
            yield from _objects(value)
    if isinstance(config, list):
        for value in config:
            yield from _objects(value)
