"""Activations: the functions between the two halves of a layer, by their names in transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openvino import opset13 as ov

from vecmill.errors import ModelError

if TYPE_CHECKING:
    from vecmill_local_runtime.graph.ops import Node

_EXACT_GELU = {"gelu", "gelu_python"}
_TANH_GELU = {"gelu_fast", "gelu_new", "gelu_pytorch_tanh"}
_PLAIN = {"relu": ov.relu, "sigmoid": ov.sigmoid, "silu": ov.swish, "swish": ov.swish, "tanh": ov.tanh}


def activate(x: Node, name: str) -> Node:
    """Apply the activation ``name`` to each number.

    Raises:
        ModelError: There is none of that name here.
    """
    if name in _EXACT_GELU:
        return ov.gelu(x, "erf")
    if name in _TANH_GELU:
        return ov.gelu(x, "tanh")
    if name in _PLAIN:
        return _PLAIN[name](x)
    known = ", ".join(sorted({*_EXACT_GELU, *_TANH_GELU, *_PLAIN}))
    raise ModelError(f"the model's activation {name!r} is not known here; known are {known}")
