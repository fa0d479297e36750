"""Which backend is chosen, from least to most explicit, and what cannot be."""

import json

import keras
import pytest

from mind_keras import backend

RUNNING = keras.config.backend()
OTHER = next(name for name in backend.BACKENDS if name != RUNNING)


@pytest.fixture
def have(monkeypatch, tmp_path):
    """Pretend that some backends are installed, and nothing is set up."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delitem(backend.sys.modules, "keras")

    def only(*names):
        monkeypatch.setattr(backend, "installed", lambda: list(names))

    only(*backend.BACKENDS)
    return only


def test_a_name_comes_before_the_environment_before_the_file_before_what_is_there(
    have, monkeypatch, tmp_path
):
    assert backend.choose() == "jax"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    assert backend.choose() == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert backend.choose() == "tensorflow"
    assert backend.choose("jax") == "jax"


def test_a_file_that_names_an_absent_backend_or_none_is_passed_over(have, tmp_path):
    have("torch")
    for text in ('{"backend": "tensorflow"}', "{}", "[]", "{broken"):
        (tmp_path / "keras.json").write_text(text)
        assert backend.choose() == "torch"


def test_an_absent_backend_is_told_how_to_be_got(have):
    have("torch")
    with pytest.raises(
        ValueError, match=r'jax.*installed: .*torch.*"mind_keras\[jax\]"'
    ):
        backend.choose("jax")
    have()
    with pytest.raises(ValueError, match=r"Received: none; .*mind_keras\[jax\]"):
        backend.choose()


def test_an_unknown_backend_is_refused_with_the_known(have, monkeypatch):
    with pytest.raises(ValueError, match=r"one of .*'jax'.* Received: 'mxnet'"):
        backend.choose("mxnet")
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    with pytest.raises(ValueError, match="Received: 'numpy'"):
        backend.choose()


def test_a_process_keeps_its_backend(monkeypatch):
    monkeypatch.setattr(backend, "installed", lambda: list(backend.BACKENDS))
    assert backend.choose(RUNNING) == RUNNING
    with pytest.raises(ValueError, match=f"'{OTHER}', but Keras runs on '{RUNNING}'"):
        backend.choose(OTHER)


@pytest.mark.parametrize(("name", "threads"), [("torch", "1"), ("jax", None)])
def test_torch_alone_gets_one_thread_unless_told(have, monkeypatch, name, threads):
    monkeypatch.setattr(backend.os, "environ", {})
    assert backend.use(name) == name
    assert backend.os.environ["KERAS_BACKEND"] == name
    assert backend.os.environ.get("OMP_NUM_THREADS") == threads
    backend.os.environ["OMP_NUM_THREADS"] = "4"
    backend.use(name)
    assert backend.os.environ["OMP_NUM_THREADS"] == "4"
