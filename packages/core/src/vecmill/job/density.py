"""Density: how many chunks the corpus makes of a byte of text, and what that comes to on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from vecmill.protocols import Chunker

SAMPLE_BYTES = 1_000_000
ROW_BYTES = 40
"""What a row needs on disk besides its vector and its text."""
TEXT_SHARE = 0.5
"""What zstd leaves of text."""


def text_per_shard(chunks_per_byte: float, dimension: int, target_bytes: float) -> int:
    """Return how many bytes of source text make a shard of about ``target_bytes`` on disk."""
    return max(1, int(target_bytes / bytes_on_disk(chunks_per_byte, 1, dimension)))


def bytes_on_disk(chunks: float, text_bytes: float, dimension: int) -> float:
    """Return about what chunks with their vectors and their text take in a shard."""
    return chunks * (4 * dimension + ROW_BYTES) + TEXT_SHARE * text_bytes


def chunks_per_byte(batches: Iterable[pa.RecordBatch], chunker: Chunker[Any]) -> float:
    """Chunk the first documents, about a megabyte of them."""
    from vecmill.records import Document
    from vecmill.worker.output import utf8_bytes
    from vecmill.worker.rows import documents
    from vecmill.worker.spans import cut

    size = chunks = 0
    for batch in batches:
        for document in documents(batch, chunker.tokenizer):
            if isinstance(document, Document):
                size += utf8_bytes(document.text)
                chunks += len(cut(chunker, document))
            if size >= SAMPLE_BYTES:
                return chunks / size
    return chunks / size if size else 1e-3
