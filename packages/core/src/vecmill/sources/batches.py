"""Batches: Arrow rows of bounded size, in the columns every source gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROWS = 1_000
BYTES = 8 << 20
COLUMNS = (
    pa.field("id", pa.string()),
    pa.field("text", pa.large_string()),
    pa.field("url", pa.string()),
    pa.field("title", pa.string()),
    pa.field("problem", pa.string()),
)


def schema(keep: Sequence[pa.Field]) -> pa.Schema:
    """Return the schema of a source's batches: its own columns, and those carried along."""
    return pa.schema([*COLUMNS, *keep])


def bounded(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that none holds more than ``ROWS`` rows, nor, but for a single row, ``BYTES`` of text."""
    sizes = pc.fill_null(pc.binary_length(batch.column("text")), 0)
    ends = np.cumsum(sizes.to_numpy(zero_copy_only=False))
    start = 0
    while start < batch.num_rows:
        before = int(ends[start - 1]) if start else 0
        fits = int(np.searchsorted(ends, before + BYTES, side="right"))
        stop = max(start + 1, min(fits, start + ROWS, batch.num_rows))
        yield batch.slice(start, stop - start)
        start = stop


def between(batches: Iterable[pa.RecordBatch], start: int, stop: int | None) -> Iterator[pa.RecordBatch]:
    """Yield the rows from ``start`` to ``stop``, or the end, of consecutive batches."""
    first = 0
    for batch in batches:
        last = first + batch.num_rows
        begin, end = max(start, first), last if stop is None else min(stop, last)
        if begin < end:
            yield batch.slice(begin - first, end - begin)
        if stop is not None and last >= stop:
            return
        first = last
