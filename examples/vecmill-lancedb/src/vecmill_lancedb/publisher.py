"""The publisher, as a job names it. LanceDB is imported when there is work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vecmill import Options, Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vecmill import Manifest
    from vecmill_lancedb.table import Table


class LanceDBPublisher(Publisher["LanceDBPublisher.Config"]):
    """Publishes a dataset as a LanceDB table whose readers see the old rows or the new ones, and nothing between."""

    name = "lancedb"

    class Config(Options):
        """Where the table is, and what becomes of its versions.

        Attributes:
            uri: The database: a folder (``~`` is the home folder), or ``s3://…``, ``gs://…``, ``az://…``.
            table: The table's name.
            index_rows: A table of so many rows gets a vector index; a smaller one is searched exactly, and fast enough.
            keep_days: How long earlier versions of the table can be read.
            force: Replace a table that vecmill did not write.
        """

        uri: str = Field(min_length=1)
        table: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
        index_rows: int = Field(100_000, ge=256)
        keep_days: int = Field(7, ge=1)
        force: bool = False

    def check(self) -> None:
        """Find out whether the database can be written, and whether the table is free or was written by vecmill.

        Raises:
            PublishError: It is not.
        """
        self._table.check(force=self.config.force)

    def preview(self, dataset: Path, manifest: Manifest) -> Iterator[str]:
        """Yield what would be written."""
        if not self._table.holds(manifest):
            rows = sum(shard.rows for shard in manifest.shards)
            yield f"write {rows:,} rows of {dataset} to {self._table.address}"

    def publish(self, dataset: Path, manifest: Manifest) -> str:
        """Write the rows, make the index, and return the table's address.

        The rows become the table in one commit, so a publication that was interrupted starts over, and one that was
        finished writes nothing.

        Raises:
            PublishError: Somebody else's rows are there, or a file of the dataset is damaged, or the table could not
                be written; its readers see what they saw before.
        """
        table = self._table
        table.check(force=self.config.force)
        if not table.holds(manifest):
            table.replace(dataset, manifest, self.report)
        table.tend(self.config.index_rows, self.config.keep_days)
        return table.address

    @property
    def _table(self) -> Table:
        from vecmill_lancedb.table import Table

        return Table(self.config.uri, self.config.table)
