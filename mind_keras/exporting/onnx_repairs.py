"""What Keras' ONNX files lack: outputs named after heads, and known operations.

In ONNX inputs and outputs share one space of names, and a head has the name of its
modality: so the output of head `ehr` is `ehr_logits`.
"""

from collections.abc import Callable
from pathlib import Path

from mind_keras.exporting.runtimes import LOGITS


def output_name(head: str) -> str:
    """What the output of a head is called.

    Example:
        >>> output_name("ehr")
        'ehr_logits'
    """
    return f"{head}{LOGITS}"


def repair(path: Path, heads: list[str]) -> None:
    """Name the outputs of a file, which are in the order of `heads`.

    And write out what tf2onnx leaves as it is in TensorFlow: `Erfc(x)`, which the exact
    GELU has, as `1 - Erf(x)`.
    """
    import onnx

    model = onnx.load(path)
    _name_outputs(model.graph, heads, onnx.helper.make_node)
    _write_out_erfc(model.graph, onnx.helper)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _name_outputs(graph, heads: list[str], make_node: Callable) -> None:
    # An output may be another head's input too, or be there twice: so each is copied
    # under its name, which costs nothing at run time.
    for output, head in zip(graph.output, heads, strict=True):
        graph.node.append(make_node("Identity", [output.name], [output_name(head)]))
        output.name = output_name(head)


def _write_out_erfc(graph, helper) -> None:
    nodes = list(graph.node)
    graph.ClearField("node")
    for node in nodes:
        if node.op_type != "Erfc":
            graph.node.append(node)
            continue
        (given,), (result,) = node.input, node.output
        one = helper.make_tensor("one", 1, [], [1.0])  # 1: of type float
        made = [f"{result}/erf", f"{result}/one"]
        graph.node.append(helper.make_node("Erf", [given], made[:1]))
        graph.node.append(helper.make_node("Constant", [], made[1:], value=one))
        graph.node.append(helper.make_node("Sub", [made[1], made[0]], [result]))
