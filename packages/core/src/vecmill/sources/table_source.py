"""TableSource: what sources of columnar files have in common."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from vecmill.sources.local import FilesConfigT, LocalSource
from vecmill.sources.stretch import Stretch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from vecmill.records import Partition
    from vecmill.sources.balance import Unit
    from vecmill.sources.files import File
    from vecmill.sources.tables import Outlines, Table


class TableSource(LocalSource[FilesConfigT]):
    """A source whose files are tables.

    Attributes:
        ahead: How many files are looked into at the same time when planning.
    """

    ahead: ClassVar[int] = 1

    @abstractmethod
    def opened(self, file: File) -> AbstractContextManager[Table]:
        """Open a file as a table."""

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream one partition's rows."""
        from vecmill.sources.tables import table_rows

        return table_rows(self.files, Stretch.of(partition), self.opened, self.config)

    def count(self) -> int:
        """Return the number of rows that the files say they have, up to the limit."""
        rows = self._outlines.rows()
        return rows if self.config.limit is None else min(rows, self.config.limit)

    def _units(self, target_bytes: int) -> Iterator[Unit]:
        return self._outlines.units(target_bytes)

    @cached_property
    def _outlines(self) -> Outlines[File]:
        from vecmill.sources.tables import Outlines

        return Outlines(self.files, self.opened, self.config, self.ahead)
