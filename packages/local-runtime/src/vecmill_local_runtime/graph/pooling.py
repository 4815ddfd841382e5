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
        "cls": lambda: ov.gather(x, axis(0), axis(1)),
        "lasttoken": lambda: _last(x, lengths),
        "max": lambda: _largest(x, keep),
        "mean": lambda: ov.divide(_sum(x, text), count),
        "mean_sqrt_len_tokens": lambda: ov.divide(_sum(x, text), ov.sqrt(count)),
        "weightedmean": lambda: _weighted(x, ids, text),
    }
    pooled = [ways[mode]() for mode in modes]
    return ov.concat(pooled, 1) if len(pooled) > 1 else pooled[0]


def _sum(x: Node, weights: Node) -> Node:
    """Sum token vectors, B L H, with a weight for each, B L."""
    return ov.reduce_sum(ov.multiply(x, ov.unsqueeze(weights, axis(2))), axis(1))


def _weighted(x: Node, ids: Node, text: Node) -> Node:
    """Take the mean, later tokens weighing more: 1, 2, 3 and so on."""
    place = ov.add(ov.convert(positions(ids), "f32"), constant(1.0))
    weights = ov.multiply(text, ov.unsqueeze(place, axis(0)))
    return ov.divide(_sum(x, weights), ov.unsqueeze(ov.reduce_sum(weights, axis(1)), axis(1)))


def _largest(x: Node, keep: Node) -> Node:
    return ov.reduce_max(ov.select(ov.unsqueeze(keep, axis(2)), x, constant(-np.inf)), axis(1))


def _last(x: Node, lengths: Node) -> Node:
    last = ov.unsqueeze(ov.subtract(lengths, axis(1)), axis(1))
    return ov.squeeze(ov.gather(x, last, axis(1), batch_dims=1), ints(1))
