"""HubSource: a dataset of the Hugging Face Hub."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.protocols import Source, later
from vecmill.sources.fingerprint import STATEMENTS, fingerprint
from vecmill.sources.partitions import RowRange, plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from vecmill.records import Partition, Terms
    from vecmill.sources.hub_repo import HubFile, HubRepo
    from vecmill.sources.hub_stream import HubStream
    from vecmill.sources.options import HubConfig
    from vecmill.sources.parquet_table import ParquetTable
    from vecmill.sources.tables import Outlines

AHEAD = 16
CONVERTED = "refs/convert/parquet"


class Found(NamedTuple):
    """A split at a commit, and its Parquet files; none if it is in another format."""

    repo: HubRepo
    config: str | None
    files: Sequence[HubFile]


class HubSource(Source["HubConfig"]):
    """A split of a dataset, at the commit its revision means when the run begins.

    Parquet files are read where they are, by row group and column; so is the Hub's own Parquet copy of
    a dataset in another format, if it has one. What is left is streamed by the ``datasets`` library.
    """

    name = "hub"
    Config = later("vecmill.sources.options:HubConfig")
    location = STATEMENTS

    def pinned(self) -> HubConfig:
        """Return the options with the repo's full name, the configuration's name and the commit."""
        found = self._found
        return self.config.model_copy(
            update={"repo": found.repo.id, "revision": found.repo.sha, "config": found.config}
        )

    def terms(self) -> Terms:
        """Return what the dataset's card says, or what the job says."""
        from vecmill.sources.hub_repo import read_terms

        if self.config.license and self.config.language:
            card = {}
        else:
            with self._reading():
                card = self._card()
        return read_terms(card, self.config.config).but(self.config.license, self.config.language)

    def fingerprint(self) -> str:
        """Hash the commit and the options that choose from it."""
        return fingerprint(self, self.pinned(), content=None)

    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Split the files by row group."""
        with self._reading():
            found = self._found
            if not found.files:
                yield from self._stream.partitions(target_bytes)
                return
            yield from plan(found.files, self._outlines.units(target_bytes), target_bytes, {})

    def count(self) -> int | None:
        """Return the number of rows that the Parquet files say they have, up to the limit."""
        with self._reading():
            if not self._found.files:
                return None
            rows, limit = self._outlines.rows(), self.config.limit
            return rows if limit is None else min(rows, limit)

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream one partition's documents."""
        from vecmill.sources.tables import table_rows

        with self._reading():
            if "shards" in partition.where:
                yield from self._stream.read(*partition.where["shards"])
            else:
                yield from table_rows(self._found.files, RowRange.of(partition), self._open_table, self.config)

    @cached_property
    def _found(self) -> Found:
        from vecmill.sources.hub_repo import HubRepo, layout

        wanted = self.config
        with self._reading():
            repo = HubRepo(wanted.repo, wanted.revision)
            config, files = layout(repo, wanted.config, wanted.split)
            if files or wanted.revision or not (copy := HubRepo.find(wanted.repo, CONVERTED)):
                return Found(repo, config, files)
            converted = layout(copy, config, wanted.split)
            return Found(copy, *converted) if converted.files else Found(repo, config, files)

    def _card(self) -> dict[str, Any]:
        """Return the front matter of the dataset's card. The Hub's Parquet copy has none: that of the newest commit."""
        from vecmill.sources.hub_repo import HubRepo

        return self._found.repo.card or HubRepo(self.config.repo, None).card

    @cached_property
    def _outlines(self) -> Outlines[HubFile]:
        from vecmill.sources.tables import Outlines

        return Outlines(self._found.files, self._open_table, self.config, AHEAD)

    @cached_property
    def _stream(self) -> HubStream:
        from vecmill.sources.hub_stream import HubStream

        return HubStream(self.pinned())

    @contextmanager
    def _open_table(self, file: HubFile) -> Iterator[ParquetTable]:
        from vecmill.sources.parquet_table import ParquetTable

        repo = self._found.repo
        with repo.open(file) as stream:
            yield ParquetTable(stream, f"{repo.id}@{repo.sha[:8]}/{file.name}", remote=True)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        from vecmill.sources.hub_repo import reading

        with reading(self.config.repo, self.config.revision):
            yield
