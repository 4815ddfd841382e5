"""Relative positions: what MPNet adds to attention, by how far apart two tokens are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from openvino import opset13 as ov

from vecmill_local_runtime.graph.ops import axis, constant, positions

if TYPE_CHECKING:
    import numpy.typing as npt

    from vecmill_local_runtime.graph.ops import Node

BUCKETS = 32
FARTHEST = 128


def relative_bias(ids: Node, table: npt.NDArray[np.float32], longest: int) -> Node:
    """Return what is added to each attention score, 1 A L L.

    Args:
        ids: Token ids, B L.
        table: One number per bucket of distances and head, shape ``(BUCKETS, A)``.
        longest: The most tokens an input can have.
    """
    distances = np.arange(-longest + 1, longest)
    by_distance = constant(table[buckets(distances)].T)
    place = positions(ids)
    distance = ov.subtract(ov.unsqueeze(place, axis(0)), ov.unsqueeze(place, axis(1)))
    gathered = ov.gather(by_distance, ov.add(distance, axis(longest - 1)), axis(1))
    return ov.unsqueeze(gathered, axis(0))


def buckets(distances: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sort distances (key minus query) into buckets: half for each direction, exact when near, logarithmic when far."""
    half = BUCKETS // 2
    near = half // 2
    size = np.abs(distances)
    # float32, as the models were trained: the bucket's border depends on it
    growth = np.log(np.maximum(size, 1).astype(np.float32) / near) / np.float32(math.log(FARTHEST / near))
    far = near + (growth * (half - near)).astype(np.int64)
    return np.where(distances > 0, half, 0) + np.where(size < near, size, np.minimum(far, half - 1))
