"""Batches: rows become Arrow batches of bounded size, in the columns that every source gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt


ROWS = 1_000
BYTES = 8 << 20
OFFSET, LARGE_OFFSET = 4, 8
"""Bytes that say where a value of a string or a list ends."""
COLUMNS = (
    pa.field("id", pa.string()),
    pa.field("text", pa.large_string()),
    pa.field("url", pa.string()),
    pa.field("title", pa.string()),
    pa.field("problem", pa.string()),
)


def schema(keep: Sequence[pa.Field]) -> pa.Schema:
    """Return the schema of a source's batches: its own columns, and the extra ones."""
    return pa.schema([*COLUMNS, *keep])


def split_batch(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that none holds more than ``ROWS`` rows, nor, but for a single row, ``BYTES``."""
    ends = np.cumsum(row_bytes(batch))
    start = 0
    while start < batch.num_rows:
        before = int(ends[start - 1]) if start else 0
        fits = int(np.searchsorted(ends, before + BYTES, side="right"))
        stop = max(start + 1, min(fits, start + ROWS, batch.num_rows))
        yield batch.slice(start, stop - start)
        start = stop


def row_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Return how many bytes the values of each row take, nested ones included."""
    return _sum((_bytes(column) for column in batch.columns), batch.num_rows)


def _sum(columns: Iterable[npt.NDArray[np.int64]], rows: int) -> npt.NDArray[np.int64]:
    total = np.zeros(rows, np.int64)
    for column in columns:
        total += column
    return total


def _bytes(column: pa.Array) -> npt.NDArray[np.int64]:
    kind, rows = column.type, len(column)
    if pt.is_struct(kind):
        return _sum((_bytes(column.field(number)) for number in range(kind.num_fields)), rows)
    if pt.is_list(kind) or pt.is_large_list(kind):
        edges = column.offsets.to_numpy().astype(np.int64)
        ends = _ends(_bytes(column.values.slice(edges[0], edges[-1] - edges[0])))
        return _differences(ends[edges - edges[0]]) + OFFSET
    if pt.is_fixed_size_list(kind):
        width = kind.list_size
        ends = _ends(_bytes(column.values.slice(column.offset * width, rows * width)))
        return _differences(ends[np.arange(rows + 1) * width])
    if pt.is_string(kind) or pt.is_binary(kind) or pt.is_large_string(kind) or pt.is_large_binary(kind):
        lengths: npt.NDArray[np.int64] = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
        return lengths + (LARGE_OFFSET if pt.is_large_string(kind) or pt.is_large_binary(kind) else OFFSET)
    return np.full(rows, -(-column.nbytes // max(1, rows)), np.int64)


def _ends(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def _differences(ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return ends[1:] - ends[:-1]


def slice_rows(batches: Iterable[pa.RecordBatch], start: int, stop: int | None) -> Iterator[pa.RecordBatch]:
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


class Row(NamedTuple):
    """One row of a source's batches.

    Attributes:
        id: Its id, or null.
        text: Its text, or null.
        url: Its URL, or null.
        title: Its title, or null.
        problem: Why it could not be read, or null.
        keep: Values of the extra columns; empty if it could not be read.
        size: About how many bytes it holds.
    """

    id: str | None
    text: str | None = None
    url: str | None = None
    title: str | None = None
    problem: str | None = None
    keep: Sequence[Any] = ()
    size: int = 0


def gather_batches(rows: Iterable[Row], keep: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
    """Yield rows in batches of bounded size."""
    pending: list[Row] = []
    size = 0
    for row in rows:
        if pending and (len(pending) == ROWS or size + row.size > BYTES):
            yield _batch(pending, keep)
            pending, size = [], 0
        pending.append(row)
        size += row.size
    if pending:
        yield _batch(pending, keep)


def _batch(rows: Sequence[Row], keep: Sequence[pa.Field]) -> pa.RecordBatch:
    try:
        return _build_batch(rows, keep)
    except pa.ArrowException:
        return _build_batch([_fit_row(row, keep) for row in rows], keep)


def _build_batch(rows: Sequence[Row], keep: Sequence[pa.Field]) -> pa.RecordBatch:
    arrays = [pa.array([getattr(row, field.name) for row in rows], field.type) for field in COLUMNS]
    for index, field in enumerate(keep):
        arrays.append(pa.array([row.keep[index] if row.keep else None for row in rows], field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema(keep))


def _fit_row(row: Row, keep: Sequence[pa.Field]) -> Row:
    """Return a row whose extra values fit, or one with the problem: a large whole number where others are small."""
    for field, value in zip(keep, row.keep, strict=False):
        try:
            pa.array([value], field.type)
        except pa.ArrowException:
            return Row(row.id, problem=f"its {field.name} {value!r} does not fit {field.type}, the type of the column")
    return row
