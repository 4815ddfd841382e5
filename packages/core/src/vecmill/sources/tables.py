"""Tables: files made of columns, planned and read by rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from vecmill.sources.balance import limited, row_units
from vecmill.sources.batches import bounded
from vecmill.sources.columns import Projection
from vecmill.sources.stretch import Identified
from vecmill.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from vecmill.sources.balance import Unit
    from vecmill.sources.config import SourceConfig
    from vecmill.sources.stretch import Stretch

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


def table_units(
    files: Sequence[FileT],
    opened: Callable[[FileT], AbstractContextManager[Table]],
    config: SourceConfig,
    target: int,
    ahead: int,
) -> Iterator[Unit]:
    """Yield the units of tables, in order, up to the limit.

    Args:
        files: The source's files.
        opened: Opens one.
        config: The options.
        target: Blocks with more bytes of text than this are split.
        ahead: How many files to look into at the same time.
    """

    def outline(file: FileT) -> Outline:
        with opened(file) as table:
            projection = Projection(config, table.schema, table.place)
            return Outline(projection, list(table.blocks(projection.roles["text"])))

    def units() -> Iterator[Unit]:
        first: Projection | None = None
        for index, found in enumerate(_ahead(outline, files, ahead)):
            first = first or found.projection
            first.agree(found.projection)
            yield from row_units(index, found.blocks, target)

    return limited(units(), config.limit)


def _ahead(look: Callable[[FileT], Outline], files: Sequence[FileT], most: int) -> Iterator[Outline]:
    """Look into files at the same time, at first one, then more: a limit may be met before the second."""
    start, count = 0, 1
    with Threads(most) as threads:
        while start < len(files):
            yield from threads.map(look, files[start : start + count])
            start, count = start + count, min(2 * count, most)


def table_rows(
    files: Sequence[FileT],
    stretch: Stretch,
    opened: Callable[[FileT], AbstractContextManager[Table]],
    config: SourceConfig,
) -> Iterator[pa.RecordBatch]:
    """Yield the documents of a stretch of tables, in a source's columns and bounded batches."""
    row = stretch.row
    for piece in stretch.pieces(files):
        with opened(piece.file) as table:
            projection = Projection(config, table.schema, table.place)
            for rows in table.rows(projection.names, piece.start, piece.stop):
                yield from bounded(projection.apply(rows, row))
                row += rows.num_rows
