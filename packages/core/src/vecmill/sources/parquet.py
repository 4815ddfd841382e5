"""ParquetFormat: Parquet files, read by row group and column, some rows at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from vecmill.sources.batches import BYTES, ROWS, slice_rows, translate_errors
from vecmill.sources.files_source import TableFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    import pyarrow as pa

    from vecmill.files import File

BUFFER = 1 << 20
FETCH = 64 << 20
MOST = 64 << 20
"""Bytes of a batch, if all its rows had the largest value that is stored once for many of them."""
SHARED_ROWS = 32
"""Rows of a batch with values that are stored as what differs from the one before: their size is unknown."""
WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
"""Bytes of a value that has a fixed size."""


class ParquetFormat(TableFormat):
    """Parquet files; only the columns that are needed are read."""

    suffixes = (".parquet", ".pq")
    ahead = 16

    @contextmanager
    def open_table(self, file: File) -> Iterator[ParquetTable]:
        """Open a file as a table."""
        with file.open() as stream:
            yield ParquetTable(stream, str(file), remote=file.remote)


class RowGroup(NamedTuple):
    """Some columns of a row group: their sizes before and after compression, in bytes.

    Values that are stored once for many rows are counted once in both.
    """

    rows: int
    bytes: int
    compressed: int


class ParquetTable:
    """An open Parquet file.

    A local file is read through a small buffer, however large its row groups. From a remote one, the
    wanted columns of a row group are fetched together, unless they are larger than ``FETCH``.
    """

    def __init__(self, stream: BinaryIO, label: str, *, remote: bool = False) -> None:
        """Read the footer.

        Args:
            stream: The file.
            label: Its name, for messages.
            remote: Whether each read is a request to a server.

        Raises:
            SourceError: It is not a complete Parquet file.
        """
        self._stream = stream
        self.label = label
        self._remote = remote
        # Prebuffering, the default, would take a column of a row group into memory whole.
        with translate_errors(f"{label} is not a complete Parquet file: it may be truncated, or something else"):
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
                yield from slice_rows(
                    self._read(index, group, columns, first), start - first, None if stop is None else stop - first
                )
            first += group.rows

    def _read(self, index: int, group: RowGroup, columns: Sequence[str], first: int) -> Iterator[pa.RecordBatch]:
        last = first + group.rows - 1
        with translate_errors(f"{self.label} is damaged in row group {index}, which holds the rows {first} to {last}"):
            size = self._batch_rows(index, group, columns)
            yield from self._reader(group).iter_batches(size, [index], list(columns), use_threads=False)

    def _batch_rows(self, index: int, group: RowGroup, columns: Sequence[str]) -> int:
        """Return how many rows are decoded together, so that they fit whatever their values are stored as."""
        metadata = self._file.metadata.row_group(index)
        leaves = [metadata.column(leaf) for leaf in self._indices(columns)]
        fixed = sum(leaf.num_values * self._width(leaf) for leaf in leaves)
        rows = min(ROWS, group.rows * BYTES // max(1, group.bytes, fixed))
        large = [
            leaf for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and leaf.total_uncompressed_size * ROWS > MOST
        ]
        if any("DELTA_BYTE_ARRAY" in leaf.encodings for leaf in large):
            rows = min(rows, SHARED_ROWS)
        shared = [leaf for leaf in large if leaf.has_dictionary_page]
        if shared and rows > 1:
            rows = min(rows, int(MOST / max(1, self._largest_row(index, group, shared, columns))))
        return max(1, int(rows))

    def _width(self, leaf: pq.ColumnChunkMetaData) -> int:
        if leaf.physical_type != "FIXED_LEN_BYTE_ARRAY":
            return WIDTHS.get(leaf.physical_type, 0)
        schema = self._file.metadata.schema
        leaves = (schema.column(number) for number in range(len(schema)))
        return next(int(found.length) for found in leaves if found.path == leaf.path_in_schema)

    def _largest_row(
        self, index: int, group: RowGroup, shared: Sequence[pq.ColumnChunkMetaData], columns: Sequence[str]
    ) -> float:
        """Return the bytes of a row that has the largest value of each dictionary; the first row brings them whole."""
        file = pq.ParquetFile(
            self._stream,
            metadata=self._file.metadata,
            read_dictionary=[leaf.path_in_schema for leaf in shared],
            buffer_size=BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
        )
        leaves = {name: [leaf for leaf in shared if _within(leaf.path_in_schema, [name])] for name in columns}
        names = [name for name in columns if leaves[name]]
        first = next(file.iter_batches(1, [index], names, use_threads=False))
        largest = (_largest_value(first.column(name), leaves[name]) for name in names)
        values = (sum(leaf.num_values for leaf in leaves[name]) / group.rows for name in names)
        return float(sum(size * count for size, count in zip(largest, values, strict=True)))

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


def _largest_value(column: pa.Array, leaves: Sequence[pq.ColumnChunkMetaData]) -> int:
    """Return the bytes of the largest value in the dictionaries of a column.

    Where the first row has no value, or Arrow reads no dictionary (of an extension), a value may be all that is stored.
    """
    known = [pc.max(pc.binary_length(values)).as_py() for values in _dictionaries(column) if len(values)]
    return int(max(known) if len(known) == len(leaves) else max(leaf.total_uncompressed_size for leaf in leaves))


def _dictionaries(column: pa.Array) -> Iterator[pa.Array]:
    kind = column.type
    if pt.is_dictionary(kind):
        yield column.dictionary
    elif pt.is_struct(kind):
        for number in range(kind.num_fields):
            yield from _dictionaries(column.field(number))
    elif pt.is_map(kind):
        yield from _dictionaries(column.keys)
        yield from _dictionaries(column.items)
    elif pt.is_nested(kind):
        yield from _dictionaries(column.values)


def _within(path: str, columns: Sequence[str]) -> bool:
    return any(path == column or path.startswith(f"{column}.") for column in columns)
