"""Row: a document read from a text file, on its way to Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from vecmill.sources.batches import BYTES, COLUMNS, ROWS, schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Row(NamedTuple):
    """One row of a source's batches.

    Attributes:
        id: Its id, or null.
        text: Its text, or null.
        url: Its URL, or null.
        title: Its title, or null.
        problem: Why it could not be read, or null.
        keep: Values of the columns carried along; empty if it could not be read.
        size: About how many bytes it holds.
    """

    id: str | None
    text: str | None = None
    url: str | None = None
    title: str | None = None
    problem: str | None = None
    keep: Sequence[Any] = ()
    size: int = 0


def gathered(rows: Iterable[Row], keep: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
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
        return _built(rows, keep)
    except pa.ArrowException:
        return _built([_fitted(row, keep) for row in rows], keep)


def _built(rows: Sequence[Row], keep: Sequence[pa.Field]) -> pa.RecordBatch:
    arrays = [pa.array([getattr(row, field.name) for row in rows], field.type) for field in COLUMNS]
    for index, field in enumerate(keep):
        arrays.append(pa.array([row.keep[index] if row.keep else None for row in rows], field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema(keep))


def _fitted(row: Row, keep: Sequence[pa.Field]) -> Row:
    """Return a row that can be carried along, or one with the problem: a large whole number where others are not."""
    for field, value in zip(keep, row.keep, strict=False):
        try:
            pa.array([value], field.type)
        except pa.ArrowException:
            return Row(row.id, problem=f"its {field.name} {value!r} does not fit {field.type}, the type of the column")
    return row
