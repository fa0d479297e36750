"""Laws of batches: every row, in its pattern, once, and nothing that is not there."""

import keras
import numpy as np
import pytest
from tiny import samples, spec

import mind_keras as mk
from mind_keras.data.answers import Answers, fingerprint

PATTERNS = {"ehr": 37, "ehr+lab": 101, "lab": 3}


def epoch(dataset):
    return [dataset[step] for step in range(len(dataset))]


def drawn(data, dataset):
    """How often each sample was drawn, and with what total weight."""
    times, weight = np.zeros(len(data)), np.zeros(len(data))
    owner = {}
    for m in data.spec.names:
        for row, sample in zip(data.x[m], data.rows[m], strict=True):
            owner[m, row.tobytes()] = sample
    for x, _, *w in epoch(dataset):
        for pattern, modalities in x.items():
            name = min(modalities)
            each = w[0][pattern][name] if w else np.ones(len(modalities[name]))
            for row, one in zip(modalities[name], each, strict=True):
                sample = owner[name, row.tobytes()]
                times[sample] += 1
                weight[sample] += one
    return times, weight


@pytest.mark.parametrize("batch_size", [3, 16, 64, 1000])
def test_every_sample_counts_once_an_epoch(batch_size):
    data = samples(patterns=PATTERNS)
    times, weight = drawn(data, mk.batches(data, batch_size))
    assert times.min() >= 1
    np.testing.assert_allclose(weight, 1, atol=1e-6)


@pytest.mark.parametrize("batch_size", [3, 16, 64])
def test_batches_have_one_structure_and_no_more_rows_than_asked(batch_size):
    dataset = mk.batches(samples(patterns=PATTERNS), batch_size)
    shapes = [keras.tree.map_structure(np.shape, batch) for batch in epoch(dataset)]
    assert all(shape == shapes[0] for shape in shapes)
    x = dataset[0][0]
    assert sum(len(next(iter(rows.values()))) for rows in x.values()) <= batch_size


def test_a_sample_stays_whole_and_keeps_its_label():
    data = samples("multilabel", patterns=PATTERNS)
    for m in data.spec.names:  # each row says which sample it is of
        data.x[m][:] = data.rows[m].reshape(-1, *[1] * (data.x[m].ndim - 1))
    for x, y, *_ in epoch(mk.batches(data, 16)):
        for pattern, modalities in x.items():
            assert sorted(modalities) == pattern.split("+")
            owners = [rows.reshape(len(rows), -1)[:, 0] for rows in modalities.values()]
            np.testing.assert_array_equal(owners[0], owners[-1])
            for labels in y[pattern].values():
                np.testing.assert_array_equal(labels, data.y[owners[0].astype(int)])
            for owner in owners[0].astype(int):
                assert data.pattern[owner] == pattern


def test_heads_are_those_the_pattern_reaches():
    _, y, *_ = mk.batches(samples(), 24)[0]
    assert {p: sorted(heads) for p, heads in y.items()} == {
        "ehr": ["ehr"],
        "ehr+lab": ["ehr", "fusion", "lab"],
        "lab": ["lab"],
    }


def test_epochs_differ_and_a_seed_repeats_them():
    data = samples(patterns=PATTERNS)

    def two_epochs(seed):
        dataset, found = mk.batches(data, 16, seed=seed), []
        for _ in range(2):
            found.append(np.concatenate([x["ehr"]["ehr"] for x, *_ in epoch(dataset)]))
            dataset.on_epoch_end()
        return found

    first, again, other = two_epochs(0), two_epochs(0), two_epochs(1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])


def test_balanced_and_given_compositions():
    data = samples(patterns=PATTERNS)

    def counts(**options):
        x, *_ = mk.batches(data, 30, **options)[0]
        return {p: len(next(iter(rows.values()))) for p, rows in x.items()}

    assert counts(composition="balanced") == {"ehr": 10, "ehr+lab": 10, "lab": 10}
    given = {"ehr": 4, "ehr+lab": 9, "lab": 2}
    assert counts(composition=given) == given
    times, _ = drawn(data, mk.batches(data, composition=given))
    assert times.min() >= 1


