"""CsvFormat: comma-separated files with a header line."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, NamedTuple

import pyarrow as pa

from vecmill.errors import SourceError
from vecmill.sources.base import RowRange
from vecmill.sources.batches import Projection, Row, gather_batches
from vecmill.sources.files_source import CsvSource
from vecmill.sources.text import TextFormat, endings, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
        lines: Its lines, if it has several.
    """

    line: int
    next_line: int
    stop: int
    fields: list[str]
    problem: str | None = None
    lines: tuple[str, ...] = ()


class CsvFormat(TextFormat[CsvSource.Config, CsvRecord]):
    """CSV files, plain or compressed."""

    suffixes = (*endings(".csv"), *endings(".tsv"))

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Yield the documents of a partition."""
        keep = [pa.field(name, pa.string()) for name in self.config.keep]
        return gather_batches(self._rows(RowRange.of(partition)), keep)

    def records(self, file: File, start: int = 0, line: int = 1) -> Iterator[CsvRecord]:
        """Yield the records of a file, without its header."""
        found = self._read_records(file, start, line)
        if self.config.quote is None:
            header = self._header(file)
            found = _refuse_swallowed(found, file, self._delimiter(file), header, self.config.columns.get("id", "id"))
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
        header = next(self._read_records(file), None)
        if header is None or header.problem:
            why = f": its first line {header.problem}" if header else ""
            raise SourceError(f"{file} has no header line with the names of its columns{why}: put one at its top")
        return header.fields

    def _read_records(self, file: File, start: int = 0, line: int = 1) -> Iterator[CsvRecord]:
        return read_records(file, self._delimiter(file), start, line, quotes=self.config.quote != "")

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
        self.read: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for found in self._lines:
            self.stop, self.next_line = found.stop, found.next_line
            try:
                text = found.data.decode()
            except UnicodeDecodeError as error:
                raise SourceError(
                    f"{self._file} line {found.line} is not valid UTF-8 ({error.reason} at byte {error.start + 1}): "
                    "convert the file to UTF-8"
                ) from error
            self.read.append(text)
            yield text
        self.ended = True


def read_records(
    file: File, delimiter: str, start: int = 0, line: int = 1, *, quotes: bool = True
) -> Iterator[CsvRecord]:
    """Yield the records of a file, blank lines left out.

    Args:
        file: The file.
        delimiter: What stands between fields.
        start: The byte to begin at, which is the first of a record.
        line: The number of the line there.
        quotes: Whether a field may stand in quotes; otherwise a quote is a character as any other.

    Raises:
        SourceError: The file is not UTF-8, or ends within quotes.
    """
    csv.field_size_limit(LONGEST_FIELD)
    text = _Lines(file, start, line)
    quoting: Literal[0, 3] = 0 if quotes else 3  # csv.QUOTE_MINIMAL, csv.QUOTE_NONE
    reader = csv.reader(text, delimiter=delimiter, strict=True, quoting=quoting)
    while True:
        first = text.next_line
        text.read.clear()
        fields, problem = _next(reader, text, f"{file} line {first}")
        if fields is None:
            return
        if fields or problem:
            lines = tuple(text.read) if len(text.read) > 1 else ()
            yield CsvRecord(first, text.next_line, text.stop, fields, problem, lines)


def _refuse_swallowed(
    records: Iterable[CsvRecord], file: File, delimiter: str, header: Sequence[str], key: str
) -> Iterator[CsvRecord]:
    """Yield records that are not several rows, which a quote that is none made one of.

    Raises:
        SourceError: One is: each of its lines is a row by itself.
    """
    for record in records:
        if record.lines and _are_rows(record.lines, delimiter, header, key):
            raise SourceError(
                f"{file} line {record.line} has a quote that makes one record of the {len(record.lines)} rows to line "
                f'{record.next_line - 1}: set quote = "" if quotes are plain characters in this file, or double the '
                "quote and close it; if these lines are one record, set quote = '\"'"
            )
        yield record


def _are_rows(lines: Sequence[str], delimiter: str, header: Sequence[str], key: str) -> bool:
    """Return whether each line of a record looks like a row by itself, and none like prose in a quoted field.

    Each has the header's number of fields, and an id like the first one's, or without ids a first field like the
    first one's. Commas are frequent in prose: there the ids have digits, and no space follows a comma.
    """
    if len(header) == 1 or any(line.count(delimiter) != len(header) - 1 for line in lines):
        return False
    rows = [line.rstrip("\r\n").split(delimiter) for line in lines]
    numbered = key not in header
    keys = [row[0 if numbered else header.index(key)].strip('"') for row in rows]
    if len({_describe_key(each) for each in keys}) > 1 or not all(keys):
        return False
    if not numbered and len(set(keys)) < len(keys):
        return False
    spaced = any(field.startswith(" ") for row in rows[1:] for field in row[1:])
    digits = all(any(map(str.isdigit, each)) for each in keys)
    return delimiter == "\t" or (digits and not numbered and not spaced)


def _describe_key(value: str) -> tuple[bool, bool, bool]:
    """Return whether a key is a number, has digits, and has spaces."""
    return value.isdigit(), any(map(str.isdigit, value)), " " in value


def _next(reader: Iterator[list[str]], text: _Lines, label: str) -> tuple[list[str] | None, str | None]:
    try:
        return next(reader, None), None
    except csv.Error as error:
        if text.ended:
            raise SourceError(
                f"{label} opens a quote that is not closed before the end of the file: close it, get the file again if "
                'it was cut off, or set quote = "" if quotes are plain characters in this file'
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
