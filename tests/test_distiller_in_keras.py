"""The Distiller is a Keras model: callbacks, saving, precision, compilation, errors."""

import zipfile

import keras
import numpy as np
import pandas as pd
import pytest
from tiny import array, difference, encoder, samples, spec, student, teachers, weights

import mind_keras as mk

JIT = keras.backend.backend() != "torch"


def distiller(about, **options):
    return mk.Distiller(
        student(about), teachers(about, sizes=(4,)), task=about.task, **options
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One fit with all callbacks, shared by the tests that look at what it left."""
    keras.utils.set_random_seed(0)
    folder, data = (
        tmp_path_factory.mktemp("fit"),
        samples(patterns={"ehr": 30, "ehr+lab": 50, "lab": 16}),
    )
    model = distiller(data.spec)
    auc = keras.metrics.AUC(from_logits=True, name="auc")
    model.compile("adam", metrics={"fusion": [auc]})
    seen = []
    history = model.fit(
        mk.batches(data, 24),
        validation_data=mk.batches(samples(seed=1), 24),
        epochs=6,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping("val_fusion_auc", mode="max", patience=1),
            keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="val_loss"),
            keras.callbacks.BackupAndRestore(
                folder / "backup", delete_checkpoint=False
            ),
            keras.callbacks.CSVLogger(folder / "log.csv"),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(e)),
        ],
    ).history
    return folder, data, model, history


def test_logs_name_heads(trained):
    _, _, _, history = trained
    heads = ("ehr", "fusion", "lab")
    expected = {"loss", "val_loss", "fusion_auc", "val_fusion_auc"}
    expected |= {f"{h}_loss" for h in heads} | {f"val_{h}_loss" for h in heads}
    expected |= {f"{h}_distillation" for h in heads}
    assert set(history) == expected


def test_early_stopping_and_logger_work(trained):
    folder, _, _, history = trained
    auc = history["val_fusion_auc"]
    if len(auc) < 6:
        assert auc[-1] <= max(auc[:-1])
    logged = pd.read_csv(folder / "log.csv")["loss"]
    np.testing.assert_allclose(logged, history["loss"])


def test_metrics_count_each_sample_once(trained):
    """`evaluate` over batches with rows drawn again equals the AUC of all samples."""
    from sklearn.metrics import roc_auc_score

    _, data, model, _ = trained
    index = data.patterns["ehr+lab"]
    odd = data.take(np.r_[index[:37], data.patterns["ehr"][:9]])
    logs = model.evaluate(mk.batches(odd, 16), return_dict=True, verbose=0)
    chance = mk.predict(model.student, odd)["fusion"]
    known = ~np.isnan(chance[:, 0])
    auc = roc_auc_score(odd.y[known, 0], chance[known, 0])
    assert logs["fusion_auc"] == pytest.approx(auc, abs=0.02)  # 200 thresholds


def test_checkpoint_keeps_the_student_and_the_settings_but_no_teacher(trained):
    folder, data, model, _ = trained
    loaded = keras.saving.load_model(folder / "best.keras")
    x = {m: data.x[m][:5] for m in ("lab",)}
    assert loaded.ensembles.temperature == model.ensembles.temperature
    assert loaded.get_config().keys() == model.get_config().keys()
    part = mk.submodel(loaded.student, {"lab"})
    assert array(part(x)["lab"]).shape == (5, 1)
    size = sum(int(np.prod(w.shape)) for w in loaded.student.weights)
    with zipfile.ZipFile(folder / "best.keras") as file:
        stored = file.getinfo("model.weights.h5").file_size
    assert len(loaded.non_trainable_variables) < len(model.non_trainable_variables)
    assert loaded.count_params() == size + data.spec.task.outputs + 3
    assert stored < 4 * 3 * size + 250_000  # weights, two slots of Adam, HDF5's own


def test_the_compile_configuration_names_no_backend(trained):
    config = trained[2].get_compile_config()
    assert config["optimizer"]["module"] == "keras.optimizers"
    assert config["optimizer"]["registered_name"] is None
    assert config["jit_compile"] == "auto"


def test_a_distiller_saves_before_it_is_compiled(tmp_path):
    model = distiller(spec(), temperature=3.0)
    model.save(tmp_path / "raw.keras")
    loaded = keras.saving.load_model(tmp_path / "raw.keras")
    assert loaded.ensembles.temperature == 3.0
    assert difference(loaded.student, model.student) == 0.0


def test_a_loaded_distiller_trains_on_with_answers_and_says_when_it_cannot(trained):
    folder, data, model, _ = trained
    loaded = keras.saving.load_model(folder / "best.keras")
    steps = int(array(loaded.optimizer.iterations))
    assert steps > 0
    with pytest.raises(ValueError, match=r"teachers are not at hand.*teacher_logits="):
        loaded.fit(mk.batches(data, 24), verbose=0)
    some = {h: [t.model for t in ts] for h, ts in model.ensembles.teachers.items()}
    answers = mk.teacher_logits(some, data)
    batches = mk.batches(data, 24, teacher_logits=answers)
    history = loaded.fit(batches, verbose=0).history
    assert history["ehr_distillation"][0] > 0
    assert int(array(loaded.optimizer.iterations)) == steps + len(batches)


def test_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path):
    data = samples()

    def fit(model, epochs, folder, stop=None):
        model.compile(keras.optimizers.Adam(0.01))
        backup = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
        halt = keras.callbacks.LambdaCallback(on_epoch_begin=_halt(stop))
        return model.fit(
            mk.batches(data, 12), epochs=epochs, verbose=0, callbacks=[backup, halt]
        )

    whole, broken = distiller(data.spec), distiller(data.spec)
    fit(whole, 3, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(broken, 3, tmp_path / "broken", stop=2)
    again = distiller(data.spec)
    fit(again, 3, tmp_path / "broken")
    assert difference(whole.student, again.student) < 1e-6


def _halt(stop):
    def halt(epoch, logs):
        if epoch == stop:
            raise KeyboardInterrupt

    return halt


def test_student_saves_alone_after_training(trained, tmp_path):
    _, data, model, _ = trained
    model.student.save(tmp_path / "student.keras")
    loaded = keras.saving.load_model(tmp_path / "student.keras", custom_objects={})
    index = data.patterns["ehr+lab"][:6]
    x = {m: data.x[m][data.rows_of(m, index)] for m in data.spec.names}
    for head, logits in loaded(x).items():
        np.testing.assert_allclose(
            array(logits), array(model.student(x)[head]), atol=1e-6
        )
    loaded.compile("adam", loss={h: "mse" for h in loaded.output})
    loaded.fit(x, dict.fromkeys(loaded.output, data.y[index]), verbose=0)


@pytest.mark.skipif(not JIT, reason="torch.compile is minutes per model on a CPU")
def test_compiled_is_not_compiled():
    data, results = samples(), []
    for jit in (True, False):
        model = distiller(data.spec)
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit)
        model.fit(mk.batches(data, 12), verbose=0)
        results.append(model.student)
    assert difference(*results) < 1e-5


def test_one_structure_means_one_trace(monkeypatch):
    if keras.backend.backend() == "torch":
        pytest.skip("torch runs eagerly: there is no trace to count")
    data = samples(patterns={"ehr": 31, "ehr+lab": 50, "lab": 5})
    model, calls = distiller(data.spec), []
    plain = type(model).call
    monkeypatch.setattr(
        type(model),
        "call",
        lambda self, x, training=None: calls.append(1) or plain(self, x, training),
    )
    model.compile("sgd")
    model.fit(mk.batches(data, 16), epochs=1, verbose=0)
    first = len(calls)
    model.fit(mk.batches(data, 16), epochs=3, verbose=0)
    assert len(calls) == first


def test_mixed_precision_is_close_to_float32():
    losses = []
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            data = samples()
            model = distiller(data.spec)
            model.compile(keras.optimizers.SGD(0.05))
            history = model.fit(mk.batches(data, 12), epochs=2, verbose=0).history
            assert all(str(w.dtype) == "float32" for w in model.student.weights)
        finally:
            keras.config.set_dtype_policy("float32")
        losses.append(history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.02)


def test_augmentation_reaches_teacher_and_student_alike():
    """A student that is its teacher stays at distance 0, whatever the rows become."""
    data = samples(patterns={"ehr": 16}).only("ehr")
    model = mk.build_teacher(data.spec, "ehr", encoder=encoder((5, 3), norm=False))
    same = mk.Distiller(model, {"ehr": [model]}, task=data.spec.task, task_weight=0.0)
    same.compile(keras.optimizers.SGD(0.0))
    noise = keras.layers.GaussianNoise(1.0, seed=0)
    batches = mk.batches(data, 8, augment={"ehr": noise})
    assert same.fit(batches, verbose=0).history["ehr_distillation"][0] < 1e-6


def test_teachers_that_change_between_fits_are_heard_anew():
    """They are variables of the compiled step, not constants in it."""
    data = samples(patterns={"ehr": 16}).only("ehr")
    (strict,) = teachers(data.spec, sizes=(4,))["ehr"]
    model = mk.build_teacher(data.spec, "ehr", encoder=encoder((5, 3), norm=False))
    taught = mk.Distiller(model, {"ehr": [strict, strict]}, task=data.spec.task)
    taught.compile(keras.optimizers.SGD(0.0))
    first = taught.fit(mk.batches(data, 8), verbose=0).history
    strict.set_weights([*strict.get_weights()[:-1], strict.get_weights()[-1] + 4.0])
    second = taught.fit(mk.batches(data, 8), verbose=0).history
    assert second["ehr_distillation"][0] > 1.5 * first["ehr_distillation"][0]


def test_teachers_are_not_differentiated():
    """On torch a graph through the teachers would be walked, and kept, every step."""
    if keras.backend.backend() != "torch":
        pytest.skip("only torch records what runs outside the differentiated function")
    data = samples()
    model = distiller(data.spec)
    model.compile("sgd")
    model.fit(mk.batches(data, 24), verbose=0)
    for teacher in model.ensembles.models:
        assert all(v.value.grad is None for v in teacher.variables)
    assert all(v.value.grad is not None for v in model.trainable_variables)


def test_metrics_leave_out_rows_with_an_unknown_label():
    data = samples("multilabel", patterns={"ehr": 40}).only("ehr")
    model = mk.Distiller(teachers(data.spec)["ehr"][0], task=data.spec.task)
    accuracy = keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
    model.compile("sgd", metrics={"ehr": [accuracy]})
    logs = model.evaluate(mk.batches(data, 16), return_dict=True, verbose=0)
    known = ~np.isnan(data.y).any(axis=1)
    assert 0 < known.sum() < 40
    said = mk.predict(model.student, data)["ehr"][known] > 0.5
    assert logs["accuracy"] == pytest.approx(np.mean(said == data.y[known]), abs=1e-6)


def test_a_student_of_one_head_takes_a_list_of_metrics():
    data = samples(patterns={"ehr": 16}).only("ehr")
    model = mk.Distiller(teachers(data.spec)["ehr"][0], task=data.spec.task)
    area = keras.metrics.AUC(from_logits=True, name="auc")
    accuracy = keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
    model.compile("sgd", metrics=[area, accuracy])
    logs = model.evaluate(mk.batches(data, 8), return_dict=True, verbose=0)
    said = mk.predict(model.student, data)["ehr"] > 0.5
    assert logs["accuracy"] == pytest.approx(np.mean(said == data.y), abs=1e-6)
    assert "auc" in logs


def test_one_loss_serves_all_heads_and_some_heads_may_have_none():
    data = samples()
    alone, every = (distiller(data.spec, task_weight=1.0) for _ in range(2))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    alone.compile("sgd", loss={"fusion": loss})
    every.compile("sgd", loss=loss)
    alone = alone.evaluate(mk.batches(data, 24), return_dict=True, verbose=0)
    every = every.evaluate(mk.batches(data, 24), return_dict=True, verbose=0)
    assert alone["loss"] == pytest.approx(every["fusion_loss"], rel=1e-5)
    parts = [every[f"{head}_loss"] for head in ("ehr", "fusion", "lab")]
    assert every["loss"] == pytest.approx(sum(parts), rel=1e-5)


def sigmoid_teacher(about):
    given = keras.Input(about.shape("lab"), name="lab")
    return keras.Model({"lab": given}, keras.layers.Dense(1, "sigmoid")(given))


def nested_softmax(about):
    inner = keras.Sequential(
        [
            keras.Input(about.shape("lab")),
            keras.layers.Dense(1),
            keras.layers.Activation("sigmoid"),
        ]
    )
    given = keras.Input(about.shape("lab"), name="lab")
    return keras.Model({"lab": given}, inner(given))


def reshaped_sigmoid(about):
    given = keras.Input(about.shape("lab"), name="lab")
    chance = keras.layers.Dense(1, "sigmoid")(given)
    return keras.Model({"lab": given}, keras.layers.Reshape((1,))(chance))


@pytest.mark.parametrize("make", [sigmoid_teacher, nested_softmax, reshaped_sigmoid])
def test_probabilities_in_place_of_logits_are_found(make):
    about = spec()
    with pytest.raises(ValueError, match=r"must give logits.*ends in a sigmoid"):
        mk.Distiller(student(about), {"lab": [make(about)]}, task=about.task)


def test_errors_before_training():
    about = spec()
    model, some = student(about), teachers(about, sizes=(4,))

    def refuse(match, *, using=model, teachers=some, task=about.task, **options):
        with pytest.raises(ValueError, match=match):
            mk.Distiller(using, teachers, task=task, **options)

    refuse(
        r"keyed by the heads.*\['mri'\].*Known: \['ehr', 'fusion', 'lab'\]",
        teachers={"mri": []},
    )
    refuse(
        r"one logit for each of the 3 labels.*\(None, 1\)", task=spec("multilabel").task
    )
    refuse(r"number, or one for each head.*'lab'", task_weight={"ehr": 1.0})
    refuse(r"none negative", distillation_weight=-1.0)
    refuse(
        r"Unknown `ensemble` 'median'. Known: \['logit', 'probability'\]",
        ensemble="median",
    )
    refuse(r"Unknown `joint_target`", joint_target="vote")
    refuse(r"Unknown distance", distance="kld")
    refuse(
        r"for each taught head.*none for 'fusion'", distance={"ehr": "kl", "lab": "kl"}
    )
    refuse(r"`task` must be a `Task`", task=about)
    refuse(r"positive number. Received: '2'", temperature="2")
    refuse(r"frequency between 0 and 1 for each of the 1 labels", prior=[0.2, 0.3])
    refuse(r"number, or one for each head", task_weight="1")
    refuse(r"belong to a head with teachers.*\['zz'\]", ensemble_weights={"zz": [1]})
    refuse(r"must be functional", using=keras.Sequential([keras.layers.Dense(1)]))
    refuse(r"one number for each teacher", ensemble_weights={"ehr": [1, 1]})
    other = mk.build_teacher(spec(modalities=("note",)), "note", units=3)
    refuse(
        r"read modalities that the student has.*\['note'\]", teachers={"ehr": [other]}
    )


def test_errors_at_the_door_of_fit():
    data = samples()
    model = distiller(data.spec)
    model.compile("sgd")
    with pytest.raises(ValueError, match=r"of the Distiller's task"):
        model.fit(mk.batches(samples("multilabel"), 24))
    strange = samples(modalities=("ehr", "lab", "note"), patterns={"ehr+lab+note": 24})
    with pytest.raises(ValueError, match=r"modalities that the student reads"):
        model.fit(mk.batches(strange, 24))
    others = mk.teacher_logits(teachers(data.spec, sizes=(3,)), data)
    with pytest.raises(ValueError, match=r"must be those of the Distiller's teachers"):
        model.fit(mk.batches(data, 24, teacher_logits=others))
    with pytest.raises(ValueError, match=r"Give `prior=` to the Distiller"):
        model.fit(iter([]))
    with pytest.raises(ValueError, match=r"Make them with `mk.batches\(samples\)`"):
        model.fit(data)
    with pytest.raises(
        ValueError, match=r"made of `Samples`.*`mk.batches\(data.train\)`"
    ):
        mk.batches(mk.load("diabetes"))
    x = {m: np.zeros((4, *data.spec.shape(m))) for m in data.spec.names}
    with pytest.raises(ValueError, match=r"must be finite"):
        model.fit({**x, "ehr": x["ehr"] * np.nan}, np.array([0, 1, 0, 1]))
    with pytest.raises(ValueError, match=r"for each modality the student reads"):
        model.fit({"ehr": x["ehr"]}, np.array([0, 1, 0, 1]))
    with pytest.raises(ValueError, match=r"must be a dict of the modalities"):
        model.fit(x["ehr"], np.array([0, 1, 0, 1]))
    with pytest.raises(ValueError, match=r"samples of every label, both yes and no"):
        model.fit(x, np.zeros(4))
    with pytest.raises(ValueError, match=r"keyed by heads of the student.*\['mri'\]"):
        model.compile("sgd", metrics={"mri": ["mse"]})
    with pytest.raises(ValueError, match=r"`metrics` must be a dict by head"):
        model.compile("sgd", metrics=["accuracy"])
    with pytest.raises(ValueError, match=r"weighs all metrics"):
        model.compile(
            "sgd", metrics={"ehr": ["mse"]}, weighted_metrics={"ehr": ["mse"]}
        )


def test_a_corrupt_file_is_named(tmp_path):
    about, path = spec(), tmp_path / "teacher.keras"
    path.write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ValueError, match=r"archive that Keras can read.*teacher.keras"):
        mk.Distiller(student(about), {"lab": [path]}, task=about.task)
    with pytest.raises(ValueError, match=r"must be a `.keras` file at the path"):
        mk.Distiller(student(about), {"lab": [tmp_path / "no.keras"]}, task=about.task)


def test_teachers_may_be_paths(tmp_path):
    data = samples()
    some = teachers(data.spec, sizes=(4,))
    paths = {}
    for head, (model,) in some.items():
        paths[head] = [tmp_path / f"{head}.keras"]
        model.save(paths[head][0])
    live, loaded = student(data.spec), student(data.spec)
    for model, source in ((live, some), (loaded, paths)):
        taught = mk.Distiller(model, source, task=data.spec.task)
        taught.compile(keras.optimizers.SGD(0.1))
        taught.fit(mk.batches(data, 12), verbose=0)
    assert difference(live, loaded) < 1e-6
    assert weights(live)
