"""Look: what the beginning of the corpus tells, before it is split into shards."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import ConfigError, SourceError
from vecmill.job.density import SAMPLE_BYTES, chunks_per_byte
from vecmill.sources.corpus import Corpus

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from vecmill.protocols import Chunker, Source


class Look(NamedTuple):
    """What holds for all shards; it depends on content and recipe alone, so a resumed run finds the same.

    Attributes:
        keep: The columns to carry along, an Arrow schema in base64.
        chunks_per_byte: Chunks that a byte of text makes.
    """

    keep: str
    chunks_per_byte: float


def look(source: Source[Any], chunker: Chunker[Any]) -> Look:
    """Read the first documents, about a megabyte of them.

    Raises:
        SourceError: There are none.
        ConfigError: A column cannot be carried along.
    """
    from vecmill.sources.carried import carried, dump

    batches = _batches(Corpus(source))
    first = next(batches, None)
    if first is None:
        raise SourceError(f"the source {source.name!r} has no documents")
    keep = carried(first.schema)
    _check(keep)
    return Look(dump(keep), chunks_per_byte(itertools.chain([first], batches), chunker))


def _batches(corpus: Corpus) -> Iterator[pa.RecordBatch]:
    """Yield the batches of the first partition that has any."""
    for partition in corpus.partitions(SAMPLE_BYTES):
        batches = corpus.read(partition)
        first = next(batches, None)
        if first is not None:
            yield first
            yield from batches
            return


def _check(keep: list[pa.Field]) -> None:
    """Refuse columns that would collide with vecmill's own, and those that no file can hold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vecmill.store.schema import RESERVED, VECTOR

    for field in keep:
        if field.name in RESERVED or field.name.startswith(f"{VECTOR}."):
            raise ConfigError(
                f"source.keep: the column {field.name!r} would collide with vecmill's own: rename it in the source"
            )
        try:
            pq.write_table(pa.schema([field]).empty_table(), pa.BufferOutputStream())
        except pa.ArrowException as error:
            raise ConfigError(
                f"source.keep: the column {field.name!r} holds {field.type}, which Parquet cannot: {error}. "
                "Take it out of keep"
            ) from error
