"""PydocSource: Python's own language reference, which comes with it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from vecmill.protocols import Source
from vecmill.records import Partition, Terms
from vecmill.sources.base import SourceConfig, fingerprint, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from vecmill.sources.batches import Projection


class Article(NamedTuple):
    """An article of the reference: its topic, such as ``with``, and its text."""

    id: str
    text: str

    @property
    def title(self) -> str:
        """Its first line, if that is underlined as a heading is; else the topic."""
        heading, _, rest = self.text.partition("\n")
        underline = rest.partition("\n")[0]
        return heading if underline and set(underline) <= set("*=-~") else self.id


class PydocSource(Source["PydocSource.Config"]):
    """The articles ``help()`` shows: some 80, half a million characters. Needs no files and no network."""

    name = "pydoc"

    class Config(SourceConfig):
        """Options of ``pydoc``: those of every source."""

    def terms(self) -> Terms:
        """Return Python's licence, or what the job says."""
        python = Terms(
            license=("other",),
            license_name="psf-2.0",
            license_link="https://docs.python.org/3/license.html",
            language=("en",),
        )
        return python.but(self.config.license, self.config.language)

    def fingerprint(self) -> str:
        """Hash the articles, which differ between versions of Python."""
        return fingerprint(self, self.config, self._articles)

    def count(self) -> int:
        """Return the number of articles."""
        return len(self._articles)

    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Split the articles, sorted by topic."""
        self._projection(self._table(0, 0))
        sizes = [len(article.text.encode()) for article in self._articles]
        for start, stop in parts(sizes, target_bytes):
            where = {"start": start, "stop": stop}
            yield Partition(where=where, documents=stop - start, bytes=sum(sizes[start:stop]))

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream some of the articles."""
        from vecmill.sources.batches import split_batch

        start, stop = partition.where["start"], partition.where["stop"]
        table = self._table(start, stop)
        return split_batch(self._projection(table).apply(table, start))

    @cached_property
    def _articles(self) -> list[Article]:
        from pydoc_data.topics import topics

        return [Article(*item) for item in sorted(topics.items())][: self.config.limit]

    def _table(self, start: int, stop: int) -> pa.RecordBatch:
        import pyarrow as pa

        schema = pa.schema([(name, pa.string()) for name in ("id", "text", "title")])
        articles = self._articles[start:stop]
        columns = [[getattr(article, name) for article in articles] for name in schema.names]
        return pa.record_batch(columns, schema=schema)

    def _projection(self, table: pa.RecordBatch) -> Projection:
        from vecmill.sources.batches import Projection

        return Projection(self.config, table.schema, "pydoc_data.topics")
