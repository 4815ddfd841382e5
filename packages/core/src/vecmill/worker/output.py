"""Output: the tables that a shard writes, each of them a row group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from vecmill.sources.batches import row_bytes
from vecmill.store.schema import QUARANTINE, dataset_schema
from vecmill.store.shard import row_groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from vecmill.records import Document
    from vecmill.worker.rows import Rejected
    from vecmill.worker.window import Window

PIECE = 1 << 20
"""Characters of a text that are encoded at a time, to count their bytes."""
NUMBERS = 40
"""Bytes of a row's numbers: chunk_index, start, end and tokens, and where its four strings end."""


def shard_tables(
    window: Window,
    source: pa.Table,
    tokens: npt.NDArray[np.int64],
    vectors: npt.NDArray[np.float32],
    good: npt.NDArray[np.bool_],
) -> Iterator[pa.Table]:
    """Build the rows of a window, a row group at a time: what a document has once, each of its rows has again.

    Args:
        window: The chunks.
        source: The columns to carry along, of the rows that the window was cut from.
        tokens: Tokens of each chunk.
        vectors: Shape ``(chunks, dimension)``.
        good: Which documents to write; the others are left out whole.
    """
    owners = window.owners
    chunks = np.flatnonzero(good[owners])
    sizes = _document_bytes(window, source)[owners[chunks]] + window.text_bytes()[chunks]
    numbers = NUMBERS + vectors.shape[1] * vectors.itemsize + source.num_columns / 8  # a bit says what is null
    for group in row_groups(sizes + numbers):
        yield _table(window, source, tokens, vectors, chunks[group])


def quarantine_tables(rejected: Iterable[Rejected]) -> Iterator[pa.Table]:
    """Build the rows of what was set aside, a row group at a time."""
    rows = list(rejected)
    sizes = [sum(utf8_bytes(getattr(row, field.name) or "") for field in QUARANTINE) for row in rows]
    for group in row_groups(np.array(sizes, np.int64)):
        yield pa.table(
            [pa.array([getattr(row, field.name) for row in rows[group]], field.type) for field in QUARANTINE],
            schema=QUARANTINE,
        )


def utf8_bytes(text: str) -> int:
    """Return how many bytes a text takes in UTF-8, without a copy of it."""
    if text.isascii():
        return len(text)
    return sum(len(text[start : start + PIECE].encode()) for start in range(0, len(text), PIECE))


def _table(
    window: Window,
    source: pa.Table,
    tokens: npt.NDArray[np.int64],
    vectors: npt.NDArray[np.float32],
    chunks: npt.NDArray[np.int64],
) -> pa.Table:
    owners = window.owners[chunks]
    documents = [window.documents[owner] for owner in owners.tolist()]
    schema = dataset_schema(vectors.shape[1], source.schema)
    kept = _rows(source, np.array(window.rows, np.int64)[owners])
    columns = {
        "id": pa.array([document.id for document in documents], pa.string()),
        "url": pa.array([document.url for document in documents], pa.string()),
        "title": pa.array([document.title for document in documents], pa.string()),
        "chunk_index": pa.array(window.chunk_index[chunks].astype(np.int32)),
        "start": pa.array(window.starts[chunks]),
        "end": pa.array(window.ends[chunks]),
        "text": pa.array(window.texts(chunks), pa.string()),
        "tokens": pa.array(tokens[chunks].astype(np.int32)),
        "embedding": pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(vectors[chunks]).ravel()), type=schema.field("embedding").type
        ),
    }
    columns |= dict(zip(kept.schema.names, kept.columns, strict=True))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _rows(source: pa.Table, rows: npt.NDArray[np.int64]) -> pa.Table:
    """Take ascending rows, some of them many times; only what lies between them is joined on the way."""
    return (
        source.slice(rows[0], rows[-1] - rows[0] + 1).take(pa.array(rows - rows[0])) if source.num_columns else source
    )


def _document_bytes(window: Window, source: pa.Table) -> npt.NDArray[np.int64]:
    """Return, for each document, the bytes of what is the same in all its rows."""
    kept = np.concatenate([np.empty(0, np.int64), *map(row_bytes, source.to_batches())])
    strings = np.array([_string_bytes(document) for document in window.documents], np.int64)
    return strings + (kept[window.rows] if source.num_columns else 0)


def _string_bytes(document: Document) -> int:
    return utf8_bytes(document.id) + utf8_bytes(document.url) + utf8_bytes(document.title)
