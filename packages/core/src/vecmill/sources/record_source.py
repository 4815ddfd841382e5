"""RecordSource: what sources of text files have in common, where a document is a line or a few."""

from __future__ import annotations

from abc import abstractmethod
from itertools import islice
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from vecmill.sources.balance import Unit
from vecmill.sources.lines import compressed
from vecmill.sources.local import FilesConfigT, LocalSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vecmill.sources.files import File
    from vecmill.sources.stretch import Stretch

FINENESS = 16


class Record(Protocol):
    """A document's place in a text file."""

    @property
    def line(self) -> int:
        """Number of its first line."""

    @property
    def next_line(self) -> int:
        """Number of the line after it."""

    @property
    def stop(self) -> int:
        """The byte after it."""


RecordT = TypeVar("RecordT", bound=Record)


class RecordSource(LocalSource[FilesConfigT], Generic[FilesConfigT, RecordT]):
    """A source whose files are read from front to back, or from any record's beginning if not compressed."""

    @abstractmethod
    def records(self, file: File, start: int = 0, line: int = 1) -> Iterator[RecordT]:
        """Yield the records of a file from a byte, which is the first of the line with that number."""

    def _located(self, stretch: Stretch) -> Iterator[tuple[File, RecordT, int]]:
        """Yield the records of a stretch, each with its file and its number in the source."""
        row = stretch.row
        for piece in stretch.pieces(self.files):
            for record in self.records(piece.file, piece.start, piece.line):
                yield piece.file, record, row
                row += 1
                if piece.stop is not None and record.stop >= piece.stop:
                    break

    def _units(self, target_bytes: int) -> Iterator[Unit]:
        left = self.config.limit
        for index, file in enumerate(self.files):
            size = None if compressed(file) else target_bytes // FINENESS
            for unit in _grouped(index, islice(self.records(file), left), size):
                yield unit
                left = None if left is None else left - unit.documents
            if left == 0:
                return


def _grouped(file: int, records: Iterable[Record], size: int | None) -> Iterator[Unit]:
    """Yield units of at least ``size`` bytes, or one for the whole file."""
    unit = Unit(file, start=0, stop=0, documents=0, bytes=0)
    for record in records:
        unit = unit._replace(stop=record.stop, documents=unit.documents + 1, bytes=record.stop - unit.start)
        if size is not None and unit.bytes >= size:
            yield unit
            unit = Unit(file, record.stop, record.stop, documents=0, bytes=0, line=record.next_line)
    if unit.documents:
        yield unit
