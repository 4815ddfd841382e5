"""Columns: the schema of a dataset and of its quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.records.documents import CHUNK_COLUMNS, DOCUMENT_COLUMNS
from vecmill.store.vectors import vector_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from vecmill.records import Output


TYPES = {"chunk_index": pa.int32(), "start": pa.int64(), "end": pa.int64(), "tokens": pa.int32()}
"""Of the columns that are not strings."""

QUARANTINE = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in DOCUMENT_COLUMNS),
        pa.field("text", pa.large_string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
    ]
)
"""``text`` is the document's own where it has one; what is not valid Unicode stands escaped."""


def read_column_types(shard: Path) -> dict[str, str]:
    """Return the columns of a shard, with their Arrow types in words."""
    return {field.name: str(field.type) for field in pq.read_schema(shard)}


def dataset_schema(outputs: Sequence[Output], extra: Iterable[pa.Field] = ()) -> pa.Schema:
    """Return the schema of a shard.

    Args:
        outputs: What the model gives; a column each, the last ones.
        extra: The source's extra columns; they come after ``title``.
    """
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in DOCUMENT_COLUMNS),
            *extra,
            *(pa.field(name, TYPES.get(name, pa.string()), nullable=False) for name in CHUNK_COLUMNS),
            *(pa.field(output.name, vector_type(output), nullable=False) for output in outputs),
        ]
    )


def vector_columns(schema: pa.Schema) -> list[str]:
    """Return the columns of a shard, or of a variant of it, that hold what the model gives: lists after ``tokens``."""
    after = schema.names.index(CHUNK_COLUMNS[-1]) + 1 if CHUNK_COLUMNS[-1] in schema.names else len(schema)
    return [field.name for field in list(schema)[after:] if pa.types.is_fixed_size_list(field.type)]


def extra_columns(names: Iterable[str], outputs: Sequence[Output]) -> list[str]:
    """Return those of a dataset's columns that are the source's own, beside the ones that every dataset has."""
    known = {*DOCUMENT_COLUMNS, *CHUNK_COLUMNS, *(output.name for output in outputs)}
    return [name for name in names if name not in known]
