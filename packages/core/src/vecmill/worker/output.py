"""Output: the tables that a shard writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from vecmill.errors import ConfigError
from vecmill.store.schema import QUARANTINE, RESERVED, dataset_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from vecmill.worker.rows import Rejected
    from vecmill.worker.window import Window

SOURCE_COLUMNS = frozenset({"id", "url", "title", "text", "problem"})


def kept_fields(schema: pa.Schema) -> list[pa.Field]:
    """Return the source columns that are carried along.

    Raises:
        ConfigError: One has the name of a column that vecmill writes.
    """
    kept = [field for field in schema if field.name not in SOURCE_COLUMNS]
    for field in kept:
        if field.name in RESERVED:
            raise ConfigError(
                f"source.keep: the column {field.name!r} would collide with vecmill's own: rename it in the source"
            )
    return [field.with_nullable(True) for field in kept]  # noqa: FBT003 - pyarrow's own signature


def shard_table(
    window: Window,
    source: pa.Table,
    tokens: npt.NDArray[np.int64],
    vectors: npt.NDArray[np.float32],
    good: npt.NDArray[np.bool_],
) -> pa.Table:
    """Build the rows of a window.

    Args:
        window: The chunks.
        source: The source's rows that the window was cut from.
        tokens: Tokens of each chunk.
        vectors: Shape ``(chunks, dimension)``.
        good: Which documents to write; the others are left out whole.
    """
    chunks = good[window.owners]
    rows = np.array(window.rows, np.int64)[window.owners[chunks]]
    kept = kept_fields(source.schema)
    schema = dataset_schema(vectors.shape[1], kept)
    documents = source.select([field.name for field in kept]).take(pa.array(rows))
    texts = window.texts if chunks.all() else [text for text, keep in zip(window.texts, chunks, strict=True) if keep]
    names = np.array([(d.id, d.url, d.title) for d in window.documents], dtype=object)[window.owners[chunks]]
    columns = {
        "id": pa.array(names[:, 0], pa.string()),
        "url": pa.array(names[:, 1], pa.string()),
        "title": pa.array(names[:, 2], pa.string()),
        "chunk_index": pa.array(window.chunk_index[chunks].astype(np.int32)),
        "start": pa.array(window.starts[chunks]),
        "end": pa.array(window.ends[chunks]),
        "text": pa.array(texts, pa.string()),
        "tokens": pa.array(tokens[chunks].astype(np.int32)),
        "embedding": pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(vectors[chunks]).ravel()), type=schema.field("embedding").type
        ),
    }
    columns |= {field.name: documents.column(field.name) for field in kept}
    return pa.table([columns[name] for name in schema.names], schema=schema)


def quarantine_table(rejected: Iterable[Rejected]) -> pa.Table:
    """Build the rows of what was set aside."""
    rows = list(rejected)
    return pa.table(
        [pa.array([getattr(row, field.name) for row in rows], field.type) for field in QUARANTINE], schema=QUARANTINE
    )
