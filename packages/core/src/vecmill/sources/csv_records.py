"""CsvRecord: a record of a CSV file, which may span lines."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from vecmill.errors import SourceError
from vecmill.sources.lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.sources.files import File

# The parser keeps a field's characters in four bytes each; beyond this a quote was not closed.
LONGEST_FIELD = 1 << 27


class CsvRecord(NamedTuple):
    """A record of a file.

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


class Text:
    """The lines of a file as text, one at a time, so that the parser's place in the file is known."""

    def __init__(self, file: File, start: int, line: int) -> None:
        self._lines = lines(file, start, line)
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
                told = (
                    f"{self._file.path} line {found.line} is not valid UTF-8 ({error.reason} at byte {error.start + 1})"
                )
                raise SourceError(f"{told}. Convert the file to UTF-8.") from error
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
    text = Text(file, start, line)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        first = text.next_line
        fields, problem = _next(reader, text, f"{file.path} line {first}")
        if fields is None:
            return
        if fields or problem:
            yield CsvRecord(first, text.next_line, text.stop, fields, problem)


def _next(reader: Iterator[list[str]], text: Text, place: str) -> tuple[list[str] | None, str | None]:
    try:
        return next(reader, None), None
    except csv.Error as error:
        if text.ended:
            told = f"{place} opens a quote that is not closed before the end of the file"
            raise SourceError(f"{told}: close it, or get the file again if it was cut off.") from error
        if "field limit" in str(error):
            told = f"{place} begins a field of more than {LONGEST_FIELD} characters"
            raise SourceError(f"{told}: most likely a quote there is not closed.") from error
        return [], f"is not valid CSV: {error}"
