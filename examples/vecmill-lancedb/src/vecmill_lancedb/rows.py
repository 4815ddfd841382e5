"""Rows: a dataset's shards as one stream of Arrow record batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vecmill import Manifest

BATCH_ROWS = 4096


def reader(
    dataset: Path, manifest: Manifest, metadata: dict[bytes, bytes], report_sent: Callable[[int], None]
) -> pa.RecordBatchReader:
    """Read a dataset, one batch in memory at a time.

    Args:
        dataset: Its folder.
        manifest: What it holds.
        metadata: Stands in the stream's schema.
        report_sent: Called with the bytes of a shard after its last row was taken, in the thread that takes them.
    """
    schema = pq.read_schema(dataset / manifest.shards[0].path).with_metadata(metadata)
    return pa.RecordBatchReader.from_batches(schema, _batches(dataset, manifest, report_sent))


def _batches(dataset: Path, manifest: Manifest, report_sent: Callable[[int], None]) -> Iterator[pa.RecordBatch]:
    for shard in manifest.shards:
        yield from pq.ParquetFile(dataset / shard.path).iter_batches(BATCH_ROWS)
        report_sent(shard.bytes)
