"""The benchmarks: plain PyTorch is the same maths, and the page says what was found."""

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import mind_keras as mk

if importlib.util.find_spec("torch") is None:
    pytest.skip("the plain programs need torch", allow_module_level=True)

from benchmarks import clock, growth, made_up, memory, page, plain_training, targets
from benchmarks.__main__ import app
from benchmarks.catalogue import BENCHMARKS, table
from benchmarks.distil import plain_teachers
from benchmarks.plain_weights import copied, matched

PIXELS, ROWS = 40, 6
# No narrower: plain torch would write beyond its memory (`windows_torch.NARROW`).
SMALL = {"cxr": made_up.RESNET | {"depth": 6, "width": 16}, "ehr": made_up.LSTM}
ENCODERS = {
    "lstm": {"ehr": {"encoder": "lstm", "units": 5, "layers": 2}},
    "gru": {"ehr": {"encoder": "gru", "units": 5}},
    "transformer": {"ehr": {"encoder": "transformer", "units": 8, "layers": 1}},
    "conv1d": {"ehr": {"encoder": "conv1d", "units": 6, "layers": 2}},
    "mlp": {"ehr": {"encoder": "mlp", "units": 7}},
    "icu": SMALL,
}


def array(variable):
    return keras.ops.convert_to_numpy(variable).copy()


