"""Lengths: the tokens of every chunk, counted without reading a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vecmill.quality.report import SHORT, Lengths
from vecmill.store.parquet import check_shard, damaged, reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

    from vecmill.records import Manifest

BINS = 32
LONGEST = 100_000_000
"""Tokens of a chunk: no model takes as many, and there is a number in memory for each length up to the longest."""


def lengths(root: Path, manifest: Manifest) -> Lengths:
    """Count chunks by length over all shards."""
    counts, most = np.zeros(1, np.int64), 0
    for entry in manifest.shards:
        path = root / entry.path
        check_shard(path, entry, manifest)
        for batch in _batches(path):
            tokens = batch.column("tokens").to_numpy()
            if tokens.min(initial=0) < 0 or tokens.max(initial=0) > LONGEST:
                raise damaged(path, "tokens is out of range")
            found = np.bincount(tokens)
            counts, found = _alike(counts, found)
            counts = counts + found
            most = max(most, (pc.max(batch.column("chunk_index")).as_py() or 0) + 1)
    return _summary(counts, most, manifest)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with reading(path):
        yield from pq.ParquetFile(path, pre_buffer=False).iter_batches(65_536, columns=["tokens", "chunk_index"])


def _summary(counts: npt.NDArray[np.int64], most: int, manifest: Manifest) -> Lengths:
    rows, longest = int(counts.sum()), len(counts) - 1
    below = np.cumsum(counts)
    width = max(1, -(-(longest + 1) // BINS))
    padded = np.pad(counts, (0, width * BINS - len(counts)))
    return Lengths(
        width=width,
        counts=padded.reshape(BINS, width).sum(1).tolist(),
        median=int(np.searchsorted(below, rows / 2)),
        p95=int(np.searchsorted(below, rows * 0.95)),
        longest=longest,
        short=int(counts[:SHORT].sum()),
        limit=manifest.model.max_tokens,
        chunks_per_document=rows / max(1, manifest.account.documents_embedded),
        most_chunks=most,
    )


def _alike(
    left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    size = max(len(left), len(right))
    return np.pad(left, (0, size - len(left))), np.pad(right, (0, size - len(right)))
