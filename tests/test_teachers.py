"""Teachers: trained on every row of their modality, asked once, never confused."""

import keras
import numpy as np
import pytest
from tiny import array, difference, samples, spec, teacher, teachers, weights

import mind_keras as mk
from mind_keras.data.answers import Answers
from mind_keras.teachers import Teacher
from mind_keras.training import fit, having


def splits(patterns):
    return mk.Splits(*(samples(patterns=patterns, seed=s) for s in (0, 1, 2)))


def test_a_teacher_learns_from_all_rows_of_its_modality_not_only_complete_ones(
    tmp_path,
):
    data = splits({"ehr": 20, "ehr+lab": 8, "lab": 6})
    through, alone = teacher(data.spec, "ehr"), teacher(data.spec, "ehr")
    mk.fit_teachers({"ehr": [through]}, data, epochs=2, batch_size=7, folder=tmp_path)
    fit(
        mk.Distiller(alone, task=data.spec.task),
        having(data.train, {"ehr"}),
        having(data.validation, {"ehr"}),
        epochs=2,
        batch_size=7,
    )
    assert len(having(data.train, {"ehr"})) == 28
    assert difference(through, alone) < 1e-6
    saved = keras.saving.load_model(tmp_path / "ehr-0.keras")
    assert difference(through, saved) == 0.0
    with pytest.raises(ValueError, match=r"not overwritten.*ehr-0\.keras"):
        mk.fit_teachers({"ehr": [through]}, data, epochs=1, folder=tmp_path)


def test_a_teacher_alone_counts_as_a_list_of_one():
    data = splits({"ehr": 24})
    history = mk.fit_teachers({"ehr": teacher(data.spec, "ehr")}, data, epochs=1)
    assert history["model"].unique().tolist() == ["teacher:ehr:0"]


def test_a_saved_teacher_is_not_trained_again(tmp_path):
    data = splits({"ehr": 24})
    path = tmp_path / "ehr.keras"
    teacher(data.spec, "ehr").save(path)
    for given in ([path], [str(path)], path):
        with pytest.raises(ValueError, match=r"already trained.*'ehr'.*ehr\.keras"):
            mk.fit_teachers({"ehr": given}, data, epochs=1)


def test_a_training_that_never_was_finite_is_refused():
    """Its answers would be NaN, which stands for "cannot answer"."""
    data = splits({"ehr": 24})
    models = {"ehr": [teacher(data.spec, "ehr", norm=False)]}
    with pytest.raises(ValueError, match=r"finite validation loss.*nan.*1e\+38"):
        mk.fit_teachers(models, data, epochs=3, learning_rate=1e38)


def test_of_a_training_that_diverges_later_the_best_epoch_is_kept():
    data, kept = splits({"ehr": 24}), []
    model = teacher(data.spec, "ehr", norm=False)

    def spoil(epoch, logs):
        kept.append(weights(model))
        if epoch == 1:
            model.set_weights([w * np.nan for w in kept[-1]])

    spoiler = keras.callbacks.LambdaCallback(on_epoch_begin=spoil)
    mk.fit_teachers({"ehr": [model]}, data, epochs=3, callbacks=[spoiler])
    np.testing.assert_array_equal(weights(model)[0], kept[1][0])


def test_the_best_epoch_on_validation_is_kept():
    data = splits({"ehr": 24})
    model = teacher(data.spec, "ehr")
    history = mk.fit_teachers(
        {"ehr": [model]}, data, epochs=12, learning_rate=0.3, patience=20
    )
    losses = history.query("metric == 'val_loss'")["value"]
    checked = mk.Distiller(model, task=data.spec.task)
    checked.compile("sgd")
    held = mk.batches(having(data.validation, {"ehr"}))
    assert checked.evaluate(held, verbose=0) == pytest.approx(losses.min(), rel=1e-5)
    assert losses.min() < losses.iloc[-1]


def test_training_stops_early():
    data = splits({"ehr": 24})
    model = teacher(data.spec, "ehr")
    history = mk.fit_teachers(
        {"ehr": [model]}, data, epochs=60, learning_rate=0.5, patience=2
    )
    losses = history.query("metric == 'val_loss'")["value"].to_numpy()
    assert len(losses) == losses.argmin() + 3 < 60


