"""CsvFormat: comma-separated files with a header line."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from vecmill.errors import SourceError
from vecmill.sources.base import RowRange
from vecmill.sources.batches import Projection, Row, gather_batches
from vecmill.sources.files_source import CsvSource
from vecmill.sources.text import TextFormat, endings, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.files import File
    from vecmill.records import Partition
    from vecmill.sources.base import Unit

# The parser keeps a field's characters in four bytes each; beyond this a quote was not closed.
LONGEST_FIELD = 1 << 27


class CsvRecord(NamedTuple):
    """A record of a file, which may span lines.

    Attributes:
        line: Number of its first line, from 1.
        next_line: Number of the line after it.
        stop: The byte after it, in the file before compression.
        fields: Its values; none if it could not be parsed.
        problem: Why not.
    """

    line: int
    next_line: int
    stop: int
    fields: list[str]
    problem: str | None = None


class CsvFormat(TextFormat[CsvSource.Config, CsvRecord]):
    """CSV files, plain or compressed."""

    suffixes = (*endings(".csv"), *endings(".tsv"))

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Yield the documents of a partition."""
        keep = [pa.field(name, pa.string()) for name in self.config.keep]
        return gather_batches(self._rows(RowRange.of(partition)), keep)

    def records(self, file: File, start: int = 0, line: int = 1) -> Iterator[CsvRecord]:
        """Yield the records of a file, without its header."""
        found = read_records(file, self._delimiter(file), start, line)
        return islice(found, 0 if start else 1, None)

    def units(self, target_bytes: int) -> Iterator[Unit]:
        """Yield units of lines, once the headers of all files are found to agree."""
        first = self._projection(self.files[0])
        for file in self.files[1:]:
            first.agree(self._projection(file))
        return super().units(target_bytes)

    def _rows(self, rows: RowRange) -> Iterator[Row]:
        reader: _RowReader | None = None
        for file, record, number in self.locate_records(rows):
            if reader is None or reader.file is not file:
                reader = _RowReader(file, self._projection(file))
            yield reader.read_row(record, number)

    def _projection(self, file: File) -> Projection:
        header = pa.schema([(name, pa.string()) for name in self._header(file)])
        return Projection(self.config, header, str(file))

    def _header(self, file: File) -> list[str]:
        header = next(read_records(file, self._delimiter(file)), None)
        if header is None or header.problem:
            why = f": its first line {header.problem}" if header else ""
            raise SourceError(f"{file} has no header line with the names of its columns{why}: put one at its top")
        return header.fields

    def _delimiter(self, file: File) -> str:
        return self.config.delimiter or ("\t" if ".tsv" in PurePosixPath(file.name).name.lower() else ",")


class _Lines:
    """The lines of a file as text, one at a time, so that the parser's position in the file is known."""

    def __init__(self, file: File, start: int, line: int) -> None:
        self._lines = read_lines(file, start, line)
        self._file = file
        self.stop = start
        self.next_line = line
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        for found in self._lines:
            self.stop, self.next_line = found.stop, found.next_line
            try:
                yield found.data.decode()
            except UnicodeDecodeError as error:
                raise SourceError(
                    f"{self._file} line {found.line} is not valid UTF-8 ({error.reason} at byte {error.start + 1}): "
                    "convert the file to UTF-8"
                ) from error
        self.ended = True


def read_records(file: File, delimiter: str, start: int = 0, line: int = 1) -> Iterator[CsvRecord]:
    """Yield the records of a file, blank lines left out.

    Args:
        file: The file.
        delimiter: What stands between fields.
        start: The byte to begin at, which is the first of a record.
        line: The number of the line there.

    Raises:
        SourceError: The file is not UTF-8, or ends within quotes.
    """
    csv.field_size_limit(LONGEST_FIELD)
    text = _Lines(file, start, line)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        first = text.next_line
        fields, problem = _next(reader, text, f"{file} line {first}")
        if fields is None:
            return
        if fields or problem:
            yield CsvRecord(first, text.next_line, text.stop, fields, problem)


def _next(reader: Iterator[list[str]], text: _Lines, label: str) -> tuple[list[str] | None, str | None]:
    try:
        return next(reader, None), None
    except csv.Error as error:
        if text.ended:
            raise SourceError(
                f"{label} opens a quote that is not closed before the end of the file: close it, or get the file again "
                "if it was cut off"
            ) from error
        if "field limit" in str(error):
            raise SourceError(
                f"{label} begins a field of more than {LONGEST_FIELD} characters: most likely a quote there is not "
                "closed"
            ) from error
        return [], f"is not valid CSV: {error}"


class _RowReader:
    """Reads the records of one ``file``."""

    def __init__(self, file: File, projection: Projection) -> None:
        """Look up where each column is.

        Args:
            file: The file.
            projection: What its header means.
        """
        header = projection.table.names
        self.file = file
        self._width = len(header)
        self._positions = {role: header.index(name) for role, name in projection.roles.items()}
        self._keep = [header.index(field.name) for field in projection.keep]

    def read_row(self, record: CsvRecord, number: int) -> Row:
        """Return a record as a document; if it cannot be one, with the problem.

        Args:
            record: The record.
            number: The document's number in the source.
        """
        problem = record.problem
        if not problem and len(record.fields) != self._width:
            problem = f"has {len(record.fields)} fields, but the header has {self._width}"
        if problem:
            name = f"{self.file.name}:{record.line}"
            return Row(name, problem=f"{self.file.name} line {record.line} {problem}")
        values = {role: record.fields[position] for role, position in self._positions.items()}
        keep = [record.fields[position] for position in self._keep]
        return Row(**{"id": str(number), **values}, keep=keep, size=sum(map(len, record.fields)))
