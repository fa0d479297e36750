"""What a student can say from some modalities, and the cut: laws of the graph."""

import keras
import numpy as np
import pytest
from tiny import array, encoder, samples, spec, student, weights

import mind_keras as mk
from mind_keras.parts import Parts


def rows(about, size=6, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {m: (size, *about.shape(m)) for m in about.names}
    return {m: rng.normal(size=s).astype("float32") for m, s in shapes.items()}


def nested(inner):
    """A student inside a student, as Keras users build them."""
    inputs = {t.name: keras.Input(t.shape[1:], name=t.name) for t in inner.inputs}
    return keras.Model(inputs, inner(inputs))


def three_way():
    """A user's own student: three modalities, a pair head that fusion reads too."""
    about = spec(modalities=("ehr", "lab", "note"))
    inputs = {m: keras.Input(about.shape(m), name=m) for m in about.names}
    codes = {m: encoder(about.shape(m))(inputs[m]) for m in about.names}
    pair = keras.layers.Concatenate()([codes["ehr"], codes["lab"]])
    pair = keras.layers.Dense(5, activation="relu")(pair)
    whole = keras.layers.Concatenate()([pair, codes["note"], inputs["note"]])
    shared = keras.layers.Dense(1)  # one head layer for two modalities
    heads = {
        "ehr": shared(codes["ehr"]),
        "lab": shared(codes["lab"]),
        "ehr+lab": keras.layers.Dense(1)(pair),
        "fusion": keras.layers.Dense(1)(whole),
    }
    return about, keras.Model(inputs, heads)


def test_heads_need_what_they_are_computed_from():
    _, model = three_way()
    assert mk.heads(model) == {
        "ehr": {"ehr"},
        "lab": {"lab"},
        "ehr+lab": {"ehr", "lab"},
        "fusion": {"ehr", "lab", "note"},
    }
    assert mk.heads(nested(model)) == mk.heads(model)


@pytest.mark.parametrize("wrap", [lambda m: m, nested, lambda m: nested(nested(m))])
def test_a_submodel_is_the_students_head(wrap):
    about, model = three_way()
    model, x = wrap(model), rows(about)
    whole = model(x)
    for present in (("ehr",), ("lab",), ("ehr", "lab"), ("ehr", "lab", "note")):
        part = mk.submodel(model, present)
        assert sorted(part.input) == sorted(present)
        said = part({m: x[m] for m in present})
        for head in said:
            np.testing.assert_allclose(array(said[head]), array(whole[head]), atol=1e-6)


def test_a_submodel_has_fewer_weights_and_lacks_the_other_encoder():
    model = student(spec())
    part = mk.submodel(model, {"ehr"})
    assert part.count_params() < model.count_params()
    names = {layer.name for layer in part.layers}
    assert "ehr_encoder" in names and "lab_encoder" not in names


def test_a_submodel_shares_weights_with_its_student():
    model, x = student(spec()), rows(spec())
    part = mk.submodel(model, {"ehr"})
    model.set_weights([w + 0.5 for w in weights(model)])
    np.testing.assert_allclose(
        array(part({"ehr": x["ehr"]})["ehr"]), array(model(x)["ehr"]), atol=1e-6
    )


def test_a_submodel_saves_alone(tmp_path):
    model, x = student(spec()), rows(spec())
    mk.submodel(model, {"ehr"}).save(tmp_path / "ehr.keras")
    alone = keras.saving.load_model(tmp_path / "ehr.keras")
    np.testing.assert_allclose(
        array(alone({"ehr": x["ehr"]})["ehr"]), array(model(x)["ehr"]), atol=1e-6
    )


def test_unreachable_unknown_and_opaque_are_errors():
    _, model = three_way()
    with pytest.raises(ValueError, match=r"No head can be reached from \['note'\]"):
        mk.submodel(model, {"note"})
    with pytest.raises(ValueError, match=r"Unknown modality \['mri'\]. Known: .*'ehr'"):
        mk.submodel(model, {"mri"})
    with pytest.raises(ValueError, match=r"must be functional.*graph"):
        mk.submodel(keras.Sequential([keras.layers.Dense(1)]), {"ehr"})


@pytest.mark.parametrize("wrap", [lambda m: m, nested])
def test_parts_say_what_the_student_says_for_any_patterns(wrap):
    about, model = three_way()
    model, x = wrap(model), rows(about, 12)
    cut = {"ehr": [0, 1], "ehr+lab": [2, 3, 4], "ehr+lab+note": [5, 6], "lab+note": [7]}
    batch = {
        p: {m: x[m][index] for m in p.split("+")} for p, index in reversed(cut.items())
    }
    said, whole = Parts(model)(batch), model(x)
    order = {
        "ehr": [0, 1, 2, 3, 4, 5, 6],
        "lab": [2, 3, 4, 5, 6, 7],
        "ehr+lab": [2, 3, 4, 5, 6],
        "fusion": [5, 6],
    }
    for head, index in order.items():
        np.testing.assert_allclose(
            array(said[head]), array(whole[head])[index], atol=1e-6
        )


def test_a_head_that_no_pattern_reaches_has_no_rows():
    model, x = student(spec()), rows(spec())
    said = Parts(model)({"ehr": {"ehr": x["ehr"]}})
    assert {h: tuple(z.shape) for h, z in said.items()} == {
        "ehr": (6, 1),
        "fusion": (0, 1),
        "lab": (0, 1),
    }


def test_each_encoder_runs_once_however_many_patterns():
    about = spec(modalities=("ehr", "lab", "note"))
    model = student(about)
    parts, calls = Parts(model), []
    for name in about.names:
        layer = next(
            some
            for some in model.get_layer(f"{name}_encoder").layers
            if isinstance(some, keras.layers.Dense)
        )
        layer.activation = _counted(layer.activation, name, calls)
    x = rows(about)
    patterns = ("ehr", "ehr+lab", "ehr+lab+note", "lab", "lab+note")
    parts({p: {m: x[m] for m in p.split("+")} for p in patterns})
    assert sorted(calls) == ["ehr", "lab", "note"]


def _counted(call, name, calls):
    def counted(*args, **kwargs):
        calls.append(name)
        return call(*args, **kwargs)

    return counted


def test_batch_norm_sees_all_rows_of_the_modality_at_once():
    model, data = student(spec()), samples()
    norm = model.get_layer("ehr_encoder").layers[-1]
    before = array(norm.moving_mean).copy()
    batch, *_ = mk.batches(data, 24, heads=mk.heads(model))[0]
    Parts(model)(batch, training=True)
    layers = model.get_layer("ehr_encoder").layers
    alone = keras.Model(layers[0].output, layers[-2].output)
    x = np.concatenate([batch["ehr"]["ehr"], batch["ehr+lab"]["ehr"]])
    expected = 0.5 * before + 0.5 * array(alone(x)).mean(0)
    np.testing.assert_allclose(array(norm.moving_mean), expected, atol=1e-6)


def pair(name):
    """Two modalities to one logit; the layer within is always called `same`."""
    x = {m: keras.Input((3,), name=m) for m in ("ehr", "lab")}
    both = keras.layers.Concatenate(name="joined")([x["ehr"], x["lab"]])
    return keras.Model(x, keras.layers.Dense(1, name="same")(both), name=name)


def test_models_from_files_stand_side_by_side_whatever_their_layers_are_called():
    one, other = pair("one"), pair("other")
    x = {m: keras.Input((3,), name=m) for m in ("ehr", "lab")}
    outputs = {"one": one(x), "other": other(x), "ehr": keras.layers.Dense(1)(x["ehr"])}
    model = keras.Model(x, outputs)
    assert mk.heads(model) == {
        "ehr": {"ehr"},
        "one": {"ehr", "lab"},
        "other": {"ehr", "lab"},
    }
    random = np.random.default_rng(0)
    given = {m: random.normal(size=(4, 3)).astype("float32") for m in sorted(x)}
    said = mk.submodel(model, {"ehr", "lab"})(given)
    for head, inner in (("one", one), ("other", other)):
        np.testing.assert_allclose(array(said[head]), array(inner(given)), atol=1e-6)


def test_a_part_of_a_model_in_a_model_in_a_model_needs_its_own_alone():
    x = {m: keras.Input((3,), name=m) for m in ("ehr", "lab")}
    codes = {m: keras.layers.Dense(2)(x[m]) for m in x}
    model = keras.Model(x, codes)
    for _ in range(2):
        given = {m: keras.Input((3,), name=m) for m in x}
        model = keras.Model(given, model(given))
    assert mk.heads(model) == {"ehr": {"ehr"}, "lab": {"lab"}}
    assert sorted(mk.submodel(model, {"lab"}).input) == ["lab"]
