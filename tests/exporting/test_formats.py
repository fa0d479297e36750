"""Which backend makes which format, and what is told where none can."""

import pytest

from mind_keras.exporting import formats
from mind_keras.exporting.convert import MAKE
from mind_keras.exporting.formats import FORMATS, choose_maker, find_format
from mind_keras.exporting.runtimes import ANSWER


@pytest.fixture
def have(monkeypatch):
    """Pretend that these modules, and no others, are installed."""

    def pretend(*modules):
        monkeypatch.setattr(
            formats, "missing", lambda needs: [m for m in needs if m not in modules]
        )

    return pretend


def test_every_format_can_be_made_and_run():
    assert sorted(FORMATS) == sorted(MAKE) == sorted(ANSWER)
    assert all(name == made.name for name, made in FORMATS.items())


def test_an_unknown_format_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'onx'. Known: \['litert', 'onnx'"):
        find_format("onx")


def test_the_running_backend_makes_what_it_can(have):
    have("tensorflow", "tf2onnx", "onnx", "torch", "onnxruntime", "jax")
    assert choose_maker(FORMATS["onnx"], "torch") == "torch"
    assert choose_maker(FORMATS["onnx"], "tensorflow") == "tensorflow"
    assert choose_maker(FORMATS["tf_saved_model"], "jax") == "jax"


def test_another_backend_makes_what_the_running_one_cannot(have):
    have("tensorflow", "onnx", "torch", "onnxruntime", "jax")
    assert choose_maker(FORMATS["onnx"], "jax") == "torch"
    assert choose_maker(FORMATS["onnx"], "tensorflow") == "torch"  # lacks tf2onnx
    assert choose_maker(FORMATS["tf_saved_model"], "torch") == "tensorflow"


def test_what_is_missing_is_named_with_its_cure(have):
    have("torch", "onnx")
    with pytest.raises(ValueError, match=r"'onnxruntime'.*mind_keras\[export,torch\]"):
        choose_maker(FORMATS["onnx"], "torch")
    have("jax", "ai_edge_litert")
    with pytest.raises(
        ValueError, match=r"on jax; not installed: \['tensorflow'\].*export,tensorflow"
    ):
        choose_maker(FORMATS["litert"], "jax")
    have("jax")
    with pytest.raises(ValueError, match=r"jax \+ tensorflow"):
        choose_maker(FORMATS["tf_saved_model"], "jax")
