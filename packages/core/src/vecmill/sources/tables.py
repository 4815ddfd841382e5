"""Tables: files made of columns, planned and read by rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from vecmill.concurrency import Threads
from vecmill.sources.batches import split_batch
from vecmill.sources.columns import Projection
from vecmill.sources.partitions import Identified, limit_units, row_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from vecmill.sources.options import SourceConfig
    from vecmill.sources.partitions import RowRange, Unit

FileT = TypeVar("FileT", bound=Identified)


class Table(Protocol):
    """One file of rows."""

    @property
    def place(self) -> str:
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


class Outlines(Generic[FileT]):
    """A source's files, each looked into once, however often the source is split.

    Args:
        files: The files.
        opened: Opens one.
        config: The source's options.
        ahead: How many files to look into at the same time.
    """

    def __init__(
        self,
        files: Sequence[FileT],
        opened: Callable[[FileT], AbstractContextManager[Table]],
        config: SourceConfig,
        ahead: int,
    ) -> None:
        self._files, self._opened, self._config, self._ahead = files, opened, config, ahead
        self._known: dict[FileT, Outline] = {}

    def units(self, target: int) -> Iterator[Unit]:
        """Yield the units of the tables, in order, up to the limit; larger blocks of text than ``target`` are split."""
        return limit_units(self._units(target), self._config.limit)

    def rows(self) -> int:
        """Return how many rows the tables have; with a limit, no table is looked into after the one that meets it."""
        total = 0
        for found in _ahead(self._outline, self._files, self._ahead):
            total += sum(rows for rows, _ in found.blocks)
            if self._config.limit is not None and total >= self._config.limit:
                break
        return total

    def _units(self, target: int) -> Iterator[Unit]:
        first: Projection | None = None
        for index, found in enumerate(_ahead(self._outline, self._files, self._ahead)):
            first = first or found.projection
            first.agree(found.projection)
            yield from row_units(index, found.blocks, target)

    def _outline(self, file: FileT) -> Outline:
        if file not in self._known:
            with self._opened(file) as table:
                projection = Projection(self._config, table.schema, table.place)
                self._known[file] = Outline(projection, list(table.blocks(projection.roles["text"])))
        return self._known[file]


def _ahead(look: Callable[[FileT], Outline], files: Sequence[FileT], most: int) -> Iterator[Outline]:
    """Look into files at the same time, at first one, then more: a limit may be met before the second."""
    start, count = 0, 1
    with Threads(most) as threads:
        while start < len(files):
            yield from threads.map(look, files[start : start + count])
            start, count = start + count, min(2 * count, most)


def table_rows(
    files: Sequence[FileT],
    stretch: RowRange,
    opened: Callable[[FileT], AbstractContextManager[Table]],
    config: SourceConfig,
) -> Iterator[pa.RecordBatch]:
    """Yield the documents of a stretch of tables, in a source's columns and bounded batches."""
    row = stretch.row
    for piece in stretch.pieces(files):
        with opened(piece.file) as table:
            projection = Projection(config, table.schema, table.place)
            for rows in table.rows(projection.names, piece.start, piece.stop):
                yield from split_batch(projection.apply(rows, row))
                row += rows.num_rows