def shaken(model, seed=0):
    """The model, with weights unlike those of birth, such as zeros and ones."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if variable.dtype.startswith("float"):
            noise = rng.uniform(-0.15, 0.15, variable.shape)
            variable.assign(array(variable) + noise)
    return model


def twins(encoders):
    """A student of ours, the plain one, and rows."""
    about = made_up.spec(encoders, PIXELS)
    student = shaken(made_up.student(about, encoders))
    plain = copied(student, made_up.plain_student(about, encoders))
    return student, plain, made_up.samples(about, ROWS)


def check_same_step(distiller, program, rows):
    """One SGD step at rate 1 of ours moves weights by the plain program's gradient."""
    student, plain = distiller.student, program.student
    before = {id(v): array(v) for v in student.trainable_variables}
    distiller.compile(keras.optimizers.SGD(1.0))
    distiller.fit(mk.batches(rows, len(rows), shuffle=False), verbose=0)
    steps = {id(v): before[id(v)] - array(v) for v in student.trainable_variables}
    plain.train()
    x, y = made_up.plain_data(rows)
    program.loss(*plain_training.batch((x, y), slice(None))).backward()
    pairs = matched(student, plain, steps)
    assert sum(step.size for _, step in pairs) == sum(v.size for v in before.values())
    for tensor, step in pairs:
        np.testing.assert_allclose(tensor.grad.numpy(), step, atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_plain_student_answers_and_learns_as_ours(name):
    student, plain, rows = twins(ENCODERS[name])
    ours = mk.predict(student, rows)
    theirs = plain_training.predict(plain, made_up.plain_data(rows)[0], batch_size=4)
    assert set(theirs) == set(ours) - {"best"}
    for head in theirs:
        np.testing.assert_allclose(ours[head], theirs[head], atol=1e-5)
    distiller = mk.Distiller(student, task=made_up.TASK)
    check_same_step(distiller, plain_training.Program(plain), rows)


def test_the_plain_program_is_taught_as_the_distiller_is(monkeypatch):
    few = {
        m: [SMALL[m] | size for size in sizes]
        for m, sizes in {
            "cxr": [{}],
            "ehr": [{"units": 3}, {"encoder": "gru", "units": 4}],
        }.items()
    }
    monkeypatch.setattr(made_up, "TEACHERS", few)
    student, plain, rows = twins(SMALL)
    about = rows.spec
    teachers = {
        m: [
            shaken(mk.build_teacher(about, m, **encoder), seed=k + 1)
            for k, encoder in enumerate(some)
        ]
        for m, some in few.items()
    }
    distiller = mk.Distiller(student, teachers, task=about.task, prior=[0.2])
    program = plain_training.Program(plain, plain_teachers(about, teachers), prior=0.2)
    check_same_step(distiller, program, rows)


def test_the_plain_optimizer_is_adam_with_keras_epsilon_and_no_decay():
    _, plain, rows = twins(ENCODERS["mlp"])
    program = plain_training.Program(plain, learning_rate=0.5)
    before = [p.detach().clone() for p in plain.parameters()]
    program.step(*plain_training.batch(made_up.plain_data(rows), slice(None)))
    for old, new in zip(before, plain.parameters(), strict=True):
        step = 0.5 * new.grad / (new.grad.abs() + 1e-7)
        np.testing.assert_allclose((old - new).detach(), step, atol=1e-5)


def test_an_epoch_of_the_plain_program_takes_every_row_once(monkeypatch):
    _, plain, rows = twins(ENCODERS["mlp"])
    program, seen = plain_training.Program(plain), []
    monkeypatch.setattr(program, "step", lambda x, y: seen.append(x["ehr"][:, 0, 0]))
    data = made_up.plain_data(rows)
    watch = clock.Watch(lambda w: program.fit(data, data, 2, 4, w), epochs=2)
    for _ in range(2):
        watch.one_epoch()
    assert [len(some) for some in seen] == [4, 2, 4, 2]
    first, second = np.concatenate(seen[:2]), np.concatenate(seen[2:])
    assert (first != second).any()
    for epoch in (first, second):
        np.testing.assert_array_equal(np.sort(epoch), np.sort(data[0]["ehr"][:, 0, 0]))


def acting(name, log, epochs=3, fault=None):
    """A fit that notes what it does: steps take 8, 1, 1 s, validation 10."""

    def fit(watch):
        for epoch in range(epochs):
            watch.on_epoch_begin(epoch)
            log.append(name)
            for step in range(3):
                log.extend([None] * (7 if step == 0 else 1))
                watch.on_train_batch_end(step)
            watch.on_test_begin()
            log.extend([None] * 10)
            watch.on_epoch_end(epoch)
        if fault:
            raise fault

    return fit


@pytest.mark.parametrize("whole, first, later", [(False, 10, 2), (True, 20, 20)])
def test_only_own_seconds_count_after_a_first_step(monkeypatch, whole, first, later):
    log = []
    monkeypatch.setattr(clock, "now", lambda: np.array([len(log), 2 * len(log)]))
    fits = {name: acting(name, log) for name in "ab"}
    spent = clock.fits_in_turn(fits, rounds=2, whole=whole)
    assert [name for name in log if name] == list("ababab")
    for some in spent.values():
        assert some[:, 0].tolist() == [first, later, later]
        assert (some[:, 1] == 2 * some[:, 0]).all()


def test_the_second_call_of_a_turn_counts(monkeypatch):
    log, costs = [], {"a": iter([5, 9, 1, 9, 2]), "b": iter([6, 9, 3, 9, 4])}
    monkeypatch.setattr(clock, "now", lambda: np.array([sum(log), 0]))
    calls = {name: lambda n=name: log.append(next(costs[n])) for name in "ab"}
    spent = clock.calls_in_turn(calls, rounds=2)
    assert spent["a"][:, 0].tolist() == [5, 1, 2]
    assert spent["b"][:, 0].tolist() == [6, 3, 4]


def test_a_fit_that_ends_early_is_no_figure():
    fits = {"a": acting("a", [], epochs=2), "b": acting("b", [])}
    with pytest.raises(RuntimeError, match=r"Received: an end after 2. Did it stop"):
        clock.fits_in_turn(fits, rounds=2)


def test_a_fault_in_a_fit_is_told():
    fits = {"a": acting("a", [], epochs=1, fault=KeyError("lost"))}
    with pytest.raises(RuntimeError) as told:
        clock.fits_in_turn(fits, rounds=2)
    assert repr(told.value.__cause__) == "KeyError('lost')"


def test_a_comparison_is_of_medians_without_the_first_round():
    ours = np.array([[9, 99], [1, 2], [2, 4], [3, 9], [4, 8], [10, 10]], float)
    plain = np.array([[1, 1], [2, 2], [2, 2], [2, 2], [2, 2], [2, 2]], float)
    row = clock.compared({"ours": ours, "plain": plain}, units=10)
    assert (row["ours_ms"], row["plain_ms"], row["ours_wall_ms"]) == (300, 200, 800)
    assert (row["ratio"], row["low"], row["high"]) == (1.5, 1.0, 2.0)
    assert (row["wall_ratio"], row["first_s"]) == (4.0, 99)


def test_the_slope_is_that_of_the_last_tenfold():
    assert growth.slope([1, 10, 100], [5.0, 1.0, 100.0], least=0.1) == 2.0
    assert growth.slope([2, 20], [3.0, 3.0], least=0.1) == 0.0
    assert growth.slope([1, 10], [0.001, 1.0], least=0.1) == 1.0


def test_the_peak_of_memory_is_of_one_call():
    if not (memory.PROCESS / "clear_refs").exists():
        pytest.skip("only Linux tells the peak of a process")
    # In a process of its own, which has no freed memory to use again.
    code = """
from benchmarks.memory import with_peak
print(with_peak(lambda: len(b"x" * 80_000_000))[1])
print(with_peak(lambda: len(b"x" * 40_000_000))[1])
"""
    words = [sys.executable, "-c", code]
    root = Path(__file__).parents[1]
    said = subprocess.run(words, cwd=root, check=True, capture_output=True, text=True)
    large, small = map(float, said.stdout.split())
    assert 70 < large < 100 and 35 < small < 60


def result(name, backend, *rows, quick=False):
    """As a worker keeps it."""
    about = {"cpu": "Z80", "cores": 1, "threads": 1, "python": "3.11", "seed": 0}
    about |= {"quick": quick, "versions": {"keras": "3.15"}}
    return {"benchmark": name, "backend": backend, "about": about, "rows": [*rows]}


def stepped(backend, ms, ratio, case="lstm 64"):
    row = {"case": case, "what": targets.TRAINING, "ours_ms": ms, "plain_ms": 2.0}
    return result("step", backend, row | {"ratio": ratio})


@pytest.mark.parametrize(
    "on, least, value, backend, met",
    [
        ("torch", False, 3.0, "torch", "no"),
        (targets.BEST, False, 2.0, "jax", "yes"),
        (targets.WORST, False, 3.0, "torch", "no"),
        (targets.BEST, True, 2.0, "jax", "yes"),
        (targets.WORST, True, 1.0, "torch", "no"),
        ("tensorflow", False, None, "", "not measured"),
    ],
)
def test_a_target_is_judged_by_the_row_that_decides(on, least, value, backend, met):
    results = [
        result("x", "jax", {"case": "18% a", "r": 2.0}, {"case": "50%", "r": 9.0}),
        result(
            "x",
            "torch",
            {"case": "18%", "r": 1.0},
            {"case": "18%", "r": 3.0},
            {"case": "18%"},
        ),
        result("y", "jax", {"case": "18%", "r": 0.0}),
    ]
    target = targets.Target("", "x", "r", 2.0, {"case": "18%*"}, on, least)
    found = targets.judged(target, results)
    assert (found.value, found.backend, found.met) == (value, backend, met)


def test_a_bound_that_is_reached_is_met():
    target = targets.Target("", "x", "r", 2.0, {})
    for least in (True, False):
        found = targets.judged(
            target._replace(least=least), [result("x", "jax", {"r": 2.0})]
        )
        assert found.met == "yes"


def test_the_page_holds_what_was_measured_and_no_more():
    text = page.page([stepped("torch", 5.0, 1.4), stepped("jax", 4.0, 1.1)])
    line = "| LSTM encoder, training / plain | torch | ≤ 1.3 | 1.4 | torch | no |"
    assert line in text
    assert "| best | ≤ 1 | 1.1 | jax | no |" in text
    assert "| lstm 64 | jax | 4.0 | 5.0 | 2.0 |" in text
    assert "| torch | lstm 64 | training, per step | 5.0 | 2.0 | 1.4 |" in text
    assert text.count("Not measured yet.") == len(BENCHMARKS) - 1
    assert text.count("not measured |") == len(targets.TARGETS) - 2
    assert "GPU: not measured." in text and "--quick" not in text
    assert "step (torch), step (jax)" in text


def test_the_page_says_if_figures_are_quick_ones():
    assert "of `--quick`" in page.page([result("step", "jax", quick=True)])


def test_a_table_leaves_open_what_a_row_lacks():
    assert table([{"a": 1}, {"b": 0}]).split("\n")[2:] == ["| 1 |  |", "|  | 0 |"]


def test_every_benchmark_can_be_found_and_says_what_it_is():
    for about in BENCHMARKS.values():
        assert callable(importlib.import_module(about.module).measure)
        assert page.words(about.module)


def test_every_target_names_a_benchmark_and_each_has_a_word():
    assert {target.benchmark for target in targets.TARGETS} <= set(BENCHMARKS)
    cases = {target.where.get("case") for target in targets.TARGETS}
    steps = importlib.import_module("benchmarks.step").CASES
    assert {"lstm 64", targets.ICU} <= cases & set(steps)


def test_the_command_writes_the_page_from_what_is_there(tmp_path):
    run, wanted = CliRunner().invoke, tmp_path / "page.md"
    command = ["page", "--output", str(tmp_path), "--page", str(wanted)]
    refused = run(app, command)
    assert refused.exit_code == 2 and not wanted.exists()
    kept = tmp_path / "step-torch.json"
    kept.write_text(json.dumps(stepped("torch", 5.0, 1.4)))
    assert run(app, command).exit_code == 0
    assert wanted.read_text("utf-8") == page.page([stepped("torch", 5.0, 1.4)])


def test_an_unknown_benchmark_is_refused_with_the_known_ones(tmp_path):
    refused = CliRunner().invoke(app, ["--only", "speed", "--output", str(tmp_path)])
    assert refused.exit_code == 2
    words = " ".join(refused.output.replace("│", " ").split())
    assert "Unknown benchmark ['speed']. Known: ['step'," in words
