"""The columns of a dataset, and of its quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

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
