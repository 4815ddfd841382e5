"""ParquetSource: Parquet files on this machine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from vecmill.sources.files_source import TableSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.sources.files import File
    from vecmill.sources.options import FilesConfig
    from vecmill.sources.parquet_table import ParquetTable


class ParquetSource(TableSource["FilesConfig"]):
    """Parquet files, read by row group; only the columns that are needed."""

    name = "parquet"
    suffixes = (".parquet", ".pq")
    ahead = 16

    @contextmanager
    def open_table(self, file: File) -> Iterator[ParquetTable]:
        """Open a file as a table."""
        from vecmill.sources.parquet_table import ParquetTable

        with file.open() as stream:
            yield ParquetTable(stream, str(file.path))
