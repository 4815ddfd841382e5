"""CsvSource: comma-separated files with a header line."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from vecmill.errors import SourceError
from vecmill.protocols import later
from vecmill.sources.csv_records import CsvRecord, read_records
from vecmill.sources.files_source import RecordSource
from vecmill.sources.lines import endings
from vecmill.sources.partitions import RowRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from vecmill.records import Partition
    from vecmill.sources.batches import Row
    from vecmill.sources.columns import Projection
    from vecmill.sources.files import File
    from vecmill.sources.options import CsvConfig
    from vecmill.sources.partitions import Unit


class CsvSource(RecordSource["CsvConfig", CsvRecord]):
    """CSV files, plain or compressed; quoted fields may hold newlines. Every value is a string."""

    name = "csv"
    Config = later("vecmill.sources.options:CsvConfig")
    suffixes = (*endings(".csv"), *endings(".tsv"))

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream one partition's documents."""
        import pyarrow as pa

        from vecmill.sources.batches import gather_batches

        keep = [pa.field(name, pa.string()) for name in self.config.keep]
        return gather_batches(self._rows(RowRange.of(partition)), keep)

    def records(self, file: File, start: int = 0, line: int = 1) -> Iterator[CsvRecord]:
        """Yield the records of a file, without its header."""
        found = read_records(file, self._delimiter(file), start, line)
        return islice(found, 0 if start else 1, None)

    def _units(self, target_bytes: int) -> Iterator[Unit]:
        first = self._projection(self.files[0])
        for file in self.files[1:]:
            first.agree(self._projection(file))
        return super()._units(target_bytes)

    def _rows(self, stretch: RowRange) -> Iterator[Row]:
        from vecmill.sources.csv_rows import CsvRows

        reader: CsvRows | None = None
        for file, record, number in self._locate_records(stretch):
            if reader is None or reader.file is not file:
                reader = CsvRows(file, self._projection(file))
            yield reader.row(record, number)

    def _projection(self, file: File) -> Projection:
        import pyarrow as pa

        from vecmill.sources.columns import Projection

        header = pa.schema([(name, pa.string()) for name in self._header(file)])
        return Projection(self.config, header, str(file.path))

    def _header(self, file: File) -> list[str]:
        header = next(read_records(file, self._delimiter(file)), None)
        if header is None or header.problem:
            why = f": its first line {header.problem}" if header else ""
            raise SourceError(f"{file.path} has no header line with the names of its columns{why}. Put one at its top.")
        return header.fields

    def _delimiter(self, file: File) -> str:
        return self.config.delimiter or ("\t" if ".tsv" in file.path.name.lower() else ",")
