"""ShardWriter: one Parquet file, written window by window, whole or not at all."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.records import FileEntry
from vecmill.store.files import atomic
from vecmill.store.schema import VECTOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from vecmill.store.layout import Layout


GROUP_BYTES = 200e6
"""Of a row group, before compression: readers, and the Hub's viewer, take up one whole."""


class ParquetFile:
    """An open Parquet file."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self.rows = 0
        self._entry: FileEntry | None = None

    def write(self, table: pa.Table) -> None:
        """Write a table as one row group, or as several if it is large; an empty one leaves no trace."""
        if table.num_rows:
            row_bytes = table.nbytes / table.num_rows
            self._writer.write_table(table, row_group_size=max(1, int(GROUP_BYTES / row_bytes)))
            self.rows += table.num_rows

    def finished(self) -> FileEntry:
        """Return the file's path, size and hash, once it is closed without an error."""
        if self._entry is None:
            raise StoreError("the file is still open")
        return self._entry


@contextlib.contextmanager
def parquet_file(layout: Layout, target: Path, schema: pa.Schema) -> Iterator[ParquetFile]:
    """Write a Parquet file of the dataset.

    Text is compressed with zstd; vectors are split by byte first, which zstd then shrinks by a seventh.
    A page index and content-defined pages let readers skip, and the Hub send only what changed.

    Raises:
        StoreError: It cannot be written.
    """
    with atomic(target, layout.temporary) as file:
        with pq.ParquetWriter(pa.PythonFile(file, mode="w"), schema, **_settings(schema)) as writer:
            parquet = ParquetFile(writer)
            yield parquet
        entry = FileEntry(path=layout.relative(target), rows=parquet.rows, bytes=file.size, sha256=file.sha256)
        parquet._entry = entry  # noqa: SLF001 - its own module


def group_ends(metadata: pq.FileMetaData) -> npt.NDArray[np.int64]:
    """Return where each row group of a file ends, in rows of the file, after a nought."""
    return np.cumsum([0, *(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))])


def _settings(schema: pa.Schema) -> dict[str, Any]:
    vectors = [f"{field.name}.list.element" for field in schema if field.name == VECTOR]
    texts = [field.name for field in schema if field.name in {"id", "url", "title", "reason"}]
    plain = [field.name for field in schema if field.name != VECTOR]
    return {
        "compression": "zstd",
        "use_dictionary": texts,
        "column_encoding": dict.fromkeys(vectors, "BYTE_STREAM_SPLIT"),
        "use_content_defined_chunking": True,
        "write_page_index": True,
        "write_statistics": plain,  # nobody skips a page by the least number of its vectors
    }
