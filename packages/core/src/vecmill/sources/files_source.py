"""FilesSource: files of any store, read by a format; so are ``parquet``, ``jsonl`` and ``csv``."""

from __future__ import annotations

import importlib
import warnings
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from vecmill.concurrency import Threads
from vecmill.errors import SourceWarning
from vecmill.files import hash_contents, pin
from vecmill.files.store import list_paths, open_common_store
from vecmill.protocols import LOCATION, Source
from vecmill.records import Partition, Terms
from vecmill.sources.base import RowRange, SourceConfig, fingerprint, limit_units, plan, row_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from vecmill.files import File, Store
    from vecmill.sources.base import Unit
    from vecmill.sources.batches import Projection


ConfigT = TypeVar("ConfigT", bound=SourceConfig)


class Format(ABC, Generic[ConfigT]):
    """Reads files of one kind, from whatever store.

    ``TableFormat`` and ``TextFormat`` do all but a few lines of it.

    Args:
        files: The files, in order.
        config: The source's options.

    Attributes:
        suffixes: How the names of such files end, in a folder.
    """

    suffixes: ClassVar[tuple[str, ...]]

    def __init__(self, files: Sequence[File], config: ConfigT) -> None:
        self.files = files
        self.config = config

    @abstractmethod
    def units(self, target_bytes: int) -> Iterator[Unit]:
        """Yield the smallest pieces that a partition can begin or end with, in order, up to the limit."""

    @abstractmethod
    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Yield the documents of a partition, in a source's columns and in batches of bounded size.

        Raises:
            SourceError: A file is damaged or has changed; says where.
        """

    def count(self) -> int | None:
        """Return how many documents there are, up to the limit, if the files say so."""
        return None

    def extra(self) -> dict[str, Any]:
        """Return what else a worker must know to read any partition; small, JSON only."""
        return {}

    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Split the files, in order, into parts of about ``target_bytes``.

        Raises:
            SourceError: They hold no documents.
        """
        return plan(self.files, self.units(target_bytes), target_bytes, self.extra())


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
        for found in self._read_ahead():
            total += sum(rows for rows, _ in found.blocks)
            if limit is not None and total >= limit:
                return limit
        return total

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Yield the documents of a partition."""
        from vecmill.sources.batches import Projection, split_batch

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
        for index, found in enumerate(self._read_ahead()):
            first = first or found.projection
            first.agree(found.projection)
            yield from row_units(index, found.blocks, target_bytes)

    def _read_ahead(self) -> Iterator[Outline]:
        """Read the outlines of one file, then of more at a time: a limit may be met before the second."""
        start, count = 0, 1
        with Threads(self.ahead) as threads:
            while start < len(self.files):
                yield from threads.map(self._outline, self.files[start : start + count])
                start, count = start + count, min(2 * count, self.ahead)

    def _outline(self, file: File) -> Outline:
        from vecmill.sources.batches import Projection

        if file not in self._outlines:
            with self.open_table(file) as table:
                projection = Projection(self.config, table.schema, table.label)
                self._outlines[file] = Outline(projection, list(table.blocks(projection.roles["text"])))
        return self._outlines[file]


FilesConfigT = TypeVar("FilesConfigT", bound="FilesSource.Config")


class FilesSource(Source[FilesConfigT]):
    """A source that reads files.

    Attributes:
        format: What reads them: a ``Format``, or its import path, ``module:Class``, if its module takes long to import.
    """

    format: ClassVar[type[Format[Any]] | str]

    class Config(SourceConfig):
        """Options of a source that reads files.

        Attributes:
            path: A file, a folder, a glob pattern, or a list of them, on this machine, on the Hub
                (``hf://datasets/user/repo/…``) or in this process (``memory://…``); read in this order, names sorted.
                In a folder files are left out whose path has a part there that begins with ``.`` or ``_``, such as
                ``_temporary``; on this machine links to other folders are followed.
        """

        path: Annotated[str | list[str], LOCATION]

    @cached_property
    def store(self) -> Store:
        """Where its files lie."""
        return open_common_store(self.config.path)

    @cached_property
    def files(self) -> Sequence[File]:
        """Its files, in order.

        Raises:
            ConfigError: There are none.
        """
        return self.store.find(list_paths(self.config.path), self._format.suffixes)

    def pinned(self) -> FilesConfigT:
        """Return the options with the commits that the paths on the Hub mean now."""
        path = pin(self.config.path)
        return self.config if path == self.config.path else self.config.model_copy(update={"path": path})

    def terms(self) -> Terms:
        """Return what the job states, or else the store."""
        license_, language = self.config.license, self.config.language
        if license_ and language:
            return Terms(license=license_, language=language)
        return self.store.terms(list_paths(self.config.path)).but(license_, language)

    def fingerprint(self) -> str:
        """Hash the files' names and contents, and the options that choose among them; warn of files left out."""
        contents = hash_contents(self.files)
        self._warn_of_files_left_out()
        return fingerprint(self, self.config, contents)

    def count(self) -> int | None:
        """Return the number of documents that the files say they have, up to the limit."""
        return self._reader.count()

    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Split the files, in order."""
        return self._reader.partitions(target_bytes)

    def renew(self, partition: Partition) -> Partition:
        """Look at a partition's files as they are now."""
        rows = RowRange.of(partition)
        seen = rows.renew_stamp(self.files, self._indices.get(rows.first, 0))
        return partition.model_copy(update={"seen": seen})

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream one partition's documents."""
        return self._reader.read(partition)

    def _warn_of_files_left_out(self) -> None:
        suffixes = self._format.suffixes
        if left := self.store.list_left_out(list_paths(self.config.path), suffixes):
            warnings.warn(
                f"{len(left)} of the files in source.path {'is' if len(left) == 1 else 'are'} left out, the first is "
                f"{left[0]!r}: the {self.name} source reads files that end with {' or '.join(suffixes)} and lie in no "
                "folder that begins with _: convert, rename, move or name them",
                SourceWarning,
                stacklevel=2,
            )

    @property
    def _format(self) -> type[Format[Any]]:
        if not isinstance(self.format, str):
            return self.format
        module, _, name = self.format.partition(":")
        found: type[Format[Any]] = getattr(importlib.import_module(module), name)
        return found

    @cached_property
    def _reader(self) -> Format[Any]:
        return self._format(self.files, self.config)

    @cached_property
    def _indices(self) -> dict[str, int]:
        """The index of each file in the list, by name."""
        return {file.name: index for index, file in enumerate(self.files)}


class ParquetSource(FilesSource["ParquetSource.Config"]):
    """Parquet files, read by row group; only the columns that are needed."""

    name = "parquet"
    format = "vecmill.sources.parquet:ParquetFormat"


class JsonlSource(FilesSource["JsonlSource.Config"]):
    """JSON Lines, plain or compressed. Blank lines are no documents; a broken line is one, with a problem."""

    name = "jsonl"
    format = "vecmill.sources.jsonl:JsonlFormat"


class CsvSource(FilesSource["CsvSource.Config"]):
    """CSV files, plain or compressed; quoted fields may hold newlines. Every value is a string."""

    name = "csv"
    format = "vecmill.sources.csv:CsvFormat"

    class Config(FilesSource.Config):
        """Options of CSV files, which are UTF-8 and begin with a header.

        Attributes:
            delimiter: What stands between fields; by default a tab in ``.tsv`` files, a comma in others.
            quote: Empty if a quote is a character as any other; ``"`` if fields may stand in quotes and hold anything.
                By default they may, but one that seems to hold whole rows is refused.
        """

        delimiter: str | None = Field(default=None, min_length=1, max_length=1)
        quote: Literal["", '"'] | None = None

        @model_serializer(mode="wrap")
        def _omit_default_quote(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
            """Keep the hashes of options as they were before there was ``quote``."""
            dumped: dict[str, Any] = dump(self)
            return {name: value for name, value in dumped.items() if name != "quote" or value is not None}

        @field_validator("delimiter")
        @classmethod
        def _is_no_quote_or_newline(cls, value: str | None) -> str | None:
            if value is not None and value in '"\r\n\0':
                raise ValueError("a quote or a newline cannot stand between fields")
            return value
