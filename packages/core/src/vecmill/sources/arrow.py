"""ArrowFormat: Arrow stream files, as ``datasets`` saves them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from vecmill.sources.batches import slice_rows, translate_errors
from vecmill.sources.files_source import TableFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from vecmill.files import File


class ArrowTable:
    """An open Arrow stream file. It is read through, never mapped, so that memory holds one batch of it."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        """Read the schema.

        Raises:
            SourceError: It is not an Arrow stream.
        """
        self._stream = stream
        self.label = label
        with translate_errors(f"{label} is not a complete Arrow file: it may be truncated, or something else"):
            self._schema = pa.ipc.open_stream(stream).schema

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return self._schema

    def blocks(self, column: str) -> Iterator[tuple[int, int]]:
        """Yield the rows, and the bytes of ``column``, of each record batch."""
        for batch in self._batches([column]):
            yield batch.num_rows, batch.column(0).nbytes

    def rows(self, columns: Sequence[str], start: int, stop: int | None) -> Iterator[pa.RecordBatch]:
        """Yield these columns of the rows from ``start`` to ``stop``, or the end.

        Raises:
            SourceError: The file is truncated or damaged; says after which row.
        """
        return slice_rows(self._batches(columns), start, stop)

    def _batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        self._stream.seek(0)
        fields = [self._schema.get_field_index(column) for column in columns]
        reader = pa.ipc.open_stream(self._stream, options=pa.ipc.IpcReadOptions(included_fields=fields))
        row = 0
        while True:
            with translate_errors(f"{self.label} is truncated or damaged at row {row}"):
                batch = next(iter(reader), None)
            if batch is None:
                return
            yield batch
            row += batch.num_rows


class ArrowFormat(TableFormat):
    """Arrow stream files."""

    suffixes = (".arrow",)

    @contextmanager
    def open_table(self, file: File) -> Iterator[ArrowTable]:
        """Open a file as a table."""
        with file.open() as stream:
            yield ArrowTable(stream, str(file))
