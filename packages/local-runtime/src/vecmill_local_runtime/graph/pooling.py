"""Pooling: from a vector for each token to one for the text, as sentence-transformers does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from openvino import opset13 as ov

from vecmill_local_runtime.graph.ops import axis, constant, ints, positions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vecmill_local_runtime.graph.ops import Node


def pool(x: Node, ids: Node, keep: Node, lengths: Node, modes: Sequence[str]) -> Node:
    """Pool token vectors; the results of several modes are put side by side.

    Args:
        x: Token vectors, B L H.
        ids: Token ids, B L.
        keep: Which tokens are text, B L, boolean.
        lengths: How many they are, B.
        modes: Out of ``vecmill.models.pipeline.POOLING``.
    """
    text = ov.convert(keep, "f32")
    count = ov.unsqueeze(ov.convert(lengths, "f32"), axis(1))
    ways: dict[str, Callable[[], Node]] = {
        "cls": lambda: _sum(x, _one(ids, axis(0))),
        "lasttoken": lambda: _sum(x, _one(ids, ov.unsqueeze(ov.subtract(lengths, axis(1)), axis(1)))),
        "max": lambda: _largest(x, keep),
        "mean": lambda: ov.divide(_sum(x, text), count),
        "mean_sqrt_len_tokens": lambda: ov.divide(_sum(x, text), ov.sqrt(count)),
        "weightedmean": lambda: _weighted(x, ids, text),
    }
    pooled = [ways[mode]() for mode in modes]
    return ov.concat(pooled, 1) if len(pooled) > 1 else pooled[0]


def _sum(x: Node, weights: Node) -> Node:
    """Sum token vectors, B L H, with a weight for each, B L.

    As a product of matrices, also where a single token is wanted: asked for bf16, OpenVINO leaves in f32 what stands
    between the last product and the result, and along the residuals that would be every sum and norm of the encoder.
    """
    return ov.squeeze(ov.matmul(ov.unsqueeze(weights, axis(1)), x, False, False), ints(1))  # noqa: FBT003 - OpenVINO takes these by place


def _one(ids: Node, place: Node) -> Node:
    """Return weights, B L, that are 1 for the token at a place, 1 or B 1, and 0 for the others."""
    text = ov.broadcast(ov.unsqueeze(positions(ids), axis(0)), ov.shape_of(ids))
    return ov.convert(ov.equal(text, place), "f32")


def _weighted(x: Node, ids: Node, text: Node) -> Node:
    """Take the mean, later tokens weighing more: 1, 2, 3 and so on."""
    place = ov.add(ov.convert(positions(ids), "f32"), constant(1.0))
    weights = ov.multiply(text, ov.unsqueeze(place, axis(0)))
    return ov.divide(_sum(x, weights), ov.unsqueeze(ov.reduce_sum(weights, axis(1)), axis(1)))


def _largest(x: Node, keep: Node) -> Node:
    return ov.reduce_max(ov.select(ov.unsqueeze(keep, axis(2)), x, constant(-np.inf)), axis(1))
