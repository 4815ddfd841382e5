"""Ops: the few OpenVINO operations that the encoders are made of, in short form.

A tensor is written with its axes: B texts, L tokens, H numbers per token, A attention heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from openvino import opset13 as ov

if TYPE_CHECKING:
    import numpy.typing as npt

Node = Any  # OpenVINO ships no types


def constant(value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> Node:
    """Return a constant tensor."""
    array = np.asarray(value, dtype)
    return ov.constant(np.ascontiguousarray(array) if array.ndim else array)


def ints(*values: int) -> Node:
    """Return a constant list of integers: axes, or a shape."""
    return constant(values, np.int64)


def axis(value: int) -> Node:
    """Return a constant integer."""
    return constant(value, np.int64)


def split_heads(x: Node, heads: int, width: int) -> Node:
    """Turn B L H into B A L H/A."""
    return ov.transpose(ov.reshape(x, ints(0, 0, heads, width), True), ints(0, 2, 1, 3))  # noqa: FBT003 - OpenVINO takes these by place


def join_heads(x: Node, hidden: int) -> Node:
    """Turn B A L H/A into B L H."""
    return ov.reshape(ov.transpose(x, ints(0, 2, 1, 3)), ints(0, 0, hidden), True)  # noqa: FBT003 - (the same)


def positions(ids: Node) -> Node:
    """Return 0, 1, 2, … for the L tokens of a text."""
    length = ov.gather(ov.shape_of(ids), axis(1), axis(0))
    return ov.range(axis(0), length, axis(1), "i64")


def kept(ids: Node, lengths: Node) -> Node:
    """Return which tokens are text and not padding, B L, boolean."""
    return ov.less(ov.unsqueeze(positions(ids), axis(0)), ov.unsqueeze(lengths, axis(1)))