def test_sample_weights_are_kept():
    data = samples(weight=np.arange(1, 25))
    _, weight = drawn(data, mk.batches(data, 7))
    np.testing.assert_allclose(weight, np.arange(1, 25), rtol=1e-6)


def test_cached_answers_travel_with_their_rows():
    data = samples("binary", patterns=PATTERNS)
    said = {"ehr": [np.full((len(data), 1), np.nan, "float32") for _ in range(2)]}
    has = data.has("ehr")
    for k, array in enumerate(said["ehr"]):
        array[has, 0] = np.flatnonzero(has) + 1000 * k
    for m in data.spec.names:
        data.x[m][:] = data.rows[m].reshape(-1, *[1] * (data.x[m].ndim - 1))
    answers = Answers(said, {"ehr": ["a", "b"]}, fingerprint(data), data.pattern)
    for x, y, *_ in epoch(mk.batches(data, 16, teacher_logits=answers)):
        for pattern, some in y["teacher_logits"].items():
            if "ehr" in pattern:
                owner = x[pattern]["ehr"].reshape(len(some["ehr"]), -1)[:, 0]
                np.testing.assert_array_equal(some["ehr"][:, 0, 0], owner)
                np.testing.assert_array_equal(some["ehr"][:, 1, 0], owner + 1000)
            else:
                assert some == {}


def test_answers_survive_a_file_and_are_refused_for_other_samples(tmp_path):
    data = samples()
    said = {"ehr": [np.where(data.has("ehr"), 1.5, np.nan)[:, None]]}
    answers = Answers(said, {"ehr": ["a"]}, fingerprint(data), data.pattern)
    answers.save(tmp_path / "answers.npz")
    again = Answers.load(tmp_path / "answers.npz")
    np.testing.assert_array_equal(again.logits["ehr"][0], said["ehr"][0])
    assert (again.teachers, again.samples) == (answers.teachers, answers.samples)
    for other in (samples(seed=1), data.take(range(20)), data.only("ehr")):
        with pytest.raises(ValueError, match="hold only for the samples they were"):
            mk.batches(other, teacher_logits=again)


def test_augmentation_is_seen_by_all_and_refuses_a_cache():
    data = samples()
    augment = {"lab": lambda rows: rows + 100}
    x, *_ = mk.batches(data, 24, augment=augment)[0]
    assert min(rows["lab"].min() for rows in x.values() if "lab" in rows) > 50
    assert max(rows["ehr"].max() for rows in x.values() if "ehr" in rows) < 50
    answers = Answers({}, {}, fingerprint(data), data.pattern)
    with pytest.raises(ValueError, match=r"answers to other rows.*Leave one"):
        mk.batches(data, teacher_logits=answers, augment={"lab": lambda rows: rows})
    with pytest.raises(ValueError, match=r"Unknown modality \['mri'\] in `augment`"):
        mk.batches(data, augment={"mri": lambda rows: rows})


def test_a_keras_layer_augments_in_training_mode():
    data = samples()
    noise = keras.layers.GaussianNoise(1.0, seed=0)
    x, *_ = mk.batches(data, 24, augment={"lab": noise}, shuffle=False)[0]
    plain, *_ = mk.batches(data, 24, shuffle=False)[0]
    assert np.abs(x["lab"]["lab"] - plain["lab"]["lab"]).max() > 0.5


def test_errors_of_composition():
    data = samples()
    with pytest.raises(ValueError, match="positive number of rows for each pattern"):
        mk.batches(data, composition={"ehr": 4})
    with pytest.raises(ValueError, match="'proportional', 'balanced' or a dict"):
        mk.batches(data, composition="fair")
    with pytest.raises(ValueError, match="room for a row of each pattern"):
        mk.batches(data, 2)


def test_one_pattern_and_one_batch_need_no_weights():
    complete = samples(patterns={"ehr+lab": 20})
    assert len(mk.batches(complete, 20)[0]) == 2
    assert spec().complete == "ehr+lab"
