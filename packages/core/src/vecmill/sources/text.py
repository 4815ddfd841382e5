"""TextFormat: a format of text, compressed or not, whose files are read from front to back by line."""

from __future__ import annotations

import io
from abc import abstractmethod
from array import array
from contextlib import contextmanager
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from vecmill.errors import SourceError
from vecmill.sources.base import Unit
from vecmill.sources.files_source import ConfigT, Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vecmill.files import File
    from vecmill.sources.base import RowRange

CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
BOM = b"\xef\xbb\xbf"
LONGEST_LINE = 1 << 28
"""Bytes of a line; a small compressed file can hold one of any length, and all of it would be in memory."""
BUFFER = 1 << 20
"""Bytes of a compressed file that are decompressed at a time."""
FETCH = 8 << 20
"""Bytes that are fetched from a server at a time."""
NOTED = 1 << 22
"""Records of a remote file whose positions are noted when planning, so that it is fetched once."""
FINENESS = 16
"""Units that make a partition, at least, where a file can be read from the middle."""


class Line(NamedTuple):
    """A line of a file.

    Attributes:
        line: Its number, from 1.
        stop: The byte after it, its newline included, in the file before compression.
        data: Its bytes, newline included.
    """

    line: int
    stop: int
    data: bytes

    @property
    def next_line(self) -> int:
        """The number of the line after it."""
        return self.line + 1


def endings(suffix: str) -> tuple[str, ...]:
    """Return a suffix and its compressed kinds, such as ``.csv.gz``."""
    return (suffix, *(suffix + codec for codec in CODECS))


def read_lines(file: File, start: int = 0, line: int = 1) -> Iterator[Line]:
    """Yield the lines of a file, without a byte order mark.

    Args:
        file: The file; its name says whether it is compressed.
        start: The byte to begin at, which is the first of a line; 0 in a compressed file.
        line: The number of that line.

    Raises:
        SourceError: The file cannot be read to its end, has a line without end, or changes meanwhile.
    """
    stop = start
    with _open_text(file) as stream:
        if start:
            stream.seek(start)
        try:
            while data := stream.readline(LONGEST_LINE + 1):
                if len(data) > LONGEST_LINE:
                    raise SourceError(f"{file} line {line} has more than {LONGEST_LINE} bytes: name a file of text")
                stop += len(data)
                yield Line(line, stop, data if stop > len(data) else data.removeprefix(BOM))
                line += 1
        except OSError as error:
            if file.remote and type(error) is not OSError:  # a lost connection, and not a damaged file
                raise
            raise SourceError(
                f"{file} is damaged or truncated after line {line - 1}: replace the file ({error})"
            ) from error


@contextmanager
def _open_text(file: File) -> Iterator[IO[bytes]]:
    with file.open() as stream:
        buffered = io.BufferedReader(stream, FETCH) if file.remote else stream  # type: ignore[type-var]
        if codec := _codec(file):
            import pyarrow as pa

            # Not closed here: that would close the file itself, which is looked at once more at the end.
            yield io.BufferedReader(pa.CompressedInputStream(buffered, codec), BUFFER)
        else:
            yield buffered


def _codec(file: File) -> str | None:
    """Return how a file is compressed: then it can only be read from its beginning."""
    return CODECS.get(PurePosixPath(file.name).suffix.lower())


class Record(Protocol):
    """A document in a text file."""

    @property
    def next_line(self) -> int:
        """Number of the line after it."""

    @property
    def stop(self) -> int:
        """The byte after it."""


RecordT = TypeVar("RecordT", bound=Record)


class TextFormat(Format[ConfigT], Generic[ConfigT, RecordT]):
    """Files that are read from front to back, or from any record's beginning if not compressed.

    To split them they are read once: only their lines say how many documents there are, and where each begins.
    """

    def __init__(self, files: Sequence[File], config: ConfigT) -> None:
        super().__init__(files, config)
        self._noted: dict[File, tuple[array[int], array[int]]] = {}

    @abstractmethod
    def records(self, file: File, start: int = 0, line: int = 1) -> Iterator[RecordT]:
        """Yield the records of a file from a byte, which is the first of the line with that number."""

    def scan_records(self, file: File) -> Iterator[RecordT]:
        """Yield all records of a file; note where those of a remote one end: ``units`` then fetches nothing."""
        lines, stops = array("q"), array("q")
        for record in self.records(file):
            if file.remote and len(stops) <= NOTED:
                lines.append(record.next_line)
                stops.append(record.stop)
            yield record
        if file.remote and len(stops) <= NOTED:
            self._noted[file] = lines, stops

    def _ends(self, file: File) -> Iterator[Record]:
        """Yield where the records of a file end."""
        return map(_End, *self._noted[file]) if file in self._noted else self.scan_records(file)

    def locate_records(self, rows: RowRange) -> Iterator[tuple[File, RecordT, int]]:
        """Yield the records of a row range, each with its file and its number in the source."""
        row = rows.row
        for piece in rows.pieces(self.files):
            for record in self.records(piece.file, piece.start, piece.line):
                yield piece.file, record, row
                row += 1
                if piece.stop is not None and record.stop >= piece.stop:
                    break

    def units(self, target_bytes: int) -> Iterator[Unit]:
        """Yield units of at least a ``FINENESS``th of ``target_bytes``; of a compressed file, one."""
        left = self.config.limit
        for index, file in enumerate(self.files):
            size = None if _codec(file) else target_bytes // FINENESS
            for unit in _group_records(index, islice(self._ends(file), left), size):
                yield unit
                left = None if left is None else left - unit.documents
            if left == 0:
                return


class _End(NamedTuple):
    """Where a record ends."""

    next_line: int
    stop: int


def _group_records(file: int, records: Iterable[Record], size: int | None) -> Iterator[Unit]:
    """Yield units of at least ``size`` bytes, or one for the whole file."""
    unit = Unit(file, start=0, stop=0, documents=0, bytes=0)
    for record in records:
        unit = unit._replace(stop=record.stop, documents=unit.documents + 1, bytes=record.stop - unit.start)
        if size is not None and unit.bytes >= size:
            yield unit
            unit = Unit(file, record.stop, record.stop, documents=0, bytes=0, line=record.next_line)
    if unit.documents:
        yield unit