def test_a_first_epoch_that_is_kept_is_warned_of():
    data = splits({"ehr": 24})
    train = data.train
    ids = [f"other {k}" for k in range(len(train))]
    # The same rows with the opposite labels: each epoch is worse.
    opposite = mk.Samples(train.spec, 1 - train.y, train.x, train.rows, id=ids)
    data, model = mk.Splits(train, opposite, data.test), teacher(train.spec, "ehr")
    with pytest.warns(UserWarning, match="The first of 4 epochs of "):
        mk.fit_teachers({"ehr": [model]}, data, epochs=30, patience=3)
    # A single epoch is what was asked for: no warning, which would fail the test.
    mk.fit_teachers({"ehr": [model]}, data, epochs=1, patience=0)


@pytest.mark.parametrize("batch_size", [3, 5, 256])
def test_answers_are_what_the_teacher_says_and_nan_where_it_cannot(batch_size):
    data = samples(patterns={"ehr": 8, "ehr+lab": 20, "lab": 4})
    some = teachers(spec(), dropout=0.4)
    answers = mk.teacher_logits(some, data, batch_size=batch_size)
    for head, models in some.items():
        for said, model in zip(answers.logits[head], models, strict=True):
            # In such batches, too: other sizes some processors round otherwise.
            expected = model.predict({head: data.x[head]}, batch_size, verbose=0)
            np.testing.assert_allclose(said[data.rows[head]], expected, atol=1e-6)
            assert np.isnan(said[~data.has(head)]).all()


def test_the_cache_is_used_for_the_same_and_only_for_the_same(tmp_path):
    data, some = samples(), {"ehr": [teacher(spec(), "ehr")]}
    first = mk.teacher_logits(some, data, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    stamp = file.stat().st_mtime_ns
    again = mk.teacher_logits(some, data, cache=tmp_path)
    assert file.stat().st_mtime_ns == stamp and len(list(tmp_path.iterdir())) == 1
    np.testing.assert_array_equal(first.logits["ehr"][0], again.logits["ehr"][0])
    scaled = {m: 2 * rows for m, rows in data.x.items()}  # another preprocessing
    other = mk.Samples(data.spec, data.y, scaled, data.rows, id=data.id)
    mk.teacher_logits(some, other, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    some["ehr"][0].set_weights([w + 1 for w in weights(some["ehr"][0])])
    changed = mk.teacher_logits(some, data, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    assert not np.allclose(
        first.logits["ehr"][0][data.rows["ehr"]],
        changed.logits["ehr"][0][data.rows["ehr"]],
    )


def damaged(file):
    """Files that are not what `Answers.save` wrote, under its name."""
    whole = file.read_bytes()
    yield lambda: file.write_bytes(b"not an archive")
    yield lambda: file.write_bytes(b"")
    yield lambda: file.write_bytes(whole[: len(whole) // 2])
    yield lambda: file.write_bytes(whole[:60] + bytes(40) + whole[100:])
    yield lambda: np.savez(file, other=np.zeros(3))
    yield lambda: np.savez(file, about=np.array("[]"), pattern=np.zeros(3))


def test_damaged_answers_are_named_with_the_cure_and_no_talk_of_pickles(tmp_path):
    data, some = samples(), {"ehr": [teacher(spec(), "ehr")]}
    mk.teacher_logits(some, data, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    for damage in damaged(file):
        damage()
        with pytest.raises(ValueError, match=r"answers-.*\.npz.*Delete it") as error:
            mk.teacher_logits(some, data, cache=tmp_path)
        assert "pickle" not in str(error.value)
    file.unlink()
    with pytest.raises(FileNotFoundError, match=file.name):
        Answers.load(file)


def test_a_fingerprint_sees_weights_and_architecture_but_not_the_name():
    about = spec()
    one, same = teacher(about, "ehr"), teacher(about, "ehr")
    prints = [Teacher(model, "ehr", about.task).fingerprint for model in (one, same)]
    assert prints[0] == prints[1]
    same.set_weights([w + 1e-6 for w in weights(same)])
    assert Teacher(same, "ehr", about.task).fingerprint != prints[0]


@pytest.mark.parametrize("form", ["named dict", "unnamed", "sequential"])
def test_any_functional_form_is_read(form):
    about, x = spec(), {"lab": np.random.default_rng(0).normal(size=(3, 4))}
    dense = keras.layers.Dense(1)
    if form == "sequential":
        model = keras.Sequential([keras.Input((4,)), dense])
    else:
        given = keras.Input((4,), name="lab" if form == "named dict" else None)
        model = keras.Model(
            {"lab": given} if form == "named dict" else given, dense(given)
        )
    made = Teacher(model, "lab", about.task)
    assert made.needs == {"lab"}
    np.testing.assert_allclose(array(made(x)), array(dense(x["lab"])), atol=1e-6)
