"""Output: the tables that a shard writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from vecmill.store.schema import QUARANTINE, dataset_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from vecmill.worker.rows import Rejected
    from vecmill.worker.window import Window


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
        source: The columns to carry along, of the rows that the window was cut from.
        tokens: Tokens of each chunk.
        vectors: Shape ``(chunks, dimension)``.
        good: Which documents to write; the others are left out whole.
    """
    chunks = good[window.owners]
    rows = np.array(window.rows, np.int64)[window.owners[chunks]]
    schema = dataset_schema(vectors.shape[1], source.schema)
    documents = source.take(pa.array(rows))
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
    columns |= dict(zip(documents.schema.names, documents.columns, strict=True))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def quarantine_table(rejected: Iterable[Rejected]) -> pa.Table:
    """Build the rows of what was set aside."""
    rows = list(rejected)
    return pa.table(
        [pa.array([getattr(row, field.name) for row in rows], field.type) for field in QUARANTINE], schema=QUARANTINE
    )
