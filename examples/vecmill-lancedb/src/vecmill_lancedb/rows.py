"""Rows: a dataset's shards as one stream of Arrow record batches."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vecmill import Manifest

BATCH_ROWS = 4096


def reader(
    dataset: Path, manifest: Manifest, metadata: dict[bytes, bytes], sent: Callable[[int], None]
) -> pa.RecordBatchReader:
    """Read a dataset, one batch in memory at a time.

    Args:
        dataset: Its folder.
        manifest: What it holds.
        metadata: Stands in the stream's schema.
        sent: Told the bytes of a shard after its last row was taken, in the thread that takes them.
    """
    schema = pq.read_schema(dataset / manifest.shards[0].path).with_metadata(metadata)
    return pa.RecordBatchReader.from_batches(schema, _batches(dataset, manifest, sent))


def _batches(dataset: Path, manifest: Manifest, sent: Callable[[int], None]) -> Iterator[pa.RecordBatch]:
    for shard in manifest.shards:
        yield from pq.ParquetFile(dataset / shard.path).iter_batches(BATCH_ROWS)
        sent(shard.bytes)


def check(dataset: Path, manifest: Manifest) -> None:
    """Refuse a dataset that is not what its run wrote.

    Raises:
        PublishError: A shard is missing, was changed or damaged.
    """
    for shard in manifest.shards:
        path = dataset / shard.path
        if not path.is_file() or _sha256(path) != shard.sha256:
            raise PublishError(f"{path} is missing, changed or damaged: run its job again, which mends it")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
