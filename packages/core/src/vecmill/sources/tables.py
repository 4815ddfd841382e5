"""TableFormat: a format of tables, which are planned and read by rows."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

import pyarrow as pa

from vecmill.concurrency import Threads
from vecmill.errors import SourceError
from vecmill.sources.base import SourceConfig
from vecmill.sources.batches import split_batch
from vecmill.sources.columns import Projection
from vecmill.sources.files_source import Format
from vecmill.sources.partitions import RowRange, limit_units, row_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from vecmill.files import File
    from vecmill.records import Partition
    from vecmill.sources.partitions import Unit


class Table(Protocol):
    """One open file of rows."""

    @property
    def label(self) -> str:
        """Its name, for messages."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""

    def blocks(self, column: str) -> Iterator[tuple[int, int]]:
        """Yield the rows, and the bytes of ``column``, of each block the file is written in."""

    def rows(self, columns: Sequence[str], start: int, stop: int | None) -> Iterator[pa.RecordBatch]:
        """Yield these columns of the rows from ``start`` to ``stop``, or the end, in batches."""


class Outline(NamedTuple):
    """What the plan needs to know of a table."""

    projection: Projection
    blocks: list[tuple[int, int]]


class TableFormat(Format[SourceConfig]):
    """Files that are tables. Each is looked into once, however often the source is split.

    Attributes:
        ahead: How many files are looked into at the same time when planning.
    """

    ahead: ClassVar[int] = 1

    def __init__(self, files: Sequence[File], config: SourceConfig) -> None:
        super().__init__(files, config)
        self._outlines: dict[File, Outline] = {}

    @abstractmethod
    def open_table(self, file: File) -> AbstractContextManager[Table]:
        """Open a file as a table."""

    def units(self, target_bytes: int) -> Iterator[Unit]:
        """Yield the units of the tables; larger blocks of text than ``target_bytes`` are split."""
        return limit_units(self._list_units(target_bytes), self.config.limit)

    def count(self) -> int:
        """Return how many rows the tables have; with a limit, no table is looked into after the one that meets it."""
        total, limit = 0, self.config.limit
        for found in self._look_ahead():
            total += sum(rows for rows, _ in found.blocks)
            if limit is not None and total >= limit:
                return limit
        return total

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Yield the documents of a partition."""
        rows = RowRange.of(partition)
        row = rows.row
        for piece in rows.pieces(self.files):
            with self.open_table(piece.file) as table:
                projection = Projection(self.config, table.schema, table.label)
                for batch in table.rows(projection.names, piece.start, piece.stop):
                    yield from split_batch(projection.apply(batch, row))
                    row += batch.num_rows

    def _list_units(self, target_bytes: int) -> Iterator[Unit]:
        first: Projection | None = None
        for index, found in enumerate(self._look_ahead()):
            first = first or found.projection
            first.agree(found.projection)
            yield from row_units(index, found.blocks, target_bytes)

    def _look_ahead(self) -> Iterator[Outline]:
        """Look into files at the same time, at first one, then more: a limit may be met before the second."""
        start, count = 0, 1
        with Threads(self.ahead) as threads:
            while start < len(self.files):
                yield from threads.map(self._outline, self.files[start : start + count])
                start, count = start + count, min(2 * count, self.ahead)

    def _outline(self, file: File) -> Outline:
        if file not in self._outlines:
            with self.open_table(file) as table:
                projection = Projection(self.config, table.schema, table.label)
                self._outlines[file] = Outline(projection, list(table.blocks(projection.roles["text"])))
        return self._outlines[file]


@contextmanager
def translate_errors(problem: str) -> Iterator[None]:
    """Turn Arrow's errors into a SourceError.

    Args:
        problem: Which file is damaged, and where.
    """
    try:
        yield
    except pa.ArrowException as error:
        raise SourceError(f"{problem}. Replace the file. ({error})") from error
    except OSError as error:
        # Arrow's own I/O errors are plain; a subclass comes from the file object, such as a lost connection.
        if type(error) is not OSError:
            raise
        raise SourceError(f"{problem}. Replace the file. ({error})") from error
