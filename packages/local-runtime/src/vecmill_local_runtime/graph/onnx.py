"""ONNX: any other encoder, from the graph its repository brings, with lengths in place of its mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openvino
from openvino import opset13 as ov

from vecmill.errors import ModelError
from vecmill_local_runtime.graph.ops import axis

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vecmill_local_runtime.graph.ops import Node

_IDS, _MASK, _TYPES = "input_ids", "attention_mask", "token_type_ids"
_TOKEN_VECTORS = ("last_hidden_state", "token_embeddings")
_TOKEN_RANK = 3


def onnx_vectors(path: Path, ids: Node, keep: Node) -> Node:
    """Return an ONNX encoder's token vectors, B L H, computed from our inputs.

    Args:
        path: The ONNX file.
        ids: Token ids, B L.
        keep: Which of them are text, B L, boolean.

    Raises:
        ModelError: The file cannot be read, wants other inputs, or gives no token vectors.
    """
    model = _read(path)
    ours: dict[str, Callable[[], Node]] = {
        _IDS: lambda: ids,
        _MASK: lambda: keep,
        _TYPES: lambda: ov.multiply(ids, axis(0)),
    }
    for port in model.inputs:
        name = next((name for name in port.names if name in ours), None)
        if name is None:
            raise ModelError(f"{path} wants the input {port.any_name!r}; known here are {', '.join(ours)}")
        port.replace(ov.convert(ours[name](), port.element_type.get_type_name()).output(0))
    return _token_vectors(path, model)


def _read(path: Path) -> openvino.Model:
    try:
        return openvino.Core().read_model(path)
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1]
        raise ModelError(f"{path} cannot be read: {why}. Get the model's files again.") from error


def _token_vectors(path: Path, model: openvino.Model) -> Node:
    named = [port for port in model.outputs if port.names & set(_TOKEN_VECTORS)]
    found = named or [port for port in model.outputs if port.partial_shape.rank.get_length() == _TOKEN_RANK]
    if not found:
        raise ModelError(f"{path} gives no token vectors; it needs an output called {' or '.join(_TOKEN_VECTORS)}")
    return found[0].get_node().input_value(0)
