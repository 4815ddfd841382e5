"""Columns: the schema of a dataset and of its quarantine, and what a vector must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt


RESERVED = ("id", "url", "title", "chunk_index", "start", "end", "text", "tokens", "embedding")

VECTOR = "embedding"

QUARANTINE = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("title", pa.string()),
        pa.field("text", pa.large_string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
    ]
)
"""``text`` is the document's own where it has one; what is not valid Unicode stands escaped."""


def columns(shard: Path) -> dict[str, str]:
    """Return the columns of a shard, with their Arrow types in words."""
    return {field.name: str(field.type) for field in pq.read_schema(shard)}


def dataset_schema(dimension: int, keep: Iterable[pa.Field] = ()) -> pa.Schema:
    """Return the schema of a shard.

    Args:
        dimension: Width of a vector.
        keep: Source columns carried along; they come after ``title``.
    """
    element = pa.field("element", pa.float32(), nullable=False)
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("url", pa.string(), nullable=False),
            pa.field("title", pa.string(), nullable=False),
            *keep,
            pa.field("chunk_index", pa.int32(), nullable=False),
            pa.field("start", pa.int64(), nullable=False),
            pa.field("end", pa.int64(), nullable=False),
            pa.field("text", pa.string(), nullable=False),
            pa.field("tokens", pa.int32(), nullable=False),
            pa.field(VECTOR, pa.list_(element, dimension), nullable=False),
        ]
    )


NORM_TOLERANCE = 1e-2
"""How far from 1 the length of a normalised vector may be: room for half-precision engines, none for garbage."""


def check_vectors(vectors: npt.NDArray[np.float32], *, normalized: bool) -> dict[int, str]:
    """Return what is wrong, by row: not finite, zero, or not of unit length where it should be.

    Args:
        vectors: Shape ``(n, dimension)``.
        normalized: Whether the model makes unit vectors.
    """
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    wrong = ~np.isfinite(norms) | (norms == 0)
    if normalized:
        wrong |= ~(np.abs(norms - 1) <= NORM_TOLERANCE)
    return {int(row): _fault(float(norms[row])) for row in np.flatnonzero(wrong)}


def _fault(norm: float) -> str:
    if not np.isfinite(norm):
        return "the vector is not finite"
    return "the vector is zero" if norm == 0 else f"the vector has length {norm:.4f}, not 1"
