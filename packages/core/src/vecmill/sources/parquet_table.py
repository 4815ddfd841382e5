"""ParquetTable: a Parquet file, read by row group and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow.parquet as pq

from vecmill.sources.batches import BYTES, ROWS, between
from vecmill.sources.damage import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    import pyarrow as pa

BUFFER = 1 << 20
FETCH = 64 << 20


class RowGroup(NamedTuple):
    """Some columns of a row group: their sizes before and after compression, in bytes."""

    rows: int
    bytes: int
    compressed: int


class ParquetTable:
    """An open Parquet file.

    A local file is read through a small buffer, however large its row groups. From a remote one, the
    wanted columns of a row group are fetched together, unless they are larger than ``FETCH``.
    """

    def __init__(self, stream: BinaryIO, place: str, *, remote: bool = False) -> None:
        """Read the footer.

        Args:
            stream: The file.
            place: Its name, for messages.
            remote: Whether each read is a request to a server.

        Raises:
            SourceError: It is not a whole Parquet file.
        """
        self._stream = stream
        self.place = place
        self._remote = remote
        # Prebuffering, the default, would take a column of a row group into memory whole.
        with damaged(f"{place} is not a whole Parquet file: it may be truncated, or something else"):
            self._file = pq.ParquetFile(stream, buffer_size=BUFFER, pre_buffer=False, page_checksum_verification=True)
            self._schema = self._file.schema_arrow

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return self._schema

    def blocks(self, column: str) -> Iterator[tuple[int, int]]:
        """Yield the rows, and the bytes of ``column`` before compression, of each row group."""
        wanted = self._indices([column])
        for group in range(self._file.num_row_groups):
            found = self._group(group, wanted)
            yield found.rows, found.bytes

    def rows(self, columns: Sequence[str], start: int, stop: int | None) -> Iterator[pa.RecordBatch]:
        """Yield these columns of the rows from ``start`` to ``stop``, or the end.

        Raises:
            SourceError: A row group is damaged; says which, and which rows it holds.
        """
        first, wanted = 0, self._indices(columns)
        for index in range(self._file.num_row_groups):
            group = self._group(index, wanted)
            if start < first + group.rows and (stop is None or first < stop):
                yield from between(
                    self._read(index, group, columns, first), start - first, None if stop is None else stop - first
                )
            first += group.rows

    def _read(self, index: int, group: RowGroup, columns: Sequence[str], first: int) -> Iterator[pa.RecordBatch]:
        size = max(1, min(ROWS, group.rows * BYTES // max(1, group.bytes)))
        last = first + group.rows - 1
        with damaged(f"{self.place} is damaged in row group {index}, which holds the rows {first} to {last}"):
            yield from self._reader(group).iter_batches(size, [index], list(columns), use_threads=False)

    def _reader(self, group: RowGroup) -> pq.ParquetFile:
        if not self._remote or group.compressed > FETCH:
            return self._file
        known = self._file.metadata
        return pq.ParquetFile(self._stream, metadata=known, pre_buffer=True, page_checksum_verification=True)

    def _indices(self, columns: Sequence[str]) -> list[int]:
        """Return the numbers of the leaves below these columns."""
        leaves = self._file.metadata.schema
        return [index for index in range(len(leaves)) if _within(leaves.column(index).path, columns)]

    def _group(self, index: int, wanted: Sequence[int]) -> RowGroup:
        group = self._file.metadata.row_group(index)
        chunks = [group.column(leaf) for leaf in wanted]
        return RowGroup(
            group.num_rows,
            sum(chunk.total_uncompressed_size for chunk in chunks),
            sum(chunk.total_compressed_size for chunk in chunks),
        )


def _within(path: str, columns: Sequence[str]) -> bool:
    return any(path == column or path.startswith(f"{column}.") for column in columns)
