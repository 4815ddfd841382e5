"""Files source: what sources made of files share, whether these hold tables or records."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from vecmill.protocols import Source, later
from vecmill.sources.files import find
from vecmill.sources.fingerprint import STATEMENTS, contents, fingerprint
from vecmill.sources.lines import is_compressed
from vecmill.sources.partitions import RowRange, Unit, plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from vecmill.records import Partition, Terms
    from vecmill.sources.files import File
    from vecmill.sources.options import FilesConfig
    from vecmill.sources.tables import Outlines, Table


FilesConfigT = TypeVar("FilesConfigT", bound="FilesConfig")


class LocalSource(Source[FilesConfigT]):
    """A source that reads files.

    Attributes:
        suffixes: How the names of its files end, in a folder.
    """

    Config = later("vecmill.sources.options:FilesConfig")
    location = frozenset({"path"}) | STATEMENTS
    suffixes: ClassVar[tuple[str, ...]]

    @cached_property
    def files(self) -> Sequence[File]:
        """Its files, in order."""
        return find(self.config.path, self.suffixes)

    def terms(self) -> Terms:
        """Return what the job says."""
        from vecmill.records import Terms

        return Terms(license=self.config.license, language=self.config.language)

    def fingerprint(self) -> str:
        """Hash the files' names and bytes, and the options that choose among them."""
        return fingerprint(self, self.config, contents(self.files))

    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Split the files, in order."""
        return plan(self.files, self._units(target_bytes), target_bytes, self._extra())

    def renew(self, partition: Partition) -> Partition:
        """Look at a partition's files as they are now."""
        stretch = RowRange.of(partition)
        found = stretch.renew_stamp(self.files, self._places.get(stretch.first, 0))
        return partition.model_copy(update={"seen": found})

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where each file is in the list, by name."""
        return {file.name: place for place, file in enumerate(self.files)}

    @abstractmethod
    def _units(self, target_bytes: int) -> Iterator[Unit]:
        """Yield the files' units, in order, up to the limit."""

    def _extra(self) -> dict[str, Any]:
        """Return what else a worker must know to read any partition; small, JSON only."""
        return {}


class TableSource(LocalSource[FilesConfigT]):
    """A source whose files are tables.

    Attributes:
        ahead: How many files are looked into at the same time when planning.
    """

    ahead: ClassVar[int] = 1

    @abstractmethod
    def open_table(self, file: File) -> AbstractContextManager[Table]:
        """Open a file as a table."""

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream one partition's rows."""
        from vecmill.sources.tables import table_rows

        return table_rows(self.files, RowRange.of(partition), self.open_table, self.config)

    def count(self) -> int:
        """Return the number of rows that the files say they have, up to the limit."""
        rows = self._outlines.rows()
        return rows if self.config.limit is None else min(rows, self.config.limit)

    def _units(self, target_bytes: int) -> Iterator[Unit]:
        return self._outlines.units(target_bytes)

    @cached_property
    def _outlines(self) -> Outlines[File]:
        from vecmill.sources.tables import Outlines

        return Outlines(self.files, self.open_table, self.config, self.ahead)


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

    def _locate_records(self, stretch: RowRange) -> Iterator[tuple[File, RecordT, int]]:
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
            size = None if is_compressed(file) else target_bytes // FINENESS
            for unit in _group_records(index, islice(self.records(file), left), size):
                yield unit
                left = None if left is None else left - unit.documents
            if left == 0:
                return


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
